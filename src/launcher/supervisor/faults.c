/* SPDX-License-Identifier: MIT */
#include "faults.h"
#include "../shared/clock.h"
#include "clients.h"
#include "deciding.h"
#include "length.h"
#include "loader.h"
#include "loading.h"
#include "near.h"
#include "paths.h"
#include "peers.h"
#include "processes.h"
#include "reports.h"
#include "restarts.h"
#include "threads.h"
#include "../shared/target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

/* More to compare than this, and it is no longer done before another call can be received. */
#define QUICK_PATHS 32

static int follows_processes; /* what they exec: some rule needs it, or may */

/* What a thread knows of the call that it decides. Of the bits those of the rules that name the call are valid, by row. */
struct look {
	u64 arguments[ARGUMENTS_MAX];
	struct paths paths;
	struct peer peer;
	u64 length; /* how many bytes it asks to move; 0: it cannot move fewer */
	u64 other[RULES_MAX / 64];  /* a descriptor or a socket that is not the rule's: to it, another call */
	u64 agrees[RULES_MAX / 64]; /* its path=, port=, to= and proto= do, and the call can have the outcome */
	u64 unread[RULES_MAX / 64]; /* or could not be compared */
	u64 near[RULES_MAX / 64];   /* or did not match, and the rule has met none that did */
};

static __thread struct look look;

static u64 began_ns; /* when the child was about to exec, CLOCK_BOOTTIME */

static void set_bit(u64 *bits, u32 row, int value)
{
	const u64 bit = 1ull << (row % 64);

	bits[row / 64] = value ? bits[row / 64] | bit : bits[row / 64] & ~bit;
}

static int has_bit(const u64 *bits, u32 row)
{
	return (int)(bits[row / 64] >> (row % 64) & 1);
}

static int is_exec(u32 number)
{
	return number == SYS_execve || number == SYS_execveat;
}

int faults_are_wanted(const struct faults *faults)
{
	return faults->first.add_count > 0 || faults->may_change;
}

/* What no table knows by itself. */
static struct rule_table *changed(const struct faults *faults, const struct rule_change *change)
{
	struct rule_table *table = rule_table_changed(faults->table, faults->capacity, change);

	if (table)
		table->needs_process |= faults->spared != NULL || faults->has_clients;
	return table;
}

int faults_init(struct faults *faults)
{
	faults->counts = calloc((size_t)faults->capacity + 1, sizeof(*faults->counts));
	if (!faults->counts)
		return -1;
	faults->table = changed(faults, &faults->first);
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
	began_ns = (u64)clock_ns(CLOCK_BOOTTIME);
	will_exec(faults, child);
}

/* A failed exec leaves a thread in no other state than it was in: so the first call outside the loader decides. */
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

/* Connections are those of IPv4 and IPv6. */
static int is_other_call(const struct rule *rule, const struct call_shape *shape)
{
	if (rule->kind == RULE_REFUSE_NET)
		return !look.peer.family && !look.peer.unread;
	return rule->fd_count && !fd_matches(rule, shape, look.arguments);
}

/* Sets what is said of a rule that names the call. */
static void compare_with(const struct rule *rule, u32 row, const struct call_shape *shape)
{
	const int whole = rule->outcome == OUTCOME_SHORT && !short_bytes(rule, look.length);
	const int other = is_other_call(rule, shape);
	const int path = other || !(rule->flags & RULE_HAS_PATH) || paths_match(&look.paths, rule);
	const int peer = other || !peer_parts(rule) || peer_matches(&look.peer, rule);

	set_bit(look.other, row, other);
	set_bit(look.agrees, row, path && peer && !whole);
	set_bit(look.unread, row, (!path && look.paths.unread) || (!peer && look.peer.unread));
	set_bit(look.near, row, !path && look.paths.count > 0);
}

/* What the keys of the rules that name the call say to it. Before anything is decided, and under no lock. */
static void compare(struct faults *faults, const struct rule_table *table, struct receiver *receiver)
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
	for (u32 at = table->first_of[number]; at < table->first_of[number + 1]; at++)
		compare_with(&table->rules[table->rows_of[at]], table->rows_of[at], shape);
}

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

/* For connections that are not some processes' only, it is that of the whole run, as it is for the network's engines. */
static u64 age_for(const struct rule *rule, const struct process *process)
{
	const u64 now = (u64)clock_ns(CLOCK_BOOTTIME);

	if (rule->kind == RULE_REFUSE_NET && !(rule->flags & RULE_HAS_TARGETS))
		return now - began_ns;
	return process ? process_age(process, now) : UINT64_MAX;
}

/* Under `deciding`. Returns 1: it is to be reported. */
static int choose(struct faults *faults, const struct seccomp_notif *call, struct process *process,
		  struct rule_counts *thread, struct verdict *verdict, struct injection *injection, int *near)
{
	const u32 number = (u32)call->data.nr;
	const struct rule_table *table = faults->table;
	u64 age = UINT64_MAX;

	for (u32 at = table->first_of[number]; at < table->first_of[number + 1]; at++) {
		const u32 row = table->rows_of[at];
		const struct rule *rule = &table->rules[row];
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
			age = age_for(rule, process);
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
		if (decide(rule, faults->seed, age, agrees, total, scope, &injection->n)) {
			injection->rule = rule->slot;
			*verdict = verdict_of(rule, faults->seed, injection->n);
		}
	}
	if (!verdict->outcome || faults->events < 0)
		return 0;
	report_later(injection);
	return 1;
}

/* The table is held, and let go. */
static void keep_near(struct rule_table *table, u32 number)
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

/* `paths_are_read`, `peer_is_read`: those of this call. */
static void tell(struct faults *faults, const struct injection *injection, const struct seccomp_notif *call,
		 int paths_are_read, int peer_is_read)
{
	const struct call_shape *shape = &faults->shapes[call->data.nr];

	if (!paths_are_read && shape->paths)
		paths_read(&look.paths, shape, call);
	else if (!paths_are_read)
		look.paths.count = 0;
	report(faults->events, injection, call, shape, &look.paths, peer_is_read ? &look.peer : NULL);
}

/* Decided before, and sent back for a signal's sake? Then *rest is what is left to do. */
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
	int met;                  /* it was looked for the process: `process`, or there is none */
	struct process *process;  /* held; or NULL */
	int asked;                /* it is no call on a client's connection */
	u64 compared;             /* version of the table that it was compared with */
	int thread_met;           /* its thread was looked for: `thread`, or its counts cannot be had */
	struct rule_counts *thread; /* its thread's counts, until `deciding` is given back; or NULL */
	int paths_are_read;
	int peer_is_read;
};

static int is_named(const struct rule_table *table, u32 number)
{
	return table->first_of[number] < table->first_of[number + 1];
}

/* Of a call that no rule names, targets alone ask whose it is. */
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

/* What cannot be said at once. The table is held; under no lock. 1: no rule has a say in it, and *rest is what to do. */
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
		compare(faults, table, receiver);
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
		keep_near(table, number);
	if (reports) {
		receiver_pass_on(receiver);
		tell(faults, &injection, receiver->request, known.paths_are_read, known.peer_is_read);
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
	return is_refused(faults, change) ? NULL : changed(faults, change);
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
