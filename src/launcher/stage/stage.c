/* SPDX-License-Identifier: MIT */
#include "stage.h"
#include "raw.h"
#include "../shared/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEFAULT_PATH "/bin:/usr/bin" /* execvp(3): used where PATH is not set */

/* What the child says before "go": a step and an errno; step 0 means ready, with the descriptor of its listener or connection. */
struct hello {
	u32 step;
	u32 error;
};

static void say(int socket, u32 step, u32 error, int fd)
{
	struct hello hello = { step, error };
	struct iovec part = { &hello, sizeof(hello) };
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	memset(&control, 0, sizeof(control));
	if (fd >= 0) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(int));
	}
	if (raw_call(SYS_sendmsg, socket, (long)&message, MSG_NOSIGNAL, 0, 0) < 0)
		raw_call(SYS_exit_group, 1, 0, 0, 0, 0);
}

static void refuse(int socket, u32 step, int error)
{
	say(socket, step, (u32)error, -1);
	raw_call(SYS_exit_group, 1, 0, 0, 0, 0);
	__builtin_unreachable();
}

/*
 * Without a filter of ours. One that is around us may be of this very program, and would let raw_call() pass: but its
 * session has to see that the child becomes another program.
 */
static long plain_exec(const char *path, char **argv, char **environment)
{
	return execve(path, argv, environment) < 0 ? -errno : 0;
}

static long raw_exec(const char *path, char **argv, char **environment)
{
	return raw_call(SYS_execve, (long)path, (long)argv, (long)environment, 0, 0);
}

typedef long exec_call(const char *path, char **argv, char **environment);

/* A file that is not a binary and has no #! line is a shell script to execvp(3), and so to env and nice. */
static long exec_or_shell(exec_call *exec, const char *path, char **argv, char **environment)
{
	long error = exec(path, argv, environment);

	if (error != -ENOEXEC)
		return error;

	size_t count = 0;

	while (argv[count])
		count++;

	char *shell[count + 2];

	shell[0] = "/bin/sh";
	shell[1] = (char *)path;
	for (size_t i = 1; i <= count; i++)
		shell[i + 1] = argv[i];
	return exec("/bin/sh", shell, environment);
}

/* execvp(3) by this call: returns only on failure, with the errno that env would report. */
static int exec_search(exec_call *exec, char **argv, char **environment)
{
	const char *name = argv[0];
	const char *path = getenv("PATH");
	char candidate[4096];
	int denied = 0;

	if (!*name)
		return ENOENT;
	if (strchr(name, '/'))
		return (int)-exec_or_shell(exec, name, argv, environment);
	if (!path)
		path = DEFAULT_PATH;
	for (;;) {
		size_t length = strcspn(path, ":");
		size_t name_length = strlen(name);

		if (length + name_length + 2 <= sizeof(candidate)) {
			memcpy(candidate, path, length);
			if (length > 0)
				candidate[length] = '/';
			memcpy(candidate + length + (length > 0), name, name_length + 1);

			long error = exec_or_shell(exec, candidate, argv, environment);

			if (error == -EACCES)
				denied = 1;
			else if (error != -ENOENT && error != -ENOTDIR && error != -ESTALE &&
				 error != -ENODEV && error != -ETIMEDOUT)
				return (int)-error;
		}
		if (!path[length])
			return denied ? EACCES : ENOENT;
		path += length + 1;
	}
}

/* The kernel tells the other side that it is this process that connects (SO_PEERCRED, unix(7)), and it stays this process. */
static int connect_to(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(to.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(to.sun_path, path);
	return fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0 ? -1 : fd;
}

static _Noreturn void child(const struct stage_request *request, int socket, int go, int result,
			    pid_t supervisor)
{
	int fd = -1; /* of the listener, or of the connection to the session around this one */
	char byte;

	if (inherited_restore(request->inherited) < 0)
		refuse(socket, STEP_LIMITS, errno);
	if (request->has_user) {
		if (setgroups(request->group_count, request->groups) < 0 ||
		    setresgid(request->gid, request->gid, request->gid) < 0)
			refuse(socket, STEP_USER, errno);
	}
	if (request->control && setenv("MINDERBINDER_CONTROL", request->control, 1) < 0)
		refuse(socket, STEP_MEMORY, errno);
	/* Before the uid changes: a filter without NO_NEW_PRIVS takes CAP_SYS_ADMIN. */
	if (request->named) {
		fd = filter_install(request->named, request->action);
		if (fd < 0)
			refuse(socket, STEP_SECCOMP, -fd);
	} else if (request->outer) {
		fd = connect_to(request->outer);
		if (fd < 0 || (request->spares && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0))
			refuse(socket, STEP_OUTER, errno);
	}
	/* From here on every call may be a named one: raw_call() only. */
	if (request->has_user) {
		long error = raw_call(SYS_setresuid, request->uid, request->uid, request->uid, 0, 0);

		if (error < 0)
			refuse(socket, STEP_USER, (int)-error);
	}
	/*
	 * The process of ours that is left kills the tree by its cgroup. Without one, and with front and supervisor killed
	 * at one blow, at least the child ends. After the uid, whose change clears it (PR_SET_PDEATHSIG(2const)).
	 */
	if (!request->cgroup)
		raw_call(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (raw_call(SYS_getppid, 0, 0, 0, 0, 0) != supervisor)
		raw_call(SYS_exit_group, 1, 0, 0, 0, 0);
	say(socket, 0, 0, fd);
	if (fd >= 0)
		raw_call(SYS_close, fd, 0, 0, 0, 0);
	if (raw_call(SYS_read, go, (long)&byte, 1, 0, 0) != 1)
		raw_call(SYS_exit_group, 1, 0, 0, 0, 0);
	raw_call(SYS_rt_sigprocmask, SIG_SETMASK, (long)&request->inherited->mask, 0, SIGNALS_MAX / 8, 0);

	u32 error = (u32)exec_search(request->named ? raw_exec : plain_exec, request->argv, environ);

	raw_call(SYS_write, result, (long)&error, sizeof(error), 0, 0);
	raw_call(SYS_exit_group, 127, 0, 0, 0, 0);
	__builtin_unreachable();
}

/* fork(2), straight into the cgroup where one is named: no window in which the child is outside. */
static pid_t fork_into(const char *cgroup)
{
	if (!cgroup)
		return fork();

	int directory = open(cgroup, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (directory < 0)
		return -1;

	struct clone_args args = {
		.flags = CLONE_INTO_CGROUP, /* Linux 5.7 */
		.exit_signal = SIGCHLD,
		.cgroup = (u64)directory,
	};
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	int saved = errno;

	if (close(directory) < 0 && pid > 0)
		saved = errno;
	errno = saved;
	return pid;
}

static int hear(int socket, struct hello *hello, int *fd)
{
	struct iovec part = { hello, sizeof(*hello) };
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	ssize_t n;

	do
		n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n != sizeof(*hello)) {
		if (n >= 0)
			errno = ECHILD; /* it died without a word */
		return -1;
	}
	*fd = -1;

	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	if (header && header->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(header), sizeof(int));
	return 0;
}

int stage_child(const struct stage_request *request, struct staged *staged)
{
	int talk[2], go[2], result[2];
	struct hello hello = { 0, 0 };
	pid_t supervisor = getpid();

	staged->failed_step = STEP_FORK;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, talk) < 0 ||
	    pipe2(go, O_CLOEXEC) < 0 || pipe2(result, O_CLOEXEC) < 0)
		return -1;

	pid_t pid = fork_into(request->cgroup);

	if (pid == 0) {
		/* The other end of "go" is the supervisor's alone: its death ends the wait. */
		if (close(talk[0]) < 0 || close(go[1]) < 0 || close(result[0]) < 0)
			_exit(1);
		child(request, talk[1], go[0], result[1], supervisor);
	}
	if (pid < 0) {
		if (request->cgroup)
			staged->failed_step = STEP_CGROUP;
		return -1;
	}
	if (close(talk[1]) < 0 || close(go[0]) < 0 || close(result[1]) < 0)
		return -1;
	staged->listener = staged->outer = -1;
	if (hear(talk[0], &hello, request->outer ? &staged->outer : &staged->listener) < 0 || hello.step != 0) {
		int error = errno;

		staged->failed_step = STEP_LISTENER;
		if (hello.step != 0) {
			staged->failed_step = hello.step;
			error = (int)hello.error;
		}
		if (kill(pid, SIGKILL) == 0)
			waitpid(pid, NULL, 0);
		errno = error;
		return -1;
	}
	if (close(talk[0]) < 0)
		return -1;
	staged->pid = pid;
	staged->go = go[1];
	staged->result = result[0];
	return 0;
}
