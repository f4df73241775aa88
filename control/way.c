/* SPDX-License-Identifier: BSD-3-Clause */
#include "way.h"

static const struct config_neighbour *find_static(const struct config *config,
						  const struct mr_addr *address, uint32_t *out_port)
{
	for (uint32_t port = 0; port < config->port_count; port++) {
		const struct config_port *candidate = &config->ports[port];

		for (uint32_t i = 0; i < candidate->neighbour_count; i++) {
			if (!mr_addr_equal(&candidate->neighbours[i].address, address))
				continue;
			*out_port = port;
			return &candidate->neighbours[i];
		}
	}
	return NULL;
}

bool way_is_static(const struct config *config, const struct mr_addr *address)
{
	uint32_t port;

	return find_static(config, address, &port) != NULL;
}

static bool find_port(const struct config *config, const struct way_ports *ports, int ifindex,
		      uint8_t *out_port)
{
	for (uint32_t port = 0; port < config->port_count; port++) {
		if (ports->ifindexes[port] == ifindex) {
			*out_port = (uint8_t)port;
			return true;
		}
	}
	return false;
}

void way_find(const struct config *config, const struct way_ports *ports,
	      const struct next_hops *hops, const struct mr_addr *address, struct way *out)
{
	struct next_hop hop;
	uint32_t port;
	const struct config_neighbour *neighbour = find_static(config, address, &port);

	*out = (struct way){0};
	if (neighbour != NULL) {
		out->known = true;
		out->port = (uint8_t)port;
		out->mac = neighbour->mac;
		return;
	}
	if (next_hops_get(hops, address, &hop) < 0 || !hop.reachable)
		return;
	out->has_source = true;
	out->ifindex = hop.ifindex;
	out->source = hop.source;
	/* l2dsr reaches only what is on the link itself. */
	out->known =
		hop.on_link && hop.resolved && find_port(config, ports, hop.ifindex, &out->port);
	if (out->known)
		out->mac = hop.mac;
}
