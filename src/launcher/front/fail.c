/* SPDX-License-Identifier: MIT */
#include "fail.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void fail(const char *what)
{
	fprintf(stderr, "minderbinder: %s: %s\n", what, strerror(errno));
	_exit(EXIT_FAILED);
}
