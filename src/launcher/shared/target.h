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

/* What the link /proc/TID/NAME leads to: the length, cut where longer, or -1 with errno. */
ssize_t target_link(pid_t tid, const char *name, char *buffer, size_t size);

/* What its descriptor means, as /proc/TID/fd shows it: the length, cut where longer, or -1 with errno. */
ssize_t target_descriptor_link(pid_t tid, s32 fd, char *buffer, size_t size);

/* Is its descriptor a socket? -1 with errno if that cannot be told. */
int target_descriptor_is_socket(pid_t tid, s32 fd);

/* The name of its descriptor's protocol, if that is a socket ("TCP", "UDPv6"): the length, or -1 with errno. */
ssize_t target_socket_protocol(pid_t tid, s32 fd, char *buffer, size_t size);

/* A copy of its descriptor, which the caller closes; or -1 with errno. */
int target_descriptor_copy(pid_t tid, s32 fd);

/* The first size bytes of /proc/TID/NAME: how many, or -1. */
ssize_t target_file(pid_t tid, const char *name, void *buffer, size_t size);

/* Fields of /proc/PID/stat, by their numbers in proc(5). */
enum stat_field {
	STAT_STATE = 3,
	STAT_PARENT = 4,
	STAT_STARTTIME = 22,
	STAT_STACK = 28, /* startstack */
	STAT_PROCESSOR = 39, /* it ran on last */
};

/* A field that is a number; 0 if it cannot be read. */
u64 target_stat(pid_t tid, enum stat_field field);

/* Its state, a letter of proc(5): 'R' if it runs or wants to, 'T' if a signal has stopped it. 0: it is gone. */
char target_state(pid_t tid);

/* The thread group that tid belongs to, or 0 if it is gone. */
pid_t target_process(pid_t tid);

/* The thread that traces this one; 0: none, or that cannot be told. */
pid_t target_tracer(pid_t tid);

/* Its real user id, or UINT64_MAX if it is gone. */
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

enum target_signal {
	TARGET_SIGNAL_NONE,   /* or none that does anything; or that cannot be told */
	TARGET_SIGNAL_CAUGHT, /* a handler will run */
	TARGET_SIGNAL_OTHER,  /* one that ends its process, or stops it */
};

/*
 * What it has to deal with as soon as it goes on. `any`: also what another thread of its process may take instead.
 */
enum target_signal target_signal(pid_t tid, int any);

/* The stack pointer of a thread that waits in a system call: 0, or -1 where it cannot be told (now). */
int target_stack(pid_t tid, u64 *stack);

/*
 * Does what this descriptor is for move a part of what a call asks for, too? So do files, pipes, devices and streams; not
 * sockets that keep messages apart, nor anonymous inodes such as an eventfd(2). 0, too, if that cannot be told. It asks no file
 * system, which the target itself might have to answer for (FUSE).
 */
int target_moves_parts(pid_t tid, int fd);

/* Is it in the same namespace of this kind (ns/KIND of proc(5)) as we are? 0, too, where that cannot be told. */
int target_shares_namespace(pid_t tid, const char *kind);

#endif
