/* SPDX-License-Identifier: MIT */
/*
 * As `minderbinder-probe WHAT` it tries what node cannot, for minderbinder doctor, and what a test in Go cannot (clients/go).
 * Answers are lines `NAME ERRNO` on stdout, 0 for success. No user reaches this by an argument: it goes by argv[0].
 */
#ifndef MINDERBINDER_PROBE_H
#define MINDERBINDER_PROBE_H

/* WHAT and its arguments. Returns the exit status: 0 when everything was tried, whatever came of it. */
int probe(int argc, char **argv);

/* What the seccomp engine needs. */
int probe_seccomp(void);

/* May this process have a seccomp listener? A child of the same process may, or may not, for the same reason. */
int probe_listener(void);

/* What the ptrace engine needs. */
int probe_ptrace(void);

/*
 * Enters a cgroup and does what faults are tried on: for each `s` on stdin it sends a packet, for each `c` it
 * connects, both over the loopback, for each `g` a new program calls getpgid(2) and faccessat(2). At end of
 * file it leaves, and removes the cgroup: also if its maker was killed.
 */
int probe_target(const char *cgroup);

/* That new program. */
int probe_call(void);

#endif
