/* SPDX-License-Identifier: MIT */
#include "channels.h"
#include "fail.h"

#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENT_PIPE_BYTES (1 << 20) /* the most that an ordinary user may have: fs.pipe-max-size */

void channels_make(struct channels *channels)
{
	for (int i = 0; i < RELATIONS; i++) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channels->sockets[i]) < 0)
			fail("cannot make a socket");
	}
	if (pipe2(channels->events, O_CLOEXEC) < 0 || pipe2(channels->messages, O_CLOEXEC) < 0)
		fail("cannot make a pipe");
	/* Only the writing end: a supervisor never waits for its reader. A small pipe just loses sooner. */
	if (fcntl(channels->events[1], F_SETFL, O_NONBLOCK) < 0)
		fail("cannot make a pipe");
	(void)fcntl(channels->events[1], F_SETPIPE_SZ, EVENT_PIPE_BYTES);
	channels->execed = mmap(NULL, sizeof(*channels->execed), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (channels->execed == MAP_FAILED)
		fail("cannot share memory");
}

static void close_ends(const int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		close(fds[i]);
}

void channels_keep_fronts(const struct channels *channels)
{
	const int others[] = { channels->sockets[FRONT_NODE][1],      channels->sockets[FRONT_SUPERVISOR][1],
			       channels->sockets[NODE_SUPERVISOR][0], channels->sockets[NODE_SUPERVISOR][1],
			       channels->events[0],		      channels->events[1],
			       channels->messages[1] };

	close_ends(others, sizeof(others) / sizeof(others[0]));
}

void channels_keep_supervisors(const struct channels *channels)
{
	const int others[] = { channels->sockets[FRONT_NODE][0],       channels->sockets[FRONT_NODE][1],
			       channels->sockets[FRONT_SUPERVISOR][0], channels->sockets[NODE_SUPERVISOR][0],
			       channels->events[0],		       channels->messages[0],
			       channels->messages[1] };

	close_ends(others, sizeof(others) / sizeof(others[0]));
}
