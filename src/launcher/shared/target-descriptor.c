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
 * The folder of a thread's descriptors, if it was asked for just before: then a link takes three quarters of the time. The
 * folder of a thread that has ended stays empty, whatever has its number later. -1: by the whole path.
 */
static int descriptors_of(pid_t tid)
{
	static __thread pid_t last;
	static __thread int folder = -1;

	if (tid == last && folder < 0) {
		char path[64];

		snprintf(path, sizeof(path), "/proc/%d/fd", (int)tid);
		folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	} else if (tid != last && folder >= 0) {
		close(folder);
		folder = -1;
	}
	last = tid;
	return folder;
}

ssize_t target_descriptor_link(pid_t tid, s32 fd, char *buffer, size_t size)
{
	const int folder = descriptors_of(tid);
	char name[32];
	ssize_t n = -1;

	snprintf(name, sizeof(name), "fd/%d", fd);
	if (folder >= 0)
		n = read_link(folder, name + 3, buffer, size);
	/* It may be that of another thread, before. */
	return n >= 0 ? n : target_link(tid, name, buffer, size);
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
