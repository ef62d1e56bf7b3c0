/* SPDX-License-Identifier: MIT */
/*
 * What a process that installs its own filter (src/own-filter), and the supervisor that is to answer its calls, say to each
 * other: one message each, over a SOCK_SEQPACKET pair that the process has made. Node, which starts the supervisor, may
 * write JOIN_REFUSED in its place (src/launch/joining.ts).
 */
#ifndef MINDERBINDER_JOINING_H
#define MINDERBINDER_JOINING_H

#include "types.h"

#include <linux/filter.h>
#include <sys/un.h>

enum joining_type {
	JOIN_OFFER = 1,    /* supervisor: struct join_offer */
	JOIN_LISTENER = 2, /* process: with the listener's descriptor (SCM_RIGHTS) */
	JOIN_READY = 3,    /* supervisor: it answers, and clients may connect */
	JOIN_REFUSED = 4,  /* node: text, the error as JSON */
	JOIN_ALONE = 5,    /* supervisor: node has died, and calls go on without faults; or its keeper: the supervisor has */
	JOIN_KEEP = 6,     /* process, at first: struct join_keep */
	JOIN_CODE = 7,     /* supervisor, to that: struct join_code, after the offer */
};

/*
 * The process has no thread that could answer its calls if the supervisor dies, and cannot make the filter itself. So the
 * supervisor starts a process that could (supervisor/keeper.h), and sends the filter.
 */
struct join_keep {
	u32 type;
	u32 unused;
	u64 passing; /* where its unfiltered calls come from: filter_code() */
};

#define JOIN_CODE_MAX 4096u /* BPF_MAXINSNS */

/* As long as `length` says. */
struct join_code {
	u32 type;
	u32 length; /* in instructions */
	struct sock_filter code[JOIN_CODE_MAX];
};

struct join_offer {
	u32 type;
	s32 supervisor;                /* its pid */
	u64 named[SYSCALLS_MAX / 64];  /* what the filter has to name: bit N of the whole, call N */
	char control[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* path of the control socket, with its NUL */
};

#define JOIN_TEXT_MAX 4096u

#endif
