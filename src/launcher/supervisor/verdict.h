/* SPDX-License-Identifier: MIT */
/* What to do about a call. */
#ifndef MINDERBINDER_VERDICT_H
#define MINDERBINDER_VERDICT_H

#include "../shared/types.h"

struct verdict {
	u32 outcome; /* enum outcome, 0: let it run */
	u32 error;   /* that it fails with, also after a delay; 0: none */
	s64 value;   /* OUTCOME_DELAY: nanoseconds; OUTCOME_SHORT: bytes; else as in struct rule */
};

#endif
