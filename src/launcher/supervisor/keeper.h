/* SPDX-License-Identifier: MIT */
/*
 * A process that keeps a listener, for a process with our filter that cannot keep it itself: a Go program, whose runtime may
 * stop any of its threads at any moment. If the supervisor dies, it lets all calls go on, those included that the supervisor
 * had received: it sees their ids in shared memory. It ends when no process has the filter any more.
 */
#ifndef MINDERBINDER_KEEPER_H
#define MINDERBINDER_KEEPER_H

/*
 * Starts it. It looks at the message with the listener that comes at `joining`, and leaves it for us. No other thread runs
 * yet. 0, or -1 with errno.
 */
int keeper_start(int joining);

/* Until it has the listener, or there will be none, or it has been killed: then the message is ours to read. */
void keeper_await(void);

#endif
