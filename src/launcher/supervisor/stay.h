/* SPDX-License-Identifier: MIT */
/*
 * A filter cannot be taken off a process, and without a listener or a tracer its calls fail with ENOSYS (seccomp(2)). So
 * the supervisor stays while a process of the tree lives, to let the named calls pass. No other process waits for it.
 */
#ifndef MINDERBINDER_STAY_H
#define MINDERBINDER_STAY_H

#include "way.h"

/* Ends with the last process that has the filter. `signals`: a signalfd for all of them. */
_Noreturn void stay(const struct way *way, int listener, int signals);

#endif
