/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What bpf/process.bpf.c and match.bpf.h are told by src/targets/target-table.ts, and tell it. */
#ifndef MINDERBINDER_PROCESS_BPF_H
#define MINDERBINDER_PROCESS_BPF_H

#include "rule.h"
#include "rule-set.h"
#include "target.bpf.h"

volatile const struct {
	u32 own;    /* our own thread group id, in the first pid namespace: never a target; 0: none is spared */
	u32 tree;   /* only processes below session.cgroup, and side 0 only */
	u32 spares; /* programs that gain privileges are no targets, and pass nothing on */
	u32 globs;  /* how many a side has room for */
} settings;

struct session {
	u64 cgroup; /* id of the command's cgroup */
	u32 level;  /* depth of it below the real root of the hierarchy */
	u32 padding;
};

struct session session;

/* A set of rules. */
struct side {
	u32 active;  /* processes are followed for it */
	u32 globs;   /* how many there are */
	u32 uids;    /* some target is a TARGET_UID */
	u32 cgroups; /* some target is a TARGET_CGROUP */
	u64 untracked; /* processes that a full map had no room for */
	u64 spared;    /* programs that gained privileges, and would have been targets */
	struct rule_set inherited; /* rules that a target's children are under, too */
	struct rule_set everyone;  /* rules without targets */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SIDES);
	__type(key, u32);
	__type(value, struct side);
} sides SEC(".maps");

#endif
