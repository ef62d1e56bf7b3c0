/* SPDX-License-Identifier: MIT */
/*
 * The caller's descriptors that its command line may name as files: /dev/fd/N, /proc/self/fd/N, /dev/stdin. To node such
 * a name means one of its own descriptors, so it gets the caller's, and a list of where they are:
 * src/cli/caller-descriptors.ts. Which argument is an option's value and which is COMMAND's, node knows: it closes
 * what nothing names for it before COMMAND runs.
 */
#ifndef MINDERBINDER_DESCRIPTORS_H
#define MINDERBINDER_DESCRIPTORS_H

/* Options come before COMMAND, and few of them name a descriptor: the first ones are enough. */
#define NAMED_MAX 16

struct named_descriptors {
	int count;
	int fds[NAMED_MAX];
};

/* Is this descriptor open, and the caller's? Ours are all close-on-exec. */
int descriptor_is_callers(int fd);

/* The caller's descriptors, other than 1 and 2, that arguments name; each once, in their order. */
void descriptors_named(int argc, char *const *argv, struct named_descriptors *named);

/* What node finds in its environment. Room for descriptors 1 and 2 and for all that are named. */
struct descriptor_list {
	char text[32 + (NAMED_MAX + 2) * 24];
};

/* NAME=, without a descriptor yet. */
void descriptor_list_start(struct descriptor_list *list);

/* The caller's descriptor `callers` is node's `nodes`. */
void descriptor_list_add(struct descriptor_list *list, int callers, int nodes);

#endif
