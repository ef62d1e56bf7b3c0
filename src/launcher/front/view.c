/* SPDX-License-Identifier: MIT */
#include "view.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SUSPEND_MS 1000 /* node gives the terminal back in a few */

static char *gives_back; /* NULL: node does not draw */
static int suspended;

void view_begins(const struct frame *frame)
{
	free(gives_back);
	gives_back = frame->length ? strndup((const char *)frame->payload, frame->length) : NULL;
}

int view_is_drawn(void)
{
	return !!gives_back;
}

int view_suspend(const struct peer *node)
{
	suspended = 0;
	return peer_tell(node, WIRE_VIEW_SUSPEND, NULL, 0) == 0;
}

void view_is_suspended(void)
{
	suspended = 1;
}

int view_waits(const struct peer *node)
{
	struct pollfd said = { .fd = node->stream.fd, .events = POLLIN };

	return node->open && gives_back && !suspended && poll(&said, 1, SUSPEND_MS) == 1;
}

void view_resume(const struct peer *node)
{
	if (gives_back)
		(void)peer_tell(node, WIRE_VIEW_RESUME, NULL, 0);
}

void view_restore_terminal(void)
{
	int terminal = gives_back ? open("/dev/tty", O_WRONLY | O_CLOEXEC) : -1;

	if (terminal < 0)
		return;
	/* Not written: the terminal is gone, or its owner has no use for it. */
	if (write(terminal, gives_back, strlen(gives_back)) < 0)
		errno = 0;
	close(terminal);
}
