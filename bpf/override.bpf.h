/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What bpf/syscall.bpf.c and its headers are told by src/engines/override/object.ts, and tell it: whose calls they
 * decide, and what did not go as it should.
 */
#ifndef MINDERBINDER_OVERRIDE_BPF_H
#define MINDERBINDER_OVERRIDE_BPF_H

#include "rule.h"
#include "self.bpf.h"
#include "target.bpf.h"
#include "task.bpf.h"

/* Bytes of a socket's path, zeros behind it: more than struct sockaddr_un has, in whole words. */
#define SOCKET_PATH_MAX 112

/* What some rule may have, of those that this is loaded for and of those that follow them. */
enum uses {
	USES_PATHS = 1 << 0, /* path= */
	USES_FDS = 1 << 1,   /* fd= */
	USES_AGE = 1 << 2,   /* after= or for= */
};

/* Set before this is loaded. */
volatile const struct {
	u64 seed;
	u32 process_rules; /* how many rules of scope=process there are */
	u32 arm64;
	u32 wants_events;
	u32 exempts_loader;
	u32 tracks_processes; /* exempts_loader, spares, or some rule has after= or for= */
	u32 targeted;	      /* some rule has targets */
	u32 machine;	      /* targets are looked for everywhere, not only below session.cgroup */
	u32 turn;	      /* of the rules that this was loaded for; others of their table may follow */
	u32 spares;	      /* programs that gain privileges, and what they start; on the machine these are no targets */
	u32 user, group;      /* that chooses them: spares */
	u32 changes;	      /* rules come and go while a command runs: session.side */
	u32 uses;	      /* enum uses: what the verifier need not look at is off */
	u32 padding;
	u64 control[SOCKET_PATH_MAX / 8]; /* path of the socket of --control; zeros: there is none */
	struct rule_set everyone; /* rules without targets */
} settings;

struct session {
	u64 cgroup; /* id of the target's cgroup */
	/*
	 * The same from the first exec in there on, until then an id that no cgroup has: what the staged child
	 * does before its exec is ours, not the command's.
	 */
	u64 armed;
	u32 level;     /* depth of the cgroup below the real root of the hierarchy */
	u32 pid_level; /* depth of our pid namespace below the first */
	/*
	 * What a bpf_loop() callback finds in its context must not be a constant to the verifier: before Linux
	 * 6.7 (commit bb124da69c47) it follows one iteration only, and removes the code that one has no use for.
	 */
	u32 zero;
	u32 spared; /* enum spared */
	u32 side;   /* settings.changes: where in `calls` the rules are that are in force */
	u32 padding;
};

enum spared {
	SPARED_NONE,
	SPARED_SOME,
	SPARED_ALL, /* there was no room to remember which: no process is faulted any more */
};

struct session session;

/* What did not go as it should, for the summary. */
struct losses {
	u64 events;           /* not read in time */
	u64 foreign_calls;    /* x32 calls; on arm64, calls of 32-bit programs */
	u64 foreign_programs; /* 32-bit programs that were started: their calls come in by other functions */
	u64 untracked;        /* processes and counters that a full map had no room for */
	u64 spared;           /* programs that gained privileges */
	u64 forgotten;        /* of those, and of what they started, what there was no room to remember */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct losses);
} losses SEC(".maps");

#define LOSE(what)                                                                                           \
	do {                                                                                                 \
		const u32 zero_ = 0;                                                                         \
		struct losses *losses_ = bpf_map_lookup_elem(&losses, &zero_);                               \
                                                                                                             \
		if (losses_)                                                                                 \
			__sync_fetch_and_add(&losses_->what, 1);                                             \
	} while (0)

static __always_inline struct task_struct *current_task(void)
{
	return (struct task_struct *)bpf_get_current_task();
}

/* The side of the targets that a call's process is looked up among. */
static __always_inline u32 current_side(void)
{
	return settings.machine ? side_in_force() : 0;
}

/* The side of the rules that a call is held against. */
static __always_inline u32 side_of_calls(void)
{
	return settings.changes ? session.side : current_side();
}

static __always_inline struct target_process *current_target(u32 side)
{
	return target_of((u32)(bpf_get_current_pid_tgid() >> 32), side);
}

/* Can rules be for the caller? For other processes, a call costs no more than this. */
static __always_inline int is_watched(void)
{
	if (settings.machine)
		return turn_now() / SIDES == settings.turn / SIDES && current_target(side_in_force());
	return bpf_get_current_ancestor_cgroup_id(session.level) == session.armed;
}

#endif
