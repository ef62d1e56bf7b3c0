/* SPDX-License-Identifier: MIT */
#include "inherited.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* glibc keeps signals 32 and 33 (NPTL) to itself and answers EINVAL for them: they pass untouched. */
static int is_reserved(int signal)
{
	return signal == SIGKILL || signal == SIGSTOP || (signal > 31 && signal < SIGRTMIN);
}

/* Limits that keep node or the supervisor from working, and how much is enough for them: getrlimit(2). */
static const struct {
	int resource;
	rlim_t enough;
} lifted[] = {
	{ RLIMIT_CPU, RLIM_INFINITY },
	{ RLIMIT_FSIZE, RLIM_INFINITY },
	{ RLIMIT_DATA, RLIM_INFINITY },
	{ RLIMIT_STACK, 0 }, /* stack_enough() */
	{ RLIMIT_NPROC, RLIM_INFINITY },
	{ RLIMIT_NOFILE, 4096 },
	{ RLIMIT_MEMLOCK, RLIM_INFINITY },
	{ RLIMIT_AS, RLIM_INFINITY },
	{ RLIMIT_SIGPENDING, RLIM_INFINITY },
};

#define LIFTED (sizeof(lifted) / sizeof(lifted[0]))

int inherited_record(struct inherited *inherited)
{
	inherited->ignored = 0;
	for (int signal = 1; signal <= SIGNALS_MAX; signal++) {
		struct sigaction action;

		if (is_reserved(signal))
			continue;
		if (sigaction(signal, NULL, &action) < 0)
			return -1;
		if (action.sa_handler == SIG_IGN)
			inherited->ignored |= 1ull << (signal - 1);
	}
	if (sigprocmask(SIG_SETMASK, NULL, &inherited->mask) < 0)
		return -1;
	for (unsigned i = 0; i < LIFTED; i++) {
		if (getrlimit(lifted[i].resource, &inherited->limits[lifted[i].resource]) < 0)
			return -1;
	}
	return 0;
}

/*
 * How much stack node gets where the hard limit allows it. V8 counts on about a megabyte, unasked; and execve(2) takes a
 * quarter of the stack's limit for arguments, of which node gets a few more than we got. Not without limit: that would
 * change where the kernel maps everything else (mmap_is_legacy() in mm/util.c).
 */
static rlim_t stack_enough(const struct inherited *inherited)
{
	size_t bytes = 0;

	for (int i = 0; i < inherited->argc; i++)
		bytes += strlen(inherited->argv[i]);
	return bytes < 1 << 20 ? 8 << 20 : 32 << 20;
}

int inherited_lift_limits(const struct inherited *inherited)
{
	for (unsigned i = 0; i < LIFTED; i++) {
		const int resource = lifted[i].resource;
		const struct rlimit *found = &inherited->limits[resource];
		const int is_stack = resource == RLIMIT_STACK;
		const rlim_t enough = is_stack ? stack_enough(inherited) : lifted[i].enough;
		const struct rlimit most = { enough, enough };
		struct rlimit allowed = *found;

		if (found->rlim_max < enough && setrlimit(resource, &most) == 0)
			continue;
		allowed.rlim_cur = found->rlim_max;
		if (is_stack && allowed.rlim_cur > enough)
			allowed.rlim_cur = enough;
		if (allowed.rlim_cur > found->rlim_cur && setrlimit(resource, &allowed) < 0)
			return -1;
	}
	return 0;
}

/* Seen with node 20 on x86_64, a little below what works: it reserves 0.6 GB and hangs in its collector with 40 MB of data. */
#define LEAST_ADDRESS_SPACE (600ull << 20)
#define LEAST_DATA (90ull << 20)
#define FEW_PROCESSES 64

static rlim_t hard_limit(int resource)
{
	struct rlimit limit;

	return getrlimit(resource, &limit) < 0 ? RLIM_INFINITY : limit.rlim_max;
}

const char *inherited_limit_too_low(void)
{
	if (hard_limit(RLIMIT_AS) < LEAST_ADDRESS_SPACE)
		return "virtual memory (ulimit -v)";
	if (hard_limit(RLIMIT_DATA) < LEAST_DATA)
		return "data (ulimit -d)";
	return NULL;
}

int inherited_has_few_processes(void)
{
	return hard_limit(RLIMIT_NPROC) < FEW_PROCESSES;
}

int inherited_restore(const struct inherited *inherited)
{
	for (int signal = 1; signal <= SIGNALS_MAX; signal++) {
		struct sigaction action;

		if (is_reserved(signal))
			continue;
		memset(&action, 0, sizeof(action));
		action.sa_handler = inherited_ignores(inherited, signal) ? SIG_IGN : SIG_DFL;
		if (sigaction(signal, &action, NULL) < 0)
			return -1;
	}
	for (unsigned i = 0; i < LIFTED; i++) {
		if (setrlimit(lifted[i].resource, &inherited->limits[lifted[i].resource]) < 0)
			return -1;
	}
	return 0;
}

int inherited_close(int first, int last)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return -1;
	for (int fd = first; fd <= last; fd++) {
		if (dup3(null, fd, O_CLOEXEC) < 0)
			return -1;
	}
	if (close(null) < 0)
		return -1;

	DIR *open_files = opendir("/proc/self/fd");
	struct dirent *entry;

	if (!open_files)
		return -1;
	while ((entry = readdir(open_files))) {
		int fd = (int)strtol(entry->d_name, NULL, 10);
		int flags = fd > 2 ? fcntl(fd, F_GETFD) : FD_CLOEXEC;

		/* The last close of a file reports its errors, and this is not the last: the child has it open. */
		if (flags >= 0 && !(flags & FD_CLOEXEC))
			close(fd);
	}
	return closedir(open_files);
}
