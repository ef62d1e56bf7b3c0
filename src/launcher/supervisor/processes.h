/* SPDX-License-Identifier: MIT */
/*
 * What is kept per process of the tree, for what needs it: after= (when did it start?), scope=process (its own
 * counters), targets (what is it a target of?), set-user-ID programs (is it spared?), and clients of --control (which does
 * it descend from?).
 *
 * Most calls find all of this at hand and read no file. One thread at a time does the rest, under a lock of its own; it
 * takes `deciding` only to publish what it has found. So `deciding` guards the table and what is in it.
 */
#ifndef MINDERBINDER_PROCESSES_H
#define MINDERBINDER_PROCESSES_H

#include "privilege.h"
#include "process.h"
#include "targets.h"

/*
 * `rules`: by row, read now and not later. `targets`: of these rules, NULL if none has any. `owner`: the user whose
 * set-user-ID programs are spared, NULL if none are. `clients`: there will be some. Returns 0, or -1 with errno.
 */
int processes_init(const struct rule *rules, u32 rows, const struct targets *targets, const struct owner *owner,
		   int clients);

/*
 * Call it before a process is met: they do not descend from us, but from this process, which has the filter although we did
 * not start it. So we do not find descendants that have lost their parent.
 */
void processes_descend_from(pid_t pid);

/* Does it descend from the process that all that have our filter do? */
int process_is_in_tree(pid_t pid);

/* The rule of this row is a new one. Under `deciding`. */
void processes_begin_counts(u32 row);

/* The process of thread tid if it is at hand, held; else NULL. Under `deciding`. */
struct process *process_at_hand(pid_t tid);

/*
 * The process of thread tid, held, after a look at whether its exec has succeeded: made where it is new; NULL where
 * it is gone or memory is short. Not under `deciding`, as the next.
 */
struct process *process_meet(pid_t tid);

/* Thread tid is about to exec at now_ns: its process starts afresh if that succeeds. */
void process_execs(struct process *process, pid_t tid, u64 now_ns);

/*
 * Process pid is the client that has this place, and what descends from it is under it. A process that has lost
 * its parent is where all known processes of its program's image are: it is not hit unless that is certain. Not under
 * `deciding`, as the next two.
 */
void processes_add_client(u32 place, pid_t pid);
void processes_remove_client(u32 place);

/* The serial of the newest process: all that there are now have that one or an earlier one. */
u64 processes_meet_all(void);

/* Does it descend from this one, or is it? By its living parents. */
int process_descends(pid_t pid, pid_t from);

/* Nothing looks at it any more. Under `deciding`. */
void process_release(struct process *process);

/* Nanoseconds since the process started. */
u64 process_age(const struct process *process, u64 now_ns);

#endif
