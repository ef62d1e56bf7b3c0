/* SPDX-License-Identifier: MIT */
#ifndef MINDERBINDER_HELPER_H
#define MINDERBINDER_HELPER_H

#include "keeper.h"

/*
 * Starts `minderbinder join`, which starts the supervisor: 0, or an errno. `socket` is its descriptor 3, and it has no other
 * of ours; it is not a child of this process, and has its own session. All signals are blocked in the thread that calls.
 */
int helper_start(const struct join_request *request, int socket);

#endif
