/* SPDX-License-Identifier: MIT */
#include "handover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME "MINDERBINDER_ENVIRONMENT"
#define ASKED "of:"

/*
 * A longer variable is not written out but named, where the shell hands it on unchanged: one string of an
 * environment has at most 128 KiB (execve(2), MAX_ARG_STRLEN). Shorter ones never are: some of them a shell makes
 * anew each time they are read (SECONDS, LINENO).
 */
#define LONG 256

#define SEPARATOR ' '
#define NAMED '@' /* then a name */
#define ESCAPE '\\' /* then two hexadecimal digits */

static char *asked_of(const char *value)
{
	return strncmp(value, ASKED, strlen(ASKED)) == 0 ? (char *)value + strlen(ASKED) : NULL;
}

int handover_asked(void)
{
	const char *value = getenv(NAME);
	const char *pid = value ? asked_of(value) : NULL;

	return pid ? atoi(pid) : 0;
}

/* All of a file in /proc, which does not tell its size; a zero byte follows it. NULL with errno. */
static char *read_all(const char *path, size_t *length)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = NULL;
	size_t size = 0;
	ssize_t n = 0;

	*length = 0;
	if (fd < 0)
		return NULL;
	do {
		*length += (size_t)n;
		if (size - *length < 4096) {
			char *more = realloc(text, size += 1 << 16);

			if (!more) {
				n = -1;
				break;
			}
			text = more;
		}
		n = read(fd, text + *length, size - *length - 1);
	} while (n > 0);
	close(fd);
	if (n < 0) {
		free(text);
		return NULL;
	}
	text[*length] = 0;
	return text;
}

static const char *find(const char *name, size_t length)
{
	for (char **variable = environ; *variable; variable++) {
		if (strncmp(*variable, name, length) == 0 && (*variable)[length] == '=')
			return *variable;
	}
	return NULL;
}

static int put_variable(const char *variable)
{
	const size_t name = strcspn(variable, "=");

	if (strlen(variable) >= LONG) {
		const char *same = find(variable, name);

		if (same && strcmp(same, variable) == 0)
			return printf("%c%c%.*s", SEPARATOR, NAMED, (int)name, variable);
	}
	if (putchar(SEPARATOR) < 0)
		return -1;
	for (const unsigned char *c = (const unsigned char *)variable; *c; c++) {
		const int plain = *c > SEPARATOR && *c < 0x7f && *c != NAMED && *c != ESCAPE;

		if (plain ? putchar(*c) < 0 : printf("%c%02x", ESCAPE, *c) < 0)
			return -1;
	}
	return 0;
}

int handover_print(int pid)
{
	char path[64];
	size_t length;

	snprintf(path, sizeof(path), "/proc/%d/environ", pid);

	char *all = read_all(path, &length);

	if (!all || printf("%d", pid) < 0)
		return -1;
	for (const char *variable = all; variable < all + length; variable += strlen(variable) + 1) {
		if (put_variable(variable) < 0)
			return -1;
	}
	free(all);
	return fflush(stdout);
}

/* In place: what is written out is never longer than what it was. -1 where no handover_print() wrote it. */
static int unescape(char *text)
{
	char *to = text;

	for (char *from = text; *from; from++) {
		if (*from != ESCAPE) {
			*to++ = *from;
			continue;
		}

		const char digits[] = { from[1], from[1] ? from[2] : (char)0, 0 };
		char *end;

		*to++ = (char)strtoul(digits, &end, 16);
		if (end != digits + 2)
			return -1;
		from += 2;
	}
	*to = 0;
	return 0;
}

/* One variable of the line; NULL where it is none. */
static char *variable_of(char *token)
{
	if (*token == NAMED)
		return (char *)find(token + 1, strlen(token + 1));
	return unescape(token) < 0 ? NULL : token;
}

int handover_take(void)
{
	char *line = getenv(NAME), *rest;

	/* Of another process: somebody's own variable, and none of ours. */
	if (!line || strtol(line, &rest, 10) != getpid() || (*rest && *rest != SEPARATOR))
		return 0;
	rest = strdup(rest);
	if (!rest)
		return -1;

	size_t count = 0;

	for (const char *c = rest; *c; c++)
		count += *c == SEPARATOR;

	char **variables = calloc(count + 1, sizeof(*variables));

	if (!variables)
		return -1;
	for (size_t i = 0; i < count; i++) {
		char *token = ++rest;

		rest += strcspn(rest, " ");
		if (*rest)
			*rest = 0;
		variables[i] = variable_of(token);
		if (!variables[i]) {
			errno = EINVAL;
			return -1;
		}
	}
	environ = variables;
	return 0;
}
