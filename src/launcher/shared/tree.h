/* SPDX-License-Identifier: MIT */
/* The process tree below us. We are its subreaper (PR_SET_CHILD_SUBREAPER): a process that loses its parent is ours. */
#ifndef MINDERBINDER_TREE_H
#define MINDERBINDER_TREE_H

#include <stddef.h>
#include <sys/types.h>

struct pids {
	pid_t *list;
	size_t count;
};

/* Without memory for it, it is not added. */
void pids_add(struct pids *pids, pid_t pid);

/* Our children as they are now, in place of what the list held. 0, or -1 with errno. */
int tree_children(struct pids *children);

/*
 * Kills every descendant, round by round until none is left, and reaps them; the spared children are left alone (NULL:
 * none). With a cgroup (NULL: none) its whole content is killed first, at one blow. Gives up after ten seconds: a process
 * that waits for a dead disk cannot be killed.
 */
void tree_kill(const char *cgroup, const struct pids *spared);

/* Removes the cgroup's directory and those that the target made in it; waits a bounded time for the dying. */
void tree_remove_cgroup(const char *cgroup);

#endif
