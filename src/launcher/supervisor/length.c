/* SPDX-License-Identifier: MIT */
#include "length.h"
#include "../shared/target.h"

#include <stddef.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define BYTES_MAX 0x7ffff000u /* MAX_RW_COUNT of include/linux/fs.h: the kernel moves no more at once */
#define PARTS_MAX 1024u       /* UIO_MAXIOV of include/uapi/linux/uio.h */
#define PARTS_AT_ONCE 64u

/* Where the parts of a call are described, and how many there are. */
struct vector {
	u64 address;
	u64 count;
};

static u32 argument_of(const struct call_shape *shape)
{
	return shape->length & LENGTH_ARGUMENT;
}

static enum length_kind kind_of(const struct call_shape *shape)
{
	return (enum length_kind)(shape->length >> LENGTH_KIND_SHIFT & 3);
}

static int moves_parts(const struct call_shape *shape, const struct seccomp_notif *call)
{
	for (u32 i = 0; i < ARGUMENTS_MAX; i++) {
		if (has_argument(shape->fds, i) && !target_moves_parts((pid_t)call->pid, (s32)call->data.args[i]))
			return 0;
	}
	return 1;
}

/* 0, or -1 if it cannot be read. */
static int read_vector(const struct call_shape *shape, const struct seccomp_notif *call, struct vector *vector)
{
	const u64 address = call->data.args[argument_of(shape)];
	struct msghdr message;

	*vector = (struct vector){ address, call->data.args[argument_of(shape) + 1] };
	if (kind_of(shape) == LENGTH_VECTOR)
		return 0;
	if (target_read((pid_t)call->pid, address, &message, sizeof(message)) < 0)
		return -1;
	*vector = (struct vector){ (u64)(uintptr_t)message.msg_iov, message.msg_iovlen };
	return 0;
}

/* Up to so many bytes: how many they are, and in *last which part has the last of them, with all its bytes. 0: unknown. */
static u64 sum(pid_t tid, const struct vector *vector, u64 limit, u64 *last)
{
	struct iovec parts[PARTS_AT_ONCE];
	u64 bytes = 0;

	if (vector->count > PARTS_MAX)
		return 0;
	for (u64 i = 0; i < vector->count && bytes < limit; i++) {
		const u64 left = vector->count - i, at = i % PARTS_AT_ONCE;

		if (at == 0 && target_read(tid, vector->address + i * sizeof(*parts), parts,
					   (left < PARTS_AT_ONCE ? left : PARTS_AT_ONCE) * sizeof(*parts)) < 0)
			return 0;
		if (parts[at].iov_len > INT64_MAX)
			return 0; /* EINVAL */
		bytes += parts[at].iov_len < BYTES_MAX ? parts[at].iov_len : BYTES_MAX;
		*last = i;
	}
	return bytes;
}

u64 length_asked(const struct call_shape *shape, const struct seccomp_notif *call)
{
	struct vector vector;
	u64 bytes = call->data.args[argument_of(shape)], last;

	if (kind_of(shape) == LENGTH_NONE || !moves_parts(shape, call))
		return 0;
	if (kind_of(shape) != LENGTH_COUNT)
		bytes = read_vector(shape, call, &vector) < 0 ?
				0 :
				sum((pid_t)call->pid, &vector, BYTES_MAX, &last);
	return bytes < BYTES_MAX ? bytes : BYTES_MAX;
}

int length_cut(const struct call_shape *shape, const struct seccomp_notif *call, u64 bytes, struct cut *cut)
{
	const u32 argument = argument_of(shape);
	struct vector vector;
	u64 last, upto;

	*cut = (struct cut){ .argument = argument, .value = bytes };
	if (kind_of(shape) == LENGTH_COUNT)
		return 0;
	if (read_vector(shape, call, &vector) < 0)
		return -1;
	upto = sum((pid_t)call->pid, &vector, bytes, &last);
	if (upto < bytes)
		return -1;
	if (upto > bytes) {
		struct word *word = &cut->words[cut->count++];

		word->address = vector.address + last * sizeof(struct iovec) + offsetof(struct iovec, iov_len);
		if (target_read((pid_t)call->pid, word->address, &word->before, sizeof(word->before)) < 0 ||
		    word->before <= upto - bytes)
			return -1;
		word->after = word->before - (upto - bytes);
	}
	if (kind_of(shape) == LENGTH_VECTOR) {
		cut->argument = argument + 1;
		cut->value = last + 1;
	} else {
		cut->argument = 0;
		cut->words[cut->count++] = (struct word){
			.address = call->data.args[argument] + offsetof(struct msghdr, msg_iovlen),
			.before = vector.count,
			.after = last + 1,
		};
	}
	return 0;
}
