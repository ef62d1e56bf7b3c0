/* SPDX-License-Identifier: MIT */
#ifndef MINDERBINDER_PROBE_SAY_H
#define MINDERBINDER_PROBE_SAY_H

/* Prints one answer of a probe, at once. `error`: an errno, 0 for success. */
void probe_say(const char *name, int error);

#endif
