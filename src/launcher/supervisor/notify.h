/* SPDX-License-Identifier: MIT */
/* Answers seccomp notifications, on threads of its own (receivers.h): decide, respond; delays in a queue. */
#ifndef MINDERBINDER_NOTIFY_H
#define MINDERBINDER_NOTIFY_H

#include "way.h"

extern const struct way way_notify;

#endif
