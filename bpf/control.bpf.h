/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The socket of `exec --control`. A program that has its faults changed there must be able to lift them, whatever it has
 * asked for: its calls on that socket are no call that a rule is held against. src/launcher/supervisor/clients.c says
 * the same for the other engines.
 */
#ifndef MINDERBINDER_CONTROL_BPF_H
#define MINDERBINDER_CONTROL_BPF_H

#include "call.bpf.h"

#define AF_UNIX 1
#define S_IFMT 0170000
#define S_IFSOCK 0140000

/* asm/unistd.h of x86_64, asm-generic/unistd.h */
#define CONNECT (settings.arm64 ? 203u : 42u)

struct sockaddr_un {
	u16 sun_family;
	char sun_path[SOCKET_PATH_MAX - 4];
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct sock_common {
	u16 skc_family;
};

struct sock {
	struct sock_common __sk_common;
};

struct socket {
	struct sock *sk;
};

struct unix_address {
	struct sockaddr_un name[0];
};

struct unix_sock {
	struct unix_address *addr;
	struct sock *peer;
};

#pragma clang attribute pop

/* A path as words, with zeros behind it. */
union socket_path {
	char text[SOCKET_PATH_MAX];
	u64 words[SOCKET_PATH_MAX / 8];
};

static __always_inline int is_control_path(const union socket_path *path)
{
	u64 differs = 0;

	for (u32 i = 0; i < SOCKET_PATH_MAX / 8; i++)
		differs |= path->words[i] ^ settings.control[i];
	return !differs;
}

static __always_inline struct file *file_of(u32 fd)
{
	struct fdtable *table = BPF_CORE_READ(current_task(), files, fdt);
	struct file *file = 0;

	if (!table || fd >= BPF_CORE_READ(table, max_fds))
		return 0;
	bpf_probe_read_kernel(&file, sizeof(file), BPF_CORE_READ(table, fd) + fd);
	return file;
}

/* Is the descriptor a connection to the socket? Its peer has the socket's name then (unix(7)). */
__noinline int is_control_connection(u32 fd)
{
	struct file *file;
	union socket_path path = {};
	struct socket *socket;
	struct unix_address *address;
	struct sock *sk;

	/*
	 * First: where there is no socket, the verifier looks no further. Before Linux 6.8 it follows this even if nothing calls
	 * it (commit 2afae08c9dcb).
	 */
	if (!settings.control[0] || !bpf_core_type_exists(struct unix_sock))
		return 0;
	file = file_of(fd);
	if (!file || (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return 0;
	socket = BPF_CORE_READ(file, private_data);
	sk = BPF_CORE_READ(socket, sk);
	if (!sk || BPF_CORE_READ(sk, __sk_common.skc_family) != AF_UNIX)
		return 0;
	sk = BPF_CORE_READ((struct unix_sock *)sk, peer);
	address = sk ? BPF_CORE_READ((struct unix_sock *)sk, addr) : 0;
	if (!address)
		return 0;
	bpf_probe_read_kernel_str(path.text, sizeof(path.text) - 4,
				  (void *)address + bpf_core_field_offset(struct unix_address, name) +
					  __builtin_offsetof(struct sockaddr_un, sun_path));
	return is_control_path(&path);
}

/* Does the call connect to it? A function of its own: four calls have 512 bytes of stack together, which is room for one path. */
__noinline int connects_to_control(const struct call *call)
{
	const u32 before = __builtin_offsetof(struct sockaddr_un, sun_path);
	union socket_path path = {};
	u32 length;

	if (!call)
		return 0;
	length = (u32)call->args[2];
	if (call->nr != CONNECT || length <= before)
		return 0;
	length -= before;
	if (length > sizeof(path.text) - 4)
		length = sizeof(path.text) - 4;
	/* It need not end with a NUL. */
	bpf_probe_read_user_str(path.text, length + 1, (void *)call->args[1] + before);
	return is_control_path(&path);
}

/* Is the call a client's own? */
__noinline int is_clients_own(const struct call *call)
{
	if (!call)
		return 0;
	if (connects_to_control(call))
		return 1;
	for (u32 i = 0; i < ARGUMENTS_MAX; i++) {
		if (has_argument(call->shape.fds, i) && (s32)call->args[i] >= 0 &&
		    is_control_connection((u32)call->args[i]))
			return 1;
	}
	return 0;
}

#endif
