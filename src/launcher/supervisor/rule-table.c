/* SPDX-License-Identifier: MIT */
#include "rule-table.h"
#include "peers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void rule_table_free(struct rule_table *table)
{
	free(table->rows);
	free(table->rules);
	free(table->callers);
	free(table->rows_of);
	free(table->fresh);
	free(table);
}

static struct rule_table *empty_table(u32 capacity)
{
	static u64 versions;
	struct rule_table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->version = ++versions;
	table->holders = 1;
	table->rows = calloc((size_t)capacity + 1, sizeof(*table->rows));
	table->rules = calloc((size_t)capacity + 1, sizeof(*table->rules));
	table->callers = calloc((size_t)capacity + 1, sizeof(*table->callers));
	if (table->rows && table->rules && table->callers)
		return table;
	rule_table_free(table);
	return NULL;
}

/* Both in the order of slots. */
static int keep(struct rule_table *table, const struct rule_table *from, const struct rule_change *change)
{
	u32 removed = 0;

	for (u32 i = 0; from && i < from->count; i++) {
		const u32 row = from->rows[i];

		if (removed < change->remove_count && change->remove[removed] == from->rules[row].slot) {
			removed++;
			continue;
		}
		table->rows[table->count++] = row;
		table->rules[row] = from->rules[row];
		table->callers[row] = from->callers[row];
	}
	return removed == change->remove_count ? 0 : -1;
}

/* A row that no rule has: a rule's kind is never 0. */
static int add(struct rule_table *table, const struct rule *rule, u32 row)
{
	u32 at = table->count;

	while (at > 0 && table->rules[table->rows[at - 1]].slot > rule->slot)
		at--;
	if (at > 0 && table->rules[table->rows[at - 1]].slot == rule->slot)
		return -1;
	memmove(table->rows + at + 1, table->rows + at, (table->count - at) * sizeof(*table->rows));
	table->rows[at] = row;
	table->rules[row] = *rule;
	table->count++;
	return 0;
}

static int add_all(struct rule_table *table, u32 capacity, const struct rule_change *change)
{
	u32 row = 0;

	table->fresh = calloc((size_t)change->add_count + 1, sizeof(*table->fresh));
	if (!table->fresh)
		return -1;
	for (u32 i = 0; i < change->add_count; i++) {
		while (row < capacity && table->rules[row].kind)
			row++;
		if (row == capacity) {
			errno = ENOSPC;
			return -1;
		}
		if (change->add[i].kind == RULE_DROP_NET || add(table, &change->add[i], row) < 0) {
			errno = EINVAL;
			return -1;
		}
		if (change->callers)
			table->callers[row] = change->callers[i];
		table->fresh[table->fresh_count++] = row;
	}
	return 0;
}

static int index_calls(struct rule_table *table)
{
	size_t total = 0;
	u32 at = 0;

	for (u32 i = 0; i < table->count; i++) {
		const struct rule *rule = &table->rules[table->rows[i]];

		table->has_targets |= !!(rule->flags & RULE_HAS_TARGETS);
		table->may_wait |= rule->flags & RULE_HAS_PATH || peer_parts(rule);
		table->needs_threads |= rule->scope == SCOPE_THREAD;
		table->needs_process |= needs_age(rule) || rule->scope == SCOPE_PROCESS;
		for (u32 number = 0; number < SYSCALLS_MAX; number++)
			total += (size_t)rule_names(rule, number);
	}
	/* A thread that execs gets its process's id, and goes on counting. */
	table->needs_process |= table->has_targets || table->needs_threads;
	table->rows_of = calloc(total + 1, sizeof(*table->rows_of));
	if (!table->rows_of)
		return -1;
	for (u32 number = 0; number < SYSCALLS_MAX; number++) {
		table->first_of[number] = at;
		for (u32 i = 0; i < table->count; i++) {
			const struct rule *rule = &table->rules[table->rows[i]];

			if (!rule_names(rule, number))
				continue;
			table->rows_of[at++] = table->rows[i];
			table->paths_of[number] += !!(rule->flags & RULE_HAS_PATH);
			table->shortens[number] |= rule->outcome == OUTCOME_SHORT;
			table->peer_parts[number] |= (u8)peer_parts(rule);
			table->keyed[number] |= rule->flags & RULE_HAS_PATH || rule->fd_count || peer_parts(rule) ||
						rule->outcome == OUTCOME_SHORT;
		}
	}
	table->first_of[SYSCALLS_MAX] = at;
	return 0;
}

struct rule_table *rule_table_changed(const struct rule_table *from, u32 capacity, const struct rule_change *change)
{
	struct rule_table *table = empty_table(capacity);

	if (!table)
		return NULL;
	errno = EINVAL;
	if (keep(table, from, change) == 0 && add_all(table, capacity, change) == 0 && index_calls(table) == 0)
		return table;

	const int error = errno;

	rule_table_free(table);
	errno = error;
	return NULL;
}
