/* SPDX-License-Identifier: MIT */
/* What the launcher found at its start and the child must find too, although node and we change it. */
#ifndef MINDERBINDER_INHERITED_H
#define MINDERBINDER_INHERITED_H

#include "types.h"

#include <signal.h>
#include <sys/resource.h>

#define SIGNALS_MAX 64

struct inherited {
	int argc;
	char **argv; /* the user's arguments: argv[0] is `exec` */
	sigset_t mask;
	u64 ignored; /* bit s-1: signal s was ignored */
	struct rlimit limits[RLIM_NLIMITS];
};

/* Fills in mask, ignored and limits. 0, or -1 with errno. */
int inherited_record(struct inherited *inherited);

/*
 * Lifts the limits that node and the supervisor could meet: the caller set them for COMMAND. Soft limits become the
 * hard ones, and hard ones that are too low for node go away if we may (CAP_SYS_RESOURCE). 0, or -1 with errno.
 */
int inherited_lift_limits(const struct inherited *inherited);

/* After that: the limit that still keeps node from starting, for a message; NULL: none. Node crashes or hangs at them. */
const char *inherited_limit_too_low(void);

/* After that: may this user have so few processes that node's threads, about ten, could be too many? */
int inherited_has_few_processes(void);

/* Puts dispositions and limits back, in the child before it execs; the mask is the caller's to set, last. */
int inherited_restore(const struct inherited *inherited);

/*
 * Lets go of what the caller handed down and only the child needs: /dev/null takes the place of first..last
 * (of 0..2), descriptors from 3 up are closed unless they are close-on-exec, as all of ours are. Copies of
 * ours would keep pipes open that the child closes. 0, or -1 with errno.
 */
int inherited_close(int first, int last);

static inline int inherited_ignores(const struct inherited *inherited, int signal)
{
	return signal >= 1 && signal <= SIGNALS_MAX && (inherited->ignored >> (signal - 1) & 1);
}

#endif
