/* SPDX-License-Identifier: MIT */
/* The processes that a rule of a client of --control is for. A rule of the command line is for them all. */
#ifndef MINDERBINDER_CALLER_H
#define MINDERBINDER_CALLER_H

#include "process.h"
#include "../shared/wire.h"

struct caller {
	u32 scope; /* enum caller_scope */
	u32 place; /* the client's, in the sets of processes that descend from one */
	pid_t pid; /* the client's process */
	pid_t tid; /* CALLER_THREAD */
	u64 after; /* CALLER_CHILDREN: the newest process that is older than the rule, by `serial` */
	u64 image; /* CALLER_EXEC: the program that the client ran when the rule was added */
	u64 began_ns; /* CALLER_EXEC: when that was, CLOCK_BOOTTIME */
	u32 flags; /* enum caller_flags */
	u64 seed;
};

static inline int caller_covers(const struct caller *caller, const struct process *process, pid_t tid)
{
	if (caller->scope == CALLER_ANY)
		return 1;
	if (!process || !process_is_under(process, caller->place))
		return 0;
	switch (caller->scope) {
	case CALLER_TREE:
		return 1;
	case CALLER_PROCESS:
		return process->pid == caller->pid;
	case CALLER_CHILDREN:
		return process->pid != caller->pid && process->serial > caller->after;
	case CALLER_EXEC:
		return process->image != caller->image;
	case CALLER_THREAD:
		return process->pid == caller->pid && tid == caller->tid;
	default:
		return 0;
	}
}

#endif
