/* SPDX-License-Identifier: MIT */
#include "client-orders.h"
#include "clients.h"
#include "supervising.h"

#include <errno.h>
#include <string.h>

static void client_opened(u32 client, pid_t pid)
{
	const u32 payload[2] = { client, (u32)pid };

	tell_node(WIRE_CLIENT_OPENED, payload, sizeof(payload));
}

static void client_said(u32 client, const void *bytes, size_t length)
{
	if (wire_write(self->node, WIRE_CLIENT_SAID, &client, sizeof(client), bytes, length) < 0 && errno != EPIPE)
		kill_and_exit();
}

static void client_closed(u32 client)
{
	tell_node(WIRE_CLIENT_CLOSED, &client, sizeof(client));
}

void client_orders_serve(void)
{
	static const struct client_events events = { client_opened, client_said, client_closed };

	clients_serve(&events);
}

/* What follows the id of a client. */
void client_orders_send(const struct frame *frame)
{
	u32 client;

	if (frame->length < sizeof(client))
		kill_and_exit();
	memcpy(&client, frame->payload, sizeof(client));
	if (frame->type == WIRE_CLIENT_CLOSE)
		clients_close(client);
	else if (frame->type == WIRE_CLIENT_OFFER)
		clients_offer(client, frame->payload + sizeof(client), frame->length - sizeof(client));
	else
		clients_send(client, frame->payload + sizeof(client), frame->length - sizeof(client));
}
