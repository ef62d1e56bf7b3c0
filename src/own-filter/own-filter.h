/* SPDX-License-Identifier: MIT */
/*
 * A filter that a process puts on itself, all its threads included, for a supervisor that it starts before: faults inside a
 * test that no minderbinder was put in front of. A shared library, which src/testing/own-filter.ts loads. There is one filter
 * for each process and it stays until the process ends, so all state is the process's: threads that ask at the same
 * moment get the same.
 */
#ifndef MINDERBINDER_OWN_FILTER_H
#define MINDERBINDER_OWN_FILTER_H

#include "../launcher/shared/types.h"

enum own_filter_state {
	OWN_FILTER_NONE = 0,
	OWN_FILTER_STARTING = 1,
	OWN_FILTER_READY = 2,
	OWN_FILTER_FAILED = 3, /* there is none, and the next one that asks tries again */
	OWN_FILTER_LOST = 4,   /* the supervisor or its node has died: named calls go on, without faults */
};

/* Why there is none. */
enum own_filter_failure {
	OWN_FILTER_THREADS = 1, /* errno */
	OWN_FILTER_HELPER = 2,  /* errno: the helper cannot be started */
	OWN_FILTER_REFUSED = 3, /* by the helper: its error as JSON */
	OWN_FILTER_ENDED = 4,   /* the helper has, without a word */
	OWN_FILTER_SECCOMP = 5, /* errno of seccomp(2) */
};

#define OWN_FILTER_EXPORT __attribute__((visibility("default")))

/* enum own_filter_state */
OWN_FILTER_EXPORT int own_filter_state(void);

/*
 * Installs it if there is none: takes a helper's start, 0.2 s, and may be called by any thread. `path` is the PATH that the
 * launcher finds node by, `reach` a SET or empty, `seed` decimal. Returns enum own_filter_state, which is never
 * OWN_FILTER_STARTING; `text` gets the control socket's path, or of a failure its enum own_filter_failure, its errno and its
 * text, with blanks between.
 */
OWN_FILTER_EXPORT int own_filter_start(const char *launcher, const char *path, const char *reach, const char *seed,
				       char *text, u32 size);

/* The seed of this process: what was proposed first, by any thread. 0 is no proposal. */
OWN_FILTER_EXPORT u32 own_filter_seed(u32 proposed);

/* May this process have a listener? 0, or the errno of seccomp(2). A child tries it, and this process stays as it is. */
OWN_FILTER_EXPORT int own_filter_trial(void);

#endif
