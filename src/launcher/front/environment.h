/* SPDX-License-Identifier: MIT */
#ifndef MINDERBINDER_ENVIRONMENT_H
#define MINDERBINDER_ENVIRONMENT_H

#include "descriptors.h"

#include <sys/types.h>

/* Which of descriptors 0 to 2 are terminals: bit N for descriptor N. */
unsigned environment_terminals(void);

/*
 * Execs node with the few variables that its work needs, so that none (NODE_OPTIONS, NODE_PATH, ...) makes
 * root load another user's code, and none of the command's settings changes us. Returns only on failure.
 * `terminals`: of the command's standard descriptors, which node may not have. `front`: the process that node works
 * for (0: none); to ask for its parent would be too late once that is dead.
 */
void environment_exec(char *const *argv, unsigned terminals, struct descriptor_list *descriptors, pid_t front);

#endif
