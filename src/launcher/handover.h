/* SPDX-License-Identifier: MIT */
/*
 * The caller's environment, past a shell. The npm package's command is a shell script (bin/minderbinder.sh), and
 * shells drop variables whose names they cannot spell, change others (PWD, SHLVL, _), and put all in another order.
 * What the script was started with stands in /proc/PID/environ until it execs. So it runs the launcher twice:
 *
 *   with MINDERBINDER_ENVIRONMENT=of:PID    prints that environment as one line of ASCII, and ends
 *   with MINDERBINDER_ENVIRONMENT=LINE      takes it for its own; by exec, so that it is process PID itself
 *
 * A variable and not an argument, since anybody can read another's arguments (proc(5), cmdline).
 */
#ifndef MINDERBINDER_HANDOVER_H
#define MINDERBINDER_HANDOVER_H

/* The process whose environment is to be printed; 0 where it was not asked for. */
int handover_asked(void);

/* 0, or -1 with errno. */
int handover_print(int pid);

/* Replaces environ where another environment was handed to this very process. 0, or -1 with errno. */
int handover_take(void);

#endif
