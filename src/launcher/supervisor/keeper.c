/* SPDX-License-Identifier: MIT */
#include "keeper.h"
#include "listener-message.h"
#include "receivers.h"
#include "../shared/joining.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_close_range
#define SYS_close_range 436 /* Linux 5.9 */
#endif

#define NAME "mb-keeper"

/* What it holds on to: all other descriptors are the supervisor's, whose end their other ends wait for. */
#define JOINING 0
#define SUPERVISOR 1

/* A call that a signal ends before it is received has taken an id, too: so many may come after the newest that we know. */
#define MARGIN 65536u
/* As many, then the next new call. */
#define BATCH 64u

static int supervisor = -1, keeper = -1; /* ends of a pair; it says a byte, then only waits for the end of file */
static struct receiving *received;
static int listener = -1;

/* Waits for the end of the supervisor. */
static void outlive(void)
{
	char byte;

	while (read(SUPERVISOR, &byte, sizeof(byte)) < 0 && errno == EINTR)
		;
}

/* Of a call that does not wait, or not yet, nothing changes. */
static void pass(u64 id)
{
	/* A newer kernel may read more than these headers know (seccomp_unotify(2)). */
	union {
		struct seccomp_notif_resp response;
		char room[256];
	} answer;

	memset(&answer, 0, sizeof(answer));
	answer.response.id = id;
	answer.response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	while (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer) < 0 && errno == EINTR)
		;
}

/* 0: the caller is gone. */
static int receive(u64 *id)
{
	union {
		struct seccomp_notif call;
		char room[1024];
	} received_now;

	memset(&received_now, 0, sizeof(received_now)); /* the kernel insists */
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &received_now) < 0)
		return 0;
	*id = received_now.call.id;
	return 1;
}

/* The newest first: those that wait are most likely among them. */
static _Noreturn void pass_all(void)
{
	int has_old = __atomic_load_n(&received->has_begun, __ATOMIC_ACQUIRE);
	u64 next = received->newest + MARGIN;
	u64 left = has_old ? next - received->first + 1 : 0;
	u64 id;

	for (;;) {
		struct pollfd calls = { .fd = listener, .events = POLLIN };
		const int n = poll(&calls, 1, left > 0 ? 0 : -1);

		if (n > 0 && calls.revents & POLLHUP)
			_exit(0);
		if (n > 0 && calls.revents & POLLIN && receive(&id)) {
			pass(id);
			/* The supervisor may have died between its first call and the moment at which it shows that. */
			if (!has_old) {
				has_old = 1;
				next = id;
				left = MARGIN;
			}
		}
		for (u32 i = 0; i < BATCH && left > 0; i++, left--)
			pass(next--);
	}
}

static void keep_descriptors(int joining)
{
	/* Above both numbers that they get. */
	const int high_joining = fcntl(joining, F_DUPFD, SUPERVISOR + 1);
	const int high_keeper = fcntl(keeper, F_DUPFD, SUPERVISOR + 1);

	if (high_joining < 0 || high_keeper < 0 || dup2(high_joining, JOINING) < 0 ||
	    dup2(high_keeper, SUPERVISOR) < 0 || syscall(SYS_close_range, SUPERVISOR + 1, ~0u, 0) < 0)
		_exit(1);
}

static _Noreturn void keep(int joining)
{
	const u32 alone = JOIN_ALONE;

	keep_descriptors(joining);
	(void)prctl(PR_SET_NAME, NAME, 0, 0, 0); /* for people */
	listener = listener_message(JOINING, MSG_PEEK);
	if (listener < 0)
		_exit(0);
	(void)send(SUPERVISOR, "", 1, MSG_NOSIGNAL); /* it may be dead already */
	outlive();
	(void)send(JOINING, &alone, sizeof(alone), MSG_NOSIGNAL | MSG_DONTWAIT);
	close(JOINING);
	pass_all();
}

int keeper_start(int joining)
{
	int ends[2];

	received = mmap(NULL, sizeof(*received), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (received == MAP_FAILED || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return -1;
	supervisor = ends[0];
	keeper = ends[1];

	const pid_t pid = fork();

	if (pid < 0)
		return -1;
	if (pid == 0)
		keep(joining);
	close(keeper);
	receivers_show(received);
	return 0;
}

void keeper_await(void)
{
	char byte;

	while (read(supervisor, &byte, sizeof(byte)) < 0 && errno == EINTR)
		;
}
