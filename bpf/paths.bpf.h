/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The path arguments of a call, and whether a rule is for them. */
#ifndef MINDERBINDER_PATHS_BPF_H
#define MINDERBINDER_PATHS_BPF_H

#include "call.bpf.h"
#include "glob.h"
#include "rules.bpf.h"

/*
 * The path arguments of a call under decision. fmod_ret programs can be preempted (CONFIG_PREEMPTION), and
 * another call's program can then run on the same CPU: so several, each with an owner.
 */
struct paths {
	u32 owned;
	u32 read;   /* bit i: text[i] was read */
	u32 unread; /* bit i: it could not be */
	u32 padding;
	char text[2][GLOB_TEXT_MAX];
	/*
	 * Here and not on the stack: what lies in a map the verifier knows nothing of, so that one step looks
	 * like any other to it. On the stack it would follow every way through a pattern.
	 */
	struct glob glob;
};

#define PATHS_MAX 4

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PATHS_MAX);
	__type(key, u32);
	__type(value, struct paths);
} scratch SEC(".maps");

struct matching {
	u32 paths; /* index into scratch */
	u32 which; /* of its texts */
	u32 rule;
	u32 padding;
};

static long match_step(u32 i, void *context)
{
	struct matching *matching = context;
	struct paths *paths = bpf_map_lookup_elem(&scratch, &matching->paths);
	struct rule *rule = bpf_map_lookup_elem(&rules, &matching->rule);

	(void)i;
	if (!paths || !rule)
		return 1;
	return glob_step(&paths->glob, rule->path, paths->text[matching->which & 1]);
}

enum compared { PATH_DIFFERS, PATH_MATCHES, PATH_UNREAD };

/* PATH_UNREAD: none of those that could be read matches. */
__noinline int compare_paths(u32 place, u32 rule)
{
	struct paths *paths = bpf_map_lookup_elem(&scratch, &place);
	struct matching matching = { place, 0, rule, 0 };

	if (!paths)
		return PATH_UNREAD;
	for (u32 which = 0; which < 2; which++) {
		if (!(paths->read >> which & 1))
			continue;
		__builtin_memset(&paths->glob, 0, sizeof(paths->glob));
		paths->glob.star = GLOB_NO_STAR;
		matching.which = which;
		bpf_loop(GLOB_STEPS_MAX, match_step, &matching, 0);
		if (paths->glob.matches)
			return PATH_MATCHES;
	}
	return paths->unread ? PATH_UNREAD : PATH_DIFFERS;
}

/* Reads the path arguments, two at most: no call has more. Returns where they are. */
__noinline u32 read_paths(const struct call *call)
{
	struct paths *paths = 0;
	u32 place, which = 0;

	if (!call)
		return PATHS_MAX;
	for (place = 0; place < PATHS_MAX; place++) {
		u32 key = place;

		paths = bpf_map_lookup_elem(&scratch, &key);
		if (paths && !__sync_val_compare_and_swap(&paths->owned, 0, 1))
			break;
		paths = 0;
	}
	if (!paths)
		return PATHS_MAX;
	paths->read = 0;
	paths->unread = 0;
	for (u32 i = 0; i < ARGUMENTS_MAX; i++) {
		if (!has_argument(call->shape.paths, i) || which > 1)
			continue;
		if (call->args[i] && bpf_probe_read_user_str(paths->text[which & 1], GLOB_TEXT_MAX,
							     (void *)call->args[i]) > 0)
			paths->read |= 1 << which;
		else if (call->args[i])
			paths->unread |= 1 << which;
		which++;
	}
	return place;
}

static __always_inline void give_paths_back(u32 place)
{
	struct paths *paths = bpf_map_lookup_elem(&scratch, &place);

	if (paths)
		__sync_lock_test_and_set(&paths->owned, 0);
}

#endif
