// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who is a target: followed from exec to exit, by what a process is called and whose it is. What the others
 * (network.bpf.c, syscall.bpf.c, stats.bpf.c) do about it, they look up in `targets`.
 *
 * A process is matched when it execs, whole: nothing that it does later is looked at. What runs already when
 * this is attached is found by src/targets/, by the same comparison in src/targets/match.ts: keep the two in step.
 *
 * Needs Linux 6.1, as network.bpf.c does. src/targets/target-table.ts writes `settings` before it loads this,
 * `session` and `sides` after.
 */
#include "types.bpf.h"
#include "rule.h"
#include "rule-set.h"
#include "glob.h"
#include "task.bpf.h"
#include "self.bpf.h"
#include "target.bpf.h"

struct name {
	u64 side;
	char text[TARGET_NAME_MAX]; /* zero-padded */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct name);
	__type(value, struct rule_set);
} names SEC(".maps");

struct glob_target {
	char pattern[GLOB_PATTERN_MAX];
	/* What the first bytes of a name have to be, those that `mask` has: most patterns need no closer look. */
	u64 start;
	u64 mask;
	struct rule_set rules;
};

/* Of side 0; those of side 1 begin at settings.globs. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct glob_target);
} globs SEC(".maps");

/* TARGET_UID and TARGET_CGROUP. */
struct number {
	u32 kind;
	u32 side;
	u64 value;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct number);
	__type(value, struct rule_set);
} numbers SEC(".maps");

/* Too large for the stack. By the program that uses it: another one may interrupt it on the same CPU. */
struct scratch {
	struct target_process process;
	struct glob glob;
	u32 slash;  /* where in `path` its last component begins */
	u32 length; /* of `path`, with the NUL */
	char path[GLOB_TEXT_MAX];
	/* As struct name begins: a key of `names`. */
	u64 side;
	char name[GLOB_TEXT_MAX]; /* zero behind the NUL up to TARGET_NAME_MAX */
};

enum { SCRATCH_EXEC, SCRATCH_FORK, SCRATCHES };

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SCRATCHES);
	__type(key, u32);
	__type(value, struct scratch);
} scratch SEC(".maps");

volatile const struct {
	u32 own;    /* our own thread group id, in the first pid namespace: never a target; 0: none is spared */
	u32 tree;   /* only processes below session.cgroup, and side 0 only */
	u32 spares; /* programs that gain privileges are no targets, and pass nothing on */
	u32 globs;  /* how many a side has room for */
} settings;

struct session {
	u64 cgroup; /* id of the command's cgroup */
	u32 level;  /* depth of it below the real root of the hierarchy */
	u32 padding;
};

struct session session;

/* A set of rules. */
struct side {
	u32 active;  /* processes are followed for it */
	u32 globs;   /* how many there are */
	u32 uids;    /* some target is a TARGET_UID */
	u32 cgroups; /* some target is a TARGET_CGROUP */
	u64 untracked; /* processes that a full map had no room for */
	u64 spared;    /* programs that gained privileges, and would have been targets */
	struct rule_set inherited; /* rules that a target's children are under, too */
	struct rule_set everyone;  /* rules without targets */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SIDES);
	__type(key, u32);
	__type(value, struct side);
} sides SEC(".maps");

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

static __always_inline struct scratch *scratch_of(u32 program)
{
	return bpf_map_lookup_elem(&scratch, &program);
}

static __always_inline u64 birth_of(struct task_struct *task)
{
	return BPF_CORE_READ(task, group_leader, start_boottime) / TICK_NS;
}

static long find_slash(u32 i, void *context)
{
	struct scratch *s = scratch_of(SCRATCH_EXEC);

	(void)context;
	if (!s || i >= s->length)
		return 1;
	if (s->path[i & (GLOB_TEXT_MAX - 1)] == '/')
		s->slash = i + 1;
	return 0;
}

static long glob_name(u32 i, void *context)
{
	u32 at = *(u32 *)context;
	struct scratch *s = scratch_of(SCRATCH_EXEC);
	struct glob_target *target = bpf_map_lookup_elem(&globs, &at);

	(void)i;
	if (!s || !target)
		return 1;
	return glob_step(&s->glob, target->pattern, s->name);
}

__noinline int match_glob(u32 at)
{
	struct scratch *s = scratch_of(SCRATCH_EXEC);
	struct glob_target *target;

	if (!s)
		return 0;
	__builtin_memset(&s->glob, 0, sizeof(s->glob));
	s->glob.star = GLOB_NO_STAR;
	bpf_loop(GLOB_STEPS_MAX, glob_name, &at, 0);
	target = bpf_map_lookup_elem(&globs, &at);
	if (target && s->glob.matches)
		rule_set_add_all(&s->process.rules, &target->rules);
	return 0;
}

static long try_glob(u32 i, void *context)
{
	struct scratch *s = scratch_of(SCRATCH_EXEC);
	struct glob_target *target;
	u64 start;
	u32 at;

	(void)context;
	if (!s)
		return 1;
	at = s->side ? settings.globs + i : i;
	target = bpf_map_lookup_elem(&globs, &at);
	if (!target)
		return 1;
	__builtin_memcpy(&start, s->name, sizeof(start));
	if ((start & target->mask) == target->start)
		match_glob(at);
	return 0;
}

/* Adds the rules that are for scratch.name. */
__noinline int match_name(void)
{
	struct scratch *s = scratch_of(SCRATCH_EXEC);
	struct rule_set *rules;
	struct side *side;
	u32 at;

	if (!s || !s->name[0])
		return 0;
	rules = bpf_map_lookup_elem(&names, &s->side);
	if (rules)
		rule_set_add_all(&s->process.rules, rules);
	at = (u32)s->side;
	side = bpf_map_lookup_elem(&sides, &at);
	if (side && side->globs)
		bpf_loop(side->globs, try_glob, 0, 0);
	return 0;
}

/* The same for the base name of scratch.path, of which length bytes were read. */
__noinline int match_base_name(int length)
{
	struct scratch *s = scratch_of(SCRATCH_EXEC);

	if (!s || length <= 1)
		return 0;
	s->length = (u32)length;
	s->slash = 0;
	bpf_loop(GLOB_TEXT_MAX, find_slash, 0, 0);
	__builtin_memset(s->name, 0, TARGET_NAME_MAX);
	if (bpf_probe_read_kernel_str(s->name, TARGET_NAME_MAX, s->path + (s->slash & (GLOB_TEXT_MAX - 1))) < 0)
		return 0;
	return match_name();
}

/* As two words: BPF has no memcmp() to call. */
union short_name {
	char text[COMM_MAX];
	u64 words[COMM_MAX / 8];
};

static __always_inline int is_same(const union short_name *a, const union short_name *b)
{
	return a->words[0] == b->words[0] && a->words[1] == b->words[1];
}

/* comm, then what may be called otherwise: a program is mostly all of them at once. */
static __always_inline void match_names(struct scratch *s, struct task_struct *task, struct linux_binprm *program)
{
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	union short_name comm = {}, other = {};
	long length, part;

	bpf_get_current_comm(comm.text, sizeof(comm));
	__builtin_memset(s->name, 0, TARGET_NAME_MAX);
	__builtin_memcpy(s->name, comm.text, sizeof(comm));
	match_name();
	/* The kernel cuts the base name of what was executed to make the comm (begin_new_exec()). */
	if (comm.text[COMM_MAX - 2]) {
		length = bpf_probe_read_kernel_str(s->path, sizeof(s->path), BPF_CORE_READ(program, filename));
		match_base_name((int)length);
	}
	if (!mm)
		return;
	bpf_probe_read_kernel_str(other.text, sizeof(other),
				  BPF_CORE_READ(mm, exe_file, f_path.dentry, d_name.name));
	if (!is_same(&comm, &other) || comm.text[COMM_MAX - 2]) {
		__builtin_memset(s->name, 0, TARGET_NAME_MAX);
		bpf_probe_read_kernel_str(s->name, TARGET_NAME_MAX,
					  BPF_CORE_READ(mm, exe_file, f_path.dentry, d_name.name));
		match_name();
	}
	/* In memory: the kernel has just copied it there. */
	length = bpf_probe_read_user_str(s->path, sizeof(s->path), (void *)BPF_CORE_READ(mm, arg_start));
	__builtin_memset(&other, 0, sizeof(other));
	part = bpf_probe_read_kernel_str(other.text, sizeof(other), s->path);
	if (length > 0 && (length != part || !is_same(&comm, &other)))
		match_base_name((int)length);
}

static __always_inline void match_number(struct scratch *s, u32 kind, u64 value)
{
	struct number number = { kind, (u32)s->side, value };
	struct rule_set *rules = bpf_map_lookup_elem(&numbers, &number);

	if (rules)
		rule_set_add_all(&s->process.rules, rules);
}

static long match_cgroup(u32 level, void *context)
{
	struct scratch *s = scratch_of(SCRATCH_EXEC);
	u64 id = bpf_get_current_ancestor_cgroup_id((int)level);

	(void)context;
	if (!s || !id)
		return 1;
	match_number(s, TARGET_CGROUP, id);
	return 0;
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
