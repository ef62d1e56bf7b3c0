/* SPDX-License-Identifier: MIT */
#include "peer.h"

#include <sys/socket.h>

int peer_hear(struct peer *peer, struct frame *frame)
{
	peer->open = wire_read(&peer->stream, frame) == 1;
	return peer->open;
}

int peer_tell(const struct peer *peer, u32 type, const void *payload, size_t length)
{
	return peer->open ? wire_write(peer->stream.fd, type, payload, length, NULL, 0) : -1;
}

void peer_abandon(struct peer *peer)
{
	if (!peer->open)
		return;
	peer->open = 0;
	shutdown(peer->stream.fd, SHUT_RDWR);
}
