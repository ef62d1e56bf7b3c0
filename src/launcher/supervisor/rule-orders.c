/* SPDX-License-Identifier: MIT */
#include "rule-orders.h"
#include "caller.h"
#include "changing.h"
#include "clients.h"
#include "near.h"
#include "receivers.h"
#include "reports.h"
#include "request.h"
#include "supervising.h"
#include "trace.h"

#include <errno.h>
#include <stdlib.h>

static struct faults *faults;
static struct {
	struct wire_counts head;
	struct near_path near[NEAR_MAX];
} counts;
static struct slot_counts *slot_counts; /* room for as many as there may be */
static struct rule_table *prepared; /* what a change would put in force; NULL: none is asked for */

int rule_orders_init(struct faults *all)
{
	faults = all;
	slot_counts = calloc((size_t)faults->capacity + 1, sizeof(*slot_counts));
	return slot_counts ? 0 : -1;
}

/* What is not of single rules is as of now. */
static void tell_counts(u32 type, u32 near_count, u32 rule_count)
{
	counts.head.near_count = near_count;
	counts.head.lost_events = reports_lost();
	counts.head.foreign_calls = faults->foreign_calls;
	counts.head.interrupted_calls = receivers_interrupted();
	counts.head.unsent_signals = faults->unsent_signals;
	counts.head.spared_calls = faults->spared_calls;
	counts.head.unread_loaders = faults->unread_loaders;
	counts.head.refused_tracers = trace_refused();
	if (wire_write(self->node, type, &counts,
		       sizeof(counts.head) + near_count * sizeof(counts.near[0]), slot_counts,
		       rule_count * sizeof(*slot_counts)) < 0 &&
	    errno != EPIPE)
		kill_and_exit();
}

void rule_orders_count(void)
{
	tell_counts(WIRE_COUNTS, near_all(counts.near), faults_counts(faults, slot_counts));
}

/* As faults_changed(), for these callers. */
static struct rule_table *changed_for(struct rule_change *asked, const struct rule_caller *callers)
{
	struct caller *all = calloc((size_t)asked->add_count + 1, sizeof(*all));
	struct rule_table *table = NULL;
	int known = all ? 0 : -1;

	for (u32 i = 0; known == 0 && i < asked->add_count; i++)
		known = clients_resolve(&callers[i], &all[i]);
	asked->callers = all;
	if (known == 0)
		table = faults_changed(faults, asked);

	const int error = errno;

	free(all);
	errno = error;
	return table;
}

void rule_orders_change(struct frame *frame)
{
	const struct rule_caller *callers;
	struct rule_change asked;
	u32 error = EPROTO;

	if (!prepared && request_read_change(frame, &asked, &callers) == 0) {
		prepared = changed_for(&asked, callers);
		if (prepared) {
			tell_node(WIRE_CHANGE_READY, NULL, 0);
			return;
		}
		error = (u32)errno;
	}
	tell_node(WIRE_CHANGE_FAILED, &error, sizeof(error));
}

void rule_orders_commit(void)
{
	if (!prepared)
		kill_and_exit();

	const u32 removed = faults_replace(faults, prepared, slot_counts);

	prepared = NULL;
	tell_counts(WIRE_CHANGED, near_forget(counts.near, faults_have, faults), removed);
}

void rule_orders_abandon(void)
{
	if (!prepared)
		kill_and_exit();
	rule_table_free(prepared);
	prepared = NULL;
}
