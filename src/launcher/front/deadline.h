/* SPDX-License-Identifier: MIT */
/* How long node may take to end by itself, once it has to. */
#ifndef MINDERBINDER_DEADLINE_H
#define MINDERBINDER_DEADLINE_H

#include "../shared/types.h"

/* Node has this long from now on, and then we die of the signal; an earlier end stays. */
void deadline_set(int signal, s64 milliseconds);

/* Milliseconds that are left, for poll(2); -1: for ever. */
int deadline_left(void);

/* 1, once: it is over. */
int deadline_is_over(void);

/* What we die of, where the deadline is over: a signal; else 0. */
int deadline_signal(void);

#endif
