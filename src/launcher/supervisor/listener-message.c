/* SPDX-License-Identifier: MIT */
#include "listener-message.h"
#include "../shared/joining.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

int listener_message(int socket, int flags)
{
	u32 type = 0;
	struct iovec part = { &type, sizeof(type) };
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	ssize_t n;
	int listener;

	do
		n = recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);

	const struct cmsghdr *header = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;

	if (n == 0)
		errno = ECHILD;
	else if (n > 0)
		errno = EPROTO;
	if (!header || type != JOIN_LISTENER || header->cmsg_type != SCM_RIGHTS)
		return -1;
	memcpy(&listener, CMSG_DATA(header), sizeof(listener));
	return listener;
}
