/* SPDX-License-Identifier: MIT */
/*
 * A process that is forked and does not exec, as Python's may be: it has the filter, and this library's memory, but not its
 * threads. It keeps no listener, for a call would wait for ever if the supervisor and the process of the keepers were
 * dead and a descriptor were left that no thread reads from.
 */
#ifndef MINDERBINDER_FORKED_H
#define MINDERBINDER_FORKED_H

/* Once there may be something to forget: 0, or an errno. More than once is as good. */
int forked_prepare(void);

#endif
