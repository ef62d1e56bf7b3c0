/* SPDX-License-Identifier: MIT */
/*
 * The threads of this process that have the filter installed, hand its listener over, and stay: should the supervisor
 * die, they answer in its place, and no call fails with ENOSYS or waits for ever. All they do once there is a filter is
 * by raw_call().
 */
#ifndef MINDERBINDER_KEEPER_H
#define MINDERBINDER_KEEPER_H

struct join_request {
	char *launcher;
	char *path;  /* PATH=..., all of the helper's environment */
	char *reach; /* SET, or empty */
	char *seed;  /* decimal */
};

/* Returns at once: 0, and the request is theirs and some other state will be set; or an errno. */
int keeper_start(struct join_request *request);

/* In a process that was forked from this one, which has no such threads but may have the filter: by the thread that forked. */
void keeper_forget(void);

#endif
