/* SPDX-License-Identifier: MIT */
#include "peers.h"
#include "../shared/target.h"

#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

u32 peer_parts(const struct rule *rule)
{
	const int address = rule->to_count || rule->port_count || rule->kind == RULE_REFUSE_NET;

	return (address ? PEER_ADDRESS : 0) | (rule->protocol ? PEER_PROTOCOL : 0);
}

/* EFAULT and EBADF are what the call itself will fail with: there is nothing to match. */
static void failed(struct peer *peer)
{
	peer->unread |= errno != EFAULT && errno != EBADF && errno != ENOENT;
}

static void set_address(struct peer *peer, const void *address, size_t length)
{
	static const u8 mapped[12] = { [10] = 0xff, [11] = 0xff };
	const int is_mapped = length == 16 && memcmp(address, mapped, sizeof(mapped)) == 0;

	/* ::ffff:a.b.c.d is IPv4 in all but its spelling (RFC 4291 section 2.5.5.2). */
	peer->family = length == 16 && !is_mapped ? 6 : 4;
	memcpy(peer->address, (const u8 *)address + (is_mapped ? sizeof(mapped) : 0), peer->family == 6 ? 16 : 4);
}

/* `raw` as what it says. */
static void parse(struct peer *peer)
{
	struct sockaddr_in6 v6;
	struct sockaddr_in v4;

	memcpy(&v4, peer->raw, sizeof(v4));
	memcpy(&v6, peer->raw, sizeof(v6));
	if (peer->length >= sizeof(v4) && v4.sin_family == AF_INET) {
		set_address(peer, &v4.sin_addr, sizeof(v4.sin_addr));
		peer->port = ntohs(v4.sin_port);
	} else if (peer->length >= offsetof(struct sockaddr_in6, sin6_scope_id) && v6.sin6_family == AF_INET6) {
		set_address(peer, &v6.sin6_addr, sizeof(v6.sin6_addr));
		peer->port = ntohs(v6.sin6_port);
	}
}

/* Where the call says where to, as a pointer and a length: 1; 0: it does not. */
static int find_address(struct peer *peer, const struct call_shape *shape, const struct seccomp_notif *call, u64 *at,
			u64 *length)
{
	const int number = call->data.nr;
	struct msghdr message;

	for (u32 i = 0; i + 1 < ARGUMENTS_MAX; i++) {
		if (has_argument(shape->sockaddrs, i) && call->data.args[i]) {
			*at = call->data.args[i];
			*length = call->data.args[i + 1];
			return 1;
		}
	}
	/* sendmmsg(2) fails if its first message does. Each begins with a struct msghdr. */
	if (number != SYS_sendmsg && number != SYS_sendmmsg)
		return 0;
	if (target_read((pid_t)call->pid, call->data.args[1], &message, sizeof(message)) < 0) {
		failed(peer);
		return 0;
	}
	*at = (u64)(uintptr_t)message.msg_name;
	*length = message.msg_namelen;
	return message.msg_name != NULL;
}

/* 1: the call says where to. */
static int read_argument(struct peer *peer, const struct call_shape *shape, const struct seccomp_notif *call)
{
	u64 at, length;

	if (!find_address(peer, shape, call, &at, &length))
		return 0;
	/* Longer than any, and the kernel refuses it. */
	if ((u32)length > SOCKADDR_MAX)
		return 1;
	if (target_read((pid_t)call->pid, at, peer->raw, (u32)length) < 0) {
		failed(peer);
		return 1;
	}
	peer->length = (u32)length;
	parse(peer);
	return 1;
}

static int is_socket(struct peer *peer, pid_t tid, s32 fd)
{
	const int is = fd < 0 ? 0 : target_descriptor_is_socket(tid, fd);

	if (is < 0)
		failed(peer);
	return is > 0;
}

/* Of a raw socket its protocol is a number that it was made with. */
static u8 raw_protocol(struct peer *peer, pid_t tid, s32 fd)
{
	const int copy = target_descriptor_copy(tid, fd);
	socklen_t size = sizeof(int);
	int number = 0;

	if (copy < 0) {
		failed(peer);
		return 0;
	}
	if (getsockopt(copy, SOL_SOCKET, SO_PROTOCOL, &number, &size) < 0)
		number = 0;
	close(copy);
	return number == IPPROTO_ICMPV6 ? IPPROTO_ICMP : (u8)number;
}

static int begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* Each also exists with "v6". Does not copy the socket, which not every container allows. */
static void read_protocol(struct peer *peer, pid_t tid, s32 fd)
{
	char name[32];

	if (target_socket_protocol(tid, fd, name, sizeof(name)) < 0) {
		failed(peer);
		return;
	}
	if (begins(name, "TCP") || begins(name, "MPTCP"))
		peer->protocol = IPPROTO_TCP;
	else if (strcmp(name, "UDP") == 0 || strcmp(name, "UDPv6") == 0)
		peer->protocol = IPPROTO_UDP;
	else if (begins(name, "PING"))
		peer->protocol = IPPROTO_ICMP;
	else if (begins(name, "RAW"))
		peer->protocol = raw_protocol(peer, tid, fd);
}

/* What it is connected to. */
static void read_connection(struct peer *peer, pid_t tid, s32 fd)
{
	const int copy = target_descriptor_copy(tid, fd);
	socklen_t size = sizeof(peer->raw);

	if (copy < 0) {
		failed(peer);
		return;
	}
	if (getpeername(copy, (struct sockaddr *)peer->raw, &size) == 0 && size <= sizeof(peer->raw)) {
		peer->length = size;
		parse(peer);
	}
	close(copy);
}

void peer_read(struct peer *peer, const struct call_shape *shape, const struct seccomp_notif *call, u32 parts)
{
	const pid_t tid = (pid_t)call->pid;

	memset(peer, 0, offsetof(struct peer, raw));
	if (read_argument(peer, shape, call) && peer->family)
		parts &= ~(u32)PEER_ADDRESS;
	else if (peer->length)
		return; /* to a socket of another kind */
	for (u32 i = 0; parts && i < ARGUMENTS_MAX; i++) {
		const s32 fd = (s32)call->data.args[i];

		if (!has_argument(shape->fds, i) || !is_socket(peer, tid, fd))
			continue;
		if (parts & PEER_PROTOCOL)
			read_protocol(peer, tid, fd);
		if (parts & PEER_ADDRESS)
			read_connection(peer, tid, fd);
		return;
	}
}

static int in_block(const u8 *address, const struct block *block)
{
	const u32 whole = block->prefix / 8, rest = block->prefix % 8;
	const u8 mask = (u8)(0xff00 >> rest);

	return memcmp(address, block->address, whole) == 0 &&
	       (!rest || ((address[whole] ^ block->address[whole]) & mask) == 0);
}

int peer_matches(const struct peer *peer, const struct rule *rule)
{
	if (rule->protocol && rule->protocol != peer->protocol)
		return 0;
	if (peer_parts(rule) & PEER_ADDRESS && !peer->family)
		return 0;
	if (rule->port_count && !port_matches(rule, peer->port))
		return 0;
	for (u32 i = 0; i < rule->to_count; i++) {
		if (rule->to[i].family == peer->family && in_block(peer->address, &rule->to[i]))
			return 1;
	}
	return !rule->to_count;
}
