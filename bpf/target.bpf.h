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
	struct rule_set inherited; /* of these, what it has from its parent: an exec changes none of it */
};

/* By thread group id, as the first pid namespace has it. Only processes that are a target of something. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct target_process);
} targets SEC(".maps");

/*
 * Whose rules are in force on the machine: the number of one set of them, 0: nobody's. One map for all sets that take
 * turns, so that one store ends the old set and begins the new one, in every program at once: no packet and no call
 * is decided by both, and none by neither, but for what is on its way from the one's program to the other's.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} turn SEC(".maps");

static __always_inline int is_turn_of(u32 set)
{
	u32 zero = 0, *now = bpf_map_lookup_elem(&turn, &zero);

	return now && *now == set;
}

#endif
