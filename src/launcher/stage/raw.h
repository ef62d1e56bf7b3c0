/* SPDX-License-Identifier: MIT */
/*
 * One system call instruction of our own. Between installing the filter and exec, the staged child makes
 * every call through it, and the filter lets that one address pass (see filter.c): else a rule that names
 * sendmsg, read or execve would catch the launcher before anyone listens.
 */
#ifndef MINDERBINDER_RAW_H
#define MINDERBINDER_RAW_H

/* As syscall(2), but returns -errno and never touches errno. */
long raw_call(long number, long a, long b, long c, long d, long e);

/* The address that seccomp_data.instruction_pointer has for such a call: the one after the instruction. */
extern const char raw_call_address[];

#endif
