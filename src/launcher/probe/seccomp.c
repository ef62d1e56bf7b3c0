/* SPDX-License-Identifier: MIT */
/*
 * One call is answered by a listener: a thread puts itself under the engine's own filter and calls, another
 * answers. Filters are a thread's own, and all ends with this process.
 */
#include "../shared/filter.h"
#include "probe.h"
#include "say.h"
#include "../shared/target.h"
#include "../shared/seccomp-flags.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_io_uring_setup
#define SYS_io_uring_setup 425
#endif

#define ANSWER ENOTUNIQ /* no kernel's own answer to getppid(2) */
#define PATIENCE_MS 5000

struct trial {
	int ready[2]; /* a byte: `listener` is known */
	int listener; /* or -errno */
	int answer;   /* errno of the call */
};

static void *call(void *argument)
{
	struct trial *trial = argument;
	struct call_set set = { 0 };

	call_set_add(&set, SYS_getppid);
	trial->listener = filter_install(&set, SECCOMP_RET_USER_NOTIF);
	probe_say("setuid", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? EPERM : 0);
	if (write(trial->ready[1], "", 1) != 1)
		abort();
	if (trial->listener >= 0)
		trial->answer = syscall(SYS_getppid) < 0 ? errno : 0;
	return NULL;
}

/* 0, or an errno. */
static int answer_one(int listener)
{
	struct seccomp_notif_sizes sizes;
	struct pollfd calls = { .fd = listener, .events = POLLIN };

	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0)
		return errno;

	/* A newer kernel may write more than these headers know (seccomp_unotify(2)). */
	struct seccomp_notif *request = calloc(1, sizes.seccomp_notif + sizeof(*request));
	struct seccomp_notif_resp *response =
		calloc(1, sizes.seccomp_notif_resp + sizeof(*response));

	if (!request || !response)
		return ENOMEM;
	if (poll(&calls, 1, PATIENCE_MS) != 1)
		return ETIMEDOUT;
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, request) < 0)
		return errno;
	response->id = request->id;
	response->error = -ANSWER;
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, response) < 0)
		return errno;
	free(request);
	free(response);
	return 0;
}

static int try_listener(void)
{
	struct trial trial = { .listener = -1 };
	pthread_t caller;
	char byte;

	if (pipe(trial.ready) < 0)
		return errno;
	errno = pthread_create(&caller, NULL, call, &trial);
	if (errno)
		return errno;
	if (read(trial.ready[0], &byte, 1) != 1)
		return EIO;
	if (trial.listener < 0)
		return -trial.listener;
	probe_say("sync_wake_up", ioctl(trial.listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS,
					SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP) < 0 ?
					  errno :
					  0);

	int error = answer_one(trial.listener);

	if (error)
		return error; /* the caller waits until the process ends */
	errno = pthread_join(caller, NULL);
	if (errno)
		return errno;
	return trial.answer == ANSWER ? 0 : EPROTO;
}

/* Flags are looked at before the filter is: EFAULT means that the kernel knows them (libseccomp asks so too). */
static int try_flags(unsigned long flags)
{
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, NULL) == 0 || errno == EFAULT)
		return 0;
	return errno;
}

/* As the supervisor reads the paths, and the stack, of a process below it. */
static int try_memory(void)
{
	static const u64 word = 0x6d696e646572;
	u64 seen = 0;
	pid_t child = fork();

	if (child < 0)
		return errno;
	if (child == 0) {
		if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0)
			pause();
		_exit(0);
	}

	int error = target_read(child, (u64)(uintptr_t)&word, &seen, sizeof(seen)) < 0 ? errno : 0;

	if (kill(child, SIGKILL) < 0 || waitpid(child, NULL, 0) != child)
		return errno;
	return error || seen == word ? error : EIO;
}

/* EFAULT and EINVAL: it looked at what it was given. */
static int try_io_uring(void)
{
	if (syscall(SYS_io_uring_setup, 0, NULL) < 0 && errno != EFAULT && errno != EINVAL)
		return errno;
	return 0;
}

int probe_seccomp(void)
{
	probe_say("io_uring", try_io_uring());
	probe_say("memory", try_memory());
	probe_say("wait_killable", try_flags(SECCOMP_FILTER_FLAG_NEW_LISTENER |
					     SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV));
	probe_say("listener", try_listener());
	return 0;
}
