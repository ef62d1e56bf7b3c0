/* SPDX-License-Identifier: MIT */
/*
 * What the processes of the tree are targets of: the rules that name them, as they were at their last exec, and those that
 * they inherit from the processes that started them.
 *
 * We see named calls only, so no forks, and a process's parent may be gone when the process makes its first call. But we
 * see every exec, and a child that has not exec'd since its fork runs the same image as its parent (image.h). So we keep by
 * image what is handed down: that is exact, whichever process dies in between.
 */
#ifndef MINDERBINDER_LINEAGE_H
#define MINDERBINDER_LINEAGE_H

#include "process.h"
#include "targets.h"

/* What it asks, of the processes that are met already, while one more is. */
struct relatives {
	struct process *(*parent)(pid_t pid); /* the process pid if it has been met and lives, settled; else NULL */
	void (*introduce)(pid_t pid);         /* meets it */
	void (*for_each_living)(void (*visit)(const struct process *process));
};

/* Nothing else here is called unless a rule has targets; then by one thread at a time. 0, or -1 with errno. */
int lineage_init(const struct targets *targets, const struct rule *rules, u32 rows,
		 const struct relatives *relatives);

/* A new process that is not known to have exec'd since its fork: fills kept and own. */
void lineage_forked(struct process *process);

/* Its exec succeeded: what it is a target of now, into own. */
void lineage_execed(const struct process *process, u64 *own);

/* After that, with own and the new image in `process`: so that those that it forks are known. */
void lineage_keep(const struct process *process);

#endif
