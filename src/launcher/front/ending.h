/* SPDX-License-Identifier: MIT */
/* The front's last act: it ends as the run did, so that its caller sees of it what it would see of COMMAND. */
#ifndef MINDERBINDER_ENDING_H
#define MINDERBINDER_ENDING_H

#include "run.h"

/* When node and the supervisor have ended. */
_Noreturn void end(const struct run *run);

#endif
