/* SPDX-License-Identifier: MIT */
#include "paths.h"
#include "../shared/target.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* What the kernel puts behind the path of a file that has none any more (fs/d_path.c). */
static const char deleted[] = " (deleted)";

static void add_argument(struct paths *paths, const struct call_shape *shape, const struct seccomp_notif *call, u32 i)
{
	const u64 at = call->data.args[i];
	struct path *path = &paths->of[paths->count];
	const ssize_t n = target_read_string(paths->tid, at, path->text, sizeof(path->text));

	if (n < 0) {
		paths->unread |= errno != EFAULT; /* the kernel cannot read unmapped memory either */
		return;
	}
	path->length = (u32)n;
	path->directory = AT_FDCWD;
	if (i > 0 && has_argument(shape->fds, i - 1))
		path->directory = (s32)call->data.args[i - 1];
	path->spelling = SPELLING_UNKNOWN;
	paths->count++;
}

/* Where the path of a deleted file ends; 0: it is none. */
static size_t end_of_deleted(const char *link, size_t length)
{
	const size_t more = sizeof(deleted) - 1;

	return length > more && memcmp(link + length - more, deleted, more) == 0 ? length - more : 0;
}

/* Pipes, sockets and the like have no path: what the link has instead does not begin with a slash. */
static void add_descriptor(struct paths *paths, s32 fd)
{
	struct path *path = &paths->of[paths->count];
	const ssize_t n = fd < 0 ? 0 : target_descriptor_link(paths->tid, fd, path->text, sizeof(path->text));

	if (n < 0)
		paths->unread |= errno != ENOENT; /* not open: the call fails by itself */
	if (n <= 0 || *path->text != '/')
		return;
	path->length = (u32)n;
	path->spelling = SPELLING_NONE;

	const size_t end = end_of_deleted(path->text, path->length);

	/* A file may be called so: both are compared. */
	if (end > 0) {
		memcpy(path->other, path->text, path->length + 1);
		path->text[end] = 0;
		path->length = (u32)end;
		path->spelling = SPELLING_OTHER;
	}
	paths->count++;
}

void paths_read(struct paths *paths, const struct call_shape *shape, const struct seccomp_notif *call)
{
	paths->tid = (pid_t)call->pid;
	paths->count = 0;
	paths->unread = 0;
	for (u32 i = 0; i < ARGUMENTS_MAX && paths->count < PATHS_MAX; i++) {
		if (has_argument(shape->paths, i))
			add_argument(paths, shape, call, i);
		else if (!shape->paths && has_argument(shape->fds, i))
			add_descriptor(paths, (s32)call->data.args[i]);
	}
}

/* The folder that a relative path starts from: its length, or -1. */
static ssize_t read_start(const struct paths *paths, const struct path *path, char *start, size_t size)
{
	const ssize_t n = path->directory == AT_FDCWD ?
				  target_link(paths->tid, "cwd", start, size) :
				  target_descriptor_link(paths->tid, path->directory, start, size);

	return n > 0 && *start == '/' ? n : -1;
}

/* Adds what `text` names from there on to an absolute path: 0, or -1 if there is no room. */
static int go_on(char *path, size_t *length, const char *text)
{
	while (*text) {
		const size_t part = strcspn(text, "/");

		if (part == 2 && memcmp(text, "..", 2) == 0) {
			while (*length > 0 && path[--*length] != '/')
				;
		} else if (part > 0 && !(part == 1 && *text == '.')) {
			if (*length + 1 + part >= GLOB_TEXT_MAX)
				return -1;
			path[(*length)++] = '/';
			memcpy(path + *length, text, part);
			*length += part;
		}
		text += part;
		text += *text == '/';
	}
	return 0;
}

/* As the text says it, and no link is followed; but the folder that a process is in has been found already. */
static enum spelling spell_out(const struct paths *paths, struct path *path)
{
	char start[GLOB_TEXT_MAX];
	size_t length = 0;

	if (*path->text != '/' &&
	    (read_start(paths, path, start, sizeof(start)) < 0 || go_on(path->other, &length, start) < 0))
		return SPELLING_NONE;
	if (go_on(path->other, &length, path->text) < 0)
		return SPELLING_NONE;
	if (length == 0)
		path->other[length++] = '/';
	path->other[length] = 0;
	return strcmp(path->other, path->text) == 0 ? SPELLING_NONE : SPELLING_OTHER;
}

const char *next_glob(const struct rule *rule, const char *before)
{
	const char *glob = before ? before + strlen(before) + 1 : rule->path;

	return glob < rule->path + sizeof(rule->path) && *glob ? glob : NULL;
}

static int one_matches(const struct rule *rule, const char *path)
{
	for (const char *glob = next_glob(rule, NULL); glob; glob = next_glob(rule, glob)) {
		if (glob_matches(glob, path))
			return 1;
	}
	return 0;
}

int paths_match(struct paths *paths, const struct rule *rule)
{
	for (u32 i = 0; i < paths->count; i++) {
		struct path *path = &paths->of[i];

		if (one_matches(rule, path->text))
			return 1;
		if (path->spelling == SPELLING_UNKNOWN)
			path->spelling = spell_out(paths, path);
		if (path->spelling == SPELLING_OTHER && one_matches(rule, path->other))
			return 1;
	}
	return 0;
}
