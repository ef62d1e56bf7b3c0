// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who is a target: followed from exec to exit, by what a process is called and whose it is. What the others
 * (network.bpf.c, syscall.bpf.c, stats.bpf.c) do about it, they look up in `targets`.
 *
 * A process is matched when it execs, whole (match.bpf.h): nothing that it does later is looked at. What runs already
 * when this is attached is found by src/targets/, by the same comparison.
 *
 * Needs Linux 6.1, as network.bpf.c does. src/targets/target-table.ts writes `settings` before it loads this,
 * `session` and `sides` after.
 */
#include "types.bpf.h"
#include "rule.h"
#include "rule-set.h"
#include "task.bpf.h"
#include "self.bpf.h"
#include "target.bpf.h"
#include "process.bpf.h"
#include "match.bpf.h"

/*
 * How often processes have come to be, exec'd and ended, by the low bits of their ids: tells src/targets/running.ts
 * which of those that it knows are no longer what they were. Counted before anything else is done about it.
 */
#define CHANGES_MAX 65536u

struct changes {
	u32 of[CHANGES_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct changes);
} changes SEC(".maps");

static __always_inline void count_change(u32 tgid)
{
	u32 zero = 0;
	struct changes *all = bpf_map_lookup_elem(&changes, &zero);

	if (all)
		__sync_fetch_and_add(&all->of[tgid & (CHANGES_MAX - 1)], 1);
}

static __always_inline u64 birth_of(struct task_struct *task)
{
	return BPF_CORE_READ(task, group_leader, start_boottime) / TICK_NS;
}

static __always_inline int is_spared(u32 tgid)
{
	return tgid == 1 || tgid == settings.own ||
	       (settings.tree && bpf_get_current_ancestor_cgroup_id((int)session.level) != session.cgroup);
}

/* Puts it into the table, as started now. */
static __always_inline void keep(u32 tgid, u32 at, struct side *side, struct task_struct *task, struct scratch *s)
{
	u32 key = tgid | at << SIDE_SHIFT;

	s->process.birth = birth_of(task);
	s->process.exec_ns = bpf_ktime_get_boot_ns();
	rule_set_add_all(&s->process.rules, &side->everyone);
	if (bpf_map_update_elem(&targets, &key, &s->process, BPF_ANY))
		__sync_fetch_and_add(&side->untracked, 1);
}

static __always_inline void forget(u32 tgid, u32 at)
{
	u32 key = tgid | at << SIDE_SHIFT;

	bpf_map_delete_elem(&targets, &key);
}

/* Rules that are for children alone stay so. Not inlined: the stack would have no room for the words of the sets. */
static __noinline int leave_to_children(struct scratch *s, struct target_process *before)
{
	if (before)
		rule_set_keep(&s->process.rules, &s->process.inherited, &before->rules);
	return 0;
}

/* Not inlined: a command has one side only. */
static __noinline int exec_on(u32 at, struct task_struct *task, struct linux_binprm *program)
{
	u32 tgid = (u32)(bpf_get_current_pid_tgid() >> 32);
	struct scratch *s = scratch_of(SCRATCH_EXEC);
	struct side *side = bpf_map_lookup_elem(&sides, &at);
	struct target_process *before;

	if (!s || !side || !side->active)
		return 0;
	s->side = at;
	__builtin_memset(&s->process.inherited, 0, sizeof(s->process.inherited));
	before = target_of(tgid, at);
	if (before)
		__builtin_memcpy(&s->process.inherited, &before->inherited, sizeof(before->inherited));
	__builtin_memcpy(&s->process.rules, &s->process.inherited, sizeof(s->process.rules));
	leave_to_children(s, before);
	match_names(s, task, program);
	if (side->uids)
		match_number(s, TARGET_UID, (u32)bpf_get_current_uid_gid());
	if (side->cgroups)
		bpf_loop(LEVEL_MAX, match_cgroup, 0, 0);
	if ((s->process.rules.words | s->process.inherited.words) && settings.spares &&
	    gained_privileges(task, program)) {
		__sync_fetch_and_add(&side->spared, 1);
		s->process.rules.words = 0;
		s->process.inherited.words = 0;
	}
	if (!(s->process.rules.words | s->process.inherited.words)) {
		if (before)
			forget(tgid, at);
		return 0;
	}
	keep(tgid, at, side, task, s);
	return 0;
}

SEC("raw_tp")
int mb_target_exec(u64 *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx[0];
	struct linux_binprm *program = (struct linux_binprm *)ctx[2];

	count_change((u32)(bpf_get_current_pid_tgid() >> 32));
	if (is_spared((u32)(bpf_get_current_pid_tgid() >> 32)))
		return 0;
	exec_on(0, task, program);
	if (!settings.tree)
		exec_on(1, task, program);
	return 0;
}

static __noinline int fork_on(u32 at, u32 parent, struct task_struct *child)
{
	struct target_process *of_parent = target_of(parent, at);
	struct side *side = bpf_map_lookup_elem(&sides, &at);
	struct scratch *s = scratch_of(SCRATCH_FORK);

	if (!of_parent || !s || !side || !side->active)
		return 0;
	__builtin_memcpy(&s->process.rules, &of_parent->rules, sizeof(s->process.rules));
	rule_set_add_all(&s->process.rules, &of_parent->inherited);
	rule_set_keep(&s->process.inherited, &s->process.rules, &side->inherited);
	__builtin_memcpy(&s->process.rules, &s->process.inherited, sizeof(s->process.rules));
	if (s->process.rules.words)
		keep((u32)BPF_CORE_READ(child, tgid), at, side, child, s);
	return 0;
}

SEC("raw_tp")
int mb_target_fork(u64 *ctx)
{
	u32 parent = (u32)(bpf_get_current_pid_tgid() >> 32);
	struct task_struct *child = (struct task_struct *)ctx[1];
	u32 tgid = (u32)BPF_CORE_READ(child, tgid);

	if (tgid == parent) /* a thread */
		return 0;
	count_change(tgid);
	fork_on(0, parent, child);
	if (!settings.tree)
		fork_on(1, parent, child);
	return 0;
}

SEC("raw_tp")
int mb_target_exit(u64 *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx[0];
	u32 tgid = (u32)(bpf_get_current_pid_tgid() >> 32);

	/* do_exit() has counted this thread already. */
	if (BPF_CORE_READ(task, signal, live.counter) > 0)
		return 0;
	count_change(tgid);
	forget(tgid, 0);
	if (!settings.tree)
		forget(tgid, 1);
	return 0;
}

/* Run once by BPF_PROG_TEST_RUN, never attached: how deep is session.cgroup, our own? LEVEL_MAX: not found. */
SEC("raw_tp")
int mb_target_self(u64 *ctx)
{
	(void)ctx;
	return (int)level_of(session.cgroup);
}

char LICENSE[] SEC("license") = "GPL";
