/* SPDX-License-Identifier: MIT */
/* Calls that wait for their time: a queue, earliest first. No thread waits with them. */
#ifndef MINDERBINDER_DELAYS_H
#define MINDERBINDER_DELAYS_H

#include "faults.h"
#include "verdict.h"

#include <linux/seccomp.h>

struct delayed {
	u64 due_ns; /* CLOCK_MONOTONIC */
	u64 id; /* 0: it no longer waits (delays_forget()) */
	int returns; /* it has run, or was answered for: nothing but its return is left */
	struct verdict rest; /* what is to be done then */
	u64 stack; /* of the thread at this call; 0: unknown */
	struct seccomp_notif call;
};

/* What an engine does with the calls that wait. */
struct delay_way {
	/* Looks whether a signal has come for one: 1 if it has, and the delay is over. The queue is locked meanwhile. */
	int (*interrupt)(const struct delayed *delayed);
	/* Does what is left to do with one whose time has come. */
	void (*go_on)(const struct delayed *delayed);
};

/*
 * Lets the calls go whose time has come, or all of them if the faults are lifted, and looks now and then for signals.
 * Returns when it has to be called again (CLOCK_MONOTONIC, ns), or 0 if no call waits.
 */
u64 delays_attend(const struct delay_way *way, const struct faults *faults);

/* What is left to do, for a call that a signal interrupts now and that is made again. */
struct verdict delays_rest(const struct delayed *delayed);

/*
 * What to make such a call return to the kernel, before it handles the signal (include/linux/errno.h): what the call itself
 * would return if it had begun to wait.
 */
enum { ERESTART_IF_ASKED = 512, ERESTART_ALWAYS = 513, ERESTART_UNLESS_HANDLED = 514 };
s32 delays_error(const struct call_shape *shape);

/* 0, or -1: no memory. */
int delays_add(struct delayed delayed);

int delays_are_none(void);

/* The call with this id no longer waits. It stays in the queue, with the id 0. */
void delays_forget(u64 id);

#endif
