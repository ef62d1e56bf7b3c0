/* SPDX-License-Identifier: MIT */
#ifndef MINDERBINDER_GRACE_H
#define MINDERBINDER_GRACE_H

/*
 * What node may take to undo and write everything once it has to end at once: milliseconds. It takes a few; one that
 * hangs (a file system that is gone, a limit, a reader that does not read) or is stopped takes for ever.
 */
#define GRACE_MS 3000

/* The same where the command ended after a signal, but not by it: node ends without being pressed. */
#define UNPRESSED_GRACE_MS 10000

#endif
