/* SPDX-License-Identifier: MIT */
/*
 * Signals on their way from the front to COMMAND, which has to get each of them once.
 *
 * What is sent to a process group, to a control group (systemd) or by a terminal reaches COMMAND without us. Such a
 * signal reaches the supervisor as well, which is in the front's groups: it has the same number and the same sender.
 * The kernel signals the youngest of a process group first (attach_pid() in kernel/pid.c), so there the supervisor has it
 * before the front. systemd takes one process after the other; so a signal waits a little for its twin.
 *
 * `pkill minderbinder` must not look like that: the supervisor has another name. A program that picks processes by their
 * program's file (`killall /PATH`) still hits the front and the supervisor, and not COMMAND. So of such twins within
 * seconds only the first counts as COMMAND's: a second TERM arrives.
 */
#ifndef MINDERBINDER_PASSING_H
#define MINDERBINDER_PASSING_H

#include "../shared/wire.h"

#include <sys/signalfd.h>
#include <sys/types.h>

/* Gives the calling process, the supervisor, a name of its own. */
void passing_rename(void);

/* The supervisor itself has got this signal. */
void passing_heard(const struct signalfd_siginfo *info);

/* The front has got this signal, for this child (0: it has ended). */
void passing_add(const struct wire_signal *signal, pid_t child);

/* Sends the child what is due. Returns the nanoseconds until the next is due, or -1. */
s64 passing_send(pid_t child);

#endif
