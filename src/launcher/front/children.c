/* SPDX-License-Identifier: MIT */
#include "children.h"
#include "../shared/tree.h"
#include "fail.h"

#include <sys/wait.h>

static struct pids earlier; /* children that the caller had before it became us */

/* All of our children but the supervisor, as long as that lives: what it starts becomes ours only when it dies. */
static void record(const struct run *run)
{
	if (tree_children(&earlier) < 0)
		fail("cannot read /proc");
	for (size_t i = 0; i < earlier.count; i++) {
		if (earlier.list[i] == run->supervisor.pid)
			earlier.list[i] = 0;
	}
}

void children_find_earlier(const struct run *run)
{
	siginfo_t info;

	if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0)
		record(run);
}

void children_had_orphans(const struct run *run)
{
	if (earlier.count > 0 && run->supervisor.pid)
		record(run);
}

void children_kill_tree(const struct run *run)
{
	if (run->node.pid)
		pids_add(&earlier, run->node.pid);
	tree_kill(run->cgroup, &earlier);
}
