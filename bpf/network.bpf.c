// SPDX-License-Identifier: GPL-2.0-only
/*
 * Network faults for the sockets of one cgroup, or of target processes wherever they are: packets lost on their
 * way out (tc egress) or in (cgroup ingress), connect() refused (cgroup connect hooks, connect.bpf.h).
 *
 * Rules with targets: who is one is in `targets` (process.bpf.c). A packet belongs to a socket and not to a
 * process, so a socket gets a tag when it is made, which says what its maker was a target of. Sockets that are
 * older than us are tagged by src/targets/sockets.ts.
 *
 * Needs Linux 6.1: bpf_loop() (5.17), bpf_set_retval() (5.18), bpf_get_current_pid_tgid() in cgroup
 * programs (6.1). src/engines/network/object.ts writes `settings` before it loads this, `session` and `sets`
 * after: a loaded object serves one run after the other, and on the machine one set of rules after the other.
 */
#include "types.bpf.h"
#include "network.bpf.h"
#include "network-rules.bpf.h"
#include "packet.bpf.h"
#include "self.bpf.h"

/* No interface has this index, see drop_out(). */
#define NOWHERE 0x7fffffff

/* The index of lo, in every network namespace (LOOPBACK_IFINDEX in include/net/flow.h) */
#define LOOPBACK 1

/*
 * What a packet that was decided carries in the last word of its control buffer, which stays with it from device to
 * device (a macvlan, a tunnel and what it runs over), and which nobody else reads: the network namespace and the
 * interface, as settings.place and the lower PLACE_INTERFACE bits of its index. The upper bits of settings.place are
 * such that nothing that TCP leaves there looks like it (struct tcp_skb_cb: delivered_ce, whose upper bits are 0).
 */
#define PLACE 4
#define PLACE_INTERFACE 0xfffu

static __always_inline struct socket_tag *tag_of(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk, *full;

	if (!sk)
		return 0;
	full = bpf_sk_fullsock(sk);
	if (!full) /* an answer to a SYN belongs to its listener */
		full = bpf_get_listener_sock(sk);
	return full ? bpf_sk_storage_get(&tags, full, 0, 0) : 0;
}

/* Whose packet is this? Returns the rules that it is under when they are in force, if there are any. */
static __always_inline const struct rule_set *find_rules_of_packet(struct __sk_buff *skb, u64 *exec_ns, u32 *elsewhere)
{
	const struct rule_set *mine = &sets[0].everyone.rules;

	*exec_ns = 0;
	*elsewhere = 0;
	if (settings.targeted || settings.bound_in) {
		struct socket_tag *tag = tag_of(skb);

		if (tag) {
			mine = &tag->rules;
			*exec_ns = tag->exec_ns;
			*elsewhere = tag->elsewhere;
		}
	}
	return mine->words ? mine : 0;
}

/* A packet belongs to a socket, not to a process: its event names none. */
static __always_inline void report_packet(const struct walk *walk, int direction)
{
	struct event *event;

	if (!settings.wants_events)
		return;
	event = new_event(walk, direction);
	if (event)
		bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
}

/* Was the packet decided at another of our interfaces? From here on it was. */
static __always_inline u32 take_place(struct __sk_buff *skb)
{
	u32 here = settings.place | (skb->ifindex & PLACE_INTERFACE), before = skb->cb[PLACE];

	skb->cb[PLACE] = here;
	return (before & ~PLACE_INTERFACE) == settings.place && before != here;
}

/*
 * Sees every packet of the interface, so others' leave at the first line. TC_ACT_UNSPEC: what other tc
 * programs are attached still decide.
 *
 * A tagged packet was seen on the VLAN's own interface: deciding again here would lose more than asked for.
 *
 * `again`: where the interface is such that every packet was decided at another one, 1.
 */
static __always_inline int drop_out(struct __sk_buff *skb, u32 again)
{
	const struct rule_set *mine;
	struct walk walk;
	u32 elsewhere; /* never: the interface is ours */
	u64 exec_ns;
	int fired = 0;
	u32 side;

	if (!settings.machine && bpf_skb_ancestor_cgroup_id(skb, session.level) != session.cgroup)
		return TC_ACT_UNSPEC;
	mine = find_rules_of_packet(skb, &exec_ns, &elsewhere);
	if (!mine)
		return TC_ACT_UNSPEC;
	__builtin_memset(&walk, 0, sizeof(walk));
	if (skb->vlan_present || parse_packet(skb, DIRECTION_OUT, &walk.remote))
		return TC_ACT_UNSPEC;
	again |= take_place(skb);
	begin_deciding();
	side = side_of_turn();
	if (side != NO_SIDE)
		fired = try_rules(&walk, mine, &sets[side & (SIDES - 1)].drop_out[again & 1], exec_ns);
	if (fired) {
		report_packet(&walk, DIRECTION_OUT);
		if (skb->ifindex != LOOPBACK && is_to_several(skb))
			__sync_fetch_and_add(&tallies.copied, 1);
	}
	end_deciding();
	if (!fired)
		return TC_ACT_UNSPEC;
	/*
	 * TC_ACT_SHOT would report a local drop to the sender (ENOBUFS, or TCP holding back), and
	 * TC_ACT_STOLEN does not lose the packet under tcx. A redirect to nowhere frees it and reports
	 * success: sch_handle_egress() in net/core/dev.c ignores what skb_do_redirect() returns.
	 */
	return (int)bpf_redirect(NOWHERE, 0);
}

SEC("tc")
int mb_drop_out(struct __sk_buff *skb)
{
	return drop_out(skb, 0);
}

/* For a port of a bridge or bond: what the machine sends there has passed the bridge or bond. */
SEC("tc")
int mb_drop_port(struct __sk_buff *skb)
{
	return drop_out(skb, 1);
}

SEC("cgroup_skb/ingress")
int mb_drop_in(struct __sk_buff *skb)
{
	const struct rule_set *mine;
	struct walk walk;
	u32 elsewhere, side;
	u64 exec_ns;
	int fired = 0;

	mine = find_rules_of_packet(skb, &exec_ns, &elsewhere);
	if (!mine)
		return 1;
	__builtin_memset(&walk, 0, sizeof(walk));
	if (parse_packet(skb, DIRECTION_IN, &walk.remote))
		return 1;
	walk.remote.elsewhere = (u8)elsewhere;
	begin_deciding();
	side = side_of_turn();
	if (side != NO_SIDE)
		fired = try_rules(&walk, mine, &sets[side & (SIDES - 1)].drop_in, exec_ns);
	if (fired)
		report_packet(&walk, DIRECTION_IN);
	end_deciding();
	return !fired;
}

/* Returns 1: the socket may be made. Without targets, only those that are made elsewhere are of interest. */
SEC("cgroup/sock_create")
int mb_tag_socket(struct bpf_sock *sk)
{
	const struct target_process *process = settings.targeted ? current_target(0) : 0;
	const struct target_process *other = settings.machine ? current_target(1) : 0;
	struct elsewhere place = {};
	struct socket_tag *tag;

	place.netns = bpf_get_netns_cookie(sk);
	if (!process) {
		process = other;
		other = 0;
	}
	if (!process) {
		if (settings.machine || place.netns == settings.netns)
			return 1;
		process = &sets[0].everyone;
	}
	if (!process->rules.words)
		return 1;
	tag = bpf_sk_storage_get(&tags, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!tag) {
		__sync_fetch_and_add(&tallies.untagged, 1);
		return 1;
	}
	tag->exec_ns = process->exec_ns;
	tag->elsewhere = place.netns != settings.netns;
	tag->rules = process->rules;
	if (other)
		rule_set_add_all(&tag->rules, &other->rules);
	if (tag->elsewhere) {
		place.tgid = (u32)(bpf_get_current_pid_tgid() >> 32);
		bpf_map_update_elem(&elsewhere, &place, &tag->rules, BPF_ANY);
	}
	return 1;
}

#include "connect.bpf.h"

/*
 * Run once by BPF_PROG_TEST_RUN, never attached: how deep is session.cgroup, an ancestor of (or the same
 * as) the caller's cgroup? A cgroup namespace hides the answer from everything but helpers. The test's own
 * socket belongs to the caller's cgroup. Returns LEVEL_MAX if it is not an ancestor.
 */
SEC("tc")
int mb_level(struct __sk_buff *skb)
{
#define OF_PACKET(level) bpf_skb_ancestor_cgroup_id(skb, level)
	return (int)FIND_LEVEL(session.cgroup, OF_PACKET);
}

char LICENSE[] SEC("license") = "GPL";
