/* SPDX-License-Identifier: MIT */
#include "handover.h"
#include "fail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OURS "MINDERBINDER_"
#define NAME OURS "ENVIRONMENT"
#define PART_MAX (96 << 10)

/*
 * A longer variable is not written out but named, where the shell hands it on unchanged: the kernel has a limit for all
 * strings together. Shorter ones never are: a shell makes some of them each time they are read (SECONDS, LINENO),
 * and it must be the same for each part.
 */
#define LONG 256

#define SEPARATOR ' '
#define NAMED '@' /* then a name */
#define ESCAPE '\\' /* then two hexadecimal digits */

/* All of a file in /proc, which does not tell its size; a zero byte follows it. NULL with errno. */
static char *read_file(const char *path, size_t *length)
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

static int is_handed_on(const char *variable, size_t name)
{
	const char *same = NULL;

	if (strlen(variable) >= LONG && strncmp(variable, OURS, strlen(OURS)) != 0)
		same = find(variable, name);
	return same && strcmp(same, variable) == 0;
}

static void put_variable(FILE *out, const char *variable)
{
	const size_t name = strcspn(variable, "=");

	if (is_handed_on(variable, name)) {
		fprintf(out, "%c%c%.*s", SEPARATOR, NAMED, (int)name, variable);
		return;
	}
	putc(SEPARATOR, out);
	for (const unsigned char *c = (const unsigned char *)variable; *c; c++) {
		const int plain = *c > SEPARATOR && *c < 0x7f && *c != NAMED && *c != ESCAPE;

		if (plain)
			putc(*c, out);
		else
			fprintf(out, "%c%02x", ESCAPE, *c);
	}
}

/* What a part has, by going through all before it: the same at each call. 1: more follow; -1 with errno. */
static int put_part(const char *all, size_t length, int part)
{
	size_t filled = 0;
	int at = 1;

	for (const char *variable = all; variable < all + length; variable += strlen(variable) + 1) {
		char *text = NULL;
		size_t size = 0;
		FILE *out = open_memstream(&text, &size);

		if (!out)
			return -1;
		put_variable(out, variable);
		if (ferror(out) || fclose(out) != 0)
			return -1;
		if (filled > 0 && filled + size > PART_MAX) {
			at++;
			filled = 0;
		}
		filled += size;
		if (at == part && fputs(text, stdout) < 0)
			return -1;
		free(text);
		if (at > part)
			return 1;
	}
	return 0;
}

int handover_print(int pid, int part)
{
	char path[64];
	size_t length;

	snprintf(path, sizeof(path), "/proc/%d/environ", pid);

	char *all = read_file(path, &length);
	int more = -1;

	if (all && printf("%d", pid) > 0)
		more = put_part(all, length, part);
	if (more < 0 || fflush(stdout) != 0) {
		fprintf(stderr, "minderbinder: cannot read its environment in /proc: %s\n", strerror(errno));
		return EXIT_FAILED;
	}
	free(all);
	return more ? HANDOVER_MORE : 0;
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

/* One variable of the line; NULL if it is none. */
static char *variable_of(char *token)
{
	if (*token == NAMED)
		return (char *)find(token + 1, strlen(token + 1));
	return unescape(token) < 0 ? NULL : token;
}

/* What this part says, from its first separator on; NULL if it is none, or of another process. */
static const char *part_for_us(int part)
{
	char name[sizeof(NAME) + 16] = NAME;
	char *rest;

	if (part > 1)
		snprintf(name, sizeof(name), NAME "_%d", part);

	const char *line = getenv(name);

	if (!line || strtol(line, &rest, 10) != getpid() || (*rest && *rest != SEPARATOR))
		return NULL;
	return rest;
}

static char *all_parts(void)
{
	size_t length = 0;

	for (int part = 1; part_for_us(part); part++)
		length += strlen(part_for_us(part));

	char *all = malloc(length + 1), *end = all;

	if (!all)
		return NULL;
	*all = 0;
	for (int part = 1; part_for_us(part); part++)
		end = stpcpy(end, part_for_us(part));
	return all;
}

int handover_take(void)
{
	if (!part_for_us(1))
		return 0;

	char *rest = all_parts();

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
