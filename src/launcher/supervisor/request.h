/* SPDX-License-Identifier: MIT */
/* What node asks of the supervisor, out of frames (wire.h). */
#ifndef MINDERBINDER_REQUEST_H
#define MINDERBINDER_REQUEST_H

#include "faults.h"
#include "../stage/stage.h"
#include "supervise.h"
#include "../shared/wire.h"

/* WIRE_STAGE. `cgroup` was announced before, or is NULL, and is replaced. 0, or -1: the frame breaks the protocol. */
int request_read_stage(struct frame *frame, const struct supervisor *supervisor, struct stage_request *request,
		       struct faults *faults, char **cgroup);

/* WIRE_CHANGE: points into the frame, but for the callers, which are to be resolved. 0, or -1. */
int request_read_change(struct frame *frame, struct rule_change *change, const struct rule_caller **callers);

#endif
