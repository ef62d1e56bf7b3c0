/* SPDX-License-Identifier: MIT */
/*
 * Traced calls that are not over when their thread goes on, one of a thread at most: they are looked at again when they
 * return, and once more if a signal has ended them. The tracer alone calls this.
 */
#ifndef MINDERBINDER_UNDERWAY_H
#define MINDERBINDER_UNDERWAY_H

#include "verdict.h"

#include <linux/seccomp.h>
#include <sys/types.h>

/* The kernel will make this call again, and then `rest` is to be done: 1; 0: too many are expected (restarts.h). */
int underway_expect(const struct seccomp_notif *call, u64 stack, struct verdict rest);
void underway_expect_no_more(const struct seccomp_notif *call, u64 stack);
void underway_expect_none(pid_t tid);

/*
 * The call at which its thread is stopped goes on, run or answered for, until it returns: 0; or -1: no memory, and nothing is
 * changed.
 */
int underway_follow(const struct seccomp_notif *request, u64 stack, struct verdict verdict);

/*
 * The call at which its thread is stopped runs, and asks for less: 0, the thread goes on. Or 1: nothing is changed, for it asks
 * for something else by now, or shares the memory that would have to change with another one that is cut.
 */
int underway_shorten(const struct call_shape *shape, const struct seccomp_notif *request, u64 stack,
		     struct verdict verdict);

/*
 * The call at which its thread is stopped does not run, and ends with this error when the thread deals with its signals: the
 * kernel makes it again, and then `rest` is to be done, or the program sees EINTR. 0: the thread goes on; -1: no memory.
 */
int underway_interrupt(const struct seccomp_notif *request, u64 stack, struct verdict rest, s32 error);

/*
 * The thread is stopped where its call returns (PTRACE_O_TRACESYSGOOD): what was changed is put back, and it goes on: 0. Or it
 * stays there, for so many nanoseconds.
 */
s64 underway_returns(pid_t tid);

/* It is stopped within its call, and goes on. */
void underway_goes_on(pid_t tid);

/* It has exec'd, and had this number before. It goes on. */
void underway_execs(pid_t tid, pid_t former);

/* It is stopped with a signal on its way, and goes on with it. */
void underway_signal(pid_t tid, int signal);

/* It is at another call, or no more. */
void underway_forget(pid_t tid);

#endif
