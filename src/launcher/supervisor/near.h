/* SPDX-License-Identifier: MIT */
/* Paths that came near a rule's path= and did not match: what the user probably meant. A few of each rule. */
#ifndef MINDERBINDER_NEAR_H
#define MINDERBINDER_NEAR_H

#include "../shared/types.h"

#define NEAR_MAX 64u   /* of all rules */
#define NEAR_OF_RULE 3u

struct near_path {
	u32 slot; /* of the rule */
	u32 length;
	char path[RULE_PATH_MAX]; /* cut where longer; any bytes but NUL */
};

/* Is there room for one of this rule? Cheap; by any thread, as the next. */
int near_wanted(u32 slot);

/* The same name in another folder, or written another way. */
int is_near(const char *glob, const char *path);

/* Keeps `path` if it is near `glob`, and new. */
void near_consider(u32 slot, const char *glob, const char *path);

/* Copies what there is into all[NEAR_MAX]: how many. */
u32 near_all(struct near_path *all);

struct faults;

/* The same of rules that `are_there` does not know any more; they are forgotten. */
u32 near_forget(struct near_path *all, int (*are_there)(const struct faults *faults, u32 slot), const struct faults *faults);

#endif
