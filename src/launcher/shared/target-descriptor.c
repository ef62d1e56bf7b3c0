/* SPDX-License-Identifier: MIT */
/* What a target's descriptors are for. */
#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434 /* Linux 5.3 */
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438 /* Linux 5.6 */
#endif
#define THREAD O_EXCL /* PIDFD_THREAD, Linux 6.9 */

static ssize_t read_link(int folder, const char *path, char *buffer, size_t size)
{
	const ssize_t n = readlinkat(folder, path, buffer, size - 1);

	if (n >= 0)
		buffer[n] = 0;
	return n;
}

ssize_t target_link(pid_t tid, const char *name, char *buffer, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)tid, name);
	return read_link(AT_FDCWD, path, buffer, size);
}

/*
 * What was asked for last. From the folder of a thread's descriptors a link takes three quarters of the time of the whole
 * path, and by a descriptor of the link itself half of it. Both are looked through anew each time (fs/proc/fd.c,
 * proc_fd_link()): another file that has the number by then is the one that is found, and after the end of the thread
 * none, whatever has its number later. They keep no file of the thread open.
 */
struct asked {
	pid_t tid;
	s32 fd;
	u32 in_a_row; /* this descriptor */
	int folder;   /* -1: not opened, or that failed */
	int link;
};

/* To open a link and close it takes as long as so many calls gain. */
#define LINK_AFTER 8u

static void let_go(int *kept)
{
	if (*kept >= 0)
		close(*kept);
	*kept = -1;
}

static int open_folder(pid_t tid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)tid);
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* By what is kept, where the thread, or this descriptor of it too, was asked for just before. -1: by the whole path. */
static ssize_t read_kept(pid_t tid, s32 fd, char *buffer, size_t size)
{
	static __thread struct asked last = { .folder = -1, .link = -1 };
	const int same_thread = tid == last.tid, same = same_thread && fd == last.fd;
	char name[16];

	if (same && last.link >= 0)
		return read_link(last.link, "", buffer, size);
	let_go(&last.link);
	if (!same_thread)
		let_go(&last.folder);
	else if (last.folder < 0)
		last.folder = open_folder(tid);
	last.tid = tid;
	last.fd = fd;
	last.in_a_row = same ? last.in_a_row + 1 : 0;
	if (last.folder < 0)
		return -1;
	snprintf(name, sizeof(name), "%d", fd);
	if (last.in_a_row < LINK_AFTER)
		return read_link(last.folder, name, buffer, size);
	last.link = openat(last.folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return last.link < 0 ? -1 : read_link(last.link, "", buffer, size);
}

ssize_t target_descriptor_link(pid_t tid, s32 fd, char *buffer, size_t size)
{
	const ssize_t n = read_kept(tid, fd, buffer, size);
	char name[32];

	if (n >= 0)
		return n;
	/* It may be that of another thread, before. */
	snprintf(name, sizeof(name), "fd/%d", fd);
	return target_link(tid, name, buffer, size);
}

static int is_socket_link(const char *link)
{
	return strncmp(link, "socket:", strlen("socket:")) == 0;
}

int target_descriptor_is_socket(pid_t tid, s32 fd)
{
	char link[16];

	return target_descriptor_link(tid, fd, link, sizeof(link)) < 0 ? -1 : is_socket_link(link);
}

/* Each socket has it as an attribute of its file (net/socket.c, sockfs_xattr_get()). */
ssize_t target_socket_protocol(pid_t tid, s32 fd, char *buffer, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)tid, fd);

	const ssize_t n = getxattr(path, "system.sockprotoname", buffer, size - 1);

	if (n >= 0)
		buffer[n] = 0;
	return n;
}

/* Before Linux 6.9 of a process only: that has all the descriptors of the thread, unless its leader has ended. */
static int open_pidfd(pid_t tid)
{
	int pidfd = (int)syscall(SYS_pidfd_open, tid, THREAD);

	if (pidfd < 0 && errno == EINVAL)
		pidfd = (int)syscall(SYS_pidfd_open, target_process(tid), 0);
	return pidfd;
}

int target_descriptor_copy(pid_t tid, s32 fd)
{
	const int pidfd = open_pidfd(tid);

	if (pidfd < 0)
		return -1;

	const int copy = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	const int error = errno;

	close(pidfd);
	errno = error;
	return copy;
}

/* SO_TYPE; 0 if that cannot be told. */
static int socket_type(pid_t tid, s32 fd)
{
	const int copy = target_descriptor_copy(tid, fd);
	int type = 0;
	socklen_t size = sizeof(type);

	if (copy < 0)
		return 0;
	if (getsockopt(copy, SOL_SOCKET, SO_TYPE, &type, &size) < 0)
		type = 0;
	close(copy);
	return type;
}

int target_moves_parts(pid_t tid, int fd)
{
	char to[16];

	if (target_descriptor_link(tid, fd, to, sizeof(to)) < 0)
		return 0;
	if (is_socket_link(to))
		return socket_type(tid, fd) == SOCK_STREAM;
	return strncmp(to, "anon_inode:", 11) != 0;
}
