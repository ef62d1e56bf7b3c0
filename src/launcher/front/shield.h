/* SPDX-License-Identifier: MIT */
/*
 * Keeps signals that are meant for COMMAND from node, from its first instruction on. systemd, Jenkins and a shutdown
 * send them to every process that they find, and SIGUSR1 would open node's debugger to every local user.
 *
 * Ignoring them before execve(2) is not enough: node sets all of them back to their defaults at its start, empties the
 * signal mask, and takes SIGUSR1 for its debugger (src/node.cc, src/inspector_agent.cc). So a seccomp filter answers
 * its rt_sigaction(2) for these signals, as if it had been done.
 */
#ifndef MINDERBINDER_SHIELD_H
#define MINDERBINDER_SHIELD_H

#include "../shared/types.h"

/*
 * All but SIGKILL and SIGSTOP, SIGCHLD (node reaps `id`), SIGCONT and SIGWINCH (the front sends it to a node that
 * draws). Node's C library may still take 32 and 33 for itself. A signal that the kernel forces, such as SIGSEGV at a bad
 * address, still ends a process that ignores it.
 */
extern const u64 shield_all;

/* Of a command that has signals of its own: SIGUSR1, the debugger's. */
extern const u64 shield_debugger;

/*
 * Ignores these signals (bit s-1 for signal s), also for what execve(2) starts. Where the kernel has no seccomp filters,
 * the program that is started can undo it.
 */
void shield(u64 signals);

#endif
