/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What targets may be told by (their names, users and cgroups), and the comparison of a process that has just exec'd with
 * it. src/targets/match.ts makes the same one: keep the two in step.
 */
#ifndef MINDERBINDER_MATCH_BPF_H
#define MINDERBINDER_MATCH_BPF_H

#include "glob.h"
#include "process.bpf.h"
#include "task.bpf.h"

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

static __always_inline struct scratch *scratch_of(u32 program)
{
	return bpf_map_lookup_elem(&scratch, &program);
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

#endif
