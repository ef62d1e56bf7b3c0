/* SPDX-License-Identifier: MIT */
/*
 * minderbinder's launcher: stands in front of node, since node cannot hand on what it inherits (it resets
 * ignored signals and the signal mask, raises RLIMIT_NOFILE and closes descriptors from 3 up).
 *
 * bin/minderbinder of a checkout is a link to it. The npm package has one for each architecture, so its command is
 * a shell script, bin/minderbinder.sh; what that takes from the environment, handover.h brings back. minderbinder
 * doctor starts it by another name, to try what node cannot, and so does the library, to run a command under it.
 */
#include "front/environment.h"
#include "front/front.h"
#include "front/handover.h"
#include "shared/inherited.h"
#include "probe/probe.h"
#include "front/shield.h"
#include "supervisor/supervise.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CLI "/dist/cli.cjs"
#define EXIT_FAILED 125 /* our own failure: section EXIT STATUS of the man page */

/*
 * As many arguments as node gets of exec's: options come first, and 4,096 faults take 8,192. COMMAND's own may be more
 * than node's parser bears, and are never looked at there.
 */
#define NODE_ARGUMENTS_MAX 16384

/*
 * argv[0] of `minderbinder join` as a test in Go starts it: Go cannot fork without exec. The program's own children stay what
 * they were, and ^C does not end us before it (src/own-filter/helper.c).
 */
#define APART_NAME "minderbinder-apart"

#define PROBE_NAME "minderbinder-probe" /* argv[0] of a probe: nothing that a user types as an argument */

/* The bundled CLI: ../dist/cli.cjs from the folder of this very file, wherever it was called through. */
static int find_cli(char *path, size_t size)
{
	ssize_t length = readlink("/proc/self/exe", path, size - 1);

	if (length < 0)
		return -1;
	path[length] = 0;
	for (int i = 0; i < 2; i++) {
		char *slash = strrchr(path, '/');

		if (!slash) {
			errno = ENOENT;
			return -1;
		}
		*slash = 0;
	}
	if (strlen(path) + sizeof(CLI) > size) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcat(path, CLI);
	return access(path, R_OK);
}

/* Of a node in our place: it has the caller's where the caller has them. */
static void list_descriptors(const struct inherited *inherited, struct descriptor_list *list)
{
	struct named_descriptors named;

	descriptor_list_start(list);
	for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
		if (descriptor_is_callers(fd))
			descriptor_list_add(list, fd, fd);
	}
	descriptors_named(inherited->argc, inherited->argv, &named);
	for (int i = 0; i < named.count; i++)
		descriptor_list_add(list, named.fds[i], named.fds[i]);
}

static int leave_parent(void)
{
	const pid_t pid = fork();

	if (pid > 0)
		_exit(0);
	return pid < 0 || setsid() < 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
	struct inherited inherited = { .argc = argc - 1, .argv = argv + 1 };
	char cli[PATH_MAX];

	if (argc > 0 && strcmp(argv[0], PROBE_NAME) == 0)
		return probe(argc - 1, argv + 1);
	if (argc > 0 && strcmp(argv[0], SUPERVISOR_NAME) == 0)
		return supervise_for_node(argc - 1, argv + 1);

	if (argc > 0 && strcmp(argv[0], APART_NAME) == 0 && leave_parent() < 0)
		return EXIT_FAILED;
	if (argc == 4 && strcmp(argv[1], HANDOVER_OPTION) == 0)
		return handover_print(atoi(argv[2]), atoi(argv[3]));
	if (find_cli(cli, sizeof(cli)) < 0) {
		fprintf(stderr, "minderbinder: cannot find its own dist/cli.cjs: %s: %s\n", strerror(errno),
			access("/proc/self", F_OK) == 0 ?
				"install it again" :
				"finding it needs /proc, which is not mounted here");
		return EXIT_FAILED;
	}

	const int is_exec = argc > 1 && strcmp(argv[1], "exec") == 0;
	const int given = is_exec && argc > NODE_ARGUMENTS_MAX ? NODE_ARGUMENTS_MAX : argc;
	char **node = calloc((size_t)given + 3, sizeof(*node));

	if (!node || handover_take() < 0 || inherited_record(&inherited) < 0 ||
	    inherited_lift_limits(&inherited) < 0) {
		fprintf(stderr, "minderbinder: cannot start: %s\n", strerror(errno));
		return EXIT_FAILED;
	}

	const char *too_low = inherited_limit_too_low();

	if (too_low) {
		fprintf(stderr,
			"minderbinder: the hard limit of %s is too low for node\n"
			"minderbinder: hint: a soft limit (ulimit -S) is for the command only\n",
			too_low);
		return EXIT_FAILED;
	}
	node[0] = "node";
	node[1] = cli;
	for (int i = 1; i < given; i++)
		node[i + 1] = argv[i];
	if (is_exec)
		front(&inherited, node);

	struct descriptor_list descriptors;

	list_descriptors(&inherited, &descriptors);
	shield(shield_debugger);
	environment_exec(node, environment_terminals(), &descriptors, 0);
	fprintf(stderr, "minderbinder: cannot run node: %s: is Node.js 20 or newer in PATH?\n",
		strerror(errno));
	return EXIT_FAILED;
}
