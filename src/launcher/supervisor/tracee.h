/* SPDX-License-Identifier: MIT */
/* What ptrace(2) does to a thread that is stopped. Its tracer alone may call this. */
#ifndef MINDERBINDER_TRACEE_H
#define MINDERBINDER_TRACEE_H

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/types.h>

/* ESRCH: it was killed meanwhile. */
static inline void must(long result)
{
	if (result < 0 && errno != ESRCH)
		abort(); /* a bug: nothing that a tracee does */
}

static inline void resume(pid_t tid, int signal)
{
	must(ptrace(PTRACE_CONT, tid, NULL, (void *)(intptr_t)signal));
}

#endif
