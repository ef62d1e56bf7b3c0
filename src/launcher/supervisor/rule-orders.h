/* SPDX-License-Identifier: MIT */
/* What node asks of the rules while the command runs: what they have done, and others in their place. */
#ifndef MINDERBINDER_RULE_ORDERS_H
#define MINDERBINDER_RULE_ORDERS_H

#include "faults.h"
#include "../shared/wire.h"

/* Before the others, when `all` says how many rules there may be. 0, or -1 with errno. */
int rule_orders_init(struct faults *all);

/* WIRE_COUNT, WIRE_CHANGE, WIRE_CHANGE_COMMIT and WIRE_CHANGE_ABANDON: each answers as wire.h says. */
void rule_orders_count(void);
void rule_orders_change(struct frame *frame);
void rule_orders_commit(void);
void rule_orders_abandon(void);

#endif
