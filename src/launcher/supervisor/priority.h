/* SPDX-License-Identifier: MIT */
/*
 * How soon the thread that receives runs once a call waits for it: until then a signal can interrupt the call.
 *
 * It gets the best nice value that it may have (CAP_SYS_NICE, RLIMIT_NICE) and a short slice. Real time would do worse
 * on a machine with idle processors: the kernel wakes such a thread where it ran last, not beside the caller, and an
 * idle processor takes some ten microseconds to wake up (Linux 6.18, select_task_rq_rt(); dash's pipelines with close()
 * named: 32 interrupted calls of 17,600 under SCHED_FIFO, 3 so).
 */
#ifndef MINDERBINDER_PRIORITY_H
#define MINDERBINDER_PRIORITY_H

#include "../shared/types.h"

/* Of one thread. All zero: it has not begun. */
struct priority {
	u32 caller; /* the thread that called last */
	u32 alone;  /* calls of that thread, each soon after the one before */
	s64 at_ns;
	int lowered;
};

/* In the thread that starts all others. What they get when nothing is urgent: its own nice value. */
void priority_init(void);

/* In the thread that it is of. */
void priority_raise(void);

/*
 * A call of `caller` has been received. One thread that calls again and again, and no other, needs no haste: it waits,
 * so its processor is free. Without haste the receiver need not sleep between such calls, which saves a third of the
 * round trip (7.6 in place of 10.5 microseconds, Linux 6.18).
 */
void priority_follow(struct priority *priority, u32 caller);

#endif
