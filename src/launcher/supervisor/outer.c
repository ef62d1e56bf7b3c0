/* SPDX-License-Identifier: MIT */
#include "outer.h"
#include "supervising.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHUNK (64u << 10)

static int connection = -1;

void outer_begin(int fd)
{
	connection = fd;
}

int outer_socket(void)
{
	return connection;
}

static void end(void)
{
	close(connection);
	connection = -1;
	tell_node(WIRE_OUTER_CLOSED, NULL, 0);
}

void outer_serve(void)
{
	static u8 bytes[CHUNK];
	const ssize_t n = recv(connection, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n > 0)
		tell_node(WIRE_OUTER_SAID, bytes, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		end();
}

/* The other supervisor always reads. Once it is gone, the next outer_serve() meets the end of file. */
void outer_send(const struct frame *frame)
{
	u32 sent = 0;

	while (connection >= 0 && sent < frame->length) {
		const ssize_t n = send(connection, frame->payload + sent, frame->length - sent, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			return;
		sent += n < 0 ? 0 : (u32)n;
	}
}
