/* SPDX-License-Identifier: MIT */
/* Bytes of the clients of --control, on to node; and node's answers, on to them. */
#ifndef MINDERBINDER_CLIENT_ORDERS_H
#define MINDERBINDER_CLIENT_ORDERS_H

#include "../shared/wire.h"

/* All that is new of the clients goes to node. */
void client_orders_serve(void);

/* WIRE_CLIENT_SEND, WIRE_CLIENT_OFFER and WIRE_CLIENT_CLOSE */
void client_orders_send(const struct frame *frame);

#endif
