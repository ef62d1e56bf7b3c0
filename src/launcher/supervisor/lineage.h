/* SPDX-License-Identifier: MIT */
/*
 * What the processes of the tree are targets of: what names them, as they were at their last exec, and what they have
 * from those that started them.
 *
 * Only named calls are seen, and a fork is none; who started a process may be gone when it makes its first call.
 * But every exec is seen, and a child that has not exec'd since its fork runs the same image as who forked it
 * (image.h). So what is handed down is kept by image: the exact answer whoever dies in between.
 */
#ifndef MINDERBINDER_LINEAGE_H
#define MINDERBINDER_LINEAGE_H

#include "targets.h"

struct process;

/* Where no rule has targets nothing else of this is called; then by one thread at a time. 0, or -1 with errno. */
int lineage_init(const struct targets *targets, const struct rule *rules, u32 rule_count);

/* A new process that has not exec'd, or not for all that is known: fills kept and own. */
void lineage_forked(struct process *process);

/* Its exec succeeded: what it is a target of now, into own. */
void lineage_execed(const struct process *process, u64 *own);

/* After that, with own and the new image in `process`: so that those that it forks are known. */
void lineage_keep(const struct process *process);

static inline int rules_have(const u64 *rules, u32 rule)
{
	return (int)(rules[rule / 64] >> (rule % 64) & 1);
}

#endif
