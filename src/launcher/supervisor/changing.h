/* SPDX-License-Identifier: MIT */
/* Rules that change while the command runs. Only one thread changes them, the one that started the others. */
#ifndef MINDERBINDER_CHANGING_H
#define MINDERBINDER_CHANGING_H

#include "faults.h"

/* The table in force, changed, with what no table knows by itself; whatever the change is. NULL with errno, as below. */
struct rule_table *table_changed(const struct faults *faults, const struct rule_change *change);

/*
 * What the rules in force would become, for faults_replace() or rule_table_free(). NULL with errno: ENOSPC, no room; ERANGE,
 * calls out of reach; EOPNOTSUPP, targets, which are found for the first rules only; EINVAL, slots that cannot be; ENOMEM.
 */
struct rule_table *faults_changed(const struct faults *faults, const struct rule_change *change);

/*
 * Puts these in force in place of those that they came from: each call that is decided from here on is decided by them. How
 * many were removed; their last counts in `last`.
 */
u32 faults_replace(struct faults *faults, struct rule_table *table, struct slot_counts *last);

/* Of the rules in force: how many. `counts`: room for as many as there may be. */
u32 faults_counts(const struct faults *faults, struct slot_counts *counts);

/* Is the rule of this slot in force? */
int faults_have(const struct faults *faults, u32 slot);

#endif
