/* SPDX-License-Identifier: MIT */
/* What the front knows of its run, for all of its files. What one of them alone needs to know, it keeps to itself. */
#ifndef MINDERBINDER_RUN_H
#define MINDERBINDER_RUN_H

#include "../shared/inherited.h"
#include "channels.h"
#include "peer.h"

struct run {
	const struct inherited *inherited;
	struct channels channels;
	struct peer node, supervisor;
	int node_status; /* of waitpid(2), once node has ended */
	char *cgroup;    /* COMMAND's; NULL: none */
	int ended;       /* COMMAND has */
	int finished;    /* node said how to end */
	struct wire_finish finish;
};

static inline int has_execed(const struct run *run)
{
	return __atomic_load_n(run->channels.execed, __ATOMIC_ACQUIRE);
}

#endif
