/* SPDX-License-Identifier: MIT */
/*
 * What front, supervisor and node talk over. Each of them closes the ends of the others, so that it sees the death of the
 * one that it talks to: node does that with all descriptors that it does not need (start-node.c).
 */
#ifndef MINDERBINDER_CHANNELS_H
#define MINDERBINDER_CHANNELS_H

enum relation { FRONT_NODE, FRONT_SUPERVISOR, NODE_SUPERVISOR, RELATIONS };

struct channels {
	int sockets[RELATIONS][2]; /* [0] is the end of the one that is named first */
	int events[2];             /* injections, from the supervisor to node */
	int messages[2];           /* node's stderr, which the front relays */
	int *execed;               /* the front and the supervisor share it: COMMAND runs */
};

void channels_make(struct channels *channels);
void channels_keep_fronts(const struct channels *channels);
void channels_keep_supervisors(const struct channels *channels);

#endif
