/* SPDX-License-Identifier: MIT */
/* Events of injections: written outside `deciding`, in the order in which they were decided. */
#ifndef MINDERBINDER_REPORTS_H
#define MINDERBINDER_REPORTS_H

#include "../shared/types.h"
#include "paths.h"
#include "peers.h"

#include <linux/seccomp.h>

/* An injection that is to be reported. */
struct injection {
	u32 rule;
	u64 n;
	u64 time_ns;
	u64 turn;
};

/* It happened now, and takes its turn: report() has to follow. Under `deciding`. */
void report_later(struct injection *injection);

/*
 * Writes it to `events` when its turn comes. `paths`: those of the call, read; `peer`, too, or NULL. Without a reader that
 * keeps up it is lost, and counted.
 */
void report(int events, const struct injection *injection, const struct seccomp_notif *call,
	    const struct call_shape *shape, const struct paths *paths, const struct peer *peer);

/* How many have taken their turn. Under `deciding`. */
u64 reports_given(void);

/* Until so many are written. */
void reports_wait(u64 given);

u64 reports_lost(void);

#endif
