/* SPDX-License-Identifier: MIT */
/*
 * The rules at work in the supervisor: from a notified call to its verdict. Only one thread changes them, the one that
 * started the others.
 */
#ifndef MINDERBINDER_FAULTS_H
#define MINDERBINDER_FAULTS_H

#include "../shared/filter.h"
#include "privilege.h"
#include "receivers.h"
#include "rule-table.h"
#include "targets.h"
#include "verdict.h"
#include "../shared/types.h"
#include "../shared/wire.h"

#include <linux/seccomp.h>
#include <sys/types.h>

struct faults {
	struct rule_table *table; /* in force; another takes its place under `deciding` */
	struct rule_change first; /* what is in force when the child begins */
	u32 capacity;             /* rules at one time at most */
	int may_change;           /* rules may be added that name calls in `reach` */
	int has_clients;          /* programs of the tree may ask for that (clients.h) */
	u64 reach[SYSCALLS_MAX / 64];
	struct targets targets; /* of the first rules, by their rows */
	const struct call_shape *shapes; /* SYSCALLS_MAX of them */
	u64 seed;
	u64 began_ns; /* when the child was about to exec, CLOCK_BOOTTIME */
	int include_loader;
	const struct owner *spared; /* whose set-user-ID programs are spared; NULL: none */
	int events;                 /* where struct event go; -1: not wanted */
	int reports_all;            /* those of each rule, not only where a client asks for its own */
	struct rule_counts *counts; /* by row */
	u64 foreign_calls;
	u64 spared_calls;
	u64 unread_loaders; /* programs whose loader could not be told from them, and was faulted */
	u64 unsent_signals;
	int lifted;
};

/* Puts the first rules in force. 0, or -1 with errno. */
int faults_init(struct faults *faults);

/* Are calls to be notified of at all? */
int faults_are_wanted(const struct faults *faults);

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
