/* SPDX-License-Identifier: MIT */
#include "targets.h"
#include "../../../bpf/glob.h"
#include "../shared/target.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAMES_MAX 4
#define CGROUPS_MAX 64

/* What the kinds of targets are compared with; read when the first asks. */
struct identity {
	pid_t pid;
	int names_known, uid_known, cgroups_known;
	size_t name_count, cgroup_count;
	char names[NAMES_MAX][PATH_MAX];
	u64 uid;
	u64 cgroups[CGROUPS_MAX]; /* its own, and those above */
};

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void add_name(struct identity *who, const char *path)
{
	const char *name = base_name(path);

	if (!*name || who->name_count == NAMES_MAX)
		return;
	for (size_t i = 0; i < who->name_count; i++) {
		if (strcmp(who->names[i], name) == 0)
			return;
	}
	snprintf(who->names[who->name_count++], sizeof(who->names[0]), "%s", name);
}

/*
 * The kernel calls the process of a script by the script's name, cut, and runs INTERPRETER [ARGUMENT] SCRIPT
 * (execve(2)): the whole name is in the second or third argument.
 */
static int is_script(const char *argument, const char *comm)
{
	return *comm && strncmp(base_name(argument), comm, COMM_MAX - 1) == 0;
}

static void read_arguments(struct identity *who, const char *comm)
{
	static char text[3 * PATH_MAX]; /* one thread looks */
	ssize_t n = target_file(who->pid, "cmdline", text, sizeof(text) - 1);
	const char *at = text;

	if (n <= 0)
		return;
	text[n] = 0;
	add_name(who, at);
	for (int i = 1; i <= 2; i++) {
		at += strlen(at) + 1;
		if (at >= text + n)
			return;
		if (is_script(at, comm))
			add_name(who, at);
	}
}

static void read_executable(struct identity *who)
{
	static const char deleted[] = " (deleted)";
	char link[64], path[PATH_MAX];

	if (snprintf(link, sizeof(link), "/proc/%d/exe", (int)who->pid) >= (int)sizeof(link))
		return;

	ssize_t n = readlink(link, path, sizeof(path) - 1);

	if (n <= 0)
		return;
	path[n] = 0;
	if (n >= (ssize_t)sizeof(deleted) &&
	    strcmp(path + n - (sizeof(deleted) - 1), deleted) == 0)
		path[n - (ssize_t)(sizeof(deleted) - 1)] = 0;
	add_name(who, path);
}

static void read_names(struct identity *who)
{
	char comm[COMM_MAX + 1] = "";
	ssize_t n = target_file(who->pid, "comm", comm, sizeof(comm) - 1);

	who->names_known = 1;
	if (n > 0) {
		comm[n - 1] = 0; /* the line's end */
		/* It may hold a slash without being a path; then no target can name it. */
		if (!strchr(comm, '/'))
			add_name(who, comm);
	}
	read_executable(who);
	read_arguments(who, comm);
}

static void read_cgroups(struct identity *who, const char *root)
{
	char text[2 * PATH_MAX], path[2 * PATH_MAX];
	struct stat status;
	ssize_t n = target_file(who->pid, "cgroup", text, sizeof(text) - 1);

	who->cgroups_known = 1;
	if (n <= 0)
		return;
	text[n] = 0;

	char *own = strncmp(text, "0::", 3) == 0 ? text : strstr(text, "\n0::");

	if (!own)
		return;
	own = strchr(own, '/');
	if (!own)
		return;
	own[strcspn(own, "\n")] = 0;
	while (who->cgroup_count < CGROUPS_MAX) {
		if (snprintf(path, sizeof(path), "%s%s", root, own) < (int)sizeof(path) &&
		    stat(path, &status) == 0)
			who->cgroups[who->cgroup_count++] = status.st_ino;
		if (!*own)
			return;

		/* "/" is left out: its own name is "". */
		*strrchr(own, '/') = 0;
	}
}

static int is_named(struct identity *who, const struct target *target)
{
	if (!who->names_known)
		read_names(who);
	for (size_t i = 0; i < who->name_count; i++) {
		if (target->kind == TARGET_GLOB ? glob_matches(target->name, who->names[i]) :
						  strcmp(target->name, who->names[i]) == 0)
			return 1;
	}
	return 0;
}

static int has_uid(struct identity *who, const struct target *target)
{
	if (!who->uid_known) {
		who->uid_known = 1;
		who->uid = target_uid(who->pid);
	}
	return who->uid == target->value;
}

static int is_in_cgroup(struct identity *who, const struct target *target, const char *root)
{
	if (!who->cgroups_known)
		read_cgroups(who, root);
	for (size_t i = 0; i < who->cgroup_count; i++) {
		if (who->cgroups[i] == target->value)
			return 1;
	}
	return 0;
}

void targets_match(const struct targets *targets, pid_t pid, u64 *rules)
{
	static struct identity who;

	who.pid = pid;
	who.names_known = who.uid_known = who.cgroups_known = 0;
	who.name_count = who.cgroup_count = 0;
	for (u32 i = 0; i < targets->count; i++) {
		const struct target *target = &targets->list[i];
		const u64 bit = 1ull << (target->rule % 64);
		int is_it = 0;

		if (rules[target->rule / 64] & bit)
			continue;
		switch (target->kind) {
		case TARGET_NAME:
		case TARGET_GLOB:
			is_it = is_named(&who, target);
			break;
		case TARGET_UID:
			is_it = has_uid(&who, target);
			break;
		case TARGET_CGROUP:
			is_it = is_in_cgroup(&who, target, targets->cgroup_root);
			break;
		default: /* TARGET_PID: the process that had it when the session began, so none of the tree */
			break;
		}
		if (is_it)
			rules[target->rule / 64] |= bit;
	}
}
