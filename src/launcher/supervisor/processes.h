/* SPDX-License-Identifier: MIT */
/*
 * What is kept per process of the tree, for what needs it: after= (when did it start?), scope=process (its own
 * counters), targets (what is it a target of?), and set-user-ID programs (is it spared?).
 *
 * At most calls all of this is at hand, and no file is read. The rest is one thread's work at a time, under a lock of
 * its own; it takes `deciding` only to publish what it has found. So that lock guards the table and what is in it.
 */
#ifndef MINDERBINDER_PROCESSES_H
#define MINDERBINDER_PROCESSES_H

#include "privilege.h"
#include "process.h"
#include "targets.h"

/*
 * For a plan. `targets`: of its rules, NULL if none has any. `owner`: whose set-user-ID programs are spared, NULL if
 * none are. 0, or -1 with errno.
 */
int processes_init(const struct rule *rules, u32 rule_count, const struct targets *targets, const struct owner *owner);

/* The process of thread tid if it is at hand, held; else NULL. Under `deciding`. */
struct process *process_at_hand(pid_t tid);

/*
 * The process of thread tid, held, after a look at whether its exec has succeeded: made where it is new; NULL where
 * it is gone or memory is short. Not under `deciding`, as the next.
 */
struct process *process_meet(pid_t tid);

/* Thread tid is about to exec at now_ns: its process starts anew if that succeeds. */
void process_execs(struct process *process, pid_t tid, u64 now_ns);

/* It is not looked at any more. Under `deciding`. */
void process_release(struct process *process);

/* Nanoseconds since the process started. */
u64 process_age(const struct process *process, u64 now_ns);

#endif
