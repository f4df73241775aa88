/* SPDX-License-Identifier: BSD-3-Clause */
/* What drivers tell about a port beside the counters that all of them have. Control thread. */
#ifndef MAILRAIL_DATAPLANE_PORT_DETAILS_H
#define MAILRAIL_DATAPLANE_PORT_DETAILS_H

#include "port.h"

void port_read_details(const struct port *port, struct mr_port_details *out);

/* As mr_dataplane_port_xstats(). */
int port_read_xstats(const struct port *port, struct mr_port_xstat **out, uint32_t *out_count);

#endif
