/* SPDX-License-Identifier: MIT */
#ifndef MINDERBINDER_RELAY_H
#define MINDERBINDER_RELAY_H

/*
 * Copies everything from `from` to `to`, up to the end of file, on a thread of its own: nobody may ever read `to`, and
 * signals have to be heard meanwhile. A `to` that fails swallows the rest. Returns a descriptor that becomes readable
 * when all is copied; -1 with errno: nothing has been done.
 */
int relay_start(int from, int to);

#endif
