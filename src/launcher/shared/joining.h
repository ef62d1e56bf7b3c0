/* SPDX-License-Identifier: MIT */
/*
 * What a process that installs its own filter (src/own-filter), and the supervisor that is to answer its calls, say to each
 * other: one message each, over a SOCK_SEQPACKET pair that the process has made. Node, which starts the supervisor, may
 * write JOIN_REFUSED in its place (src/launch/joining.ts).
 */
#ifndef MINDERBINDER_JOINING_H
#define MINDERBINDER_JOINING_H

#include "types.h"

#include <sys/un.h>

enum joining_type {
	JOIN_OFFER = 1,    /* supervisor: struct join_offer */
	JOIN_LISTENER = 2, /* process: with the listener's descriptor (SCM_RIGHTS) */
	JOIN_READY = 3,    /* supervisor: it answers, and clients may connect */
	JOIN_REFUSED = 4,  /* node: text, the error as JSON */
	JOIN_ALONE = 5,    /* supervisor: node has died, and calls go on without faults */
};

struct join_offer {
	u32 type;
	s32 supervisor;                /* its pid */
	u64 named[SYSCALLS_MAX / 64];  /* what the filter has to name: bit N of the whole, call N */
	char control[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* path of the control socket, with its NUL */
};

#define JOIN_TEXT_MAX 4096u

#endif
