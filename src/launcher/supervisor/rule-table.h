/* SPDX-License-Identifier: MIT */
/*
 * The rules of one moment, and which of them name a call. A table does not change: another takes its place as a whole, so
 * that no call is decided by half of a change. A thread that looks at a table without a lock holds it meanwhile.
 *
 * A rule keeps its row while it exists; another rule may get the row later. Counters and sets of rules are indexed by row.
 */
#ifndef MINDERBINDER_RULE_TABLE_H
#define MINDERBINDER_RULE_TABLE_H

#include "caller.h"
#include "../shared/types.h"

struct rule_table {
	u64 version; /* no two tables have the same; not 0 */
	u32 holders; /* threads that hold it, and one while it is in force */
	u32 count;
	u32 *rows;          /* of its rules, the lowest slot first */
	struct rule *rules; /* by row */
	struct caller *callers; /* by row: the client that each is for */
	/* rows_of[first_of[nr]] up to rows_of[first_of[nr + 1]]: the rules that name call nr, the lowest slot first. */
	u32 first_of[SYSCALLS_MAX + 1];
	u32 *rows_of;
	u32 paths_of[SYSCALLS_MAX]; /* how many of them have path= */
	u8 peer_parts[SYSCALLS_MAX]; /* what they compare of a socket's other side: enum peer_part, as bits */
	u8 keyed[SYSCALLS_MAX];     /* some have path=, fd= or that, or an outcome that not each call can have */
	u8 shortens[SYSCALLS_MAX];  /* that is OUTCOME_SHORT */
	u32 *fresh; /* rows of the rules that the table before did not have */
	u32 fresh_count;
	int has_targets;            /* some rule is for some processes only */
	int needs_process;          /* for that, for after=, for=, scope=process or scope=thread */
	int needs_threads;          /* some rule has scope=thread */
	int may_wait;               /* some rule compares what a target may keep us waiting for */
};

struct rule_change {
	const struct rule *add;
	const struct caller *callers; /* of each; NULL: the rules are no client's */
	u32 add_count;
	const u32 *remove; /* slots, the lowest first */
	u32 remove_count;
};

/*
 * What `from` (NULL: no rules) becomes: rules take the lowest rows that are free, in their order, below `capacity`. NULL with
 * errno: ENOSPC if they have no room, EINVAL if a slot is added twice or removed without being there.
 */
struct rule_table *rule_table_changed(const struct rule_table *from, u32 capacity, const struct rule_change *change);

static inline int rule_names(const struct rule *rule, u32 number)
{
	return (int)(rule->syscalls[number / 64] >> (number % 64) & 1);
}

/* Its holders are counted under `deciding`: the last one frees it. */
void rule_table_free(struct rule_table *table);

static inline void rule_table_hold(struct rule_table *table)
{
	table->holders++;
}

static inline void rule_table_release(struct rule_table *table)
{
	if (--table->holders == 0)
		rule_table_free(table);
}

#endif
