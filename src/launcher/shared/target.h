/* SPDX-License-Identifier: MIT */
/* Reading a target: its memory and its /proc files. Nothing here changes it. */
#ifndef MINDERBINDER_TARGET_H
#define MINDERBINDER_TARGET_H

#include "types.h"

#include <stddef.h>
#include <sys/types.h>

/*
 * Exactly length bytes at address: 0, or -1 with the errno of process_vm_readv(2): EFAULT if nothing is mapped there,
 * so that the target could not read it either; ESRCH if it is gone; else we may not look. Waits where the target waits:
 * for a page that userfaultfd(2) or a FUSE server has to bring.
 */
int target_read(pid_t tid, u64 address, void *buffer, size_t length);

/* A NUL-terminated string of up to size-1 bytes, cut where longer: its length, or -1 as above. */
ssize_t target_read_string(pid_t tid, u64 address, char *buffer, size_t size);

/* The first size bytes of /proc/TID/NAME: how many, or -1. */
ssize_t target_file(pid_t tid, const char *name, void *buffer, size_t size);

/* Fields of /proc/PID/stat, by their numbers in proc(5). */
enum stat_field {
	STAT_STATE = 3,
	STAT_PARENT = 4,
	STAT_STARTTIME = 22,
	STAT_STACK = 28, /* startstack */
};

/* A field that is a number; 0 where it cannot be read. */
u64 target_stat(pid_t tid, enum stat_field field);

/* Is this process stopped (by a signal, not by a tracer)? */
int target_is_stopped(pid_t tid);

/* The thread group that tid belongs to, or 0 where it is gone. */
pid_t target_process(pid_t tid);

/* Its real user id, or UINT64_MAX where it is gone. */
u64 target_uid(pid_t tid);

/* Of /proc/TID/status, at one moment each. */
struct rights {
	u32 uids[4], gids[4]; /* real, effective, saved, of the file system */
	u64 permitted;        /* capabilities, in its own user namespace */
	u64 pending;          /* signals for this thread; bit S - 1 */
	u64 blocked;
};

#define RIGHTS_LINES 5

/* 0, or -1 if it is gone or may not be looked at. */
int target_rights(pid_t tid, struct rights *rights);

/* The stack pointer of a thread that waits in a system call: 0, or -1 where it cannot be told (now). */
int target_stack(pid_t tid, u64 *stack);

/* Is it in the same namespace of this kind (ns/KIND of proc(5)) as we are? 0, too, where that cannot be told. */
int target_shares_namespace(pid_t tid, const char *kind);

#endif
