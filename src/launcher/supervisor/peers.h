/* SPDX-License-Identifier: MIT */
/* The other side of a call's socket, read once: what is compared is what is reported. */
#ifndef MINDERBINDER_PEERS_H
#define MINDERBINDER_PEERS_H

#include "../shared/types.h"

#include <linux/seccomp.h>

/* What rules compare of it. */
enum peer_part { PEER_ADDRESS = 1, PEER_PROTOCOL = 2 };

struct peer {
	int unread;   /* something of it could not be read */
	u8 family;    /* 4 or 6; 0: it has no address of these */
	u8 protocol;  /* IPPROTO_*; 0: none that a rule names */
	u16 port;     /* host byte order */
	u8 address[16]; /* network byte order; IPv4 in the first four bytes */
	u32 length;   /* of `raw`; 0: there is none */
	char raw[SOCKADDR_MAX]; /* the socket address */
};

/* Of a rule: enum peer_part, as bits. */
u32 peer_parts(const struct rule *rule);

/* `parts`: what of it is wanted. */
void peer_read(struct peer *peer, const struct call_shape *shape, const struct seccomp_notif *call, u32 parts);

/* Do port=, to= and proto= agree with it? */
int peer_matches(const struct peer *peer, const struct rule *rule);

#endif
