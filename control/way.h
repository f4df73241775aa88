/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The way to a backend: which port to send on and to which station, from the static neighbours
 * of test and bench ports or from the kernel. Control thread.
 */
#ifndef MAILRAIL_CONTROL_WAY_H
#define MAILRAIL_CONTROL_WAY_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>

#include "config.h"
#include "next_hop.h"

struct way {
	bool known; /* @port and @mac are set */
	uint8_t port;
	struct rte_ether_addr mac;
	bool has_source; /* the kernel knows a route; @ifindex and @source are set */
	int ifindex;
	struct mr_addr source; /* where the kernel would send from */
};

/* The kernel interface behind each port, by its index in the configuration; 0: none. */
struct way_ports {
	int ifindexes[MR_PORTS_MAX];
};

/* Whether a port's static neighbours know @address, so that the kernel is not asked. */
bool way_is_static(const struct config *config, const struct mr_addr *address);

void way_find(const struct config *config, const struct way_ports *ports,
	      const struct next_hops *hops, const struct mr_addr *address, struct way *out);

#endif
