/* SPDX-License-Identifier: MIT */
#include "paths.h"
#include "../shared/target.h"

#include <errno.h>

void paths_read(struct paths *paths, const struct call_shape *shape, const struct seccomp_notif *call)
{
	paths->count = 0;
	paths->unread = 0;
	for (u32 i = 0; i < ARGUMENTS_MAX && paths->count < PATHS_MAX; i++) {
		if (!has_argument(shape->paths, i))
			continue;

		char *text = paths->of[paths->count].text;
		ssize_t n = target_read_string((pid_t)call->pid, call->data.args[i], text, GLOB_TEXT_MAX);

		if (n >= 0)
			paths->of[paths->count++].length = (u32)n;
		else if (errno != EFAULT)
			paths->unread = 1; /* a path where nothing is mapped the kernel cannot read either */
	}
}

int paths_match(const struct paths *paths, const struct rule *rule)
{
	for (u32 i = 0; i < paths->count; i++) {
		if (glob_matches(rule->path, paths->of[i].text))
			return 1;
	}
	return 0;
}
