/* SPDX-License-Identifier: MIT */
#ifndef MINDERBINDER_CLOCK_H
#define MINDERBINDER_CLOCK_H

#include "types.h"

#include <time.h>

/* Monotonic: no administrator and no time server sets it. */
static inline s64 monotonic_ns(void)
{
	struct timespec now;

	/* Cannot fail: the clock exists, and the pointer is valid (clock_gettime(2)). */
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ll + now.tv_nsec;
}

#endif
