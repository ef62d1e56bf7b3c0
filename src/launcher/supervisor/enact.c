/* SPDX-License-Identifier: MIT */
#include "enact.h"
#include "bell.h"
#include "deciding.h"
#include "delays.h"
#include "registers.h"
#include "tracee.h"
#include "underway.h"
#include "../shared/clock.h"
#include "../shared/target.h"

#include <sys/syscall.h>
#include <unistd.h>

static struct faults *plan;
static pthread_mutex_t ringing = PTHREAD_MUTEX_INITIALIZER; /* for bell_ring_at() */

void enact_start(struct faults *faults)
{
	plan = faults;
}

/*
 * A stopped tracee handles no signals until it goes on. So the tracer looks now and then whether one has come for a delayed
 * tracee: it ends the pause as it would end the call. A call that has run cannot be ended, so a signal's handler waits for
 * its return; a signal that ends the process does not.
 */
static int interrupt(const struct delayed *delayed)
{
	const pid_t tid = (pid_t)delayed->id;
	const enum target_signal signal = target_signal(tid, 1);

	if (signal == TARGET_SIGNAL_NONE)
		return 0;
	if (!delayed->returns)
		return underway_interrupt(&delayed->call, delayed->stack, delays_rest(delayed),
					  delays_error(&plan->shapes[delayed->call.data.nr])) == 0;
	if (signal != TARGET_SIGNAL_OTHER)
		return 0;
	resume(tid, 0);
	return 1;
}

/* It stays where it is. 0: there is no memory for that. */
static int stays(struct delayed delayed, s64 ns)
{
	delayed.due_ns = (u64)(monotonic_ns() + ns);
	return delays_add(delayed) == 0;
}

/*
 * A call at which a signal ends its process must not have run, and a handler runs before the call. So the thread makes the
 * call again, after it has handled the signal; at once, if it blocks or ignores it. Then `rest` is left. 1: it will; 0: it
 * will not, and goes on from here.
 */
static int bring_signal(const struct seccomp_notif *call, u64 stack, int signal, const struct verdict *rest)
{
	const pid_t tid = (pid_t)call->pid;
	const int expected = !is_answered(rest) && underway_expect(call, stack, *rest);

	if (syscall(SYS_tkill, tid, signal) == 0) {
		if (expected)
			must(registers_repeat(tid, &call->data));
		return expected;
	}
	if (errno != ESRCH)
		__sync_fetch_and_add(&plan->unsent_signals, 1);
	if (expected)
		underway_expect_no_more(call, stack);
	return 0;
}

/* What is left must not repeat what is done. */
void enact(const struct seccomp_notif *call, u64 stack, struct verdict rest)
{
	const pid_t tid = (pid_t)call->pid;
	const s64 pause = rest.enter_ns;
	const int signal = (int)rest.signal;

	rest.enter_ns = 0;
	if (pause > 0 && stays((struct delayed){ .id = call->pid, .stack = stack, .call = *call, .rest = rest }, pause))
		return;
	rest.signal = 0;
	if (signal && bring_signal(call, stack, signal, &rest)) {
		resume(tid, 0);
		return;
	}
	if (is_answered(&rest))
		must(registers_return(tid, call->data.nr, answer_of(&rest)));
	if (rest.outcome == OUTCOME_SHORT &&
	    underway_shorten(&plan->shapes[call->data.nr], call, stack, rest) == 0)
		return;
	if (rest.exit_ns > 0 && underway_follow(call, stack, rest) == 0)
		return;
	resume(tid, 0);
}

void enact_returns(pid_t tid)
{
	const s64 pause = underway_returns(tid);

	if (pause > 0 && !stays((struct delayed){ .id = (u64)tid, .returns = 1 }, pause))
		resume(tid, 0);
}

static void go_on(const struct delayed *delayed)
{
	if (delayed->returns)
		resume((pid_t)delayed->id, 0);
	else
		enact(&delayed->call, delayed->stack, delayed->rest);
}

void enact_due(void)
{
	static const struct delay_way way = { .interrupt = interrupt, .go_on = go_on };
	const u64 next = delays_attend(&way, plan);

	lock(&ringing);
	bell_ring_at(next && faults_are_lifted(plan) ? 1 : next);
	unlock(&ringing);
}

void enact_soon(void)
{
	lock(&ringing);
	bell_ring_at(1);
	unlock(&ringing);
}
