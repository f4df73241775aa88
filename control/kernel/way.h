/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The way to a backend: which port to send on and to which station, from the static neighbours
 * of test and bench ports or from the kernel. Control thread.
 */
#ifndef MAILRAIL_CONTROL_WAY_H
#define MAILRAIL_CONTROL_WAY_H

#include <stdbool.h>
#include <stdint.h>

#include <mailrail/snapshot.h>

#include "config.h"
#include "next_hop.h"
#include "path_mtu.h"
#include "pool.h"

struct way {
	bool known; /* @to is set */
	struct mr_way to;
	bool has_source; /* the kernel knows a route; @ifindex and @source are set */
	int ifindex;
	struct mr_addr source; /* of what mailrail itself sends there */
};

/* What there is to know of a port. */
struct way_port {
	int ifindex; /* kernel interface whose routes and neighbours are the port's; 0: none */
	uint16_t mtu_bytes;
	uint16_t tags[2]; /* VLAN ids, outermost first, host byte order */
	uint8_t tag_count;
	struct rte_ether_addr mac;
};

/* By their index in the configuration. */
struct way_ports {
	struct way_port list[MR_PORTS_MAX];
};

/* A static neighbour of a port, by its index in the configuration. */
struct way_static {
	struct mr_addr address;
	uint32_t port;
	struct rte_ether_addr mac;
};

/* Those of all ports, to be found among thousands. */
struct way_neighbours {
	struct way_static *list; /* sorted by address */
	uint32_t count;
};

/* -ENOMEM. way_neighbours_fini() frees what @out holds. */
int way_neighbours_init(const struct config *config, struct way_neighbours *out);
void way_neighbours_fini(struct way_neighbours *neighbours);

/* What ways are found from. */
struct way_facts {
	const struct way_ports *ports;
	const struct way_neighbours *neighbours;
	struct next_hops *hops;
	const struct path_mtus *mtus;
	const struct mr_addr *service_addresses; /* of all services, sorted */
	uint32_t service_address_count;
};

bool way_is_service_address(const struct way_facts *facts, const struct mr_addr *address);

/* Whether a port's static neighbours know @address, so that the kernel is not asked. */
bool way_is_static(const struct way_neighbours *neighbours, const struct mr_addr *address);

/*
 * To a backend of @pool at @address. l2dsr reaches only what is on the link itself. The source is
 * where the kernel would send from, unless that is a service's address and the interface has
 * another one: a server drops what seems to come from an address that it has as well.
 */
void way_find(const struct config *config, const struct way_facts *facts, const struct pool *pool,
	      const struct mr_addr *address, struct way *out);

#endif
