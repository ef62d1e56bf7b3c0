/* SPDX-License-Identifier: MIT */
/*
 * What is kept per process of the tree, for the two keys that need it: after= (when did it start?) and
 * scope=process (its own counters). Touched by the notification thread only.
 */
#ifndef MINDERBINDER_PROCESSES_H
#define MINDERBINDER_PROCESSES_H

#include "types.h"

#include <sys/types.h>

struct process {
	pid_t pid; /* 0: free */
	u64 birth; /* /proc/PID/stat starttime: tells a reused pid */
	u64 start_ns; /* CLOCK_BOOTTIME of its newest exec, or of its fork */
	u64 exec_image; /* what the image looked like when exec was called; 0: no exec is pending */
	u64 exec_ns;
	struct rule_counts counts[]; /* one for each rule of the plan */
};

/* For plans of rule_count rules. 0, or -1 with errno. */
int processes_init(u32 rule_count);

/* The process of thread tid, made where it is new; NULL where it is gone or memory is short. */
struct process *process_of(pid_t tid);

/* Thread tid is about to exec at now_ns: its process starts anew if that succeeds. */
void process_execs(struct process *process, pid_t tid, u64 now_ns);

/* Nanoseconds since the process started. */
u64 process_age(struct process *process, pid_t tid, u64 now_ns);

#endif
