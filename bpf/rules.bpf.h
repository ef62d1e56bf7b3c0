/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The rules of a plan and their counters, both by rule index, and the step over those that an event is held against. */
#ifndef MINDERBINDER_RULES_BPF_H
#define MINDERBINDER_RULES_BPF_H

#include "rule.h"
#include "rule-set.h"

/* Sized when loaded: the whole plan, by rule index; on the machine more, for the plans that follow, too. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct rule);
} rules SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct rule_counts);
} counts SEC(".maps");

/* WALK_FOUND: the rule walk->index, and its counters. A bpf_loop() callback ends the loop at WALK_OVER. */
static __always_inline enum walked next_rule(struct rule_walk *walk, const struct rule_set *a,
					     const struct rule_set *b, struct rule **rule,
					     struct rule_counts **count)
{
	enum walked walked = rule_walk_step(walk, a, b);
	u32 index;

	if (walked != WALK_FOUND)
		return walked;
	index = walk->index;
	*rule = bpf_map_lookup_elem(&rules, &index);
	*count = bpf_map_lookup_elem(&counts, &index);
	return *rule && *count ? WALK_FOUND : WALK_OVER;
}

#endif
