/* SPDX-License-Identifier: MIT */
/* Calls that wait for their time: a queue, earliest first. No thread waits with them. */
#ifndef MINDERBINDER_DELAYS_H
#define MINDERBINDER_DELAYS_H

#include "../shared/types.h"

struct delayed {
	u64 due_ns; /* CLOCK_MONOTONIC */
	u64 id;
};

/* The caller sees to it that one thread at a time is here. 0, or -1: no memory. */
int delays_add(struct delayed delayed);

/* The earliest, or NULL. */
const struct delayed *delays_first(void);
void delays_remove_first(void);

#endif
