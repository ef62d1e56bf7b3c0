/* SPDX-License-Identifier: MIT */
/*
 * Calls that were sent back so that their thread handles a signal first (signals.h). The kernel makes each of them again.
 * It has been decided already, so this keeps what is left to do. All of it is called under the lock `deciding`.
 */
#ifndef MINDERBINDER_RESTARTS_H
#define MINDERBINDER_RESTARTS_H

#include "verdict.h"

#include <linux/seccomp.h>
#include <sys/types.h>

/* `stack`: the stack pointer at the call, 0 where unknown. `rest`: what to do then. 0, or -1 where too many are expected. */
int restarts_expect(const struct seccomp_notif *call, u64 stack, struct verdict rest);
void restarts_forget(const struct seccomp_notif *call, u64 stack);

/* The thread has ended. */
void restarts_forget_all(pid_t tid);

/* May this be one of them? Then target_stack() is asked, and the next function. */
int restarts_have(const struct seccomp_notif *call);

/* Is it one of them? It is expected no longer then, and *rest is what to do. `stack` as above. */
int restarts_take(const struct seccomp_notif *call, u64 stack, struct verdict *rest);

#endif
