/* SPDX-License-Identifier: MIT */
/* The plan at work in the supervisor: from one notified call to what becomes of it. */
#ifndef MINDERBINDER_FAULTS_H
#define MINDERBINDER_FAULTS_H

#include "../shared/filter.h"
#include "privilege.h"
#include "receivers.h"
#include "targets.h"
#include "../shared/types.h"

#include <linux/seccomp.h>
#include <sys/types.h>

struct faults {
	const struct rule *rules; /* the whole plan */
	u32 rule_count;
	const u32 *active; /* indices of the rules that are ours */
	u32 active_count;
	struct targets targets;
	const struct call_shape *shapes; /* SYSCALLS_MAX of them */
	u64 seed;
	int include_loader;
	const struct owner *spared; /* whose set-user-ID programs are spared; NULL: nobody's */
	int events;                 /* where struct event go; -1: nobody listens */
	struct rule_counts *counts; /* rule_count of them */
	u64 foreign_calls;
	u64 spared_calls;
	u64 unread_loaders; /* programs whose loader could not be told from them, and was faulted */
	u64 unsent_signals;
	int lifted;
};

/* What to do about a call; value as in struct rule. */
struct verdict {
	u32 outcome; /* enum outcome, 0: let it run */
	s64 value;
};

/* Checks the plan and builds the look-up by call. 0, or -1 with errno. */
int faults_init(struct faults *faults);

/* The calls that the filter must notify us of. */
void faults_calls(const struct faults *faults, struct call_set *set);

/* The staged child will exec now: its program begins, in the loader. */
void faults_child(struct faults *faults, pid_t child);

/* May receiver_may_wait() be called? */
int faults_may_wait(const struct faults *faults);

/* The call in receiver->request; its thread is blocked in it meanwhile. */
struct verdict faults_decide(struct faults *faults, struct receiver *receiver);

/* From here on no call is faulted or counted, and no event is written. */
void faults_lift(struct faults *faults);
int faults_are_lifted(const struct faults *faults);

#endif
