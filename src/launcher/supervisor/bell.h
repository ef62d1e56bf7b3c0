/* SPDX-License-Identifier: MIT */
/*
 * Ends a waitpid(2) of one thread at a given time: by SIGCHLD, which every other thread blocks, and whose other causes say
 * nothing that waitpid(2) does not. If the bell rings just before the wait begins, it has no effect. So it rings again and
 * again until it is set again.
 */
#ifndef MINDERBINDER_BELL_H
#define MINDERBINDER_BELL_H

#include "../shared/types.h"

/* For the thread that calls it. 0, or -1 with errno. */
int bell_make(void);

/* CLOCK_MONOTONIC in nanoseconds; 0: never. By any thread, one at a time. */
void bell_ring_at(u64 ns);

#endif
