/* SPDX-License-Identifier: MIT */
#include "faults.h"
#include "../../bpf/glob.h"
#include "lineage.h"
#include "loader.h"
#include "processes.h"
#include "target.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define EVENT_WAIT_MS 1000

/* rules_of[first_of[nr]] up to rules_of[first_of[nr + 1]]: the rules that name call nr, in the plan's order. */
static u32 first_of[SYSCALLS_MAX + 1];
static u32 *rules_of;

/* Threads that called exec and were last seen in the loader, or not yet seen since; unordered, few. */
static pid_t *loading;
static size_t loading_count, loading_capacity;

static int has_targets;   /* some rule is for some processes only */
static int needs_process; /* for that, or for after= or scope=process */

static int names(const struct rule *rule, u32 number)
{
	return rule->syscalls[number / 64] >> (number % 64) & 1;
}

int faults_init(struct faults *faults)
{
	size_t total = 0;

	for (u32 i = 0; i < faults->active_count; i++) {
		const struct rule *rule = &faults->rules[faults->active[i]];

		has_targets |= !!(rule->flags & RULE_HAS_TARGETS);
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
			if (names(&faults->rules[faults->active[i]], number))
				rules_of[at++] = faults->active[i];
		}
	}
	first_of[SYSCALLS_MAX] = at;
	needs_process |= has_targets;
	if (has_targets && lineage_init(&faults->targets, faults->rules, faults->rule_count) < 0)
		return -1;
	return needs_process ? processes_init(faults->rule_count, has_targets) : 0;
}

void faults_calls(const struct faults *faults, struct call_set *set)
{
	memset(set, 0, sizeof(*set));
	for (u32 number = 0; number < SYSCALLS_MAX; number++) {
		if (first_of[number] < first_of[number + 1])
			call_set_add(set, number);
	}
	/* When a process execs, its loader begins, and its age. */
	if (!faults->include_loader || needs_process) {
		call_set_add(set, SYS_execve);
		call_set_add(set, SYS_execveat);
	}
	/* Each C library calls it before main: a program is seen as it was at its exec, whatever it calls itself later. */
	if (has_targets)
		call_set_add(set, SYS_set_tid_address);
}

static void loading_add(pid_t tid)
{
	for (size_t i = 0; i < loading_count; i++) {
		if (loading[i] == tid)
			return;
	}
	if (loading_count == loading_capacity) {
		size_t capacity = loading_capacity ? loading_capacity * 2 : 64;
		pid_t *grown = realloc(loading, capacity * sizeof(*grown));

		if (!grown)
			return; /* then its loader is faulted too: better than not to fault */
		loading = grown;
		loading_capacity = capacity;
	}
	loading[loading_count++] = tid;
}

/* The set forgets a thread at its first call outside the loader; a failed exec leaves it in no other state. */
static int is_loading(pid_t tid)
{
	for (size_t i = 0; i < loading_count; i++) {
		if (loading[i] != tid)
			continue;
		if (loader_is_running(tid))
			return 1;
		loading[i] = loading[--loading_count];
		return 0;
	}
	return 0;
}

static u64 clock_ns(clockid_t clock)
{
	struct timespec now;

	if (clock_gettime(clock, &now) < 0)
		return 0; /* cannot happen: both clocks exist since Linux 2.6.39 */
	return (u64)now.tv_sec * 1000000000u + (u64)now.tv_nsec;
}

/* As process_of(), after a look at whether its exec has succeeded. */
static struct process *settled_process(pid_t tid)
{
	struct process *process = process_of(tid);

	if (process)
		process_settle(process, tid);
	return process;
}

static void will_exec(struct faults *faults, pid_t tid)
{
	if (!faults->include_loader) {
		/* The thread that execs becomes its process's leader (execve(2)): its tid will be the pid. */
		pid_t pid = target_process(tid);

		loading_add(pid ? pid : tid);
	}
	if (needs_process) {
		struct process *process = settled_process(tid);

		if (process)
			process_execs(process, tid, clock_ns(CLOCK_BOOTTIME));
	}
}

void faults_child(struct faults *faults, pid_t child)
{
	if (!faults->include_loader)
		loading_add(child);
	if (has_targets)
		will_exec(faults, child);
}

static int path_matches(const struct rule *rule, const struct call_shape *shape,
			const struct seccomp_notif *call)
{
	char path[4096]; /* PATH_MAX */

	for (int i = 0; i < 6; i++) {
		if (shape->paths >> i & 1 &&
		    target_read_string((pid_t)call->pid, call->data.args[i], path, sizeof(path)) >= 0 &&
		    glob_matches(rule->path, path))
			return 1;
	}
	return 0;
}

static int fd_matches(const struct rule *rule, const struct call_shape *shape,
		      const struct seccomp_notif *call)
{
	for (int i = 0; i < 6; i++) {
		if (shape->fds >> i & 1 && (s32)call->data.args[i] == rule->fd)
			return 1;
	}
	return 0;
}

static void fill_text(struct event *event, const struct call_shape *shape,
		      const struct seccomp_notif *call)
{
	for (int i = 0; i < 6; i++) {
		if (shape->paths >> i & 1) {
			ssize_t n = target_read_string((pid_t)call->pid, call->data.args[i],
						       event->text, sizeof(event->text));

			if (n < 0)
				continue;
			event->text_kind = EVENT_TEXT_PATH;
			event->text_len = (u16)n;
			return;
		}
		if (shape->sockaddrs >> i & 1) {
			u64 length = call->data.args[i + 1];

			if (call->data.args[i] == 0 || length > sizeof(struct sockaddr_storage) ||
			    target_read((pid_t)call->pid, call->data.args[i], event->text, length) < 0)
				continue;
			event->text_kind = EVENT_TEXT_SOCKADDR;
			event->text_len = (u16)length;
			return;
		}
	}
}

/*
 * A reader that falls behind slows the target down, but not for long and never for good: then the event is
 * lost, and counted. A pipe takes up to PIPE_BUF bytes whole or not at all (pipe(7)).
 */
static void send_event(struct faults *faults, const struct event *event)
{
	struct pollfd room = { .fd = faults->events, .events = POLLOUT };

	if (write(faults->events, event, sizeof(*event)) == sizeof(*event))
		return;
	if (errno == EAGAIN && poll(&room, 1, EVENT_WAIT_MS) == 1 &&
	    write(faults->events, event, sizeof(*event)) == sizeof(*event))
		return;
	__sync_fetch_and_add(&faults->lost_events, 1);
}

static void report(struct faults *faults, u32 index, u64 n, const struct seccomp_notif *call)
{
	struct event event;

	memset(&event, 0, sizeof(event));
	event.time_ns = clock_ns(CLOCK_REALTIME);
	event.n = n;
	memcpy(event.args, call->data.args, sizeof(event.args));
	event.rule = index;
	event.tid = call->pid;
	event.pid = (u32)target_process((pid_t)call->pid);
	event.syscall = (u32)call->data.nr;
	fill_text(&event, &faults->shapes[call->data.nr], call);

	ssize_t length = target_file((pid_t)call->pid, "comm", event.comm, sizeof(event.comm));

	if (length > 0) /* replaces the line's end */
		event.comm[length - 1] = 0;
	send_event(faults, &event);
}

struct verdict faults_decide(struct faults *faults, const struct seccomp_notif *call)
{
	const struct verdict run = { 0, 0 };
	const u32 number = (u32)call->data.nr;
	const pid_t tid = (pid_t)call->pid;

	if (__atomic_load_n(&faults->lifted, __ATOMIC_RELAXED))
		return run;
	if (call->data.arch != filter_native_arch || number & filter_foreign_bit ||
	    number >= SYSCALLS_MAX) {
		__sync_fetch_and_add(&faults->foreign_calls, 1);
		if (has_targets && filter_is_foreign_exec(call))
			will_exec(faults, tid);
		return run;
	}

	struct process *process = has_targets ? settled_process(tid) : NULL;
	u64 age = UINT64_MAX;

	if (loading_count > 0 && is_loading(tid))
		return run;

	struct verdict verdict = run;

	for (u32 at = first_of[number]; at < first_of[number + 1] && !verdict.outcome; at++) {
		const u32 index = rules_of[at];
		const struct rule *rule = &faults->rules[index];
		const struct call_shape *shape = &faults->shapes[number];
		struct rule_counts *total = &faults->counts[index];
		struct rule_counts *scope = total;
		u64 n;

		if (rule->flags & RULE_HAS_TARGETS && !(process && rules_have(process->own, index)))
			continue;
		if (needs_process && !process)
			process = settled_process(tid);
		if (process && rule->after_ns)
			age = process_age(process, clock_ns(CLOCK_BOOTTIME));
		if (process && rule->scope == SCOPE_PROCESS)
			scope = &process->counts[index];

		int predicates = (!(rule->flags & RULE_HAS_FD) || fd_matches(rule, shape, call)) &&
				 (!(rule->flags & RULE_HAS_PATH) || path_matches(rule, shape, call));

		if (decide(rule, index, faults->seed, age, predicates, total, scope, &n)) {
			if (faults->events >= 0)
				report(faults, index, n, call);
			verdict = (struct verdict){ rule->outcome, rule->value };
		}
	}

	const int runs = verdict.outcome != OUTCOME_ERRNO && verdict.outcome != OUTCOME_RETURN;

	if (runs && (number == SYS_execve || number == SYS_execveat))
		will_exec(faults, tid);
	return verdict;
}
