/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The rules that are in force for a packet or a connection, tried one after the other; and the event of one that fired. */
#ifndef MINDERBINDER_NETWORK_RULES_BPF_H
#define MINDERBINDER_NETWORK_RULES_BPF_H

#include "network.bpf.h"
#include "packet.bpf.h"
#include "rules.bpf.h"

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
 * `exec_ns`: of the process, 0 if it is not a target.
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

static __always_inline struct target_process *current_target(u32 side)
{
	return target_of((u32)(bpf_get_current_pid_tgid() >> 32), side);
}

#endif
