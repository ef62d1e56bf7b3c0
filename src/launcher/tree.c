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

#define STAT_PARENT 4
#define PAUSE_NS 2000000L
#define REMOVE_TRIES 1000 /* 2 s */
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

/*
 * Kills and, where they are dead already, reaps our children but `spared`: how many are still to come.
 * -1: /proc cannot be read.
 */
static int kill_children(pid_t spared)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	int left = 0;

	if (!proc)
		return -1;
	while ((entry = readdir(proc))) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid <= 0 || pid == spared || (pid_t)target_stat(pid, STAT_PARENT) != getpid())
			continue;
		/* Our own child, not yet reaped: the pid cannot be anybody else's. EPERM: not ours to kill. */
		if (kill(pid, SIGKILL) < 0 && errno == EPERM)
			continue;
		/* Dead already or not, it counts: its children may have become ours behind the reader's back. */
		left++;
		(void)waitpid(pid, NULL, WNOHANG);
	}
	closedir(proc);
	return left;
}

void tree_kill(const char *cgroup, pid_t spared)
{
	if (cgroup && *cgroup)
		cgroup_kill(cgroup);
	/* A killed child's children become ours: again, until there is none. */
	while (kill_children(spared) > 0)
		pause_briefly();
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
