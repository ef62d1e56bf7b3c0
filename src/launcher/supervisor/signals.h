/* SPDX-License-Identifier: MIT */
/* Brings a signal to a thread that waits at a call. */
#ifndef MINDERBINDER_SIGNALS_H
#define MINDERBINDER_SIGNALS_H

#include "../shared/types.h"

#include <linux/seccomp.h>

/* What happens to the call. */
enum call_end {
	CALL_RUNS,     /* the signal is ignored, or blocked and pending; or it could not be sent */
	CALL_RESTARTS, /* answered by RESTART: the signal is dealt with first; then the kernel makes the call again */
	CALL_IS_OVER,  /* its thread dies, and needs no answer */
};

/* -ERESTARTNOINTR of the kernel's include/linux/errno.h: user space never sees it while a signal is pending. */
#define RESTART (-513)

/* The call waits for an answer, and will get one: the signal is dealt with when it returns. */
void signal_answered(int listener, const struct seccomp_notif *call, int signal, int *sent);

/* 0 in *sent: the kernel did not take the signal (a full queue, no permission). */
enum call_end signal_caller(int listener, const struct seccomp_notif *call, int signal, int *sent);

#endif
