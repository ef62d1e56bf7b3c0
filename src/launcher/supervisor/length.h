/* SPDX-License-Identifier: MIT */
/* How many bytes a call asks to move, and what has to change so that it asks for fewer. Nothing here changes a target. */
#ifndef MINDERBINDER_LENGTH_H
#define MINDERBINDER_LENGTH_H

#include "../shared/types.h"

#include <linux/seccomp.h>

/*
 * 0: the kernel never moves a part of it, or that is unknown. This holds for a datagram, which is sent whole, and of which a
 * shorter read would lose the rest, and for an eventfd(2) and its like, which fail with EINVAL.
 */
u64 length_asked(const struct call_shape *shape, const struct seccomp_notif *call);

/* A word of the target's memory. */
struct word {
	u64 address;
	u64 before, after;
};

/* What makes a call shorter. */
struct cut {
	u32 argument; /* the one that becomes `value`; 0: none */
	u32 count;    /* of `words` */
	u64 value;
	struct word words[2]; /* the length of the last part, and how many parts there are */
};

/* It asks for `bytes` then, less than length_asked(). 0, or -1: it asks for something else by now. */
int length_cut(const struct call_shape *shape, const struct seccomp_notif *call, u64 bytes, struct cut *cut);

#endif
