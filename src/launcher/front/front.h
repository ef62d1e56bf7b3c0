/* SPDX-License-Identifier: MIT */
/*
 * The process that the caller started and waits for. It forks the supervisor and node, passes signals on,
 * stops and ends as the child does, and cleans up when one of the others is killed.
 */
#ifndef MINDERBINDER_FRONT_H
#define MINDERBINDER_FRONT_H

#include "../shared/inherited.h"

/* `node` is the command line that runs the CLI. Never returns. */
_Noreturn void front(const struct inherited *inherited, char *const *node);

#endif
