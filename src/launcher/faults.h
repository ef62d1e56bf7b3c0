/* SPDX-License-Identifier: MIT */
/* The plan at work in the supervisor: from one notified call to what becomes of it. */
#ifndef MINDERBINDER_FAULTS_H
#define MINDERBINDER_FAULTS_H

#include "filter.h"
#include "targets.h"
#include "types.h"

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
	int events;                 /* where struct event go; -1: nobody listens */
	struct rule_counts *counts; /* rule_count of them */
	u64 lost_events;
	u64 foreign_calls;
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

/* The staged child will exec now: it begins in the loader. */
void faults_child(struct faults *faults, pid_t child);

/* Called by the notification thread only; the caller is blocked in the call meanwhile. */
struct verdict faults_decide(struct faults *faults, const struct seccomp_notif *call);

#endif
