/* SPDX-License-Identifier: MIT */
/*
 * The registers of a native thread that ptrace stopped at a call that its seccomp filter names. A call whose number becomes
 * negative is not run, and what is in the register of its result by then is its result (seccomp(2), SECCOMP_RET_TRACE).
 */
#ifndef MINDERBINDER_REGISTERS_H
#define MINDERBINDER_REGISTERS_H

#include "../shared/types.h"

#include <linux/seccomp.h>
#include <sys/types.h>

/* The call, which has this number, is not run, and returns `value`. 0, or -1 with errno. */
int registers_return(pid_t tid, int number, s64 value);

/* The call is not run now, or has returned: the thread makes it again, after the signals that it has. */
int registers_repeat(pid_t tid, const struct seccomp_data *call);

/* The call is not run, which goes on until it returns. */
int registers_skip(pid_t tid);

/* Where it returns: the kernel is to deal with the thread's signals as if it had run and returned `error`. */
int registers_interrupt(pid_t tid, const struct seccomp_data *call, s32 error);

/*
 * On arm64 the first argument's register has the result later, and the kernel keeps the old value for a call that it makes
 * again: there the first one holds until the call returns.
 */
int registers_set_argument(pid_t tid, u32 argument, u64 value);

/*
 * The thread is at the first instruction of a signal's handler, with this stack pointer: will it make the call again that
 * the signal ended? 0: no, or that cannot be told.
 */
int registers_will_repeat(pid_t tid, u64 stack, const struct seccomp_data *call);

#endif
