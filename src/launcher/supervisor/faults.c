/* SPDX-License-Identifier: MIT */
#include "faults.h"
#include "bits.h"
#include "changing.h"
#include "choose.h"
#include "../shared/clock.h"
#include "clients.h"
#include "deciding.h"
#include "loader.h"
#include "loading.h"
#include "look.h"
#include "processes.h"
#include "reports.h"
#include "restarts.h"
#include "threads.h"
#include "../shared/target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

static int follows_processes; /* what they exec: some rule needs it, or may */

static int is_exec(u32 number)
{
	return number == SYS_execve || number == SYS_execveat;
}

int faults_are_wanted(const struct faults *faults)
{
	return faults->first.add_count > 0 || faults->may_change;
}

int faults_init(struct faults *faults)
{
	faults->counts = calloc((size_t)faults->capacity + 1, sizeof(*faults->counts));
	if (!faults->counts)
		return -1;
	faults->table = table_changed(faults, &faults->first);
	if (!faults->table)
		return -1;
	if ((faults->table->needs_threads || faults->may_change) && threads_init(faults->capacity) < 0)
		return -1;
	follows_processes = faults_are_wanted(faults) && (faults->table->needs_process || faults->may_change);
	if (!follows_processes)
		return 0;
	return processes_init(faults->table->rules, faults->capacity,
			      faults->table->has_targets ? &faults->targets : NULL, faults->spared,
			      faults->has_clients);
}

/* -1: there is no room. */
static int add_descriptor(struct descriptors *only, s32 fd)
{
	for (u32 i = 0; i < only->count; i++) {
		if (only->fds[i] == fd)
			return 0;
	}
	if (only->count == FILTER_FDS_MAX)
		return -1;
	only->fds[only->count++] = fd;
	return 0;
}

/* Where each rule that names the call has fd=, the filter compares the descriptors, and notifies of no others. */
static void add_call(const struct faults *faults, struct call_set *set, u32 number)
{
	const struct rule_table *table = faults->table;
	struct descriptors only = { .arguments = faults->shapes[number].fds };

	call_set_add(set, number);
	for (u32 at = table->first_of[number]; at < table->first_of[number + 1]; at++) {
		const struct rule *rule = &table->rules[table->rows_of[at]];
		if (!rule->fd_count)
			return;
		for (u32 i = 0; i < rule->fd_count; i++) {
			if (add_descriptor(&only, rule->fds[i]) < 0)
				return;
		}
	}
	set->only[number] = only;
}

static int is_in_reach(const struct faults *faults, u32 number)
{
	return has_bit(faults->reach, number);
}

void faults_calls(const struct faults *faults, struct call_set *set)
{
	const struct rule_table *table = faults->table;

	memset(set, 0, sizeof(*set));
	for (u32 number = 0; number < SYSCALLS_MAX; number++) {
		if (is_in_reach(faults, number))
			call_set_add_all(set, number);
		else if (table->first_of[number] < table->first_of[number + 1])
			add_call(faults, set, number);
	}
	/* When a process execs, its loader begins, and its age. */
	if (!faults->include_loader || follows_processes) {
		call_set_add_all(set, SYS_execve);
		call_set_add_all(set, SYS_execveat);
	}
	/* Each C library calls it before main: a program is seen as it was at its exec, whatever it calls itself later. */
	if (table->has_targets)
		call_set_add_all(set, SYS_set_tid_address);
}

int faults_may_wait(const struct faults *faults)
{
	return faults->table->may_wait || faults->may_change;
}

static void will_exec(struct faults *faults, pid_t tid)
{
	if (!faults->include_loader) {
		/* The thread that execs becomes its process's leader (execve(2)): its tid will be the pid. */
		const pid_t pid = target_process(tid);

		lock(&deciding);
		loading_add(pid ? pid : tid);
		unlock(&deciding);
	}
	if (follows_processes) {
		struct process *process = process_meet(tid);

		if (!process)
			return;
		process_execs(process, tid, (u64)clock_ns(CLOCK_BOOTTIME));
		lock(&deciding);
		process_release(process);
		unlock(&deciding);
	}
}

void faults_child(struct faults *faults, pid_t child)
{
	faults->began_ns = (u64)clock_ns(CLOCK_BOOTTIME);
	will_exec(faults, child);
}

/* A failed exec leaves a thread in the state that it was in. So the first call outside the loader decides. */
static int is_in_loader(struct faults *faults, pid_t tid)
{
	const enum loader_state state = loader_state(tid);

	if (state == LOADER_RUNS)
		return 1;
	if (state == LOADER_UNKNOWN)
		__sync_fetch_and_add(&faults->unread_loaders, 1);
	lock(&deciding);
	loading_remove(tid);
	unlock(&deciding);
	return 0;
}

/* Decided before, and sent back because of a signal? Then *rest is what is left to do. */
static int is_restart(struct receiver *receiver, struct verdict *rest)
{
	u64 stack = 0;
	int restarted;

	receiver_pass_on(receiver);
	(void)target_stack((pid_t)receiver->request->pid, &stack);
	lock(&deciding);
	restarted = restarts_take(receiver->request, stack, rest);
	unlock(&deciding);
	return restarted;
}

/* What is known of a call, and of its caller. */
struct known {
	int loads;                /* its caller may be in its loader */
	int restarts;             /* it may have been decided before */
	int met;                  /* the process was searched for: `process`, or there is none */
	struct process *process;  /* held; or NULL */
	int asked;                /* it is not a call on a client's connection */
	u64 compared;             /* version of the table that it was compared with */
	int thread_met;           /* its thread was searched for: `thread`, or its counts cannot be had */
	struct rule_counts *thread; /* its thread's counts, until `deciding` is given back; or NULL */
	int paths_are_read;
	int peer_is_read;
};

static int is_named(const struct rule_table *table, u32 number)
{
	return table->first_of[number] < table->first_of[number + 1];
}

/* A call that no rule names needs its process only for targets. */
static int wants_process(const struct rule_table *table, u32 number)
{
	return table->has_targets || (table->needs_process && is_named(table, number));
}

static int lacks_process(const struct known *known, const struct rule_table *table, u32 number)
{
	return wants_process(table, number) && !known->process && !known->met;
}

/* Whether it is a call on a client's connection. */
static int is_unasked(const struct known *known, const struct rule_table *table, u32 number)
{
	return clients_are_served() && is_named(table, number) && !known->asked;
}

static int lacks_thread(const struct known *known, const struct rule_table *table)
{
	return table->needs_threads && !known->thread && !known->thread_met;
}

static int is_known(const struct known *known, const struct rule_table *table, u32 number)
{
	return !known->loads && !known->restarts && !lacks_process(known, table, number) &&
	       !lacks_thread(known, table) && !is_unasked(known, table, number) &&
	       (!table->keyed[number] || known->compared == table->version);
}

/* What cannot be decided at once. The table is held; without a lock. 1: no rule decides it, and *rest is what to do. */
static int find_out(struct faults *faults, const struct rule_table *table, struct receiver *receiver,
		    struct known *known, struct verdict *rest)
{
	const u32 number = (u32)receiver->request->data.nr;
	const pid_t tid = (pid_t)receiver->request->pid;
	int runs = known->restarts && is_restart(receiver, rest);

	if (known->loads || lacks_process(known, table, number)) {
		receiver_pass_on(receiver);
		if (lacks_process(known, table, number)) {
			known->process = process_meet(tid);
			known->met = 1;
		}
		runs |= known->loads && is_in_loader(faults, tid);
	}
	if (lacks_thread(known, table)) {
		receiver_pass_on(receiver);
		threads_meet(tid);
		known->thread_met = 1;
	}
	known->loads = known->restarts = 0;
	if (!runs && is_unasked(known, table, number)) {
		for (u32 i = 0; i < ARGUMENTS_MAX; i++)
			look.arguments[i] = receiver->request->data.args[i];
		receiver_may_wait(receiver);
		runs = clients_own_call(known->process, tid, number, &faults->shapes[number], look.arguments);
		receiver_waited(receiver);
		known->asked = 1;
	}
	if (!runs && table->keyed[number]) {
		look_compare(faults, table, receiver);
		known->compared = table->version;
		known->paths_are_read = table->paths_of[number] > 0;
		known->peer_is_read = table->peer_parts[number] > 0;
	}
	return runs;
}

/* Under `deciding`. */
static struct rule_counts *thread_of(const struct rule_table *table, pid_t tid)
{
	return table->needs_threads ? threads_counts(tid) : NULL;
}

static struct verdict decide_native(struct faults *faults, struct receiver *receiver)
{
	struct verdict verdict = { 0 };
	const u32 number = (u32)receiver->request->data.nr;
	const pid_t tid = (pid_t)receiver->request->pid;
	struct injection injection = { 0 };
	struct known known = { 0 };
	struct rule_table *table;
	int reports = 0, near = 0, runs = 0;

	lock(&deciding);
	table = faults->table;
	known.process = wants_process(table, number) ? process_at_hand(tid) : NULL;
	known.thread = thread_of(table, tid);
	known.loads = loading_has(tid);
	known.restarts = restarts_have(receiver->request);
	/* A table that has come meanwhile is another question. */
	while (!runs && !is_known(&known, table, number)) {
		rule_table_hold(table);
		unlock(&deciding);
		runs = find_out(faults, table, receiver, &known, &verdict);
		lock(&deciding);
		rule_table_release(table);
		table = faults->table;
		known.thread = thread_of(table, tid);
	}
	if (known.process && known.process->spared && !runs && is_named(table, number)) {
		__sync_fetch_and_add(&faults->spared_calls, 1);
		runs = 1;
	}
	if (!runs && !faults_are_lifted(faults))
		reports = choose(faults, receiver->request, known.process, known.thread, &verdict, &injection,
				 &near);
	if (known.process)
		process_release(known.process);
	if (near)
		rule_table_hold(table);
	unlock(&deciding);

	if (near)
		look_keep_near(table, number);
	if (reports) {
		receiver_pass_on(receiver);
		look_report(faults, &injection, receiver->request, known.paths_are_read, known.peer_is_read);
	}
	if (is_exec(number) && !is_answered(&verdict)) {
		receiver_pass_on(receiver);
		will_exec(faults, tid);
	}
	return verdict;
}

struct verdict faults_decide(struct faults *faults, struct receiver *receiver)
{
	const struct seccomp_notif *call = receiver->request;
	const u32 number = (u32)call->data.nr;

	if (faults_are_lifted(faults))
		return (struct verdict){ 0 };
	if (call->data.arch == filter_native_arch && !(number & filter_foreign_bit) && number < SYSCALLS_MAX)
		return decide_native(faults, receiver);
	__sync_fetch_and_add(&faults->foreign_calls, 1);
	if (filter_is_foreign_exec(call)) {
		receiver_pass_on(receiver);
		will_exec(faults, (pid_t)call->pid);
	}
	return (struct verdict){ 0 };
}

int faults_are_lifted(const struct faults *faults)
{
	return __atomic_load_n(&faults->lifted, __ATOMIC_RELAXED);
}

void faults_lift(struct faults *faults)
{
	lock(&deciding);
	__atomic_store_n(&faults->lifted, 1, __ATOMIC_RELAXED);

	const u64 given = reports_given();

	unlock(&deciding);
	reports_wait(given);
}
