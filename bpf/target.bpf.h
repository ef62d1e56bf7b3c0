/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Who is a target of which rules: kept by bpf/process.bpf.c at fork, exec and exit, read by the programs that do
 * something about it. The map is one for all objects (bpf_map__reuse_fd()).
 */
#ifndef MINDERBINDER_TARGET_BPF_H
#define MINDERBINDER_TARGET_BPF_H

/* A tick of /proc/PID/stat's starttime, in nanoseconds: USER_HZ is 100 on every architecture that we know. */
#define TICK_NS 10000000ull

struct target_process {
	u64 birth;   /* of its leader, since boot, in ticks: tells a process id that was used again */
	u64 exec_ns; /* CLOCK_BOOTTIME of its exec, or of the fork */
	struct rule_set rules;
	/*
	 * Of these, what it has from its parent: an exec changes none of it. Rules in here alone are for those that it
	 * starts, and not for itself.
	 */
	struct rule_set inherited;
};

/*
 * A set of rules, and the one that is to take its place: each has a side of its own in the maps, so that the next set
 * is ready, its targets included, before one store puts it in force (`turn`). A command's rules stay on side 0.
 */
#define SIDES 2u

/* In a key of `targets`; process ids end far below it (PID_MAX_LIMIT, include/linux/threads.h). */
#define SIDE_SHIFT 31

/* By thread group id, as the first pid namespace has it, and side. Only processes that are a target of something. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct target_process);
} targets SEC(".maps");

static __always_inline struct target_process *target_of(u32 tgid, u32 side)
{
	u32 key = tgid | side << SIDE_SHIFT;

	return bpf_map_lookup_elem(&targets, &key);
}

/*
 * Which rules are in force on the machine: the number of their table, times two, and the side that they have there;
 * 0: none. One map for all tables that take turns, so that one store ends the old set and begins the new one, in every
 * program at once: no packet and no call is decided by both, and none by neither, but for what is on its way from one
 * table's program to the other's.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} turn SEC(".maps");

static __always_inline u32 turn_now(void)
{
	u32 zero = 0, *now = bpf_map_lookup_elem(&turn, &zero);

	return now ? *now : 0;
}

static __always_inline u32 side_in_force(void)
{
	return turn_now() % SIDES;
}

#endif
