/* SPDX-License-Identifier: MIT */
/*
 * minderbinder's launcher: stands in front of node, since node cannot hand on what it inherits (it resets
 * ignored signals and the signal mask, raises RLIMIT_NOFILE and closes descriptors from 3 up).
 *
 * Usage: launcher CLI.cjs [ARG]...
 *        launcher --probe WHAT [ARG]...     started by minderbinder doctor
 */
#include "environment.h"
#include "front.h"
#include "inherited.h"
#include "probe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXIT_FAILED 125 /* our own failure: section EXIT STATUS of the man page */

int main(int argc, char **argv)
{
	struct inherited inherited = { .argc = argc - 2, .argv = argv + 2 };

	if (argc < 2) {
		fputs("minderbinder: this program is started by bin/minderbinder\n", stderr);
		return EXIT_FAILED;
	}
	if (strcmp(argv[1], "--probe") == 0)
		return probe(argc - 2, argv + 2);

	char **node = calloc((size_t)argc + 2, sizeof(*node));

	if (!node || inherited_record(&inherited) < 0) {
		fprintf(stderr, "minderbinder: cannot start: %s\n", strerror(errno));
		return EXIT_FAILED;
	}
	node[0] = "node";
	memcpy(node + 1, argv + 1, (size_t)argc * sizeof(*node));
	if (argc > 2 && strcmp(argv[2], "exec") == 0)
		front(&inherited, node);
	environment_exec(node, isatty(STDERR_FILENO));
	fprintf(stderr, "minderbinder: cannot run node: %s: is Node.js 20 or newer in PATH?\n",
		strerror(errno));
	return EXIT_FAILED;
}
