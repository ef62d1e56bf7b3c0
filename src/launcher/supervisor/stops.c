/* SPDX-License-Identifier: MIT */
#include "stops.h"
#include "../shared/clock.h"
#include "supervising.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#define WAKE_NS 20000000 /* between two SIGCONTs for the front */

static int child_stopped;
static int stop_told;   /* WIRE_STOPPED is not yet answered by WIRE_RESUMED: the front may be stopped */
static u32 untold_stop; /* signal of the stop that came meanwhile and lasts; 0: none */

/* One at a time: while the front is stopped, it reads nothing, and it must not stop for what is over. */
static void tell_untold_stop(void)
{
	const u32 signal = untold_stop;

	if (!signal || stop_told || self->front < 0)
		return;
	stop_told = 1;
	untold_stop = 0;
	tell_front(WIRE_STOPPED, &signal, sizeof(signal));
}

void stops_child_stopped(u32 signal)
{
	child_stopped = 1;
	untold_stop = signal;
	tell_untold_stop();
}

void stops_child_goes_on(void)
{
	child_stopped = 0;
	untold_stop = 0;
}

int stops_child_is_stopped(void)
{
	return child_stopped;
}

void stops_resumed(void)
{
	stop_told = 0;
	tell_untold_stop();
}

/*
 * The front stops itself when the child stops, and then reads nothing. A program that continues or kills the child by its
 * pid alone leaves the front stopped. Repeats, because a SIGCONT that comes just before the front stops is lost.
 */
s64 stops_wake_front(void)
{
	static s64 next;
	const s64 now = monotonic_ns();

	if (!stop_told || child_stopped)
		return -1;
	if (now >= next) {
		if (getppid() == self->front_pid)
			kill(self->front_pid, SIGCONT);
		next = now + WAKE_NS;
	}
	return next - now;
}

void stops_let_front_go(void)
{
	struct pollfd front = { .fd = self->front, .events = POLLIN };
	struct frame frame;

	child_stopped = 0;
	while (stop_told) {
		const s64 next = stops_wake_front();

		if (poll(&front, 1, (int)(next / 1000000) + 1) < 1)
			continue;
		if (wire_read(&front_stream, &frame) != 1)
			return;
		stop_told = frame.type != WIRE_RESUMED;
	}
}
