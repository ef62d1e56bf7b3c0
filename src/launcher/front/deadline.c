/* SPDX-License-Identifier: MIT */
#include "deadline.h"
#include "../shared/clock.h"

#include <limits.h>

#define MS_NS 1000000ll

static s64 end; /* 0: none */
static int dies_of;
static int gave_up;

void deadline_set(int signal, s64 milliseconds)
{
	const s64 until = monotonic_ns() + milliseconds * MS_NS;

	if (!end || until < end) {
		end = until;
		dies_of = signal;
	}
}

int deadline_left(void)
{
	const s64 left = end ? (end - monotonic_ns() + MS_NS - 1) / MS_NS : -1;

	if (!end)
		return -1;
	return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

int deadline_is_over(void)
{
	if (!end || monotonic_ns() < end)
		return 0;
	end = 0;
	gave_up = 1;
	return 1;
}

int deadline_signal(void)
{
	return gave_up ? dies_of : 0;
}
