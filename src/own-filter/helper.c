/* SPDX-License-Identifier: MIT */
#include "helper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_close_range
#define SYS_close_range 436 /* Linux 5.9 */
#endif

#define SOCKET 3
#define SIGNALS 64

/* Between vfork(2) and exec: memory is the parent's, so it is told of errors by it. */
static const struct join_request *asked;
static volatile int error;

static void die(void)
{
	error = errno;
	_exit(1);
}

static void set_descriptors(int socket)
{
	const int null = open("/dev/null", O_RDWR);
	/* Above those that it is copied to, whichever of them were open. */
	const int high = fcntl(socket, F_DUPFD, SOCKET + 1);

	if (null < 0 || high < 0)
		die();
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (dup2(null, fd) < 0)
			die();
	}
	if (dup2(high, SOCKET) < 0)
		die();
	(void)syscall(SYS_close_range, SOCKET + 1, ~0u, 0); /* else they are inherited but for those that exec closes */
}

/* A handler of this process must not run in the child, whose memory is the same. */
static void reset_signals(void)
{
	const struct sigaction ordinary = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int signal = 1; signal <= SIGNALS; signal++)
		(void)sigaction(signal, &ordinary, NULL); /* some cannot be changed */
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static void become_helper(int socket)
{
	char *arguments[] = { asked->launcher, (char *)"join", asked->reach, asked->seed, NULL };
	char *environment[] = { asked->path, NULL };

	if (chdir("/") < 0)
		die();
	set_descriptors(socket);
	reset_signals();
	(void)execve(asked->launcher, arguments, environment);
	die();
}

/* Twice, and the process in between ends at once: the program's own children stay what they were. */
int helper_start(const struct join_request *request, int socket)
{
	pid_t child;

	asked = request;
	error = 0;
	child = vfork();
	if (child < 0)
		return errno;
	if (child == 0) {
		if (setsid() < 0)
			die();

		const pid_t helper = vfork();

		if (helper < 0)
			die();
		if (helper == 0)
			become_helper(socket);
		_exit(0);
	}
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	return error;
}
