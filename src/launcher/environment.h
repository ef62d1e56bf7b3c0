/* SPDX-License-Identifier: MIT */
#ifndef MINDERBINDER_ENVIRONMENT_H
#define MINDERBINDER_ENVIRONMENT_H

/*
 * Execs node with the few variables that its work needs, so that none (NODE_OPTIONS, NODE_PATH, ...) makes
 * root load somebody's code, and none of the command's settings changes us. Returns only on failure.
 */
void environment_exec(char *const *argv, int stderr_is_terminal);

#endif
