/* SPDX-License-Identifier: MIT */
/* Signals that the front gets, but for SIGCHLD and SIGCONT: COMMAND's while it runs, ours before and after. */
#ifndef MINDERBINDER_FRONT_SIGNALS_H
#define MINDERBINDER_FRONT_SIGNALS_H

#include "run.h"

#include <sys/signalfd.h>

/* Passes it on to COMMAND, or begins to end the run. */
void take_signal(struct run *run, const struct signalfd_siginfo *info);

/* COMMAND has ended. After a signal that programs are ended with, node has to end, too. */
void command_ended(struct run *run);

/* Came before the command ran: we die of it. 0: none. */
int early_signal(void);

#endif
