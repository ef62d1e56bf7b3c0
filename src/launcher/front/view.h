/* SPDX-License-Identifier: MIT */
/* The terminal while node draws on it: how the shell gets it back when the child stops, and when node is killed. */
#ifndef MINDERBINDER_VIEW_H
#define MINDERBINDER_VIEW_H

#include "peer.h"

/* What gives the terminal back, from WIRE_VIEW; nothing: node does not draw any more. */
void view_begins(const struct frame *frame);

int view_is_drawn(void);

/* Asks node to give the terminal back. 1: it will answer. */
int view_suspend(const struct peer *node);
void view_is_suspended(void);

/* Waits for the answer, but not for long. 1: node says something. */
int view_waits(const struct peer *node);

void view_resume(const struct peer *node);

/* What node would have done last. */
void view_restore_terminal(void);

#endif
