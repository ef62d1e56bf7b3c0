/* SPDX-License-Identifier: MIT */
#include "wire.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

int read_all(int fd, void *buffer, size_t length)
{
	size_t done = 0;

	while (done < length) {
		ssize_t n = read(fd, (u8 *)buffer + done, length - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0) {
			if (done == 0)
				return 0;
			errno = EPROTO;
			return -1;
		}
		done += (size_t)n;
	}
	return 1;
}

int wire_read(struct stream *stream, struct frame *frame)
{
	u32 header[2];
	int got = read_all(stream->fd, header, sizeof(header));

	if (got <= 0)
		return got;
	if (header[1] > WIRE_PAYLOAD_MAX) {
		errno = EPROTO;
		return -1;
	}
	if (header[1] > stream->capacity) {
		u8 *grown = realloc(stream->buffer, header[1]);

		if (!grown)
			return -1;
		stream->buffer = grown;
		stream->capacity = header[1];
	}
	if (header[1] > 0 && read_all(stream->fd, stream->buffer, header[1]) != 1)
		return -1;
	frame->type = header[0];
	frame->length = header[1];
	frame->payload = stream->buffer;
	return 1;
}

int wire_write(int fd, u32 type, const void *first, size_t first_length, const void *second,
	       size_t second_length)
{
	u32 header[2] = { type, (u32)(first_length + second_length) };
	struct iovec parts[3] = {
		{ .iov_base = header, .iov_len = sizeof(header) },
		{ .iov_base = (void *)first, .iov_len = first_length },
		{ .iov_base = (void *)second, .iov_len = second_length },
	};
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 3 };

	for (;;) {
		ssize_t n = sendmsg(fd, &message, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		while (message.msg_iovlen > 0 && (size_t)n >= message.msg_iov->iov_len) {
			n -= (ssize_t)message.msg_iov->iov_len;
			message.msg_iov++;
			message.msg_iovlen--;
		}
		if (message.msg_iovlen == 0)
			return 0;
		message.msg_iov->iov_base = (u8 *)message.msg_iov->iov_base + n;
		message.msg_iov->iov_len -= (size_t)n;
	}
}
