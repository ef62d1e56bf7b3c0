/* SPDX-License-Identifier: MIT */
#ifndef MINDERBINDER_FILTER_H
#define MINDERBINDER_FILTER_H

#include "types.h"

#include <linux/filter.h>
#include <linux/seccomp.h>

#define FILTER_FDS_MAX 8

/* Calls with one of these descriptors only. */
struct descriptors {
	u32 arguments; /* bit i: argument i is one */
	u32 count;     /* 0: whatever the descriptors are */
	s32 fds[FILTER_FDS_MAX];
};

/* A set of native system calls. */
struct call_set {
	u64 bits[SYSCALLS_MAX / 64];
	struct descriptors only[SYSCALLS_MAX]; /* by number */
};

static inline void call_set_add(struct call_set *set, u32 number)
{
	if (number < SYSCALLS_MAX)
		set->bits[number / 64] |= 1ull << (number % 64);
}

/* Whatever their descriptors are. */
static inline void call_set_add_all(struct call_set *set, u32 number)
{
	call_set_add(set, number);
	set->only[number].count = 0;
}

static inline int call_set_has(const struct call_set *set, u32 number)
{
	return number < SYSCALLS_MAX && (set->bits[number / 64] >> (number % 64) & 1);
}

/*
 * Installs a seccomp filter on this thread whose result for every call in `named`, and for every call in a foreign mode
 * (32-bit, x32), is `action`: SECCOMP_RET_USER_NOTIF or SECCOMP_RET_TRACE; all others run at once. Returns a listener's
 * descriptor (close-on-exec), or -errno: EBUSY if the filter chain has a listener already (seccomp(2)). So faults do not
 * nest by ptrace either: a filter that notifies would hide the calls that it names from one that traces. And the listener
 * hangs up when no process has the filter any more.
 */
int filter_install(const struct call_set *named, u32 action);

/*
 * The same, with notifications, on all threads of this process at once (Linux 5.7): -ESRCH if one has a filter that this one
 * lacks. No thread may be between two of these.
 */
int filter_install_on_process(const struct call_set *named);

/*
 * The code of that filter, for a process that installs it without our help, and whose calls from the address `passing` run at
 * once (seccomp_data.instruction_pointer). Returns its length; the next call overwrites it.
 */
u32 filter_code(const struct call_set *named, u64 passing, const struct sock_filter **code);

/* Of a call that is named for its foreign mode: is it an execve or execveat? */
int filter_is_foreign_exec(const struct seccomp_notif *call);

/* AUDIT_ARCH_* of the programs whose numbers the rules name. */
extern const u32 filter_native_arch;

/* x32 numbers carry this bit under AUDIT_ARCH_X86_64 (asm/unistd.h, __X32_SYSCALL_BIT); 0 on arm64. */
extern const u32 filter_foreign_bit;

#endif
