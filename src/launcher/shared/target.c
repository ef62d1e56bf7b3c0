/* SPDX-License-Identifier: MIT */
#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define PAGE 4096

static int open_file(pid_t tid, const char *name)
{
	char path[64];

	if (snprintf(path, sizeof(path), "/proc/%d/%s", (int)tid, name) >= (int)sizeof(path))
		return -1;
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* Slower by two calls, under the same permission check (proc(5)). */
static int read_mem_file(pid_t tid, u64 address, void *buffer, size_t length)
{
	int fd = open_file(tid, "mem");

	if (fd < 0)
		return -1;

	ssize_t n = pread(fd, buffer, length, (off_t)address);

	if (close(fd) < 0)
		return -1;
	if (n == (ssize_t)length)
		return 0;
	errno = EFAULT; /* what process_vm_readv(2) says; here it is EIO, or a part */
	return -1;
}

int target_read(pid_t tid, u64 address, void *buffer, size_t length)
{
	struct iovec here = { buffer, length };
	struct iovec there = { (void *)(uintptr_t)address, length };

	ssize_t n = process_vm_readv(tid, &here, 1, &there, 1, 0);

	if (n == (ssize_t)length)
		return 0;
	if (n >= 0)
		errno = EFAULT; /* a part only */
	/* A kernel without CONFIG_CROSS_MEMORY_ATTACH. */
	return errno == ENOSYS ? read_mem_file(tid, address, buffer, length) : -1;
}

ssize_t target_read_string(pid_t tid, u64 address, char *buffer, size_t size)
{
	size_t done = 0;

	if (address == 0) {
		errno = EFAULT;
		return -1;
	}
	while (done < size - 1) {
		/* Up to the end of the page: the next one may not be mapped. */
		size_t part = PAGE - (address + done) % PAGE;

		if (part > size - 1 - done)
			part = size - 1 - done;
		/* Without an end it is not a string: the kernel's strncpy_from_user() says EFAULT, too. */
		if (target_read(tid, address + done, buffer + done, part) < 0)
			return -1;

		const char *end = memchr(buffer + done, 0, part);

		if (end)
			return end - buffer;
		done += part;
	}
	buffer[done] = 0;
	return (ssize_t)done;
}

ssize_t target_file(pid_t tid, const char *name, void *buffer, size_t size)
{
	int fd = open_file(tid, name);

	if (fd < 0)
		return -1;

	ssize_t n;

	do
		n = read(fd, buffer, size);
	while (n < 0 && errno == EINTR);
	if (close(fd) < 0)
		return -1;
	return n;
}

/* As target_file(), NUL-terminated. 0, or -1. */
static int read_text(pid_t tid, const char *name, char *text, size_t size)
{
	ssize_t n = target_file(tid, name, text, size - 1);

	if (n <= 0)
		return -1;
	text[n] = 0;
	return 0;
}

/*
 * Where a field of its stat begins in text, or NULL. The thread's own file: that of the process sums up
 * all its threads (fs/proc/array.c, do_task_stat()), and what is asked for here is the same in both.
 */
static const char *stat_field(pid_t tid, enum stat_field field, char *text, size_t size)
{
	char name[32];

	snprintf(name, sizeof(name), "task/%d/stat", (int)tid);
	if (read_text(tid, name, text, size) < 0)
		return NULL;

	/* The second field, the command's name, may hold blanks and parentheses: count from its end. */
	const char *at = strrchr(text, ')');

	for (int i = 2; at && i < (int)field; i++)
		at = strchr(at + 1, ' ');
	return at ? at + 1 : NULL;
}

u64 target_stat(pid_t tid, enum stat_field field)
{
	char text[1024];
	const char *at = stat_field(tid, field, text, sizeof(text));

	return at ? strtoull(at, NULL, 10) : 0;
}

char target_state(pid_t tid)
{
	char text[1024];
	const char *state = stat_field(tid, STAT_STATE, text, sizeof(text));

	return state ? *state : 0;
}

/* The first number of a line of /proc/TID/status; -1 where it cannot be read. */
static s64 status_number(pid_t tid, const char *line)
{
	char text[512];

	if (read_text(tid, "status", text, sizeof(text)) < 0)
		return -1;

	const char *at = strstr(text, line);

	return at ? strtoll(at + strlen(line), NULL, 10) : -1;
}

pid_t target_process(pid_t tid)
{
	s64 pid = status_number(tid, "\nTgid:");

	return pid > 0 ? (pid_t)pid : 0;
}

pid_t target_tracer(pid_t tid)
{
	const s64 tracer = status_number(tid, "\nTracerPid:");

	return tracer > 0 ? (pid_t)tracer : 0;
}

u64 target_uid(pid_t tid)
{
	return (u64)status_number(tid, "\nUid:");
}

/* A mask of /proc/TID/status, if this is its line. */
static void take_mask(const char *line, const char *name, u64 *mask, u32 *found)
{
	const size_t length = strlen(name);

	if (strncmp(line, name, length) != 0)
		return;
	*mask = strtoull(line + length, NULL, 16);
	++*found;
}

/* Line by line, since the one of the groups may be long; no name in it can hold a line's end (proc(5)). */
int target_rights(pid_t tid, struct rights *rights)
{
	char path[64], line[256];
	u32 found = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)tid);

	FILE *file = fopen(path, "re");

	if (!file)
		return -1;
	while (found < RIGHTS_LINES && fgets(line, sizeof(line), file)) {
		u32 *const ids = rights->uids, *const groups = rights->gids;

		found += sscanf(line, "Uid: %u %u %u %u", ids, ids + 1, ids + 2, ids + 3) == 4;
		found += sscanf(line, "Gid: %u %u %u %u", groups, groups + 1, groups + 2, groups + 3) == 4;
		take_mask(line, "SigPnd:", &rights->pending, &found);
		take_mask(line, "SigBlk:", &rights->blocked, &found);
		take_mask(line, "CapPrm:", &rights->permitted, &found);
	}
	if (fclose(file) != 0)
		return -1;
	return found == RIGHTS_LINES ? 0 : -1;
}

static u64 bit_of(int signal)
{
	return 1ull << (signal - 1);
}

enum target_signal target_signal(pid_t tid, int any)
{
	/* What signal(7) says of signals that have no handler: these are ignored. The others end or stop the process. */
	const u64 harmless = bit_of(SIGCHLD) | bit_of(SIGCONT) | bit_of(SIGURG) | bit_of(SIGWINCH);
	char path[64], line[256];
	u64 own = 0, shared = 0, blocked = 0, ignored = 0, caught = 0, pending;
	u32 found = 0;
	int threads = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)tid);

	FILE *file = fopen(path, "re");

	if (!file)
		return TARGET_SIGNAL_NONE;
	while (fgets(line, sizeof(line), file)) {
		(void)sscanf(line, "Threads: %d", &threads);
		take_mask(line, "SigPnd:", &own, &found);
		take_mask(line, "ShdPnd:", &shared, &found);
		take_mask(line, "SigBlk:", &blocked, &found);
		take_mask(line, "SigIgn:", &ignored, &found);
		take_mask(line, "SigCgt:", &caught, &found);
	}
	if (fclose(file) != 0)
		return TARGET_SIGNAL_NONE;
	pending = (any || threads == 1 ? own | shared : own) & ~(blocked | ignored);
	if (pending & caught)
		return TARGET_SIGNAL_CAUGHT;
	return pending & ~harmless ? TARGET_SIGNAL_OTHER : TARGET_SIGNAL_NONE;
}

int target_stack(pid_t tid, u64 *stack)
{
	char text[256];
	unsigned long long at;

	if (read_text(tid, "syscall", text, sizeof(text)) < 0 ||
	    sscanf(text, "%*d %*x %*x %*x %*x %*x %*x %llx", &at) != 1)
		return -1;
	*stack = at;
	return 0;
}

int target_shares_namespace(pid_t tid, const char *kind)
{
	char name[32], ours[64], theirs[64], path[64];

	snprintf(name, sizeof(name), "/proc/self/ns/%s", kind);
	snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)tid, kind);

	ssize_t n = readlink(name, ours, sizeof(ours));

	return n > 0 && readlink(path, theirs, sizeof(theirs)) == n && memcmp(ours, theirs, (size_t)n) == 0;
}
