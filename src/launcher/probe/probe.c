/* SPDX-License-Identifier: MIT */
#include "probe.h"

#include <stdio.h>
#include <string.h>

int probe(int argc, char **argv)
{
	if (argc == 1 && strcmp(argv[0], "seccomp") == 0)
		return probe_seccomp();
	if (argc == 1 && strcmp(argv[0], "listener") == 0)
		return probe_listener();
	if (argc == 1 && strcmp(argv[0], "ptrace") == 0)
		return probe_ptrace();
	if (argc == 1 && strcmp(argv[0], "call") == 0)
		return probe_call();
	if (argc == 2 && strcmp(argv[0], "target") == 0)
		return probe_target(argv[1]);
	fputs("minderbinder: unknown probe\n", stderr);
	return 2;
}
