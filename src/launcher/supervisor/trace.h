/* SPDX-License-Identifier: MIT */
/*
 * Calls by ptrace: a filter that returns SECCOMP_RET_TRACE stops a thread at each named call, and a thread of ours looks at
 * it and lets it go. No signal can come in between, so no call that runs is ever interrupted; but a thread has one tracer
 * only, so no program of the tree can trace another.
 */
#ifndef MINDERBINDER_TRACE_H
#define MINDERBINDER_TRACE_H

#include "way.h"

extern const struct way way_trace;

/* Times that a program of the tree wanted to trace what we trace, and was refused by the kernel. */
u64 trace_refused(void);

#endif
