/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TCP source ports of health probes. The dataplane tells by the source port which backend a
 * probe's frames are for, so that a port belongs to one probe at a time, stays open for the
 * last FIN, and then rests, lest late packets or TIME_WAIT meet its next probe. Event loop.
 */
#ifndef MAILRAIL_CONTROL_PROBE_PORTS_H
#define MAILRAIL_CONTROL_PROBE_PORTS_H

#include <stdint.h>

#include <event2/event.h>

#include <mailrail/dataplane.h>

#define PROBE_PORT_FIRST 20000
#define PROBE_PORT_LAST	 59999

struct probe_ports;

/* NULL: no memory. */
struct probe_ports *probe_ports_create(struct event_base *base, struct mr_dataplane *dp);
/* Closes every port. */
void probe_ports_destroy(struct probe_ports *ports);

/* Opens the port that has rested longest, for @backend. -EAGAIN: none has rested enough. */
int probe_ports_take(struct probe_ports *ports, mr_backend_id backend, uint16_t *out_port);

/* Gives a port back once its socket is closed. */
void probe_ports_release(struct probe_ports *ports, uint16_t port);

#endif
