/* SPDX-License-Identifier: MIT */
#include "reports.h"
#include "../shared/clock.h"
#include "../shared/target.h"
#include "deciding.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define EVENT_WAIT_MS 1000

static pthread_mutex_t reporting = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t reported = PTHREAD_COND_INITIALIZER;
static u64 turns_given; /* under `deciding` */
static u64 turns_done;
static u64 lost;

void report_later(struct injection *injection)
{
	injection->time_ns = (u64)clock_ns(CLOCK_REALTIME);
	injection->turn = turns_given++;
}

u64 reports_given(void)
{
	return turns_given;
}

u64 reports_lost(void)
{
	return __atomic_load_n(&lost, __ATOMIC_RELAXED);
}

/* Under `reporting`. */
static void wait_for_turn(u64 turn)
{
	while (turns_done != turn) {
		if (pthread_cond_wait(&reported, &reporting) != 0)
			abort();
	}
}

void reports_wait(u64 given)
{
	lock(&reporting);
	wait_for_turn(given);
	unlock(&reporting);
}

static void fill_path(struct event *event, const struct paths *paths)
{
	const u32 length = paths->of[0].length;

	event->text_kind = EVENT_TEXT_PATH;
	event->text_len = (u16)(length < EVENT_TEXT_MAX ? length : EVENT_TEXT_MAX - 1);
	memcpy(event->text, paths->of[0].text, event->text_len);
}

static void fill_peer(struct event *event, const struct peer *peer)
{
	event->text_kind = EVENT_TEXT_SOCKADDR;
	event->text_len = (u16)peer->length;
	memcpy(event->text, peer->raw, peer->length);
}

static void fill_address(struct event *event, const struct call_shape *shape, const struct seccomp_notif *call)
{
	for (u32 i = 0; i + 1 < ARGUMENTS_MAX; i++) {
		if (!has_argument(shape->sockaddrs, i))
			continue;

		const u64 length = call->data.args[i + 1];

		if (call->data.args[i] == 0 || length > SOCKADDR_MAX ||
		    target_read((pid_t)call->pid, call->data.args[i], event->text, length) < 0)
			continue;
		event->text_kind = EVENT_TEXT_SOCKADDR;
		event->text_len = (u16)length;
		return;
	}
}

/*
 * A reader that falls behind slows the target down, but only for a moment: then the event is lost, and
 * counted. A pipe takes up to PIPE_BUF bytes whole or not at all (pipe(7)).
 */
static void send_event(int events, const struct event *event)
{
	struct pollfd room = { .fd = events, .events = POLLOUT };

	if (write(events, event, sizeof(*event)) == sizeof(*event))
		return;
	if (errno == EAGAIN && poll(&room, 1, EVENT_WAIT_MS) == 1 &&
	    write(events, event, sizeof(*event)) == sizeof(*event))
		return;
	__sync_fetch_and_add(&lost, 1);
}

void report(int events, const struct injection *injection, const struct seccomp_notif *call,
	    const struct call_shape *shape, const struct paths *paths, const struct peer *peer)
{
	struct event event;

	memset(&event, 0, sizeof(event));
	event.time_ns = injection->time_ns;
	event.n = injection->n;
	memcpy(event.args, call->data.args, sizeof(event.args));
	event.rule = injection->rule;
	event.tid = call->pid;
	event.pid = (u32)target_process((pid_t)call->pid);
	event.syscall = (u32)call->data.nr;
	if (paths->count > 0)
		fill_path(&event, paths);
	else if (peer && peer->length > 0)
		fill_peer(&event, peer);
	else
		fill_address(&event, shape, call);

	ssize_t length = target_file((pid_t)call->pid, "comm", event.comm, sizeof(event.comm));

	if (length > 0) /* replaces the line's end */
		event.comm[length - 1] = 0;
	lock(&reporting);
	wait_for_turn(injection->turn);
	send_event(events, &event);
	turns_done++;
	if (pthread_cond_broadcast(&reported) != 0)
		abort();
	unlock(&reporting);
}
