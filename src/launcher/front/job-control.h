/* SPDX-License-Identifier: MIT */
/* How the front ends and stops itself, so that its caller sees of it what it would see of COMMAND. */
#ifndef MINDERBINDER_JOB_CONTROL_H
#define MINDERBINDER_JOB_CONTROL_H

#include "../shared/inherited.h"

/* Ends this process by a signal. */
_Noreturn void die_of(int signal);

/* Stops this process, as the child was stopped, and returns when it is continued. */
void stop_of(const struct inherited *inherited, int signal);

/* Does the default action of this signal, which is blocked here, end a process? */
int ends_a_process(int signal);

#endif
