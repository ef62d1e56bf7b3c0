/* SPDX-License-Identifier: MIT */
/* What node says on its stderr, copied to the caller's, while signals are heard. */
#ifndef MINDERBINDER_RELAY_H
#define MINDERBINDER_RELAY_H

/* From `from` to `to`, up to the end of file. A `to` that fails swallows the rest. */
void relay_init(int from, int to);

/* What to wait for with poll(2): then call relay_ready(). -1: all is copied. */
int relay_waits_for(void);
void relay_ready(short revents);

#endif
