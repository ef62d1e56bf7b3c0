/* SPDX-License-Identifier: MIT */
#include "faults.h"
#include "../shared/clock.h"
#include "deciding.h"
#include "loader.h"
#include "loading.h"
#include "near.h"
#include "paths.h"
#include "processes.h"
#include "reports.h"
#include "restarts.h"
#include "../shared/target.h"

#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

/* More to compare than this, and it is no longer done before another call can be received. */
#define QUICK_PATHS 32

/* rules_of[first_of[nr]] up to rules_of[first_of[nr + 1]]: the rules that name call nr, in the plan's order. */
static u32 first_of[SYSCALLS_MAX + 1];
static u32 *rules_of;
static u32 paths_of[SYSCALLS_MAX]; /* how many of them have path= */
static u8 keyed[SYSCALLS_MAX];     /* some have path= or fd= */

static int has_targets;   /* some rule is for some processes only */
static int needs_process; /* for that, for after= or scope=process, or to spare some */
static int has_paths;

/* What a thread knows of the call that it decides. Of the bits those of the rules that name the call are valid. */
struct look {
	u64 arguments[ARGUMENTS_MAX];
	struct paths paths;
	u64 other[RULES_MAX / 64];  /* a descriptor that is not the rule's: to it, another call */
	u64 agrees[RULES_MAX / 64]; /* the rule's path= does */
	u64 unread[RULES_MAX / 64]; /* or could not be compared */
	u64 near[RULES_MAX / 64];   /* or did not match, and the rule has met none that did */
};

static __thread struct look look;

static void set_bit(u64 *bits, u32 index, int value)
{
	const u64 bit = 1ull << (index % 64);

	bits[index / 64] = value ? bits[index / 64] | bit : bits[index / 64] & ~bit;
}

static int has_bit(const u64 *bits, u32 index)
{
	return (int)(bits[index / 64] >> (index % 64) & 1);
}

static int names(const struct rule *rule, u32 number)
{
	return rule->syscalls[number / 64] >> (number % 64) & 1;
}

static int is_exec(u32 number)
{
	return number == SYS_execve || number == SYS_execveat;
}

int faults_init(struct faults *faults)
{
	size_t total = 0;

	for (u32 i = 0; i < faults->active_count; i++) {
		const struct rule *rule = &faults->rules[faults->active[i]];

		has_targets |= !!(rule->flags & RULE_HAS_TARGETS);
		has_paths |= !!(rule->flags & RULE_HAS_PATH);
		needs_process |= rule->after_ns > 0 || rule->scope == SCOPE_PROCESS;
		for (u32 number = 0; number < SYSCALLS_MAX; number++)
			total += (size_t)names(rule, number);
	}
	rules_of = calloc(total + 1, sizeof(*rules_of));
	faults->counts = calloc(faults->rule_count, sizeof(*faults->counts));
	if (!rules_of || !faults->counts)
		return -1;

	u32 at = 0;

	for (u32 number = 0; number < SYSCALLS_MAX; number++) {
		first_of[number] = at;
		for (u32 i = 0; i < faults->active_count; i++) {
			const struct rule *rule = &faults->rules[faults->active[i]];

			if (!names(rule, number))
				continue;
			rules_of[at++] = faults->active[i];
			paths_of[number] += !!(rule->flags & RULE_HAS_PATH);
			keyed[number] |= !!(rule->flags & (RULE_HAS_PATH | RULE_HAS_FD));
		}
	}
	first_of[SYSCALLS_MAX] = at;
	if (faults->active_count == 0)
		return 0;
	needs_process |= has_targets || faults->spared;
	if (!needs_process)
		return 0;
	return processes_init(faults->rules, faults->rule_count, has_targets ? &faults->targets : NULL,
			      faults->spared);
}

/* Where each rule that names the call has fd=, the filter compares the descriptors, and notifies of no others. */
static void add_call(const struct faults *faults, struct call_set *set, u32 number)
{
	struct descriptors only = { .arguments = faults->shapes[number].fds };

	call_set_add(set, number);
	for (u32 at = first_of[number]; at < first_of[number + 1]; at++) {
		const struct rule *rule = &faults->rules[rules_of[at]];
		u32 same = 0;

		if (!(rule->flags & RULE_HAS_FD))
			return;
		while (same < only.count && only.fds[same] != rule->fd)
			same++;
		if (same == FILTER_FDS_MAX)
			return;
		only.fds[same] = rule->fd;
		only.count = same == only.count ? same + 1 : only.count;
	}
	set->only[number] = only;
}

void faults_calls(const struct faults *faults, struct call_set *set)
{
	memset(set, 0, sizeof(*set));
	for (u32 number = 0; number < SYSCALLS_MAX; number++) {
		if (first_of[number] < first_of[number + 1])
			add_call(faults, set, number);
	}
	/* When a process execs, its loader begins, and its age. */
	if (!faults->include_loader || needs_process) {
		call_set_add_all(set, SYS_execve);
		call_set_add_all(set, SYS_execveat);
	}
	/* Each C library calls it before main: a program is seen as it was at its exec, whatever it calls itself later. */
	if (has_targets)
		call_set_add_all(set, SYS_set_tid_address);
}

int faults_may_wait(const struct faults *faults)
{
	return has_paths && faults->active_count > 0;
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
	if (needs_process) {
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

/* What the keys of the rules that name the call say to it. Before anything is decided, and under no lock. */
static void compare(struct faults *faults, struct receiver *receiver)
{
	const struct seccomp_notif *call = receiver->request;
	const u32 number = (u32)call->data.nr;
	const struct call_shape *shape = &faults->shapes[number];

	for (u32 i = 0; i < ARGUMENTS_MAX; i++)
		look.arguments[i] = call->data.args[i];
	if (paths_of[number] > QUICK_PATHS)
		receiver_pass_on(receiver);
	if (paths_of[number] > 0) {
		receiver_may_wait(receiver);
		paths_read(&look.paths, shape, call);
		receiver_waited(receiver);
	}
	for (u32 at = first_of[number]; at < first_of[number + 1]; at++) {
		const u32 index = rules_of[at];
		const struct rule *rule = &faults->rules[index];
		const int other = rule->flags & RULE_HAS_FD && !fd_matches(rule, shape, look.arguments);
		const int path = other || !(rule->flags & RULE_HAS_PATH) || paths_match(&look.paths, rule);

		set_bit(look.other, index, other);
		set_bit(look.agrees, index, path);
		set_bit(look.unread, index, !path && look.paths.unread);
		set_bit(look.near, index, !path && look.paths.count > 0);
	}
}

static int is_for(const struct rule *rule, u32 index, const struct process *process)
{
	return !(rule->flags & RULE_HAS_TARGETS) || (process && is_target_of(process, index));
}

/* Under `deciding`. Returns 1: it is to be reported. */
static int choose(struct faults *faults, u32 number, struct process *process, struct verdict *verdict,
		  struct injection *injection, int *near)
{
	u64 age = UINT64_MAX;

	for (u32 at = first_of[number]; at < first_of[number + 1]; at++) {
		const u32 index = rules_of[at];
		const struct rule *rule = &faults->rules[index];
		struct rule_counts *total = &faults->counts[index];
		struct rule_counts *scope = total;
		const int agrees = !keyed[number] || has_bit(look.agrees, index);

		if (!is_for(rule, index, process) || (keyed[number] && has_bit(look.other, index)))
			continue;
		if (verdict->outcome) {
			__sync_fetch_and_add(&total->taken, 1);
			continue;
		}
		if (process && rule->after_ns)
			age = process_age(process, (u64)clock_ns(CLOCK_BOOTTIME));
		if (process && rule->scope == SCOPE_PROCESS)
			scope = &process->counts[index];
		if (!agrees && has_bit(look.unread, index))
			__sync_fetch_and_add(&total->unread, 1);
		if (!agrees && has_bit(look.near, index)) {
			const int wanted = total->matched == 0 && near_wanted(index);

			set_bit(look.near, index, wanted);
			*near |= wanted;
		}
		if (decide(rule, faults->seed, age, agrees, total, scope, &injection->n)) {
			injection->rule = rule->slot;
			*verdict = (struct verdict){ rule->outcome, rule->value };
		}
	}
	if (!verdict->outcome || faults->events < 0)
		return 0;
	report_later(injection);
	return 1;
}

static void keep_near(struct faults *faults, u32 number)
{
	for (u32 at = first_of[number]; at < first_of[number + 1]; at++) {
		const u32 index = rules_of[at];

		for (u32 i = 0; has_bit(look.near, index) && i < look.paths.count; i++)
			near_consider(index, faults->rules[index].path, look.paths.of[i].text);
	}
}

static void tell(struct faults *faults, const struct injection *injection, const struct seccomp_notif *call)
{
	const u32 number = (u32)call->data.nr;
	const struct call_shape *shape = &faults->shapes[number];

	if (paths_of[number] == 0)
		paths_read(&look.paths, shape, call);
	report(faults->events, injection, call, shape, &look.paths);
}

/* Decided before, and sent back for a signal's sake? */
static int is_restart(struct receiver *receiver)
{
	u64 stack = 0;
	int restarted;

	receiver_pass_on(receiver);
	(void)target_stack((pid_t)receiver->request->pid, &stack);
	lock(&deciding);
	restarted = restarts_take(receiver->request, stack);
	unlock(&deciding);
	return restarted;
}

/* What cannot be said at once: who calls, whether its loader does. 1: let it run. */
static int prepare(struct faults *faults, struct receiver *receiver, int loads, struct process **process)
{
	const pid_t tid = (pid_t)receiver->request->pid;

	receiver_pass_on(receiver);
	if (needs_process && !*process)
		*process = process_meet(tid);
	return loads && is_in_loader(faults, tid);
}

static struct verdict decide_native(struct faults *faults, struct receiver *receiver)
{
	struct verdict verdict = { 0, 0 };
	const u32 number = (u32)receiver->request->data.nr;
	const pid_t tid = (pid_t)receiver->request->pid;
	struct injection injection = { 0 };
	struct process *process;
	int loads, restarts, reports = 0, near = 0, runs = 0;

	lock(&deciding);
	process = needs_process ? process_at_hand(tid) : NULL;
	loads = loading_has(tid);
	restarts = restarts_have(receiver->request);
	if (loads || restarts || (needs_process && !process) || keyed[number]) {
		unlock(&deciding);
		runs = restarts && is_restart(receiver);
		if (loads || (needs_process && !process))
			runs |= prepare(faults, receiver, loads, &process);
		if (!runs && keyed[number])
			compare(faults, receiver);
		lock(&deciding);
	}
	if (process && process->spared && !runs && first_of[number] < first_of[number + 1]) {
		__sync_fetch_and_add(&faults->spared_calls, 1);
		runs = 1;
	}
	if (!runs && !faults_are_lifted(faults))
		reports = choose(faults, number, process, &verdict, &injection, &near);
	if (process)
		process_release(process);
	unlock(&deciding);

	if (near)
		keep_near(faults, number);
	if (reports) {
		receiver_pass_on(receiver);
		tell(faults, &injection, receiver->request);
	}
	if (is_exec(number) && verdict.outcome != OUTCOME_ERRNO && verdict.outcome != OUTCOME_RETURN) {
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
		return (struct verdict){ 0, 0 };
	if (call->data.arch == filter_native_arch && !(number & filter_foreign_bit) && number < SYSCALLS_MAX)
		return decide_native(faults, receiver);
	__sync_fetch_and_add(&faults->foreign_calls, 1);
	if (filter_is_foreign_exec(call)) {
		receiver_pass_on(receiver);
		will_exec(faults, (pid_t)call->pid);
	}
	return (struct verdict){ 0, 0 };
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
