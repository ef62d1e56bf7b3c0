/* SPDX-License-Identifier: MIT */
/* The front's children: node, the supervisor, those of a dead supervisor, and those that the caller had before. */
#ifndef MINDERBINDER_CHILDREN_H
#define MINDERBINDER_CHILDREN_H

#include "run.h"

/* `helper & exec minderbinder exec ...`: children of this process that are none of our business. Before others start. */
void children_find_earlier(const struct run *run);

/* They may have handed us more of their kind. */
void children_had_orphans(const struct run *run);

/* Of a supervisor that was killed the tree is ours: ends it. Neither node nor what the caller had before. */
void children_kill_tree(const struct run *run);

#endif
