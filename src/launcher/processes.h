/* SPDX-License-Identifier: MIT */
/*
 * What is kept per process of the tree, for the keys that need it: after= (when did it start?), scope=process (its
 * own counters) and targets (what is it a target of?). Touched by the notification thread only.
 */
#ifndef MINDERBINDER_PROCESSES_H
#define MINDERBINDER_PROCESSES_H

#include "types.h"

#include <sys/types.h>

struct process {
	pid_t pid; /* 0: free */
	u64 birth; /* /proc/PID/stat starttime: tells a reused pid */
	u64 start_ns; /* CLOCK_BOOTTIME of its newest exec, or of its fork */
	u64 image;      /* image_of() after that; where rules have targets */
	u64 exec_image; /* what the image was when exec was called; 0: no exec is pending */
	u64 exec_ns;
	pid_t exec_tid; /* the thread that called it */
	u64 *own;  /* where rules have targets: those that it is a target of (lineage.h) */
	u64 *kept; /* and those of them that another exec leaves as they are */
	struct rule_counts counts[]; /* one for each rule of the plan */
};

/* For plans of rule_count rules, with targets or without. 0, or -1 with errno. */
int processes_init(u32 rule_count, int with_targets);

/* The process of thread tid, made where it is new; NULL where it is gone or memory is short. */
struct process *process_of(pid_t tid);

/* The process pid where process_of() has met it, else NULL. */
struct process *process_known(pid_t pid);

/* Thread tid is about to exec at now_ns: its process starts anew if that succeeds. */
void process_execs(struct process *process, pid_t tid, u64 now_ns);

/* Has an exec that was pending succeeded? Called at a call of thread tid; 0: at none. */
void process_settle(struct process *process, pid_t tid);

/* Nanoseconds since the settled process started. */
u64 process_age(const struct process *process, u64 now_ns);

/* For each process that lives. */
void processes_living(void (*visit)(const struct process *process));

#endif
