/* SPDX-License-Identifier: BSD-3-Clause */
/* For the files of a port only: those on kernel interfaces, AF_XDP and AF_PACKET. Control thread.
 */
#ifndef MAILRAIL_DATAPLANE_PORT_KERNEL_H
#define MAILRAIL_DATAPLANE_PORT_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

#include <mailrail/error.h>

#include "port.h"

static inline bool port_is_kernel(const struct port *port)
{
	return port->kind == MR_DEVICE_AF_XDP || port->kind == MR_DEVICE_AF_PACKET;
}

/* The parts of port_claim() and port_open() that only such a port has. */
int port_claim_kernel(struct port *port, const struct mr_port_config *config, uint32_t worker_count,
		      struct mr_error *error);
int port_open_kernel(struct port *port, const struct port_company *company,
		     const struct steering_tags *tags, struct mr_error *error);

#endif
