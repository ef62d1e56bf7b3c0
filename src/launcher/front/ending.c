/* SPDX-License-Identifier: MIT */
#include "ending.h"
#include "../shared/tree.h"
#include "deadline.h"
#include "fail.h"
#include "job-control.h"
#include "signals.h"
#include "view.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* Node was killed, or never came up. */
static _Noreturn void end_without_node(const struct run *run)
{
	const int status = run->node_status;

	if (WIFSIGNALED(status))
		fprintf(stderr, "minderbinder: node was killed by signal %d: %s\n", WTERMSIG(status),
			has_execed(run) ? "the command was killed, since its faults were lost" :
					  "the command did not run");
	if (WIFSIGNALED(status) && inherited_has_few_processes())
		fputs("minderbinder: hint: the hard limit of processes (ulimit -u) may be too low for node's "
		      "threads\n",
		      stderr);
	_exit(EXIT_FAILED);
}

void end(const struct run *run)
{
	if (!run->finished)
		view_restore_terminal();
	tree_remove_cgroup(run->cgroup); /* gone already, unless node could not undo what it did */
	if (early_signal())
		die_of(early_signal());
	if (deadline_signal())
		die_of(deadline_signal());
	if (!run->finished)
		end_without_node(run);
	if (run->finish.kind == FINISH_SIGNAL)
		die_of((int)run->finish.value);
	_exit((int)run->finish.value & 0xff);
}
