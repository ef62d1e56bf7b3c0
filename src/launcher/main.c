/* SPDX-License-Identifier: MIT */
/*
 * minderbinder's launcher: stands in front of node, since node cannot hand on what it inherits (it resets
 * ignored signals and the signal mask, raises RLIMIT_NOFILE and closes descriptors from 3 up).
 *
 * bin/minderbinder of a checkout is a link to it. The npm package has one for each architecture, so its command is
 * a shell script, bin/minderbinder.sh; what that takes from the environment, handover.h brings back. minderbinder
 * doctor starts it by another name, to try what node cannot.
 */
#include "environment.h"
#include "front.h"
#include "handover.h"
#include "inherited.h"
#include "probe.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CLI "/dist/cli.cjs"
#define EXIT_FAILED 125 /* our own failure: section EXIT STATUS of the man page */

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

int main(int argc, char **argv)
{
	struct inherited inherited = { .argc = argc - 1, .argv = argv + 1 };
	char cli[PATH_MAX];

	if (argc > 0 && strcmp(argv[0], PROBE_NAME) == 0)
		return probe(argc - 1, argv + 1);

	const int asked = handover_asked();

	if (asked) {
		if (handover_print(asked) == 0)
			return 0;
		fprintf(stderr, "minderbinder: cannot read its environment in /proc: %s\n", strerror(errno));
		return EXIT_FAILED;
	}
	if (find_cli(cli, sizeof(cli)) < 0) {
		fprintf(stderr, "minderbinder: cannot find its own dist/cli.cjs: %s: install it again\n",
			strerror(errno));
		return EXIT_FAILED;
	}

	char **node = calloc((size_t)argc + 2, sizeof(*node));

	if (!node || handover_take() < 0 || inherited_record(&inherited) < 0) {
		fprintf(stderr, "minderbinder: cannot start: %s\n", strerror(errno));
		return EXIT_FAILED;
	}
	node[0] = "node";
	node[1] = cli;
	for (int i = 1; i < argc; i++)
		node[i + 1] = argv[i];
	if (argc > 1 && strcmp(argv[1], "exec") == 0)
		front(&inherited, node);
	environment_exec(node, environment_terminals());
	fprintf(stderr, "minderbinder: cannot run node: %s: is Node.js 20 or newer in PATH?\n",
		strerror(errno));
	return EXIT_FAILED;
}
