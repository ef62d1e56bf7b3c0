/* SPDX-License-Identifier: MIT */
/*
 * Which processes hold rights that the user of the command does not have: set-user-ID and set-group-ID programs, those with
 * file capabilities, and what they start. A fault there may pass these rights on (setuid(2) that only pretends to work).
 * So such processes are spared unless the user of minderbinder asks for them.
 *
 * Matters if minderbinder is root's and the command another user's (--user): an ordinary user's programs gain nothing
 * under NO_NEW_PRIVS, and root's programs have all rights already.
 */
#ifndef MINDERBINDER_PRIVILEGE_H
#define MINDERBINDER_PRIVILEGE_H

#include "../shared/types.h"

#include <sys/types.h>

struct owner {
	u32 uid;
	u32 gid;
	const u32 *groups;
	u32 group_count;
};

/* If nothing of it can be read, it holds none: it is gone, or /proc is closed to us. */
int holds_more_rights(pid_t pid, const struct owner *owner);

#endif
