/* SPDX-License-Identifier: MIT */
#include "bell.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid /* glibc before 2.39 */
#endif

#define AGAIN_NS 500000L

static timer_t timer;
static u64 rings_at;

static void hear(int signal)
{
	(void)signal;
}

int bell_make(void)
{
	/* And no SIGCHLD for each stop of a child or tracee. */
	const struct sigaction ears = { .sa_handler = hear, .sa_flags = SA_NOCLDSTOP };
	struct sigevent ring = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGCHLD };
	sigset_t heard;

	ring.sigev_notify_thread_id = gettid();
	if (timer_create(CLOCK_MONOTONIC, &ring, &timer) < 0 || sigaction(SIGCHLD, &ears, NULL) < 0)
		return -1;
	sigemptyset(&heard);
	sigaddset(&heard, SIGCHLD);
	errno = pthread_sigmask(SIG_UNBLOCK, &heard, NULL);
	return errno ? -1 : 0;
}

void bell_ring_at(u64 ns)
{
	const struct itimerspec when = {
		.it_value = { (time_t)(ns / 1000000000), (long)(ns % 1000000000) },
		.it_interval = { 0, ns ? AGAIN_NS : 0 },
	};

	if (ns == rings_at)
		return;
	rings_at = ns;
	if (timer_settime(timer, TIMER_ABSTIME, &when, NULL) < 0)
		abort();
}
