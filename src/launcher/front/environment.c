/* SPDX-License-Identifier: MIT */
#include "environment.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define VARIABLES_MAX 64

static const char *const kept[] = {
	"PATH", "HOME",	   "TERM",	  "COLORTERM", "NO_COLOR", "FORCE_COLOR",
	"LANG", "COLUMNS", "LINES", "TZ", "MINDERBINDER_NO_FEATURE",
	"NOTIFY_SOCKET", "MINDERBINDER_CONTROL",
};

static int is_kept(const char *variable)
{
	size_t length = strcspn(variable, "=");

	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		if (strlen(kept[i]) == length && strncmp(variable, kept[i], length) == 0)
			return 1;
	}
	return strncmp(variable, "LC_", 3) == 0;
}

unsigned environment_terminals(void)
{
	unsigned terminals = 0;

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		terminals |= (unsigned)isatty(fd) << fd;
	return terminals;
}

void environment_exec(char *const *argv, unsigned terminals, struct descriptor_list *descriptors, pid_t front)
{
	static char described[] = "MINDERBINDER_TERMINALS=\0\0\0";
	static char owner[sizeof("MINDERBINDER_FRONT=") + 10]; /* digits of a pid, and its NUL */
	char *variables[VARIABLES_MAX + 4];
	int count = 0;

	for (char **variable = environ; *variable && count < VARIABLES_MAX; variable++) {
		if (is_kept(*variable))
			variables[count++] = *variable;
	}
	if (terminals) {
		char *end = described + strlen(described);

		for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
			if (terminals & 1u << fd)
				*end++ = (char)('0' + fd);
		}
		variables[count++] = described;
	}
	variables[count++] = descriptors->text;
	if (front > 0 && snprintf(owner, sizeof(owner), "MINDERBINDER_FRONT=%d", (int)front) < (int)sizeof(owner))
		variables[count++] = owner;
	variables[count] = NULL;
	execvpe(argv[0], argv, variables);
}
