/* SPDX-License-Identifier: MIT */
/*
 * The supervisor: parent of the staged child, subreaper of its tree, and the one that answers its seccomp
 * notifications. It stays in the caller's process group with every signal blocked, so that ^C and ^Z are the
 * child's, and takes orders from node and from the front only.
 */
#ifndef MINDERBINDER_SUPERVISE_H
#define MINDERBINDER_SUPERVISE_H

#include "../shared/inherited.h"

struct supervisor {
	const struct inherited *inherited;
	int node;   /* stream socket */
	int front;  /* stream socket */
	int events; /* pipe to node, non-blocking */
	pid_t front_pid;
	int node_process; /* pidfd */
	volatile int *execed; /* shared with the front: the command itself runs */
};

/* Never returns: exits 0 when released, 1 when it had to kill the tree. */
_Noreturn void supervise(const struct supervisor *supervisor);

#endif
