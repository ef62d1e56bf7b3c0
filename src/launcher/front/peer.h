/* SPDX-License-Identifier: MIT */
/* One of the two processes that the front talks to: node, the supervisor. */
#ifndef MINDERBINDER_PEER_H
#define MINDERBINDER_PEER_H

#include "../shared/wire.h"

#include <sys/types.h>

struct peer {
	pid_t pid; /* 0: it has ended, and is reaped */
	int open;  /* it may still say something, and be told something */
	struct stream stream;
};

/* Its next frame: 1, or 0 if none comes any more. Waits. */
int peer_hear(struct peer *peer, struct frame *frame);

/* 0, or -1: it cannot be told any more. */
int peer_tell(const struct peer *peer, u32 type, const void *payload, size_t length);

/* It sees the end of the file, undoes what it did, and ends. */
void peer_abandon(struct peer *peer);

#endif
