/* SPDX-License-Identifier: MIT */
/* A closer look at a call: how the keys of the rules that name it compare. Each thread has one, of its call. */
#ifndef MINDERBINDER_LOOK_H
#define MINDERBINDER_LOOK_H

#include "faults.h"
#include "paths.h"
#include "peers.h"
#include "reports.h"

/* Of the bits those of the rules that name the call are valid, by row. */
struct look {
	u64 arguments[ARGUMENTS_MAX];
	struct paths paths;
	struct peer peer;
	u64 length; /* how many bytes it asks to move; 0: it cannot move fewer */
	u64 other[RULES_MAX / 64];  /* a descriptor or a socket that is not the rule's: to it, another call */
	u64 agrees[RULES_MAX / 64]; /* its path=, port=, to= and proto= do, and the call can have the outcome */
	u64 unread[RULES_MAX / 64]; /* or could not be compared */
	u64 near[RULES_MAX / 64];   /* or did not match, but nearly, and the rule has met none that did */
};

extern __thread struct look look;

/* Before anything is decided, and under no lock. */
void look_compare(struct faults *faults, const struct rule_table *table, struct receiver *receiver);

/* Keeps the paths that nearly matched. The table is held, and let go. */
void look_keep_near(struct rule_table *table, u32 number);

/* `paths_are_read`, `peer_is_read`: those of this call. */
void look_report(struct faults *faults, const struct injection *injection, const struct seccomp_notif *call,
		 int paths_are_read, int peer_is_read);

#endif
