/* SPDX-License-Identifier: MIT */
/* The rule that decides a call, if one does: they are tried in order, and the first that fires wins. */
#ifndef MINDERBINDER_CHOOSE_H
#define MINDERBINDER_CHOOSE_H

#include "faults.h"
#include "processes.h"
#include "reports.h"

/*
 * Under `deciding`, after look_compare() where the call is keyed. `thread`: its thread's counts, or NULL. Returns 1: it is to be
 * reported. 1 in *near: paths that nearly matched are to be kept.
 */
int choose(struct faults *faults, const struct seccomp_notif *call, struct process *process,
	   struct rule_counts *thread, struct verdict *verdict, struct injection *injection, int *near);

#endif
