/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What bpf/network.bpf.c and its headers are told by src/engines/network/object.ts, and tell it: which rules are for what
 * and for whom, the sockets of targets, and what did not go as it should.
 */
#ifndef MINDERBINDER_NETWORK_BPF_H
#define MINDERBINDER_NETWORK_BPF_H

#include "rule.h"
#include "rule-set.h"
#include "target.bpf.h"

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

#endif
