/* SPDX-License-Identifier: MIT */
/*
 * What the supervisor keeps per thread of the tree: its own counters, for scope=thread. It holds a file of the thread in /proc
 * open: reading that fails once the thread has ended, even if a later thread has the same tid.
 */
#ifndef MINDERBINDER_THREADS_H
#define MINDERBINDER_THREADS_H

#include "../shared/types.h"

#include <sys/types.h>

/* 0, or -1 with errno. */
int threads_init(u32 rows);

/* Makes this thread known if it is not; not under `deciding`. Without memory, or once it is gone, it stays unknown. */
void threads_meet(pid_t tid);

/* Its counters, by row, until `deciding` is given back; NULL if it is unknown. Under `deciding`, as the next. */
struct rule_counts *threads_counts(pid_t tid);

/*
 * Thread `by` has exec'd, and has become the leader of its process: it goes on counting under that tid. Not under
 * `deciding`, as threads_meet().
 */
void threads_exec(pid_t leader, pid_t by);

/* The rule of this row is a new one. */
void threads_begin_counts(u32 row);

#endif
