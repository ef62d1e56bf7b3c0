// SPDX-License-Identifier: GPL-2.0-only
/*
 * Network faults for the sockets of one cgroup, or of target processes wherever they are: packets lost on their
 * way out (tc egress) or in (cgroup ingress), connect() refused (cgroup connect hooks).
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
#include "rule.h"
#include "rule-set.h"
#include "rules.bpf.h"
#include "packet.bpf.h"
#include "self.bpf.h"
#include "target.bpf.h"

/* No interface has this index, see drop_out(). */
#define NOWHERE 0x7fffffff

/*
 * What a packet that was decided carries in the last word of its control buffer, which stays with it from device to
 * device (a macvlan, a tunnel and what it runs over), and which nobody else reads: the network namespace and the
 * interface, as settings.place and the lower PLACE_INTERFACE bits of its index. The upper bits of settings.place are
 * such that nothing that TCP leaves there looks like it (struct tcp_skb_cb: delivered_ce, whose upper bits are 0).
 */
#define PLACE 4
#define PLACE_INTERFACE 0xfffu

/* The index of lo, in every network namespace (LOOPBACK_IFINDEX in include/net/flow.h) */
#define LOOPBACK 1

struct socket_tag {
	u64 exec_ns; /* of the process that made the socket */
	u32 elsewhere; /* made in another network namespace than ours */
	u32 padding;
	struct rule_set rules; /* of both sides, and of sets that have ended: no other rule gets their rows */
};

/* Lives and dies with the socket. What accept() gives is its listener's maker's. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct socket_tag);
} tags SEC(".maps");

/* Where we cannot follow: a target that made a socket in another network namespace, and what it is under. */
struct elsewhere {
	u64 netns; /* its cookie */
	u32 tgid;
	u32 padding;
};

/* Read once in a while; the oldest make room. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 256);
	__type(key, struct elsewhere);
	__type(value, struct rule_set);
} elsewhere SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

/*
 * Which rules are for what, and for whom. Not in `settings`: what the verifier knows to be constant cannot be given to
 * a function that it checks apart.
 */
struct sets {
	/* Tried lowest index first. Of a packet that was decided at another interface, only those that name one: [1] */
	struct rule_set drop_out[2];
	struct rule_set drop_in;
	struct rule_set refuse;
	struct target_process everyone; /* what a process of a command is under that is no target: rules without targets */
};

/* By side. */
struct sets sets[SIDES] SEC(".data.sets");

/* Set before this is loaded. */
volatile const struct {
	u64 netns; /* cookie of our own network namespace: interfaces are ours */
	u32 wants_events;
	u32 targeted; /* some rule has targets */
	u32 machine;  /* targets are looked for everywhere, not only below session.cgroup */
	u32 table;    /* on the machine: its number, see `turn` */
	u32 place;    /* see PLACE */
	u32 bound_in; /* some rule of drop_in names an interface */
} settings;

/* Written from outside alone. */
struct session {
	u64 cgroup;   /* id of the target's cgroup */
	u64 start_ns; /* CLOCK_BOOTTIME; 0: not started, and no time passes */
	u64 seed;
	u32 level; /* depth of that cgroup below the real root of the hierarchy */
	u32 padding;
};

struct session session SEC(".data.session");

/* Written from here. */
struct tallies {
	u64 lost_events;
	u64 untagged; /* sockets of targets that there was no memory to tag for */
	u64 copied;   /* packets lost at an interface of which the machine itself may have got copies */
	u64 deciding; /* programs between begin_deciding() and end_deciding() */
};

struct tallies tallies;

/* What is to be decided, and what was. */
struct walk {
	struct remote remote;
	struct rule_walk rules;
	u64 now;
	u64 session_age;
	u64 process_age; /* since its exec: what after= counts for rules with targets */
	u64 n;
	u32 fired; /* 1: the rule in `slot` fired at its occurrence `n` */
	u32 slot;
};

struct walk_sets {
	struct walk *walk;
	const struct rule_set *mine;  /* that the process is under, */
	const struct rule_set *named; /* and that are for this kind of event */
};

static long try_rule(u32 i, void *context)
{
	const struct walk_sets *sets = context;
	struct walk *walk = sets->walk;
	struct rule_counts *count;
	enum walked walked;
	struct rule *rule;
	int names;
	u64 age;

	(void)i;
	walked = next_rule(&walk->rules, sets->mine, sets->named, &rule, &count);
	if (walked != WALK_FOUND)
		return walked == WALK_OVER;
	names = rule_names(rule, &walk->remote);
	if (walk->fired) { /* by one before, which took the packet from this one */
		if (names)
			__sync_fetch_and_add(&count->taken, 1);
		return rule_walk_is_over(&walk->rules);
	}
	walk->slot = rule->slot;
	age = rule->flags & RULE_HAS_TARGETS ? walk->process_age : walk->session_age;
	walk->fired = decide(rule, session.seed, age, names, count, count, &walk->n);
	return rule_walk_is_over(&walk->rules);
}

static __always_inline u64 since(u64 start, u64 now)
{
	return start && now > start ? now - start : 0;
}

/* Whose rules are in force now? NO_SIDE: those of another table, or none. */
#define NO_SIDE SIDES

static __always_inline u32 side_of_turn(void)
{
	u32 now;

	if (!settings.machine)
		return 0;
	now = turn_now();
	return now / SIDES == settings.table ? now % SIDES : NO_SIDE;
}

/*
 * From here on `turn` and `sets` are read. After a side was emptied and no program was seen to decide, all that was
 * decided by it is counted, and no program still comes to it late, when it has other rules: there is no need to wait
 * for a grace period. Both results are used, since on arm64 an atomic operation orders others only then.
 */
static __always_inline void begin_deciding(void)
{
	u64 others = __sync_fetch_and_add(&tallies.deciding, 1);

	asm volatile("" : : "r"(others));
}

static __always_inline void end_deciding(void)
{
	u64 all = __sync_fetch_and_add(&tallies.deciding, -1);

	asm volatile("" : : "r"(all));
}

/*
 * Tries the rules of `mine` and `named` in order: did one of them fire? Of `walk`, `remote` is set, and the rest 0.
 * `exec_ns`: of the process, 0 where it is no target.
 *
 * Verified apart, the loop is followed once: what is in memory that a function was given, the verifier does not know.
 */
VERIFIED_APART int try_rules(struct walk *walk, const struct rule_set *mine, const struct rule_set *named, u64 exec_ns)
{
	struct walk_sets sets = {walk, mine, named};

	if (!walk || !mine || !named) /* never, see take_turn() */
		return 0;
	walk->now = bpf_ktime_get_boot_ns();
	walk->session_age = since(session.start_ns, walk->now);
	walk->process_age = since(exec_ns, walk->now);
	walk->rules.words = mine->words & named->words;
	bpf_loop(RULE_WALK_STEPS, try_rule, &sets, 0);
	return walk->fired != 0;
}

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

static __always_inline struct event *new_event(const struct walk *walk, int direction)
{
	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event) {
		__sync_fetch_and_add(&tallies.lost_events, 1);
		return 0;
	}
	__builtin_memset(event, 0, sizeof(*event));
	event->time_ns = walk->now;
	event->n = walk->n;
	event->rule = walk->slot;
	event->protocol = walk->remote.protocol;
	event->direction = direction;
	event->remote_port = walk->remote.port;
	event->ifindex = walk->remote.ifindex;
	event->family = walk->remote.family;
	__builtin_memcpy(event->remote, walk->remote.address, sizeof(event->remote));
	return event;
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

static __always_inline struct target_process *current_target(u32 side)
{
	return target_of((u32)(bpf_get_current_pid_tgid() >> 32), side);
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

/*
 * Run once by BPF_PROG_TEST_RUN, never attached: how deep is session.cgroup, an ancestor of (or the same
 * as) the caller's cgroup? A cgroup namespace hides the answer from everything but helpers. The test's own
 * socket belongs to the caller's cgroup. Returns LEVEL_MAX where it is no ancestor.
 */
SEC("tc")
int mb_level(struct __sk_buff *skb)
{
#define OF_PACKET(level) bpf_skb_ancestor_cgroup_id(skb, level)
	return (int)FIND_LEVEL(session.cgroup, OF_PACKET);
}

char LICENSE[] SEC("license") = "GPL";
