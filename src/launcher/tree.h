/* SPDX-License-Identifier: MIT */
/* The process tree below us. We are its subreaper (PR_SET_CHILD_SUBREAPER): whoever loses its parent is ours. */
#ifndef MINDERBINDER_TREE_H
#define MINDERBINDER_TREE_H

#include <sys/types.h>

/*
 * Kills every descendant, round by round until none is left, and reaps them; `spared`, a child of ours, is
 * left alone (0: nobody). With a cgroup (NULL: none) its whole content is killed first, at one blow.
 */
void tree_kill(const char *cgroup, pid_t spared);

/* Removes the cgroup's directory and those that the target made in it; waits a bounded time for the dying. */
void tree_remove_cgroup(const char *cgroup);

#endif
