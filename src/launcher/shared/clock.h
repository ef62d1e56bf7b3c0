/* SPDX-License-Identifier: MIT */
/* The clocks, in nanoseconds. */
#ifndef MINDERBINDER_CLOCK_H
#define MINDERBINDER_CLOCK_H

#include "types.h"

#include <time.h>

static inline s64 clock_ns(clockid_t clock)
{
	struct timespec now;

	/* Cannot fail: the clock exists (Linux 2.6.39), and the pointer is valid (clock_gettime(2)). */
	clock_gettime(clock, &now);
	return now.tv_sec * 1000000000ll + now.tv_nsec;
}

/* Neither an administrator nor a time server sets it. */
static inline s64 monotonic_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

#endif
