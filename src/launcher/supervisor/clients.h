/* SPDX-License-Identifier: MIT */
/*
 * The socket of --control, and the programs that have connected to it. The supervisor knows which process is at the other
 * end, and passes bytes on: node reads and writes what they mean.
 *
 * A client's own calls on its connection are not faulted. So a connection has to be known before the client's next call:
 * a thread accepts what waits before it decides a call.
 */
#ifndef MINDERBINDER_CLIENTS_H
#define MINDERBINDER_CLIENTS_H

#include "caller.h"
#include "../shared/types.h"

#include <poll.h>
#include <stddef.h>
#include <sys/types.h>

/* The socket at this path, for this user (-1: ours): 0, or -1 with errno. */
int clients_open(const char *path, uid_t uid, gid_t gid);

/* Is there such a socket? By any thread, as the next two. */
int clients_are_served(void);

/* Is the call one of a client on its connection, or one that connects to the socket? May wait for the target's memory. */
int clients_own_call(const struct process *process, pid_t tid, u32 number, const struct call_shape *shape, const u64 *args);

/* What the thread that polls has to look at; at most CLIENTS_MAX + 2. How many. */
u32 clients_poll(struct pollfd *sources);

struct client_events {
	void (*opened)(u32 client, pid_t pid);
	void (*said)(u32 client, const void *bytes, size_t length);
	void (*closed)(u32 client); /* clients_close() has to follow */
};

/* Handles everything that is new. */
void clients_serve(const struct client_events *events);

/* Closes a client that does not read what it is sent. */
void clients_send(u32 client, const void *bytes, size_t length);

/* Sends it this, a few kilobytes, or nothing if it has no room. */
void clients_offer(u32 client, const void *bytes, size_t length);

/* Forgets it. Its rules have to be gone. */
void clients_close(u32 client);

/* The processes that a rule is for. 0, or -1: ESRCH, no such client; EINVAL, no such scope, or another process's thread. */
int clients_resolve(const struct rule_caller *asked, struct caller *caller);

/* Removes the socket, and ends all connections. */
void clients_end(void);

#endif
