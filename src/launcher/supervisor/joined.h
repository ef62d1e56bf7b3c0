/* SPDX-License-Identifier: MIT */
/*
 * A process that we did not start and that has installed our filter on itself (src/own-filter, joining.h): it takes the place
 * of the staged child.
 */
#ifndef MINDERBINDER_JOINED_H
#define MINDERBINDER_JOINED_H

#include "../shared/filter.h"
#include "../stage/stage.h"

#include <sys/types.h>

/*
 * Has the process at the other end of SUPERVISOR_JOINING install a filter that names these calls: 0, and `staged` has its pid
 * and the listener; or -1 with errno and staged->failed_step. `control`: the path of the control socket.
 */
int joined_begin(const struct call_set *named, const char *control, struct staged *staged);

/* Its calls are answered: it may go on. 0, or -1 with errno. */
int joined_go(void);

/* Node has died. */
void joined_without_node(void);

/* Readable once it has ended; -1: no process has joined. */
int joined_end(void);

/* Its end has been seen. */
void joined_ended(void);

/* Is there one, alive or not? */
int joined_is(void);

#endif
