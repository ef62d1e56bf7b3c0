/* SPDX-License-Identifier: MIT */
#include "look.h"
#include "bits.h"
#include "deciding.h"
#include "length.h"
#include "near.h"

/* With more to compare than this, another thread starts to receive first. */
#define QUICK_PATHS 32

__thread struct look look;

/* Connections are those of IPv4 and IPv6. */
static int is_other_call(const struct rule *rule, const struct call_shape *shape)
{
	if (rule->kind == RULE_REFUSE_NET)
		return !look.peer.family && !look.peer.unread;
	return rule->fd_count && !fd_matches(rule, shape, look.arguments);
}

/* Whether one of the paths, none of which matched, may have been meant: found out here, where no lock is held. */
static int came_near(const struct rule *rule, const struct rule_counts *counts)
{
	if (__atomic_load_n(&counts->matched, __ATOMIC_RELAXED) > 0 || !near_wanted(rule->slot))
		return 0;
	for (u32 i = 0; i < look.paths.count; i++) {
		for (const char *glob = next_glob(rule, NULL); glob; glob = next_glob(rule, glob)) {
			if (is_near(glob, look.paths.of[i].text))
				return 1;
		}
	}
	return 0;
}

/* Records how a rule that names the call compares with it. */
static void compare_with(const struct rule *rule, const struct rule_counts *counts, u32 row,
			 const struct call_shape *shape)
{
	const int whole = rule->outcome == OUTCOME_SHORT && !short_bytes(rule, look.length);
	const int other = is_other_call(rule, shape);
	const int path = other || !(rule->flags & RULE_HAS_PATH) || paths_match(&look.paths, rule);
	const int peer = other || !peer_parts(rule) || peer_matches(&look.peer, rule);

	set_bit(look.other, row, other);
	set_bit(look.agrees, row, path && peer && !whole);
	set_bit(look.unread, row, (!path && look.paths.unread) || (!peer && look.peer.unread));
	set_bit(look.near, row, !path && came_near(rule, counts));
}

void look_compare(struct faults *faults, const struct rule_table *table, struct receiver *receiver)
{
	const struct seccomp_notif *call = receiver->request;
	const u32 number = (u32)call->data.nr;
	const struct call_shape *shape = &faults->shapes[number];

	for (u32 i = 0; i < ARGUMENTS_MAX; i++)
		look.arguments[i] = call->data.args[i];
	if (table->paths_of[number] > QUICK_PATHS)
		receiver_pass_on(receiver);
	if (table->paths_of[number] > 0) {
		/* Memory may have to be waited for, and no descriptor. */
		if (shape->paths)
			receiver_may_wait(receiver);
		paths_read(&look.paths, shape, call);
		receiver_waited(receiver);
	}
	if (table->shortens[number])
		look.length = length_asked(shape, call);
	if (table->peer_parts[number]) {
		receiver_may_wait(receiver);
		peer_read(&look.peer, shape, call, table->peer_parts[number]);
		receiver_waited(receiver);
	}
	for (u32 at = table->first_of[number]; at < table->first_of[number + 1]; at++) {
		const u32 row = table->rows_of[at];

		compare_with(&table->rules[row], &faults->counts[row], row, shape);
	}
}

void look_keep_near(struct rule_table *table, u32 number)
{
	for (u32 at = table->first_of[number]; at < table->first_of[number + 1]; at++) {
		const u32 row = table->rows_of[at];
		const struct rule *rule = &table->rules[row];

		for (u32 i = 0; has_bit(look.near, row) && i < look.paths.count; i++) {
			for (const char *glob = next_glob(rule, NULL); glob; glob = next_glob(rule, glob))
				near_consider(rule->slot, glob, look.paths.of[i].text);
		}
	}
	lock(&deciding);
	rule_table_release(table);
	unlock(&deciding);
}

void look_report(struct faults *faults, const struct injection *injection, const struct seccomp_notif *call,
		 int paths_are_read, int peer_is_read)
{
	const struct call_shape *shape = &faults->shapes[call->data.nr];

	if (!paths_are_read && shape->paths)
		paths_read(&look.paths, shape, call);
	else if (!paths_are_read)
		look.paths.count = 0;
	report(faults->events, injection, call, shape, &look.paths, peer_is_read ? &look.peer : NULL);
}
