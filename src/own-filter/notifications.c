/* SPDX-License-Identifier: MIT */
#include "notifications.h"
#include "../launcher/stage/raw.h"

#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

/* A newer kernel may write more than these headers know (seccomp_unotify(2)). */
union received {
	struct seccomp_notif call;
	u8 room[1024];
};

union answer {
	struct seccomp_notif_resp response;
	u8 room[256];
};

void notification_receive(int listener, struct seccomp_notif *call)
{
	union received received;

	do
		memset(&received, 0, sizeof(received)); /* the kernel insists */
	while (raw_call(SYS_ioctl, listener, SECCOMP_IOCTL_NOTIF_RECV, (long)&received, 0, 0) < 0);
	*call = received.call;
}

static void respond(int listener, struct seccomp_notif_resp response)
{
	union answer answer;

	memset(&answer, 0, sizeof(answer));
	answer.response = response;
	/* The caller may be gone, or another thread of ours was faster. */
	(void)raw_call(SYS_ioctl, listener, SECCOMP_IOCTL_NOTIF_SEND, (long)&answer, 0, 0);
}

void notification_pass(int listener, u64 id)
{
	respond(listener, (struct seccomp_notif_resp){ .id = id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE });
}

void notification_fail(int listener, u64 id, int error)
{
	respond(listener, (struct seccomp_notif_resp){ .id = id, .error = -error });
}
