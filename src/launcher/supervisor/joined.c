/* SPDX-License-Identifier: MIT */
#include "joined.h"
#include "keeper.h"
#include "listener-message.h"
#include "processes.h"
#include "supervise.h"
#include "../shared/joining.h"
#include "../shared/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434 /* Linux 5.3 */
#endif

static int is_joined;
static int end = -1; /* pidfd */

/* The process that has made the socket pair (unix(7)). */
static pid_t find_process(void)
{
	struct ucred peer = { .pid = 0 };
	socklen_t size = sizeof(peer);

	if (getsockopt(SUPERVISOR_JOINING, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return -1;
	errno = ESRCH; /* it is in a pid namespace that we are not in */
	return peer.pid > 0 ? peer.pid : -1;
}

static int tell(const void *message, size_t size)
{
	return send(SUPERVISOR_JOINING, message, size, MSG_NOSIGNAL) == (ssize_t)size ? 0 : -1;
}

static int offer(const struct call_set *named, const char *control)
{
	struct join_offer offer = { .type = JOIN_OFFER, .supervisor = getpid() };

	memcpy(offer.named, named->bits, sizeof(offer.named));
	errno = ENAMETOOLONG;
	if (snprintf(offer.control, sizeof(offer.control), "%s", control) >= (int)sizeof(offer.control))
		return -1;
	return tell(&offer, sizeof(offer));
}

/* 1: it asks for a keeper, and `passing` is set. */
static int asks_for_keeper(u64 *passing)
{
	struct join_keep asked = { .type = 0 };

	if (recv(SUPERVISOR_JOINING, &asked, sizeof(asked), MSG_DONTWAIT) != sizeof(asked) || asked.type != JOIN_KEEP)
		return 0;
	*passing = asked.passing;
	return 1;
}

static int send_code(const struct call_set *named, u64 passing)
{
	static struct join_code message = { .type = JOIN_CODE };
	const struct sock_filter *code;
	const u32 length = filter_code(named, passing, &code);

	message.length = length;
	memcpy(message.code, code, length * sizeof(*code));
	return tell(&message, offsetof(struct join_code, code) + length * sizeof(*code));
}

int joined_begin(const struct call_set *named, const char *control, struct staged *staged)
{
	const pid_t pid = find_process();
	u64 passing;

	staged->failed_step = STEP_LISTENER;
	staged->go = -1;
	staged->result = -1;
	if (pid < 0 || fcntl(SUPERVISOR_JOINING, F_SETFD, FD_CLOEXEC) < 0)
		return -1;
	end = (int)syscall(SYS_pidfd_open, pid, 0);
	if (end < 0)
		return -1;

	const int is_kept = asks_for_keeper(&passing);

	if ((is_kept && keeper_start(SUPERVISOR_JOINING) < 0) || offer(named, control) < 0 ||
	    (is_kept && send_code(named, passing) < 0))
		return -1;
	processes_descend_from(pid);
	if (is_kept)
		keeper_await();
	staged->listener = listener_message(SUPERVISOR_JOINING, 0);
	if (staged->listener < 0)
		return -1;
	staged->pid = pid;
	is_joined = 1;
	return 0;
}

int joined_go(void)
{
	const u32 type = JOIN_READY;

	return tell(&type, sizeof(type));
}

void joined_without_node(void)
{
	const u32 type = JOIN_ALONE;

	(void)tell(&type, sizeof(type)); /* it has ended, too */
}

int joined_end(void)
{
	return end;
}

void joined_ended(void)
{
	close(end);
	end = -1;
}

int joined_is(void)
{
	return is_joined;
}
