/* SPDX-License-Identifier: MIT */
/* The message by which a process hands over the listener of its own filter: JOIN_LISTENER of shared/joining.h. */
#ifndef MINDERBINDER_LISTENER_MESSAGE_H
#define MINDERBINDER_LISTENER_MESSAGE_H

/*
 * Waits for it. With `flags` of MSG_PEEK the message stays for another to read, with a descriptor of its own. Returns the
 * listener, or -1 with errno: the process could not install the filter, and knows why itself.
 */
int listener_message(int socket, int flags);

#endif
