/* SPDX-License-Identifier: MIT */
/* Answers seccomp notifications, on threads of its own (receivers.h): decide, respond; delays in a queue. */
#ifndef MINDERBINDER_NOTIFY_H
#define MINDERBINDER_NOTIFY_H

#include "faults.h"

/* Starts the threads. 0, or -1 with errno. */
int notify_start(int listener, struct faults *faults);

/* Readable when notify_delays() has to be called again. */
int notify_wakeup(void);

/*
 * Lets the calls go whose delay is over, all of them where the faults are lifted. Called by the thread that
 * polls; returns the nanoseconds until the next is due, or -1 where none waits.
 */
s64 notify_delays(void);

#endif
