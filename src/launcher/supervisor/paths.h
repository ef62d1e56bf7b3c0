/* SPDX-License-Identifier: MIT */
/*
 * The paths of a call, read once: what is compared is what is reported. Those that it passes, or, if it has no such argument,
 * those of the files that its descriptors mean.
 */
#ifndef MINDERBINDER_PATHS_H
#define MINDERBINDER_PATHS_H

#include "../shared/types.h"
#include "../../../bpf/glob.h"

#include <linux/seccomp.h>
#include <sys/types.h>

/* rename(2) and others have two; no call has more than three. */
#define PATHS_MAX 3

/* Is there another spelling of a path? */
enum spelling { SPELLING_UNKNOWN, SPELLING_NONE, SPELLING_OTHER };

struct path {
	u32 length;
	s32 directory; /* descriptor that it starts from, or AT_FDCWD */
	enum spelling spelling;
	char text[GLOB_TEXT_MAX];
	char other[GLOB_TEXT_MAX]; /* made absolute, without ".", ".." and double slashes */
};

struct paths {
	pid_t tid; /* whose */
	u32 count;
	int unread; /* one could not be read */
	struct path of[PATHS_MAX];
};

void paths_read(struct paths *paths, const struct call_shape *shape, const struct seccomp_notif *call);

/* The rule's globs: the one after this one, or, after NULL, the first; NULL at the end. */
const char *next_glob(const struct rule *rule, const char *before);

/* Does the rule's path= agree with one of them, in one of its spellings? */
int paths_match(struct paths *paths, const struct rule *rule);

#endif
