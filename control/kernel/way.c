/* SPDX-License-Identifier: BSD-3-Clause */
#include "way.h"

#include <errno.h>
#include <stdlib.h>

#include "netlink.h"

static int by_address(const void *left, const void *right)
{
	const struct way_static *a = left, *b = right;

	return mr_addr_compare(&a->address, &b->address);
}

/* What several ports know is the first one's. */
static int by_address_and_port(const void *left, const void *right)
{
	const struct way_static *a = left, *b = right;
	const int order = by_address(a, b);

	return order != 0 ? order : (a->port > b->port) - (a->port < b->port);
}

static void drop_repeated(struct way_neighbours *neighbours)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < neighbours->count; i++) {
		if (kept == 0 || by_address(&neighbours->list[kept - 1], &neighbours->list[i]) != 0)
			neighbours->list[kept++] = neighbours->list[i];
	}
	neighbours->count = kept;
}

int way_neighbours_init(const struct config *config, struct way_neighbours *out)
{
	struct way_neighbours neighbours = {0};
	size_t most = 1;

	for (uint32_t i = 0; i < config->port_count; i++)
		most += config->ports[i].neighbour_count;
	neighbours.list = calloc(most, sizeof(*neighbours.list));
	if (neighbours.list == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < config->port_count; i++) {
		const struct config_port *port = &config->ports[i];

		for (uint32_t n = 0; n < port->neighbour_count; n++)
			neighbours.list[neighbours.count++] = (struct way_static){
				.address = port->neighbours[n].address,
				.port = i,
				.mac = port->neighbours[n].mac,
			};
	}
	qsort(neighbours.list, neighbours.count, sizeof(*neighbours.list), by_address_and_port);
	drop_repeated(&neighbours);
	*out = neighbours;
	return 0;
}

void way_neighbours_fini(struct way_neighbours *neighbours)
{
	free(neighbours->list);
}

static const struct way_static *find_static(const struct way_neighbours *neighbours,
					    const struct mr_addr *address)
{
	const struct way_static key = {.address = *address};

	if (neighbours->count == 0)
		return NULL;
	return bsearch(&key, neighbours->list, neighbours->count, sizeof(key), by_address);
}

bool way_is_static(const struct way_neighbours *neighbours, const struct mr_addr *address)
{
	return find_static(neighbours, address) != NULL;
}

bool way_is_service_address(const struct way_facts *facts, const struct mr_addr *address)
{
	return facts->service_address_count > 0 &&
	       bsearch(address, facts->service_addresses, facts->service_address_count,
		       sizeof(*address), mr_addr_order) != NULL;
}

static struct mr_addr choose_source(const struct way_facts *facts, const struct next_hop *hop)
{
	struct mr_addr other;

	if (!way_is_service_address(facts, &hop->source) ||
	    next_hops_interface_address(facts->hops, hop->ifindex, netlink_family(&hop->source),
					facts->service_addresses, facts->service_address_count,
					&other) < 0)
		return hop->source;
	return other;
}

static bool find_port(const struct config *config, const struct way_ports *ports, int ifindex,
		      uint32_t *out_port)
{
	for (uint32_t port = 0; port < config->port_count; port++) {
		if (ports->list[port].ifindex == ifindex) {
			*out_port = port;
			return true;
		}
	}
	return false;
}

static uint16_t narrower(uint16_t port_bytes, uint32_t path_bytes)
{
	return path_bytes < port_bytes ? (uint16_t)path_bytes : port_bytes;
}

/* By @port to the station @mac, over links that take @path_bytes. */
static void set_way(const struct way_ports *ports, uint32_t port, const struct rte_ether_addr *mac,
		    uint32_t path_bytes, struct way *way)
{
	const struct way_port *from = &ports->list[port];

	way->known = true;
	way->to = (struct mr_way){
		.port = (uint8_t)port,
		.source_mac = from->mac,
		.next_hop = *mac,
		.tag_count = from->tag_count,
		.tags = {from->tags[0], from->tags[1]},
		.mtu_bytes = narrower(from->mtu_bytes, path_bytes),
	};
}

static void set_tunnel(const struct config_tunnel *tunnel, struct way *way)
{
	way->to.gue_port = tunnel->port;
	way->to.outer_source = way->source;
	if (!tunnel->source_given)
		return;
	way->to.outer_source = tunnel->source.addr;
	way->to.source_bits = (uint8_t)(128 - tunnel->source.length);
}

/* What routers between here and a tunnel's end have reported. */
static void narrow_tunnel(const struct path_mtus *mtus, const struct mr_addr *address,
			  struct way *way)
{
	const uint32_t reported_bytes = path_mtu_get(mtus, address);

	if (reported_bytes > 0)
		way->to.mtu_bytes = narrower(way->to.mtu_bytes, reported_bytes);
}

void way_find(const struct config *config, const struct way_facts *facts, const struct pool *pool,
	      const struct mr_addr *address, struct way *out)
{
	const bool needs_link = pool->forwarding == MR_FORWARDING_L2DSR;
	struct next_hop hop;
	uint32_t port;
	const struct way_static *neighbour = find_static(facts->neighbours, address);

	*out = (struct way){0};
	if (neighbour != NULL) {
		set_way(facts->ports, neighbour->port, &neighbour->mac, UINT16_MAX, out);
	} else if (next_hops_get(facts->hops, address, &hop) == 0 && hop.reachable) {
		out->has_source = true;
		out->ifindex = hop.ifindex;
		out->source = choose_source(facts, &hop);
		if (hop.resolved && (hop.on_link || !needs_link) &&
		    find_port(config, facts->ports, hop.ifindex, &port))
			set_way(facts->ports, port, &hop.mac, hop.mtu_bytes, out);
	}
	if (!pool_has_tunnel(pool))
		return;
	set_tunnel(&pool->tunnel, out);
	narrow_tunnel(facts->mtus, address, out);
}
