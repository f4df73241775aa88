/* SPDX-License-Identifier: BSD-3-Clause */
/* For the files of a port only: its ethdev, from the plug to the start. Control thread. */
#ifndef MAILRAIL_DATAPLANE_PORT_ETHDEV_H
#define MAILRAIL_DATAPLANE_PORT_ETHDEV_H

#include <stdint.h>

#include <rte_mbuf.h>

#include <mailrail/error.h>

#include "port.h"

/* Of a mempool's object, beside the room for the frame. */
#define PORT_MBUF_OVERHEAD (RTE_CACHE_LINE_SIZE + sizeof(struct rte_mbuf) + RTE_PKTMBUF_HEADROOM)

/* Writes port->arguments. -ENOMEM is in @error. */
__attribute__((format(printf, 3, 4))) int port_set_arguments(struct port *port,
							     struct mr_error *error,
							     const char *format, ...);

/* How many mbufs the port needs, that none of those who hold some ever wait for others. */
uint32_t port_mbuf_count(const struct port *port, const struct port_company *company);

/*
 * Creates the ethdev, configures and starts it. Sets ethdev, mac, mbufs, joins_segments,
 * spreads and filters_tags; plugged as soon as there is something to unplug.
 */
int port_start(struct port *port, const struct port_company *company, struct mr_error *error);
/* Where the device filters tags: those of the port pass from now on. */
int port_admit_tags(const struct port *port, struct mr_error *error);
/* Undoes port_start(), except for mbufs. */
void port_unplug(struct port *port);

#endif
