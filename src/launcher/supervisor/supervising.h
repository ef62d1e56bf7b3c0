/* SPDX-License-Identifier: MIT */
/* What the parts of the supervisor's main thread share: its peers, and how it ends. */
#ifndef MINDERBINDER_SUPERVISING_H
#define MINDERBINDER_SUPERVISING_H

#include "supervise.h"
#include "../shared/types.h"
#include "../shared/wire.h"

#include <stddef.h>

extern const struct supervisor *self;
extern struct stream front_stream;

/* The tree, its cgroup and this process. */
_Noreturn void kill_and_exit(void);

/* If an answer cannot be sent, its reader is dead: the end of file on its socket says so next. */
void tell_node(u32 type, const void *payload, size_t length);

/* Does nothing if node started us: then there is no front. */
void tell_front(u32 type, const void *payload, size_t length);

#endif
