/* SPDX-License-Identifier: MIT */
#include "changing.h"
#include "bits.h"
#include "deciding.h"
#include "processes.h"
#include "threads.h"

#include <errno.h>
#include <string.h>

struct rule_table *table_changed(const struct faults *faults, const struct rule_change *change)
{
	struct rule_table *table = rule_table_changed(faults->table, faults->capacity, change);

	if (table)
		table->needs_process |= faults->spared != NULL || faults->has_clients;
	return table;
}

static int is_beyond_reach(const struct faults *faults, const struct rule *rule)
{
	for (u32 i = 0; i < SYSCALLS_MAX / 64; i++) {
		if (rule->syscalls[i] & ~faults->reach[i])
			return 1;
	}
	return 0;
}

/* Of each rule that the new table does not have. Both are in the order of slots. */
static u32 last_counts(const struct faults *faults, const struct rule_table *fresh, struct slot_counts *last)
{
	const struct rule_table *table = faults->table;
	u32 removed = 0, at = 0;

	for (u32 i = 0; i < table->count; i++) {
		const u32 row = table->rows[i], slot = table->rules[row].slot;

		while (at < fresh->count && fresh->rules[fresh->rows[at]].slot < slot)
			at++;
		if (at == fresh->count || fresh->rules[fresh->rows[at]].slot != slot)
			last[removed++] = (struct slot_counts){ .slot = slot, .counts = faults->counts[row] };
	}
	return removed;
}

/* Under `deciding`. */
static void begin_counts(struct faults *faults, const struct rule_table *table)
{
	for (u32 i = 0; i < table->fresh_count; i++) {
		const u32 row = table->fresh[i];

		memset(&faults->counts[row], 0, sizeof(faults->counts[row]));
		if (table->rules[row].scope == SCOPE_PROCESS)
			processes_begin_counts(row);
		if (table->rules[row].scope == SCOPE_THREAD)
			threads_begin_counts(row);
	}
}

static int is_refused(const struct faults *faults, const struct rule_change *change)
{
	for (u32 i = 0; i < change->add_count; i++) {
		errno = change->add[i].flags & RULE_HAS_TARGETS ? EOPNOTSUPP : ERANGE;
		if (errno == EOPNOTSUPP || is_beyond_reach(faults, &change->add[i]))
			return 1;
	}
	return 0;
}

struct rule_table *faults_changed(const struct faults *faults, const struct rule_change *change)
{
	return is_refused(faults, change) ? NULL : table_changed(faults, change);
}

u32 faults_replace(struct faults *faults, struct rule_table *table, struct slot_counts *last)
{
	lock(&deciding);

	struct rule_table *before = faults->table;
	const u32 removed = last_counts(faults, table, last);

	begin_counts(faults, table);
	faults->table = table;
	rule_table_release(before);
	unlock(&deciding);
	return removed;
}

u32 faults_counts(const struct faults *faults, struct slot_counts *counts)
{
	const struct rule_table *table = faults->table;

	for (u32 i = 0; table && i < table->count; i++) {
		const u32 row = table->rows[i];

		counts[i] = (struct slot_counts){ .slot = table->rules[row].slot, .counts = faults->counts[row] };
	}
	return table ? table->count : 0;
}

int faults_have(const struct faults *faults, u32 slot)
{
	const struct rule_table *table = faults->table;

	for (u32 i = 0; i < table->count; i++) {
		if (table->rules[table->rows[i]].slot == slot)
			return 1;
	}
	return 0;
}
