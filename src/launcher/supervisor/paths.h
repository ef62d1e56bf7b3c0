/* SPDX-License-Identifier: MIT */
/* The path arguments of a call, read once: what is compared is what is reported. */
#ifndef MINDERBINDER_PATHS_H
#define MINDERBINDER_PATHS_H

#include "../shared/types.h"
#include "../../../bpf/glob.h"

#include <linux/seccomp.h>

/* rename(2) and others have two; no call has more than three. */
#define PATHS_MAX 3

struct paths {
	u32 count;
	int unread; /* one could not be read */
	struct {
		u32 length;
		char text[GLOB_TEXT_MAX];
	} of[PATHS_MAX];
};

void paths_read(struct paths *paths, const struct call_shape *shape, const struct seccomp_notif *call);

/* Does the rule's path= agree with one of them? */
int paths_match(const struct paths *paths, const struct rule *rule);

#endif
