/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* connect() refused. */
#ifndef MINDERBINDER_CONNECT_BPF_H
#define MINDERBINDER_CONNECT_BPF_H

#include "network-rules.bpf.h"

static __always_inline void report_connect(const struct walk *walk)
{
	u64 id = bpf_get_current_pid_tgid();
	struct event *event;

	if (!settings.wants_events)
		return;
	event = new_event(walk, DIRECTION_OUT);
	if (!event)
		return;
	event->pid = id >> 32;
	event->tid = (u32)id;
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
}

/* Do the rules of the side that the process is under refuse it? */
static __always_inline int is_refused(struct walk *walk, u32 side)
{
	const struct rule_set *mine = &sets[0].everyone.rules;
	u64 exec_ns = 0;
	int fired;

	if (settings.targeted) {
		struct target_process *process = current_target(side);

		if (process) {
			mine = &process->rules;
			exec_ns = process->exec_ns;
		}
	}
	if (!mine->words)
		return 0;
	fired = try_rules(walk, mine, &sets[side & (SIDES - 1)].refuse, exec_ns);
	if (fired)
		report_connect(walk);
	return fired;
}

/* Returns what a connect hook returns: 1 go on, 0 fail with the value set. */
static __always_inline int refuse_connect(struct walk *walk)
{
	int fired = 0;
	u32 side;

	begin_deciding();
	side = side_of_turn();
	if (side != NO_SIDE)
		fired = is_refused(walk, side);
	end_deciding();
	if (!fired)
		return 1;
	bpf_set_retval(-ECONNREFUSED);
	return 0;
}

static __always_inline void describe_connect(struct bpf_sock_addr *address, struct walk *walk)
{
	struct remote *r = &walk->remote;
	u32 protocol = address->protocol;

	__builtin_memset(walk, 0, sizeof(*walk));
	r->protocol = protocol == IPPROTO_MPTCP ? IPPROTO_TCP : protocol;
	r->port = ntohs((u16)address->user_port);
	r->has_port = 1;
}

SEC("cgroup/connect4")
int mb_connect4(struct bpf_sock_addr *address)
{
	struct walk walk;

	describe_connect(address, &walk);
	walk.remote.family = 4;
	walk.remote.address[0] = address->user_ip4;
	return refuse_connect(&walk);
}

SEC("cgroup/connect6")
int mb_connect6(struct bpf_sock_addr *address)
{
	u32 word0 = address->user_ip6[0], word1 = address->user_ip6[1];
	u32 word2 = address->user_ip6[2], word3 = address->user_ip6[3];
	struct walk walk;

	describe_connect(address, &walk);
	if (!word0 && !word1 && word2 == htonl(0xffff)) {
		/* ::ffff:a.b.c.d is IPv4 in all but its spelling (RFC 4291 section 2.5.5.2). */
		walk.remote.family = 4;
		walk.remote.address[0] = word3;
	} else {
		walk.remote.family = 6;
		walk.remote.address[0] = word0;
		walk.remote.address[1] = word1;
		walk.remote.address[2] = word2;
		walk.remote.address[3] = word3;
	}
	return refuse_connect(&walk);
}

#endif
