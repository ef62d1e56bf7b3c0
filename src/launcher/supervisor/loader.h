/* SPDX-License-Identifier: MIT */
#ifndef MINDERBINDER_LOADER_H
#define MINDERBINDER_LOADER_H

#include <sys/types.h>

/*
 * Is this thread, the only one of a process that has just exec'd, still in the dynamic loader, before the
 * program's entry point (constructors of shared libraries included)?
 */
enum loader_state {
	LOADER_DONE, /* or there is none, or the thread is gone */
	LOADER_RUNS,
	LOADER_UNKNOWN, /* no permission to look (ptrace(2), PTRACE_MODE_ATTACH_REALCREDS) */
};

enum loader_state loader_state(pid_t tid);

#endif
