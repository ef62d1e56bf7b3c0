/* SPDX-License-Identifier: MIT */
#include "tree.h"
#include "target.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAUSE_NS 2000000L
#define REMOVE_TRIES 1000 /* 2 s */
#define KILL_TRIES 5000 /* 10 s */
#define OPEN_DIRECTORIES 8

static void pause_briefly(void)
{
	const struct timespec pause = { 0, PAUSE_NS };

	nanosleep(&pause, NULL); /* interrupted: sooner is fine */
}

/* Linux 5.14; before it, the rounds below do. */
static void cgroup_kill(const char *cgroup)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/cgroup.kill", cgroup) >= (int)sizeof(path))
		return;

	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, "1", 1) < 0)
		perror("minderbinder: cgroup.kill");
	close(fd);
}

/* Calls `each` for every child of ours, as /proc shows them. 0, or -1 with errno. */
static int for_each_child(void (*each)(pid_t child, void *context), void *context)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	if (!proc)
		return -1;
	while ((entry = readdir(proc))) {
		const pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid > 0 && (pid_t)target_stat(pid, STAT_PARENT) == getpid())
			each(pid, context);
	}
	return closedir(proc);
}

void pids_add(struct pids *pids, pid_t pid)
{
	pid_t *grown = realloc(pids->list, (pids->count + 1) * sizeof(*grown));

	if (!grown)
		return;
	pids->list = grown;
	pids->list[pids->count++] = pid;
}

static void add(pid_t child, void *context)
{
	pids_add(context, child);
}

int tree_children(struct pids *children)
{
	children->count = 0;
	return for_each_child(add, children);
}

struct killing {
	const struct pids *spared;
	int left; /* how many are still to come */
};

static int is_spared(const struct pids *spared, pid_t child)
{
	for (size_t i = 0; spared && i < spared->count; i++) {
		if (spared->list[i] == child)
			return 1;
	}
	return 0;
}

/* Kills and, where it is dead already, reaps. */
static void kill_child(pid_t child, void *context)
{
	struct killing *killing = context;

	if (is_spared(killing->spared, child))
		return;
	/* Our own child, not yet reaped: the pid cannot be another process's. EPERM: not ours to kill. ESRCH: no child. */
	if (kill(child, SIGKILL) < 0)
		return;
	/* Dead already or not, it counts: its children may have become ours behind the reader's back. */
	killing->left++;
	(void)waitpid(child, NULL, WNOHANG);
}

void tree_kill(const char *cgroup, const struct pids *spared)
{
	if (cgroup && *cgroup)
		cgroup_kill(cgroup);
	/* A killed child's children become ours: again, until there is none. */
	for (int i = 0; i < KILL_TRIES; i++) {
		struct killing killing = { .spared = spared };

		if (for_each_child(kill_child, &killing) < 0 || killing.left == 0)
			return;
		pause_briefly();
	}
	fputs("minderbinder: cannot kill what the command has started: it does not end\n", stderr);
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *where)
{
	(void)status;
	(void)where;
	if (type == FTW_DP && rmdir(path) < 0 && errno != ENOENT)
		return errno == EBUSY ? 1 : -1;
	return 0;
}

void tree_remove_cgroup(const char *cgroup)
{
	if (!cgroup || !*cgroup)
		return;
	for (int i = 0; i < REMOVE_TRIES; i++) {
		if (nftw(cgroup, remove_entry, OPEN_DIRECTORIES, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) <= 0)
			return;
		cgroup_kill(cgroup);
		pause_briefly();
	}
	fprintf(stderr, "minderbinder: cannot remove %s: still in use\n", cgroup);
}
