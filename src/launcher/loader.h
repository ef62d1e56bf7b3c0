/* SPDX-License-Identifier: MIT */
#ifndef MINDERBINDER_LOADER_H
#define MINDERBINDER_LOADER_H

#include <sys/types.h>

/*
 * Is this thread, the only one of a process that has just exec'd, still in the dynamic loader, before the
 * program's entry point (constructors of shared libraries included)? 1 or 0; 0 too where it cannot be told:
 * a static program, no permission to look (ptrace(2), PTRACE_MODE_ATTACH_REALCREDS), or gone.
 */
int loader_is_running(pid_t tid);

#endif
