/* SPDX-License-Identifier: MIT */
#include "descriptors.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIST "MINDERBINDER_DESCRIPTORS="
#define DIGITS_MAX 7 /* more than fs.nr_open has */

int descriptor_is_callers(int fd)
{
	const int flags = fcntl(fd, F_GETFD);

	return flags >= 0 && !(flags & FD_CLOEXEC);
}

/* An option's value may stand behind its name: --log=/dev/fd/5. -1: it names none. */
static int named_by(const char *argument)
{
	const char *last = strrchr(argument, '/');

	if (!last)
		return -1;
	if (strcmp(last, "/stdin") == 0)
		return STDIN_FILENO;
	if (last - argument < 3 || strncmp(last - 3, "/fd", 3) != 0)
		return -1;

	const char *digits = last + 1;
	const size_t length = strspn(digits, "0123456789");

	return length > 0 && length <= DIGITS_MAX && !digits[length] ? atoi(digits) : -1;
}

static int has(const struct named_descriptors *named, int fd)
{
	for (int i = 0; i < named->count; i++) {
		if (named->fds[i] == fd)
			return 1;
	}
	return 0;
}

void descriptors_named(int argc, char *const *argv, struct named_descriptors *named)
{
	named->count = 0;
	for (int i = 0; i < argc && named->count < NAMED_MAX; i++) {
		const int fd = named_by(argv[i]);

		if (fd >= 0 && fd != STDOUT_FILENO && fd != STDERR_FILENO && descriptor_is_callers(fd) &&
		    !has(named, fd))
			named->fds[named->count++] = fd;
	}
}

void descriptor_list_start(struct descriptor_list *list)
{
	strcpy(list->text, LIST);
}

void descriptor_list_add(struct descriptor_list *list, int callers, int nodes)
{
	const size_t length = strlen(list->text);

	snprintf(list->text + length, sizeof(list->text) - length, "%d:%d ", callers, nodes);
}
