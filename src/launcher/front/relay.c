/* SPDX-License-Identifier: MIT */
#include "relay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/types.h>
#include <unistd.h>

static struct {
	int from;
	int to;
	int done;    /* closed at the end: the other end of the pipe, `copied`, is then readable */
	int copied;  /* -1: no thread copies */
	int is_over;
} relay;

/* 0, or -1: no reader, as if we were env. */
static int write_all(const char *text, size_t length)
{
	while (length > 0) {
		const ssize_t n = write(relay.to, text, length);

		if (n >= 0) {
			text += n;
			length -= (size_t)n;
		} else if (errno == EAGAIN) {
			/* The caller's file is O_NONBLOCK, which is not ours to change. */
			struct pollfd room = { .fd = relay.to, .events = POLLOUT };

			if (poll(&room, 1, -1) < 0 && errno != EINTR)
				return -1;
		} else if (errno != EINTR) {
			return -1;
		}
	}
	return 0;
}

static void *copy(void *unused)
{
	char text[4096];
	int gone = 0;

	for (;;) {
		const ssize_t n = read(relay.from, text, sizeof(text));

		if (n > 0 && !gone)
			gone = write_all(text, (size_t)n) < 0;
		if (n == 0 || (n < 0 && errno != EINTR))
			break;
	}
	close(relay.done);
	return unused;
}

/* On a thread of its own, for `to` may never be read. -1: it cannot be had, and nothing has been done. */
static int start(void)
{
	pthread_t thread;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	relay.done = ends[1];
	errno = pthread_create(&thread, NULL, copy, NULL);
	if (errno) {
		close(ends[0]);
		close(ends[1]);
		return -1;
	}
	return ends[0];
}

void relay_init(int from, int to)
{
	relay.from = from;
	relay.to = to;
	relay.copied = -1;
}

int relay_waits_for(void)
{
	if (relay.is_over)
		return -1;
	return relay.copied >= 0 ? relay.copied : relay.from;
}

/* Node says something. Without a thread it is copied all the same, deaf to signals. */
static void copy_some(void)
{
	char text[4096];
	ssize_t n;

	relay.copied = start();
	if (relay.copied >= 0)
		return;
	n = read(relay.from, text, sizeof(text));
	if (n == 0 || (n > 0 && write(relay.to, text, (size_t)n) < 0 && errno != EINTR))
		relay.is_over = 1;
}

void relay_ready(short revents)
{
	if (revents & POLLIN)
		copy_some();
	else if (revents) /* hung up */
		relay.is_over = 1;
}
