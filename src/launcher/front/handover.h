/* SPDX-License-Identifier: MIT */
/*
 * The caller's environment, past a shell. The npm package's command is a shell script (bin/minderbinder.sh), and
 * shells drop variables whose names they cannot spell, change others (PWD, SHLVL, _), and put all in another order.
 * What the script was started with stands in /proc/PID/environ until it execs. So it runs the launcher twice:
 *
 *   with --environment-of PID N              prints the N-th part of that environment as one line of ASCII, and ends
 *   with MINDERBINDER_ENVIRONMENT=LINE       takes it for its own; by exec, so that it is process PID itself
 *
 * In parts (MINDERBINDER_ENVIRONMENT_2, ...), for one string of an environment has at most 128 KiB (execve(2),
 * MAX_ARG_STRLEN). Variables and not arguments, since every user can read another's arguments (proc(5), cmdline).
 */
#ifndef MINDERBINDER_HANDOVER_H
#define MINDERBINDER_HANDOVER_H

#define HANDOVER_OPTION "--environment-of"
#define HANDOVER_MORE 3 /* exit status: the next part is not empty */

/* The exit status: 0, HANDOVER_MORE, or 125 with a message. */
int handover_print(int pid, int part);

/* Replaces environ where another environment was handed to this very process. 0, or -1 with errno. */
int handover_take(void);

#endif
