/* SPDX-License-Identifier: MIT */
/*
 * The session of `exec --control` around this one, if it does our rules of system calls: the child cannot have a second
 * tracer, nor its filter a second listener. The child has connected to its socket, so that it is the client there and the
 * rules hit its tree alone. We hold the connection, and pass bytes on: node reads and writes what they mean.
 */
#ifndef MINDERBINDER_OUTER_H
#define MINDERBINDER_OUTER_H

#include "../shared/wire.h"

/* fd: the child's connection; -1: there is none. */
void outer_begin(int fd);

/* To poll for input; -1: nothing to wait for. */
int outer_socket(void);

/* It can be read: what it says goes to node, or that it is over. */
void outer_serve(void);

/* WIRE_OUTER_SEND */
void outer_send(const struct frame *frame);

#endif
