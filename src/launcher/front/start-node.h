/* SPDX-License-Identifier: MIT */
/* Node's process: the descriptors it gets, its session, and what keeps signals from it. */
#ifndef MINDERBINDER_START_NODE_H
#define MINDERBINDER_START_NODE_H

#include "../shared/inherited.h"
#include "channels.h"

#include <sys/types.h>

/* `argv` is the command line that runs the CLI. Returns node's pid. */
pid_t start_node(const struct inherited *inherited, const struct channels *channels, char *const *argv);

#endif
