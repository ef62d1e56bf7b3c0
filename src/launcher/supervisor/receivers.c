/* SPDX-License-Identifier: MIT */
#include "receivers.h"
#include "../shared/clock.h"
#include "deciding.h"
#include "thread.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Each may wait for a target: more than those that wait, or the tree does. */
#define RECEIVERS_MAX 256
/* Made before they are needed: what takes one is a call that a caller waits for. */
#define SPARE 2

#define SLICE_NS 100000u

/* A tight loop: this many calls of one thread, each this soon after the answer to the one before. */
#define LOOP_CALLS 64u
#define LOOP_NS 50000

/* How long the receiving one may wait unnoticed: 1 to 2 of these. */
#define WATCH_NS 300000L
/* After so many looks at which nothing has happened, the guard sleeps. */
#define QUIET_ROUNDS 16

static int listener = -1;
static void (*handle)(struct receiver *);
static struct seccomp_notif_sizes sizes;
static u64 interrupted;
static struct receiving *shown;

/* The receiving place: `vacant` until a thread has taken it. */
static pthread_mutex_t pool = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t vacancy = PTHREAD_COND_INITIALIZER;
static int vacant = 1;
static u32 idle, total;

/* Odd while the receiving thread is in a section that may wait; odd and the same for long: it does. */
static u32 section;
static int guarded, guard_awake;
static pthread_mutex_t guard_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t guard_wanted = PTHREAD_COND_INITIALIZER;

/*
 * Nothing else that is ready to run must run first: the call can be interrupted meanwhile. Real time takes CAP_SYS_NICE
 * or RLIMIT_RTPRIO. Else a thread that runs short is preferred when it wakes up (a slice of its own: Linux 6.12; older
 * kernels take no notice).
 */
static int be_first(void)
{
	const struct sched_param first = { .sched_priority = 1 };

	return sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &first) == 0;
}

static void be_ordinary(void)
{
	struct {
		u32 size, policy;
		u64 flags;
		s32 nice;
		u32 priority;
		u64 runtime, deadline, period;
	} slice = { .size = sizeof(slice), .policy = SCHED_OTHER, .runtime = SLICE_NS };

	slice.nice = getpriority(PRIO_PROCESS, 0);
	(void)syscall(SYS_sched_setattr, 0, &slice, 0);
}

/* 1: in real time; 0: as far as it goes without. */
static int be_quick(void)
{
	if (be_first())
		return 1;
	be_ordinary();
	return 0;
}

/*
 * Real time costs two to three microseconds a call (Linux 6.18): the receiver goes to sleep before the caller can make
 * its next call. A thread that calls in a tight loop is spared that. The first call of anything else ends it.
 */
static void keep_pace(struct receiver *me)
{
	const int goes_on = me->request->pid == me->caller &&
			    monotonic_ns() - me->answered < LOOP_NS;

	me->caller = me->request->pid;
	if (goes_on) {
		if (me->in_a_row <= LOOP_CALLS && ++me->in_a_row == LOOP_CALLS)
			be_ordinary();
	} else {
		if (me->in_a_row >= LOOP_CALLS)
			me->first = be_first();
		me->in_a_row = 0;
	}
}

static void wait_to_lead(struct receiver *me)
{
	lock(&pool);
	while (!vacant) {
		idle++;
		if (pthread_cond_wait(&vacancy, &pool) != 0)
			abort();
		idle--;
	}
	vacant = 0;
	unlock(&pool);
	me->leads = 1;
}

/* One thread receives at a time, and shows what it has received before it lets another. */
static void show(u64 id)
{
	if (!shown)
		return;
	__atomic_store_n(&shown->newest, id, __ATOMIC_RELAXED);
	if (shown->has_begun)
		return;
	shown->first = id;
	__atomic_store_n(&shown->has_begun, 1, __ATOMIC_RELEASE);
}

void receivers_show(struct receiving *receiving)
{
	shown = receiving;
}

/* 0: no call will ever come. */
static int receive(struct receiver *me)
{
	struct pollfd hangup = { .fd = listener };

	for (;;) {
		memset(me->request, 0, sizes.seccomp_notif); /* the kernel insists: seccomp_unotify(2) */
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, me->request) == 0) {
			show(me->request->id);
			return 1;
		}
		if (errno == EINTR)
			continue;
		if (errno != ENOENT)
			abort(); /* a bug: nothing that a target does */
		/* The caller is gone; or, with the last of the tree, every caller is. */
		if (poll(&hangup, 1, 0) > 0 && hangup.revents & POLLHUP)
			return 0;
		__sync_fetch_and_add(&interrupted, 1);
	}
}

static void *serve(void *receiver)
{
	struct receiver *me = receiver;

	me->first = be_quick();
	for (;;) {
		wait_to_lead(me);
		while (me->leads) {
			if (!receive(me))
				return NULL;
			if (me->first)
				keep_pace(me);
			handle(me);
			if (me->first)
				me->answered = monotonic_ns();
		}
	}
}

/* A newer kernel may write more than these headers know (seccomp_unotify(2)): sizes are the larger of both. */
static int add_receiver(void)
{
	struct receiver *made = calloc(1, sizeof(*made));

	if (!made)
		return -1;
	made->request = calloc(1, sizes.seccomp_notif);
	made->response = calloc(1, sizes.seccomp_notif_resp);
	if (made->request && made->response && thread_start(serve, made) == 0)
		return 0;
	free(made->request);
	free(made->response);
	free(made);
	return -1;
}

/* Frees the place, and makes a new spare if few are left. */
static void vacate(void)
{
	int more;

	lock(&pool);
	vacant = 1;
	if (idle > 0 && pthread_cond_signal(&vacancy) != 0)
		abort();
	more = idle <= SPARE && total < RECEIVERS_MAX;
	total += (u32)more;
	unlock(&pool);
	if (more && add_receiver() < 0) {
		/* A limit is reached (RLIMIT_NPROC, memory): do with the threads that there are. */
		lock(&pool);
		total--;
		unlock(&pool);
	}
}

void receiver_pass_on(struct receiver *me)
{
	receiver_waited(me);
	if (!me->leads)
		return;
	me->leads = 0;
	vacate();
}

void receiver_may_wait(struct receiver *me)
{
	if (!guarded)
		receiver_pass_on(me);
	if (!me->leads)
		return;
	me->section = __atomic_add_fetch(&section, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&guard_awake, __ATOMIC_SEQ_CST))
		return;
	lock(&guard_lock);
	__atomic_store_n(&guard_awake, 1, __ATOMIC_SEQ_CST);
	if (pthread_cond_signal(&guard_wanted) != 0)
		abort();
	unlock(&guard_lock);
}

void receiver_waited(struct receiver *me)
{
	u32 mine = me->section;

	me->section = 0;
	if (mine && !__atomic_compare_exchange_n(&section, &mine, mine + 1, 0, __ATOMIC_SEQ_CST,
						 __ATOMIC_SEQ_CST))
		me->leads = 0; /* the guard has let another receive */
}

static void rest(u32 last)
{
	lock(&guard_lock);
	__atomic_store_n(&guard_awake, 0, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&section, __ATOMIC_SEQ_CST) != last)
		__atomic_store_n(&guard_awake, 1, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&guard_awake, __ATOMIC_SEQ_CST)) {
		if (pthread_cond_wait(&guard_wanted, &guard_lock) != 0)
			abort();
	}
	unlock(&guard_lock);
}

static void *guard(void *unused)
{
	const struct timespec pause = { 0, WATCH_NS };
	u32 last = 0, quiet = 0;

	be_quick();
	for (;;) {
		nanosleep(&pause, NULL); /* interrupted: sooner is fine */

		u32 now = __atomic_load_n(&section, __ATOMIC_SEQ_CST);

		quiet = now == last ? quiet + 1 : 0;
		last = now;
		if (quiet > 0 && now % 2 == 1) {
			if (__atomic_compare_exchange_n(&section, &now, now + 1, 0, __ATOMIC_SEQ_CST,
							__ATOMIC_SEQ_CST))
				vacate();
		} else if (quiet > QUIET_ROUNDS) {
			rest(last);
			quiet = 0;
		}
	}
	return unused;
}

int receivers_start(int fd, void (*handler)(struct receiver *), int may_wait)
{
	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0)
		return -1;
	if (sizes.seccomp_notif < sizeof(struct seccomp_notif))
		sizes.seccomp_notif = sizeof(struct seccomp_notif);
	if (sizes.seccomp_notif_resp < sizeof(struct seccomp_notif_resp))
		sizes.seccomp_notif_resp = sizeof(struct seccomp_notif_resp);
	listener = fd;
	handle = handler;
	guarded = may_wait && thread_start(guard, NULL) == 0;
	lock(&pool);
	while (total < 1 + SPARE && add_receiver() == 0)
		total++;

	const u32 made = total;

	unlock(&pool);
	return made > 0 ? 0 : -1; /* with RLIMIT_NPROC, fewer may have to do */
}

u64 receivers_interrupted(void)
{
	return __sync_fetch_and_add(&interrupted, 0);
}
