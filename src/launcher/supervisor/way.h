/* SPDX-License-Identifier: MIT */
/*
 * How calls come to the supervisor, and how what was decided comes back to them: by seccomp's notifications (notify.h), or
 * by ptrace (trace.h). Either way faults_decide() decides.
 */
#ifndef MINDERBINDER_WAY_H
#define MINDERBINDER_WAY_H

#include "faults.h"
#include "../stage/stage.h"

#include <signal.h>

struct way {
	u32 action;    /* SECCOMP_RET_*: what the filter does with a named call */
	u32 start_step; /* enum stage_step: what failed if start() did */
	/* The calls that it has to see in addition to those that the rules need. */
	void (*add_calls)(struct call_set *calls);
	/* From here on the calls of the staged child come, and those of all that it starts. 0, or -1 with errno. */
	int (*start)(const struct staged *staged, struct faults *faults);
	/* A descriptor, readable when attend() has to be called again. */
	int (*wakeup)(void);
	/* What the thread that polls has to do. Returns the nanoseconds until it has to be called again, or -1: never. */
	s64 (*attend)(void);
	/* The faults are lifted: no delay lasts any longer. */
	void (*lifted)(void);
	/*
	 * NULL: waiting for children is the supervisor's business. Else this way waits for them all, and says what the staged
	 * child has done since, as waitid(2) would: 1; or 0, nothing more.
	 */
	int (*next_change)(siginfo_t *info);
};

#endif
