/* SPDX-License-Identifier: MIT */
#include "probe.h"
#include "say.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

/* Over the loopback a packet is there when sendto(2) returns, or soon after on a busy machine. */
#define PATIENCE_MS 100

static int enter(const char *cgroup, const char *below)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%scgroup.procs", cgroup, below) >= (int)sizeof(path))
		return ENAMETOOLONG;

	int procs = open(path, O_WRONLY | O_CLOEXEC);

	if (procs < 0)
		return errno;

	int error = write(procs, "0", 1) < 0 ? errno : 0;

	return close(procs) < 0 && !error ? errno : error;
}

/* A socket on a loopback port of the kernel's choice; -1 with errno. */
static int receiver(int type, struct sockaddr_in *address)
{
	socklen_t size = sizeof(*address);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	memset(address, 0, sizeof(*address));
	address->sin_family = AF_INET;
	address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)address, size) < 0 ||
	    getsockname(fd, (struct sockaddr *)address, &size) < 0)
		return -1;
	return fd;
}

/* ETIMEDOUT: sent without an error, and lost. */
static int try_send(void)
{
	struct sockaddr_in address;
	int to = receiver(SOCK_DGRAM, &address);
	int from = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct pollfd arrival = { .fd = to, .events = POLLIN };
	int error = 0;

	if (to < 0 || from < 0 ||
	    sendto(from, "", 1, 0, (struct sockaddr *)&address, sizeof(address)) != 1)
		error = errno;
	else if (poll(&arrival, 1, PATIENCE_MS) != 1)
		error = ETIMEDOUT;
	if ((to >= 0 && close(to) < 0) || (from >= 0 && close(from) < 0))
		return errno;
	return error;
}

static int try_connect(void)
{
	const struct timeval patience = { .tv_sec = 1 };
	struct sockaddr_in address;
	int to = receiver(SOCK_STREAM, &address);
	int from = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int error = 0;

	if (to < 0 || from < 0 || listen(to, 1) < 0 ||
	    setsockopt(from, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0 ||
	    connect(from, (struct sockaddr *)&address, sizeof(address)) < 0)
		error = errno;
	if ((to >= 0 && close(to) < 0) || (from >= 0 && close(from) < 0))
		return errno;
	return error;
}

int probe_call(void)
{
	int failed = syscall(SYS_getpgid, 0) < 0 || syscall(SYS_faccessat, AT_FDCWD, "/", F_OK) < 0;

	probe_say("call", failed ? errno : 0);
	return 0;
}

/* In a program that starts in the cgroup, as a command does: engines wait for that. 0: it gave the answer. */
static int try_call(void)
{
	pid_t child = fork();
	int status;

	if (child < 0)
		return errno;
	if (child == 0) {
		execl("/proc/self/exe", "minderbinder-probe", "call", (char *)NULL);
		_exit(1);
	}
	if (waitpid(child, &status, 0) != child)
		return errno;
	return status == 0 ? 0 : ECHILD;
}

int probe_target(const char *cgroup)
{
	const int ignored[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGPIPE };
	char order;

	/* ^C is for the whole foreground group: one of us has to be left to clean up. */
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++) {
		if (signal(ignored[i], SIG_IGN) == SIG_ERR)
			return 1;
	}
	probe_say("enter", enter(cgroup, ""));
	while (read(STDIN_FILENO, &order, 1) == 1) {
		if (order == 's')
			probe_say("send", try_send());
		else if (order == 'c')
			probe_say("connect", try_connect());
		else
			probe_say("called", try_call());
	}
	/* Already gone where the doctor has removed it. */
	if (enter(cgroup, "../") == 0 && rmdir(cgroup) == 0)
		return 0;
	return errno == ENOENT ? 0 : 1;
}
