/* SPDX-License-Identifier: MIT */
/* Reading a target: its memory and its /proc files. Nothing here ever blocks on the target or changes it. */
#ifndef MINDERBINDER_TARGET_H
#define MINDERBINDER_TARGET_H

#include "types.h"

#include <stddef.h>
#include <sys/types.h>

/* Exactly length bytes at address: 0, or -1 (gone, not mapped, not permitted: process_vm_readv(2)). */
int target_read(pid_t tid, u64 address, void *buffer, size_t length);

/* A NUL-terminated string of up to size-1 bytes, cut where longer: its length, or -1. */
ssize_t target_read_string(pid_t tid, u64 address, char *buffer, size_t size);

/* The first size bytes of /proc/TID/NAME: how many, or -1. */
ssize_t target_file(pid_t tid, const char *name, void *buffer, size_t size);

/* Field (1-based, proc(5)) of /proc/TID/stat, from the fourth on; 0 where it cannot be read. */
u64 target_stat(pid_t tid, int field);

/* Is this process stopped (by a signal, not by a tracer)? */
int target_is_stopped(pid_t tid);

/* The thread group that tid belongs to, or 0 where it is gone. */
pid_t target_process(pid_t tid);

/* Its real user id, or UINT64_MAX where it is gone. */
u64 target_uid(pid_t tid);

#endif
