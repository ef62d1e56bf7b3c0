/* SPDX-License-Identifier: MIT */
/* Which rules name a process, by what it is called and where it is at this moment: struct target (bpf/rule.h). */
#ifndef MINDERBINDER_TARGETS_H
#define MINDERBINDER_TARGETS_H

#include "../shared/types.h"

#include <sys/types.h>

struct targets {
	const struct target *list;
	u32 count;
	const char *cgroup_root; /* where the root of the cgroup v2 hierarchy is mounted; "" if no target asks */
};

/* Sets the bit of each rule that names process pid; leaves the others as they are. */
void targets_match(const struct targets *targets, pid_t pid, u64 *rules);

#endif
