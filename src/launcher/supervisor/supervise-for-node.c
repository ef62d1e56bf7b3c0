/* SPDX-License-Identifier: MIT */
#include "supervise.h"

#include <fcntl.h>
#include <signal.h>

int supervise_for_node(int argc, char **argv)
{
	static struct inherited inherited;
	static struct supervisor supervisor = { .front = -1 };
	static int execed;
	sigset_t all;

	inherited.argc = argc;
	inherited.argv = argv;
	supervisor.inherited = &inherited;
	supervisor.execed = &execed;
	supervisor.node = SUPERVISOR_ORDERS;
	supervisor.events = SUPERVISOR_EVENTS;
	supervisor.node_process = -1; /* only a front that dies asks for it */
	sigfillset(&all);
	if (argc < 1 || inherited_record(&inherited) < 0 || sigprocmask(SIG_SETMASK, &all, NULL) < 0 ||
	    fcntl(SUPERVISOR_ORDERS, F_SETFD, FD_CLOEXEC) < 0 ||
	    fcntl(SUPERVISOR_EVENTS, F_SETFD, FD_CLOEXEC) < 0 ||
	    fcntl(SUPERVISOR_EVENTS, F_SETFL, O_NONBLOCK) < 0)
		return 1;
	supervise(&supervisor);
}
