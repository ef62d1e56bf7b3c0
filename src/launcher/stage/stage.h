/* SPDX-License-Identifier: MIT */
#ifndef MINDERBINDER_STAGE_H
#define MINDERBINDER_STAGE_H

#include "../shared/filter.h"
#include "../shared/inherited.h"

#include <sys/types.h>

struct stage_request {
	const struct inherited *inherited;
	char **argv;        /* COMMAND and its arguments, NULL-terminated */
	const char *cgroup; /* directory to start in, or NULL */
	int has_user;
	u32 uid;
	u32 gid;
	const u32 *groups;
	u32 group_count;
	const struct call_set *named; /* NULL: no seccomp filter */
	u32 action;                   /* SECCOMP_RET_*: what the filter does with them */
	int traces;                   /* they are to come by ptrace */
	int joins;                    /* no child is staged: joined.h */
	char *control; /* path of the socket of --control, for the child's environment; NULL: none */
	char *outer;   /* path of that of the session around this one: the child connects to it; NULL: it does not */
	int spares;    /* that would fault set-user-ID programs, so none gains rights */
};

struct staged {
	pid_t pid;
	int go;       /* write a byte: exec */
	int result;   /* close-on-exec pipe: end of file when exec succeeded, else a u32 errno */
	int listener; /* seccomp listener, or -1 */
	int outer;    /* the child's connection to request->outer, or -1 */
	u32 failed_step; /* enum stage_step, where stage_child() returned -1 */
};

/*
 * Forks the child with the state that the launcher inherited, in its cgroup, under its filter, waiting for
 * "go". 0, or -1 with errno and staged->failed_step; then no child is left.
 */
int stage_child(const struct stage_request *request, struct staged *staged);

#endif
