/* SPDX-License-Identifier: MIT */
/*
 * `launcher --probe WHAT`: tries what node cannot, for minderbinder doctor. Answers are lines `NAME ERRNO` on
 * stdout, 0 for success. No user reaches this by a command's name: bin/minderbinder gives the first argument.
 */
#ifndef MINDERBINDER_PROBE_H
#define MINDERBINDER_PROBE_H

/* WHAT and its arguments. Returns the exit status: 0 when everything was tried, whatever came of it. */
int probe(int argc, char **argv);

/* Prints one answer, at once. */
void probe_say(const char *name, int error);

/* What the seccomp engine needs. */
int probe_seccomp(void);

/*
 * Enters a cgroup and sends a packet for each `s`, connects for each `c` that comes on stdin, over the loopback.
 * At end of file it leaves, and removes the cgroup: also where whoever made it was killed.
 */
int probe_network(const char *cgroup);

#endif
