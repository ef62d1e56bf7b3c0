/* SPDX-License-Identifier: MIT */
#include "choose.h"
#include "../shared/clock.h"
#include "bits.h"
#include "look.h"
#include "near.h"

static int is_for(const struct rule_table *table, u32 row, const struct process *process, pid_t tid)
{
	if (table->rules[row].flags & RULE_HAS_TARGETS && !(process && is_target_of(process, row)))
		return 0;
	return caller_covers(&table->callers[row], process, tid);
}

static struct verdict verdict_of(const struct rule *rule, u64 seed, u64 n)
{
	return (struct verdict){
		.outcome = rule->outcome,
		.enter_ns = drawn_enter(rule, seed, n),
		.signal = (u32)rule->signal,
		.error = drawn_error(rule, seed, n),
		.value = rule->outcome == OUTCOME_SHORT ? (s64)short_bytes(rule, look.length) : rule->value,
		.exit_ns = drawn_exit(rule, seed, n),
	};
}

/*
 * For connections that are not some processes' only, it is that of the whole run, as it is for the network's engines. A run
 * within another began later.
 */
static u64 age_for(const struct faults *faults, const struct rule *rule, const struct caller *caller,
		   const struct process *process)
{
	const u64 now = (u64)clock_ns(CLOCK_BOOTTIME);

	if (rule->kind == RULE_REFUSE_NET && !(rule->flags & RULE_HAS_TARGETS))
		return now - (caller->scope == CALLER_EXEC ? caller->began_ns : faults->began_ns);
	return process ? process_age(process, now) : UINT64_MAX;
}

int choose(struct faults *faults, const struct seccomp_notif *call, struct process *process,
		  struct rule_counts *thread, struct verdict *verdict, struct injection *injection, int *near)
{
	const u32 number = (u32)call->data.nr;
	const struct rule_table *table = faults->table;
	u64 age = UINT64_MAX;
	int is_reported = 0;

	for (u32 at = table->first_of[number]; at < table->first_of[number + 1]; at++) {
		const u32 row = table->rows_of[at];
		const struct rule *rule = &table->rules[row];
		const struct caller *caller = &table->callers[row];
		const u64 seed = caller->flags & CALLER_HAS_SEED ? caller->seed : faults->seed;
		struct rule_counts *total = &faults->counts[row];
		struct rule_counts *scope = total;
		const int agrees = !table->keyed[number] || has_bit(look.agrees, row);

		if (!is_for(table, row, process, (pid_t)call->pid) || (table->keyed[number] && has_bit(look.other, row)))
			continue;
		if (verdict->outcome) {
			__sync_fetch_and_add(&total->taken, 1);
			continue;
		}
		if (needs_age(rule))
			age = age_for(faults, rule, caller, process);
		if (process && rule->scope == SCOPE_PROCESS)
			scope = &process->counts[row];
		if (thread && rule->scope == SCOPE_THREAD)
			scope = &thread[row];
		if (!agrees && has_bit(look.unread, row))
			__sync_fetch_and_add(&total->unread, 1);
		if (!agrees && has_bit(look.near, row)) {
			const int wanted = total->matched == 0 && near_wanted(rule->slot);

			set_bit(look.near, row, wanted);
			*near |= wanted;
		}
		if (decide(rule, seed, age, agrees, total, scope, &injection->n)) {
			injection->rule = rule->slot;
			*verdict = verdict_of(rule, seed, injection->n);
			is_reported = faults->reports_all || caller->flags & CALLER_EVENTS;
		}
	}
	if (!is_reported || faults->events < 0)
		return 0;
	report_later(injection);
	return 1;
}
