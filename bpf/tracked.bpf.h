/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What is known of the processes under rules: since when each runs, what it counts, whether it is spared. */
#ifndef MINDERBINDER_TRACKED_BPF_H
#define MINDERBINDER_TRACKED_BPF_H

#include "call.bpf.h"
#include "loader.h"

/* Indices of the rules of scope=process: what an exit has to forget. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} process_rules SEC(".maps");

/*
 * A process of the tree that has exec'd. Others were forked, and run what their parent ran; in here are those of them
 * that are spared.
 */
struct process {
	u64 birth;   /* of its leader: tells a process id that was used again */
	u64 exec_ns; /* CLOCK_BOOTTIME */
	u64 stack;   /* start_stack */
	struct image image;
	u32 loading; /* in ld.so, as far as is known */
	u32 spared;  /* it gained privileges by an exec, or comes from one that did and holds them still */
};

/* By thread group id. PROCESSES_MAX of src/targets/limits.ts. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct process);
} processes SEC(".maps");

/*
 * Threads that are known to be past their loader and not spared, by the low bits of their ids: a look in here costs a
 * tenth of one in `processes`. Ids that share a place push each other out. An exec takes its thread out, and a fork
 * of one that is spared takes out who had the new id before.
 */
#define SETTLED_MAX 4096

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SETTLED_MAX);
	__type(key, u32);
	__type(value, u32);
} settled SEC(".maps");

struct process_rule {
	u64 birth;
	u32 process;
	u32 rule;
};

/* What scope=process counts in. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct process_rule);
	__type(value, struct rule_counts);
} process_counts SEC(".maps");

static __always_inline u64 birth_of(struct task_struct *task)
{
	return BPF_CORE_READ(task, group_leader, start_boottime);
}

/* As struct process says it. */
static __always_inline void remember(u32 tgid, const struct process *process)
{
	if (!bpf_map_update_elem(&processes, &tgid, process, BPF_ANY))
		return;
	if (!process->spared) {
		LOSE(untracked);
		return;
	}
	LOSE(forgotten);
	session.spared = SPARED_ALL;
	session.armed = ~0ull; /* no cgroup's */
}

static __always_inline struct rule_counts *counts_of_process(const struct call *call, u32 rule)
{
	struct process_rule key = { call->birth, call->tgid, rule };
	const struct rule_counts none = {};
	struct rule_counts *found = bpf_map_lookup_elem(&process_counts, &key);

	if (found)
		return found;
	bpf_map_update_elem(&process_counts, &key, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&process_counts, &key);
}

static __always_inline u32 *place_among_settled(u32 tid)
{
	u32 key = tid % SETTLED_MAX;

	return bpf_map_lookup_elem(&settled, &key);
}

#endif
