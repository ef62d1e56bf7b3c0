// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who is a target: followed from exec to exit, by what a process is called and whose it is. What the others
 * (network.bpf.c, syscall.bpf.c, stats.bpf.c) do about it, they look up in `targets`.
 *
 * A process is matched when it execs, whole: nothing that it does later is looked at. What runs already when
 * this is attached is found by src/targets/, by the same comparison in src/targets/match.ts: keep the two in step.
 *
 * Needs Linux 6.1, as network.bpf.c does. src/targets/target-table.ts writes `settings` before it loads this,
 * `session` after.
 */
#include "types.bpf.h"
#include "rule.h"
#include "rule-set.h"
#include "glob.h"
#include "task.bpf.h"
#include "self.bpf.h"
#include "target.bpf.h"

/* By name, zero-padded. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, char[TARGET_NAME_MAX]);
	__type(value, struct rule_set);
} names SEC(".maps");

struct glob_target {
	char pattern[GLOB_PATTERN_MAX];
	/* What the first bytes of a name have to be, those that `mask` has: most patterns need no closer look. */
	u64 start;
	u64 mask;
	struct rule_set rules;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct glob_target);
} globs SEC(".maps");

/* TARGET_UID and TARGET_CGROUP. */
struct number {
	u32 kind;
	u32 padding;
	u64 value;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
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
	char name[GLOB_TEXT_MAX]; /* zero behind the NUL up to TARGET_NAME_MAX: a key of `names` */
};

enum { SCRATCH_EXEC, SCRATCH_FORK, SCRATCHES };

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SCRATCHES);
	__type(key, u32);
	__type(value, struct scratch);
} scratch SEC(".maps");

volatile const struct {
	u32 globs;   /* how many there are */
	u32 uids;    /* some target is a TARGET_UID */
	u32 cgroups; /* some target is a TARGET_CGROUP */
	u32 own;     /* our own thread group id, in the first pid namespace: never a target; 0: none is spared */
	u32 tree;    /* only processes below session.cgroup */
	u32 spares;  /* programs that gain privileges are no targets, and pass nothing on */
	struct rule_set inherited; /* rules that a target's children are under, too */
	struct rule_set everyone;  /* rules without targets */
} settings;

struct session {
	u64 cgroup; /* id of the command's cgroup */
	u32 level;  /* depth of it below the real root of the hierarchy */
	u32 padding;
	u64 untracked; /* processes that a full map had no room for */
	u64 spared;    /* programs that gained privileges, and would have been targets */
};

struct session session;

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
	struct glob_target *target = bpf_map_lookup_elem(&globs, &i);
	u64 start;

	(void)context;
	if (!s || !target)
		return 1;
	__builtin_memcpy(&start, s->name, sizeof(start));
	if ((start & target->mask) == target->start)
		match_glob(i);
	return 0;
}

/* Adds the rules that are for scratch.name. */
__noinline int match_name(void)
{
	struct scratch *s = scratch_of(SCRATCH_EXEC);
	struct rule_set *rules;

	if (!s || !s->name[0])
		return 0;
	rules = bpf_map_lookup_elem(&names, s->name);
	if (rules)
		rule_set_add_all(&s->process.rules, rules);
	if (settings.globs)
		bpf_loop(settings.globs, try_glob, 0, 0);
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
	struct number number = { kind, 0, value };
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
static __always_inline void keep(u32 tgid, struct task_struct *task, struct scratch *s)
{
	s->process.birth = birth_of(task);
	s->process.exec_ns = bpf_ktime_get_boot_ns();
	rule_set_add_all(&s->process.rules, (const struct rule_set *)&settings.everyone);
	if (bpf_map_update_elem(&targets, &tgid, &s->process, BPF_ANY))
		__sync_fetch_and_add(&session.untracked, 1);
}

SEC("raw_tp")
int mb_target_exec(u64 *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx[0];
	struct linux_binprm *program = (struct linux_binprm *)ctx[2];
	u32 tgid = (u32)(bpf_get_current_pid_tgid() >> 32);
	struct scratch *s = scratch_of(SCRATCH_EXEC);
	struct target_process *before;

	if (!s || is_spared(tgid))
		return 0;
	__builtin_memset(&s->process.inherited, 0, sizeof(s->process.inherited));
	before = bpf_map_lookup_elem(&targets, &tgid);
	if (before)
		__builtin_memcpy(&s->process.inherited, &before->inherited, sizeof(before->inherited));
	__builtin_memcpy(&s->process.rules, &s->process.inherited, sizeof(s->process.rules));
	match_names(s, task, program);
	if (settings.uids)
		match_number(s, TARGET_UID, (u32)bpf_get_current_uid_gid());
	if (settings.cgroups)
		bpf_loop(LEVEL_MAX, match_cgroup, 0, 0);
	if (s->process.rules.words && settings.spares && gained_privileges(task, program)) {
		__sync_fetch_and_add(&session.spared, 1);
		s->process.rules.words = 0;
	}
	if (!s->process.rules.words) {
		if (before)
			bpf_map_delete_elem(&targets, &tgid);
		return 0;
	}
	keep(tgid, task, s);
	return 0;
}

SEC("raw_tp")
int mb_target_fork(u64 *ctx)
{
	u32 parent = (u32)(bpf_get_current_pid_tgid() >> 32);
	struct task_struct *child = (struct task_struct *)ctx[1];
	u32 tgid = (u32)BPF_CORE_READ(child, tgid);
	struct target_process *of_parent;
	struct scratch *s = scratch_of(SCRATCH_FORK);

	if (!s || tgid == parent) /* a thread */
		return 0;
	of_parent = bpf_map_lookup_elem(&targets, &parent);
	if (!of_parent)
		return 0;
	rule_set_keep(&s->process.inherited, &of_parent->rules, (const struct rule_set *)&settings.inherited);
	__builtin_memcpy(&s->process.rules, &s->process.inherited, sizeof(s->process.rules));
	if (s->process.rules.words)
		keep(tgid, child, s);
	return 0;
}

SEC("raw_tp")
int mb_target_exit(u64 *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx[0];
	u32 tgid = (u32)(bpf_get_current_pid_tgid() >> 32);

	/* do_exit() has counted this thread already. */
	if (BPF_CORE_READ(task, signal, live.counter) == 0)
		bpf_map_delete_elem(&targets, &tgid);
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
