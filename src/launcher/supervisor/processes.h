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
#include "../shared/types.h"

#include <sys/types.h>

struct process {
	pid_t pid;
	int pidfd; /* tells whether it is still this one that has the pid; -1: not to be had */
	u32 users; /* threads that hold it; not freed meanwhile */
	int retired; /* no longer in the table */
	u64 birth; /* /proc/PID/stat starttime: tells a reused pid */
	u64 start_ns; /* CLOCK_BOOTTIME of its newest exec, or of its fork */
	u64 image;      /* image_of() after that; where rules have targets */
	u64 exec_image; /* what the image was when exec was called; 0: no exec is pending */
	u64 exec_ns;
	pid_t exec_tid; /* the thread that called it */
	int spared; /* privilege.h */
	u64 *own;  /* where rules have targets: those that it is a target of (lineage.h) */
	u64 *kept; /* and those of them that another exec leaves as they are */
	struct rule_counts counts[]; /* one for each rule of the plan */
};

/*
 * For plans of rule_count rules, with targets or without. `owner`: whose set-user-ID programs are spared, NULL where
 * none are. 0, or -1 with errno.
 */
int processes_init(u32 rule_count, int with_targets, const struct owner *owner);

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

/* For lineage.h, within process_meet(): the process pid where it has been met and lives, settled; else NULL. */
struct process *process_parent(pid_t pid);

/* For lineage.h, the same: meets process pid. */
void process_introduce(pid_t pid);

/* For lineage.h, the same: for each process that lives. */
void processes_living(void (*visit)(const struct process *process));

#endif
