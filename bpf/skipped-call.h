/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What a call's number becomes where the supervisor traces the call and has it return without being run. The kernel
 * runs no call with a negative number (seccomp(2), SECCOMP_RET_TRACE); the other bits still say which call it was, to
 * bpf/stats.bpf.c. Not -1, which is also the number of a thread that a signal handler has returned to.
 */
#ifndef MINDERBINDER_SKIPPED_CALL_H
#define MINDERBINDER_SKIPPED_CALL_H

#define SKIPPED_CALL 0x80000000u
#define SKIPPED_CALL_NUMBER(number) ((number) & ~SKIPPED_CALL)

/* More than any call's number; x32's have another bit, and none comes near. */
#define CALL_NUMBERS 512

static inline int is_skipped_call(unsigned int number)
{
	return number & SKIPPED_CALL && SKIPPED_CALL_NUMBER(number) < CALL_NUMBERS;
}

#endif
