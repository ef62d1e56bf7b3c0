/* SPDX-License-Identifier: MIT */
/*
 * The threads that receive notifications, one at a time.
 *
 * Until a call has been received, any signal interrupts it; from then on only a deadly one does (Linux 5.19, commit
 * c2aa2dfef243). So a thread always has to wait in SECCOMP_IOCTL_NOTIF_RECV. Two would be in each other's way: every call
 * wakes both. So one receives, and itself decides what takes no longer than waking another; before anything slower,
 * another takes over.
 */
#ifndef MINDERBINDER_RECEIVERS_H
#define MINDERBINDER_RECEIVERS_H

#include "../shared/types.h"

#include <linux/seccomp.h>

/* Ids are consecutive (kernel/seccomp.c, seccomp_next_notify_id()). */
struct receiving {
	u64 first, newest;
	int has_begun; /* else there are none */
};

struct receiver {
	struct seccomp_notif *request;
	struct seccomp_notif_resp *response; /* zeroed but for its id */
	int leads;   /* it is the one that receives next; never: another way brings its calls (trace.c) */
	u32 section; /* receiver_may_wait(): which one */
	int first;    /* it runs before what has no real-time priority, but for tight loops */
	u32 caller;   /* thread id of the call before */
	u32 in_a_row; /* calls of a tight loop of that one */
	s64 answered; /* when, CLOCK_MONOTONIC in ns */
};

/*
 * Starts the threads: `handle` is called for each call that `listener` notifies of, by several at the same time.
 * `may_wait`: some will use receiver_may_wait(). 0, or -1 with errno.
 */
int receivers_start(int listener, void (*handle)(struct receiver *), int may_wait);

/* Those that were received, as another process may see them: `receiving` is shared memory (keeper.h). Before the start. */
void receivers_show(struct receiving *receiving);

/* What this one does now takes longer: another receives. Costs nothing the second time. */
void receiver_pass_on(struct receiver *receiver);

/*
 * What this one does now is over soon, nearly always: another receives only if it is not. Between the two it may call
 * receiver_pass_on().
 */
void receiver_may_wait(struct receiver *receiver);
void receiver_waited(struct receiver *receiver);

/* Calls that a signal interrupted before they were received: those of threads that were killed, too. */
u64 receivers_interrupted(void);

#endif
