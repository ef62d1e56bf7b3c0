/* SPDX-License-Identifier: MIT */
/*
 * A stop puts the tracee to sleep and wakes the tracer, and the resumption does the reverse: the two never run at once. Yet
 * the scheduler gives the one that wakes an idle CPU, if there is one, and that takes long to wake up itself. A CPU on
 * which only SCHED_IDLE threads run counts as idle too (sched_idle_cpu(), Linux 5.4), and the tracee stays where it was. So
 * the tracer gets that policy and the tracee's CPU, while calls come quickly one after the other.
 *
 * An SCHED_IDLE thread hardly runs on a CPU that others want: it waits for hundreds of milliseconds. So a thread of its own
 * watches for that, and only that thread changes how the tracer is scheduled.
 */
#include "same-cpu.h"
#include "../shared/clock.h"
#include "../shared/target.h"
#include "deciding.h"
#include "thread.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

/* It pays after this many calls, each this soon after the one before. */
#define CALLS 32u
#define SOON_NS 1000000

#define LOOK_NS 2000000L
/* After this many looks without a call, the tracer wants to run and does not; or there is no call. */
#define STARVED_LOOKS 2u
#define QUIET_LOOKS 50u

/* How long they stay apart after the tracer has starved: longer each time, unless they were together for long. */
#define APART_NS 100000000
#define APART_MAX_NS 6400000000
#define LONG_NS 1000000000

static pid_t tracer;
static cpu_set_t everywhere; /* where the tracer may run */

/* Written by the tracer: the calls so far, and which thread made the last one. */
static u32 stops;
static pid_t caller;

/* Whether the tracer asks to be brought together. Only the keeper says that this is over. */
static int possible, wanted;
static s64 apart_until;
static pthread_mutex_t asking = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t asked = PTHREAD_COND_INITIALIZER;

static int set_policy(pid_t tid, int policy)
{
	const struct sched_param none = { 0 };

	return sched_setscheduler(tid, policy, &none);
}

static void wait_until_wanted(void)
{
	lock(&asking);
	while (!__atomic_load_n(&wanted, __ATOMIC_SEQ_CST)) {
		if (pthread_cond_wait(&asked, &asking) != 0)
			abort();
	}
	unlock(&asking);
}

/* To where the thread ran that called last. It may be gone, or where the tracer may not be: then there is no hurry. */
static void follow(int *cpu)
{
	const int where = (int)target_stat(__atomic_load_n(&caller, __ATOMIC_RELAXED), STAT_PROCESSOR);
	cpu_set_t only;

	if (where == *cpu || where < 0 || where >= CPU_SETSIZE || !CPU_ISSET((size_t)where, &everywhere))
		return;
	CPU_ZERO(&only);
	CPU_SET((size_t)where, &only);
	if (sched_setaffinity(tracer, sizeof(only), &only) == 0)
		*cpu = where;
}

/* Until it does not pay. 1: because the tracer starves. */
static int keep_together(void)
{
	const struct timespec pause = { 0, LOOK_NS };
	u32 last = 0, starved = 0, quiet = 0;
	int cpu = -1;

	while (starved < STARVED_LOOKS && quiet < QUIET_LOOKS) {
		const u32 now = __atomic_load_n(&stops, __ATOMIC_RELAXED);

		if (now != last) {
			starved = quiet = 0;
			follow(&cpu);
		} else if (target_state(tracer) == 'R') {
			starved++;
		} else {
			starved = 0;
			quiet++;
		}
		last = now;
		nanosleep(&pause, NULL); /* interrupted: sooner is fine */
	}
	return starved == STARVED_LOOKS;
}

static void *keep(void *unused)
{
	s64 apart = APART_NS;

	/* The way back is what may be forbidden (sched(7), "SCHED_IDLE"). */
	if (set_policy(0, SCHED_IDLE) < 0 || set_policy(0, SCHED_OTHER) < 0)
		return unused;
	__atomic_store_n(&possible, 1, __ATOMIC_SEQ_CST);
	for (;;) {
		wait_until_wanted();

		const s64 began = monotonic_ns();
		const int starved = set_policy(tracer, SCHED_IDLE) == 0 && keep_together();
		const s64 now = monotonic_ns();

		/* As it was before: nothing is in the way. */
		if (set_policy(tracer, SCHED_OTHER) < 0 ||
		    sched_setaffinity(tracer, sizeof(everywhere), &everywhere) < 0)
			abort();
		if (!starved || now - began > LONG_NS)
			apart = APART_NS;
		apart_until = starved ? now + apart : now;
		if (starved && apart < APART_MAX_NS)
			apart *= 2;
		__atomic_store_n(&wanted, 0, __ATOMIC_SEQ_CST);
	}
}

void same_cpu_make(void)
{
	tracer = gettid();
	if (sched_getscheduler(0) != SCHED_OTHER ||
	    sched_getaffinity(0, sizeof(everywhere), &everywhere) < 0 || CPU_COUNT(&everywhere) < 2)
		return;
	(void)thread_start(keep, NULL); /* for want of one, it is slower */
}

static void ask(void)
{
	lock(&asking);
	__atomic_store_n(&wanted, 1, __ATOMIC_SEQ_CST);
	if (pthread_cond_signal(&asked) != 0)
		abort();
	unlock(&asking);
}

void same_cpu_stopped(pid_t tid)
{
	static s64 last;
	static u32 in_a_row;

	if (!__atomic_load_n(&possible, __ATOMIC_RELAXED))
		return;
	__atomic_store_n(&caller, tid, __ATOMIC_RELAXED);
	__atomic_store_n(&stops, stops + 1, __ATOMIC_RELAXED);
	if (__atomic_load_n(&wanted, __ATOMIC_SEQ_CST))
		return;

	const s64 now = monotonic_ns();

	in_a_row = now - last < SOON_NS ? in_a_row + 1 : 0;
	last = now;
	if (in_a_row < CALLS || now < apart_until)
		return;
	in_a_row = 0;
	ask();
}
