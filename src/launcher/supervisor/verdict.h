/* SPDX-License-Identifier: MIT */
/* What to do about a call, in the order in which it is done. */
#ifndef MINDERBINDER_VERDICT_H
#define MINDERBINDER_VERDICT_H

#include "../shared/types.h"

struct verdict {
	u32 outcome;  /* enum outcome, 0: let it run, and do nothing else */
	s64 enter_ns; /* pause before it */
	u32 signal;   /* for its thread; 0: none */
	u32 error;    /* OUTCOME_ERRNO */
	s64 value;    /* OUTCOME_RETURN: what it returns; OUTCOME_SHORT: bytes */
	s64 exit_ns;  /* pause before it returns */
};

/* Without its being run. */
static inline int is_answered(const struct verdict *verdict)
{
	return verdict->outcome == OUTCOME_ERRNO || verdict->outcome == OUTCOME_RETURN;
}

/* What it returns then. */
static inline s64 answer_of(const struct verdict *verdict)
{
	return verdict->outcome == OUTCOME_ERRNO ? -(s64)verdict->error : verdict->value;
}

#endif
