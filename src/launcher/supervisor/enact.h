/* SPDX-License-Identifier: MIT */
/* Carries out the verdict on a traced call, step by step. Only the tracer calls this, unless noted. */
#ifndef MINDERBINDER_ENACT_H
#define MINDERBINDER_ENACT_H

#include "faults.h"

#include <linux/seccomp.h>

void enact_start(struct faults *faults);

/* The call at which its thread is stopped, with this stack pointer: the thread goes on, now or in its time. */
void enact(const struct seccomp_notif *call, u64 stack, struct verdict verdict);

/* A thread is stopped where its call returns. */
void enact_returns(pid_t tid);

/* Lets the calls go whose pause is over, or that a signal has come for; all of them if the faults are lifted. */
void enact_due(void);

/* Has the tracer look at once. From any thread. */
void enact_soon(void);

#endif
