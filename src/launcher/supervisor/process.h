/* SPDX-License-Identifier: MIT */
/* A process of the tree, for the code that keeps it (processes.h) and the code that finds its rules (lineage.h). */
#ifndef MINDERBINDER_PROCESS_H
#define MINDERBINDER_PROCESS_H

#include "../shared/types.h"
#include "../shared/wire.h"

#include <sys/types.h>

struct process {
	pid_t pid;
	int pidfd; /* tells whether it is still this one that has the pid; -1: not to be had */
	u32 users; /* threads that hold it; not freed meanwhile */
	int retired; /* no longer in the table */
	u64 birth; /* /proc/PID/stat starttime: tells a reused pid */
	u64 start_ns; /* CLOCK_BOOTTIME of its newest exec, or of its fork */
	u64 image;      /* image_of() after that; where rules have targets */
	u64 exec_image; /* what the image was when exec was called; 0: no exec is pending */
	u64 exec_ns;
	pid_t exec_tid; /* the thread that called it */
	int spared; /* privilege.h */
	u64 serial; /* no two have the same; those that were met later have greater ones */
	u64 under[CLIENTS_MAX / 64]; /* places of the clients that it is or descends from */
	u64 *own;  /* where rules have targets: those that it is a target of (lineage.h) */
	u64 *kept; /* and those of them that another exec leaves as they are */
	struct rule_counts counts[]; /* by the rules' rows */
};

/* Is it a target of this rule? Where rules have targets. */
static inline int is_target_of(const struct process *process, u32 row)
{
	return (int)(process->own[row / 64] >> (row % 64) & 1);
}

static inline int process_is_under(const struct process *process, u32 place)
{
	return (int)(process->under[place / 64] >> (place % 64) & 1);
}

#endif
