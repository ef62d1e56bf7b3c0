/* SPDX-License-Identifier: MIT */
/*
 * The supervisor: parent of the staged child, subreaper of its tree, and the one that answers its seccomp
 * notifications. It stays in the caller's process group with every signal blocked, so that ^C and ^Z are the
 * child's, and takes orders from node and from the front only.
 *
 * Node may start it itself, without a front: the library does, once for each run. Then there is no process above it that
 * stops or passes signals on, and it removes the cgroup itself when node is killed.
 */
#ifndef MINDERBINDER_SUPERVISE_H
#define MINDERBINDER_SUPERVISE_H

#include "../shared/inherited.h"

struct supervisor {
	const struct inherited *inherited;
	int node;   /* stream socket */
	int front;  /* stream socket; -1: node started us */
	int events; /* pipe to node, non-blocking */
	pid_t front_pid;
	int node_process; /* pidfd */
	volatile int *execed; /* shared with the front: the command itself runs */
};

/* Never returns: exits 0 when released, 1 when it had to kill the tree. */
_Noreturn void supervise(const struct supervisor *supervisor);

/*
 * The same, as node starts it: COMMAND and its arguments, with environment, directory and descriptors 0 to 2 as COMMAND is
 * to have them; SUPERVISOR_ORDERS is a stream socket to node, SUPERVISOR_EVENTS another one or a pipe. Returns only if it
 * cannot begin: the exit status.
 */
int supervise_for_node(int argc, char **argv);

#define SUPERVISOR_NAME "minderbinder-supervisor" /* argv[0]: nothing that a user types as an argument */
#define SUPERVISOR_ORDERS 3
#define SUPERVISOR_EVENTS 4
#define SUPERVISOR_JOINING 5 /* to the process that has a filter of its own, if one is to have (joined.h) */

#endif
