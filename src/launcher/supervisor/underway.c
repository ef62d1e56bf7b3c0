/* SPDX-License-Identifier: MIT */
#include "underway.h"
#include "deciding.h"
#include "length.h"
#include "registers.h"
#include "restarts.h"
#include "tracee.h"

#include <signal.h>

enum state {
	RUNS = 1,  /* and asks for less than the program does, if it is cut */
	ANSWERED,  /* it does not run, and returns what it was given */
	ENDS,      /* it does not run, and returns `error` to the kernel */
	SIGNALLED, /* the kernel makes it again unless a handler ends it: it is expected (restarts.h) */
};

struct underway {
	struct underway *next;
	enum state state;
	struct seccomp_notif call; /* as the program made it */
	u64 stack;
	struct verdict verdict; /* what is to be done if it is made again */
	struct cut cut;
	s32 error;
};

#define BUCKETS 256u

static struct underway *buckets[BUCKETS];
static struct underway *unused; /* kept: calls come and go */

static struct underway **place_of(pid_t tid)
{
	struct underway **at = &buckets[(u32)tid % BUCKETS];

	while (*at && (pid_t)(*at)->call.pid != tid)
		at = &(*at)->next;
	return at;
}

static struct underway *find(pid_t tid)
{
	return *place_of(tid);
}

static struct underway *add(pid_t tid)
{
	struct underway **at = place_of(tid), *it = *at ? *at : unused;

	if (*at)
		return *at;
	if (it)
		unused = it->next;
	else
		it = malloc(sizeof(*it));
	if (!it)
		return NULL;
	*it = (struct underway){ .call.pid = (u32)tid };
	*at = it;
	return it;
}

void underway_forget(pid_t tid)
{
	struct underway **at = place_of(tid), *it = *at;

	if (!it)
		return;
	*at = it->next;
	it->next = unused;
	unused = it;
}

static int has_word(u64 address)
{
	for (u32 i = 0; i < BUCKETS; i++) {
		for (const struct underway *it = buckets[i]; it; it = it->next) {
			for (u32 k = 0; k < it->cut.count; k++) {
				if (it->state == RUNS && it->cut.words[k].address == address)
					return 1;
			}
		}
	}
	return 0;
}

int underway_expect(const struct seccomp_notif *call, u64 at, struct verdict rest)
{
	lock(&deciding);

	const int expected = restarts_expect(call, at, rest) == 0;

	unlock(&deciding);
	return expected;
}

void underway_expect_no_more(const struct seccomp_notif *call, u64 at)
{
	lock(&deciding);
	restarts_forget(call, at);
	unlock(&deciding);
}

void underway_expect_none(pid_t tid)
{
	lock(&deciding);
	restarts_forget_all(tid);
	unlock(&deciding);
}

/* How many of the words were written: memory that the program could not have written may not be there. */
static u32 write_words(pid_t tid, const struct cut *cut)
{
	for (u32 i = 0; i < cut->count; i++) {
		if (ptrace(PTRACE_POKEDATA, tid, cut->words[i].address, cut->words[i].after) < 0)
			return i;
	}
	return cut->count;
}

/*
 * Memory and registers as the program left them: compilers rely on it (System V ABI, "Linux Conventions"). That is why a
 * cut call stops a second time, at its return: no request of ptrace(2) changes what the kernel reads as an argument and not
 * the register that the program gets back.
 */
static void restore(const struct underway *call, u32 words)
{
	const pid_t tid = (pid_t)call->call.pid;
	const struct cut *cut = &call->cut;

	for (u32 i = 0; i < words; i++)
		(void)ptrace(PTRACE_POKEDATA, tid, cut->words[i].address, cut->words[i].before);
	if (cut->argument)
		must(registers_set_argument(tid, cut->argument, call->call.data.args[cut->argument]));
}

static int is_taken(const struct cut *cut)
{
	for (u32 i = 0; i < cut->count; i++) {
		if (has_word(cut->words[i].address))
			return 1;
	}
	return 0;
}

int underway_follow(const struct seccomp_notif *request, u64 stack, struct verdict verdict)
{
	const pid_t tid = (pid_t)request->pid;
	struct underway *call = add(tid);

	if (!call)
		return -1;
	*call = (struct underway){ .next = call->next,
				   .state = is_answered(&verdict) ? ANSWERED : RUNS,
				   .call = *request,
				   .stack = stack,
				   .verdict = verdict };
	must(ptrace(PTRACE_SYSCALL, tid, NULL, NULL));
	return 0;
}

int underway_shorten(const struct call_shape *shape, const struct seccomp_notif *request, u64 stack,
		     struct verdict verdict)
{
	const pid_t tid = (pid_t)request->pid;
	struct underway *call;
	struct cut cut;

	if (length_cut(shape, request, (u64)verdict.value, &cut) < 0 || is_taken(&cut))
		return 1;
	call = add(tid);
	if (!call)
		return 1;
	call->state = RUNS;
	call->call = *request;
	call->stack = stack;
	call->verdict = verdict;
	call->cut = cut;

	const u32 words = write_words(tid, &cut);

	if (words < cut.count) {
		call->cut.argument = 0;
		restore(call, words);
		underway_forget(tid);
		return 1;
	}
	if (cut.argument)
		must(registers_set_argument(tid, cut.argument, cut.value));
	must(ptrace(PTRACE_SYSCALL, tid, NULL, NULL));
	return 0;
}

/*
 * -ERESTARTSYS and its like, which user space never sees (include/linux/errno.h): a signal has ended the call. After
 * -ERESTART_RESTARTBLOCK it is another one, restart_syscall(2), that goes on with it.
 */
static int is_made_again(s64 result)
{
	return result == -512 || result == -513 || result == -514;
}

int underway_interrupt(const struct seccomp_notif *request, u64 stack, struct verdict rest, s32 error)
{
	const pid_t tid = (pid_t)request->pid;
	struct underway *call = add(tid);

	if (!call)
		return -1;
	call->state = ENDS;
	call->call = *request;
	call->stack = stack;
	call->verdict = rest;
	call->cut.count = 0;
	call->error = error;
	must(registers_skip(tid));
	must(ptrace(PTRACE_SYSCALL, tid, NULL, NULL));
	return 0;
}

/* What fails with EINVAL cannot be done in part, as with O_DIRECT or of half a word of pagemap: it is made again, whole. */
static s64 run_returns(struct underway *call, s64 result)
{
	const pid_t tid = (pid_t)call->call.pid;
	const struct verdict verdict = call->verdict;
	const struct verdict whole = { .outcome = OUTCOME_RUN, .exit_ns = verdict.exit_ns };
	const int is_cut = call->cut.argument || call->cut.count;

	restore(call, call->cut.count);
	if (is_made_again(result) && underway_expect(&call->call, call->stack, verdict)) {
		call->state = SIGNALLED;
		return 0;
	}
	if (is_cut && result == -EINVAL && underway_expect(&call->call, call->stack, whole)) {
		must(registers_repeat(tid, &call->call.data));
		underway_forget(tid);
		return 0;
	}
	underway_forget(tid);
	return verdict.exit_ns;
}

/* Another thread may take the signal meanwhile: the stop of PTRACE_INTERRUPT is one more reason to look for signals. */
static void end(struct underway *call)
{
	const pid_t tid = (pid_t)call->call.pid;

	must(registers_interrupt(tid, &call->call.data, call->error));
	must(ptrace(PTRACE_INTERRUPT, tid, NULL, NULL));
	if (underway_expect(&call->call, call->stack, call->verdict))
		call->state = SIGNALLED;
	else
		underway_forget(tid);
}

s64 underway_returns(pid_t tid)
{
	struct underway *call = find(tid);
	struct __ptrace_syscall_info info;
	const long got = ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof(info), &info);

	s64 pause = 0;

	must(got);
	if (got > 0 && info.op == PTRACE_SYSCALL_INFO_EXIT && call && call->state == RUNS) {
		pause = run_returns(call, info.exit.rval);
	} else if (call && call->state == ANSWERED) {
		pause = call->verdict.exit_ns;
		underway_forget(tid);
	} else if (call && call->state == ENDS) {
		end(call);
	}
	if (pause <= 0)
		resume(tid, 0);
	return pause;
}

void underway_goes_on(pid_t tid)
{
	const struct underway *call = find(tid);

	if (call && (call->state == RUNS || call->state == ANSWERED))
		must(ptrace(PTRACE_SYSCALL, tid, NULL, NULL));
	else
		resume(tid, 0);
}

void underway_execs(pid_t tid, pid_t former)
{
	const struct underway *call = find(former);
	struct underway execs = { 0 }, *now;

	if (call && call->state == RUNS)
		execs = *call;
	underway_forget(former);
	underway_forget(tid);
	now = execs.state ? add(tid) : NULL;
	if (now) {
		execs.next = now->next;
		*now = execs;
		now->call.pid = (u32)tid;
	}
	underway_goes_on(tid);
}

/*
 * A signal has ended this call, and it is known only behind the handler's first instruction whether the program sees EINTR or
 * the kernel makes the call again: until there the thread goes step by step.
 */
static void at_signal_of(const struct underway *call, int signal)
{
	const pid_t tid = (pid_t)call->call.pid;
	struct __ptrace_syscall_info info;
	siginfo_t about = { 0 };
	long got = ptrace(PTRACE_GETSIGINFO, tid, NULL, &about);

	must(got);
	/* ptrace_notify(SIGTRAP, 0) of kernel/signal.c, signal_setup_done(). */
	if (got < 0 || signal != SIGTRAP || about.si_code != SIGTRAP) {
		must(ptrace(PTRACE_SINGLESTEP, tid, NULL, (void *)(intptr_t)signal));
		return;
	}
	got = ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof(info), &info);
	must(got);
	if (got > 0 && !registers_will_repeat(tid, info.stack_pointer, &call->call.data))
		underway_expect_no_more(&call->call, call->stack);
	underway_forget(tid);
	resume(tid, 0);
}

void underway_signal(pid_t tid, int signal)
{
	const struct underway *call = find(tid);

	if (call && call->state == SIGNALLED)
		at_signal_of(call, signal);
	else
		resume(tid, signal);
}
