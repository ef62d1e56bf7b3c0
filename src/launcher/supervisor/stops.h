/* SPDX-License-Identifier: MIT */
/* When the command stops, the front stops too, like a job of its shell: the supervisor tells it so, and wakes it again. */
#ifndef MINDERBINDER_STOPS_H
#define MINDERBINDER_STOPS_H

#include "../shared/types.h"

/* The child has stopped by this signal; or goes on, or has ended. */
void stops_child_stopped(u32 signal);
void stops_child_goes_on(void);
int stops_child_is_stopped(void);

/* WIRE_RESUMED: the front reads again. */
void stops_resumed(void);

/* Wakes a front that must not stay stopped. Returns the nanoseconds until it is due again, or -1. */
s64 stops_wake_front(void);

/* Before this process ends, with no process left to wake a front that stops now. Ends with the front's own end, too. */
void stops_let_front_go(void);

#endif
