/* SPDX-License-Identifier: MIT */
#include "start-node.h"
#include "descriptors.h"
#include "environment.h"
#include "fail.h"
#include "shield.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NODE_FDS 8
#define NODE_STDOUT 6 /* launcherFds in src/launch/front.ts */

static int copy_above(int fd, int below)
{
	const int high = fcntl(fd, F_DUPFD_CLOEXEC, below);

	if (high < 0)
		fail("cannot start node");
	return high;
}

/*
 * In a session of its own: ^C and ^Z are not for node, and it has no terminal to restore at its exit (node
 * saves termios of 0..2 and puts them back, over what the child has set).
 */
static _Noreturn void become_node(const struct inherited *inherited, const struct channels *channels,
				  char *const *argv, pid_t front)
{
	const unsigned terminals = environment_terminals();
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	/* For a view of what happens; while this is still a process of the terminal's session. */
	int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);
	const int source[NODE_FDS] = { null,
				       null,
				       channels->messages[1],
				       channels->sockets[FRONT_NODE][1],
				       channels->sockets[NODE_SUPERVISOR][0],
				       channels->events[0],
				       STDOUT_FILENO,
				       terminal >= 0 ? terminal : null };
	int high[NODE_FDS + NAMED_MAX];
	struct named_descriptors named;
	struct descriptor_list list;
	sigset_t none;

	descriptors_named(inherited->argc, inherited->argv, &named);
	descriptor_list_start(&list);
	if (descriptor_is_callers(STDOUT_FILENO))
		descriptor_list_add(&list, STDOUT_FILENO, NODE_STDOUT);
	if (descriptor_is_callers(STDERR_FILENO)) /* node's own messages go there: relay.h */
		descriptor_list_add(&list, STDERR_FILENO, STDERR_FILENO);
	for (int i = 0; i < named.count; i++)
		descriptor_list_add(&list, named.fds[i], NODE_FDS + i);
	const int count = NODE_FDS + named.count;

	for (int i = 0; i < count; i++)
		high[i] = copy_above(i < NODE_FDS ? source[i] : named.fds[i - NODE_FDS], count);
	for (int i = 0; i < count; i++) {
		if (dup2(high[i], i) < 0)
			fail("cannot start node");
	}
	shield(shield_all);
	sigemptyset(&none);
	if (setsid() < 0 || syscall(SYS_close_range, count, ~0u, 0) < 0 ||
	    sigprocmask(SIG_SETMASK, &none, NULL) < 0)
		fail("cannot start node");
	environment_exec(argv, terminals, &list, front);
	fail(errno == E2BIG ? "cannot run node" :
			      "cannot run node (is Node.js 20 or newer in PATH?)");
}

pid_t start_node(const struct inherited *inherited, const struct channels *channels, char *const *argv)
{
	const pid_t front = getpid();
	const pid_t node = fork();

	if (node < 0)
		fail("cannot fork");
	if (node == 0)
		become_node(inherited, channels, argv, front);
	return node;
}
