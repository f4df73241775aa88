/* SPDX-License-Identifier: BSD-3-Clause */
#include "probe_ports.h"

#include <errno.h>
#include <stdlib.h>

#include "clock.h"

#define PORT_COUNT (PROBE_PORT_LAST - PROBE_PORT_FIRST + 1)
#define GRACE_MS   2000	 /* for the exchange of FINs after close(2) */
#define REST_MS	   12000 /* from the release, grace included */

struct resting_port {
	uint64_t released_ms;
	uint16_t port;
};

/*
 * A queue of all ports that no probe holds, in the order of their release. Those at @head may
 * be taken when they have rested; those from @closing on are still open in the dataplane.
 * Positions only grow; the entry of position n is queue[n % PORT_COUNT].
 */
struct probe_ports {
	struct mr_dataplane *dp;
	struct event *close_next;
	uint64_t head, closing, tail;
	struct resting_port queue[PORT_COUNT];
};

static struct resting_port *port_at(struct probe_ports *ports, uint64_t position)
{
	return &ports->queue[position % PORT_COUNT];
}

static void schedule_close(struct probe_ports *ports)
{
	uint64_t now = clock_monotonic_ms(), due_ms;
	struct timeval wait;

	if (ports->closing == ports->tail)
		return;
	due_ms = port_at(ports, ports->closing)->released_ms + GRACE_MS;
	wait = clock_timeval(due_ms > now ? due_ms - now : 0);
	event_add(ports->close_next, &wait);
}

static void on_close_next(evutil_socket_t fd, short what, void *context)
{
	struct probe_ports *ports = context;
	uint64_t now = clock_monotonic_ms();

	(void)fd;
	(void)what;
	while (ports->closing < ports->tail) {
		const struct resting_port *next = port_at(ports, ports->closing);

		if (next->released_ms + GRACE_MS > now)
			break;
		mr_dataplane_set_probe(ports->dp, next->port, MR_BACKEND_NONE);
		ports->closing++;
	}
	schedule_close(ports);
}

struct probe_ports *probe_ports_create(struct event_base *base, struct mr_dataplane *dp)
{
	struct probe_ports *ports = calloc(1, sizeof(*ports));
	uint32_t start;

	if (!ports)
		return NULL;
	ports->dp = dp;
	ports->close_next = event_new(base, -1, 0, on_close_next, ports);
	if (!ports->close_next) {
		free(ports);
		return NULL;
	}
	/* Servers may remember sessions of the process before this one: start elsewhere. */
	evutil_secure_rng_get_bytes(&start, sizeof(start));
	for (uint32_t i = 0; i < PORT_COUNT; i++)
		ports->queue[i].port =
			(uint16_t)(PROBE_PORT_FIRST + (start % PORT_COUNT + i) % PORT_COUNT);
	ports->closing = ports->tail = PORT_COUNT;
	return ports;
}

void probe_ports_destroy(struct probe_ports *ports)
{
	if (!ports)
		return;
	for (; ports->closing < ports->tail; ports->closing++)
		mr_dataplane_set_probe(ports->dp, port_at(ports, ports->closing)->port,
				       MR_BACKEND_NONE);
	event_free(ports->close_next);
	free(ports);
}

int probe_ports_take(struct probe_ports *ports, mr_backend_id backend, uint16_t *out_port)
{
	const struct resting_port *next = port_at(ports, ports->head);

	/* A port that has never been used has nothing to rest from. */
	if (ports->head == ports->closing ||
	    (next->released_ms != 0 && next->released_ms + REST_MS > clock_monotonic_ms()))
		return -EAGAIN;
	ports->head++;
	mr_dataplane_set_probe(ports->dp, next->port, backend);
	*out_port = next->port;
	return 0;
}

void probe_ports_release(struct probe_ports *ports, uint16_t port)
{
	*port_at(ports, ports->tail) = (struct resting_port){
		.released_ms = clock_monotonic_ms(),
		.port = port,
	};
	ports->tail++;
	if (ports->closing + 1 == ports->tail)
		schedule_close(ports);
}
