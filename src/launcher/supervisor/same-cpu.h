/* SPDX-License-Identifier: MIT */
/*
 * Lets the tracer run on the CPU of the thread that it stops. Otherwise each stop wakes the tracer on another, idle CPU,
 * and each resumption the tracee: 100 microseconds a call in place of 15 (Linux 6.18, in a virtual machine).
 */
#ifndef MINDERBINDER_SAME_CPU_H
#define MINDERBINDER_SAME_CPU_H

#include "../shared/types.h"

#include <sys/types.h>

/*
 * Call it once, before the other one, in the tracer's thread, which must not end. It does nothing if there is only one CPU, or
 * if the user may not undo what it does: without CAP_SYS_NICE, and RLIMIT_NICE below 20 (sched(7)).
 */
void same_cpu_make(void);

/* This thread has stopped at a call. */
void same_cpu_stopped(pid_t tid);

#endif
