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
	return getrlimit(RLIMIT_NOFILE, &inherited->files);
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
	return setrlimit(RLIMIT_NOFILE, &inherited->files);
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

		/* An error of the last close of a file is nobody's to hear: the child has it open. */
		if (flags >= 0 && !(flags & FD_CLOEXEC))
			close(fd);
	}
	return closedir(open_files);
}
