/* SPDX-License-Identifier: BSD-3-Clause */
#include "ways.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "port_watch.h"

struct ways {
	struct port_watch *ports;
	struct way_neighbours neighbours; /* ports do not change while mailraild runs */
	struct next_hops *hops;
	struct path_mtus *mtus;
	struct mr_addr *service_addresses; /* sorted */
	uint32_t service_address_count;
};

int ways_create(struct event_base *base, const struct mr_dataplane *dp, const struct config *config,
		ways_changed_fn *changed, void *context, struct ways **out, struct mr_error *error)
{
	struct ways *ways = calloc(1, sizeof(*ways));
	int rc;

	if (ways == NULL)
		return mr_error_set(error, -ENOMEM, "out of memory");
	rc = way_neighbours_init(config, &ways->neighbours);
	if (rc < 0)
		mr_error_set(error, rc, "out of memory");
	else
		rc = port_watch_create(base, dp, config, changed, context, &ways->ports, error);
	if (rc == 0)
		rc = next_hops_create(base, changed, context, &ways->hops, error);
	if (rc == 0)
		rc = path_mtus_create(base, PATH_MTU_TIMEOUT_S, changed, context, &ways->mtus,
				      error);
	if (rc < 0) {
		ways_destroy(ways);
		return rc;
	}
	*out = ways;
	return 0;
}

void ways_destroy(struct ways *ways)
{
	if (ways == NULL)
		return;
	path_mtus_destroy(ways->mtus);
	next_hops_destroy(ways->hops);
	port_watch_destroy(ways->ports);
	way_neighbours_fini(&ways->neighbours);
	free(ways->service_addresses);
	free(ways);
}

static int watch_next_hops(struct ways *ways, const struct fleet *fleet, uint32_t members,
			   struct mr_error *error)
{
	struct mr_addr *addresses = calloc(members + 1, sizeof(*addresses));
	uint32_t count = 0;
	int rc;

	if (addresses == NULL)
		return mr_error_set(error, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < fleet->pool_count; i++) {
		const struct pool *pool = &fleet->pools[i];

		for (uint32_t m = 0; m < pool->member_count; m++) {
			const struct mr_addr *address = &pool->members[m].backend->address;

			if (!way_is_static(&ways->neighbours, address))
				addresses[count++] = *address;
		}
	}
	rc = next_hops_watch(ways->hops, addresses, count, error);
	free(addresses);
	return rc;
}

static int watch_tunnels(struct ways *ways, const struct fleet *fleet, uint32_t members,
			 struct mr_error *error)
{
	struct path_mtu_tunnel *tunnels = calloc(members + 1, sizeof(*tunnels));
	uint32_t count = 0;
	int rc = tunnels == NULL ? -ENOMEM : 0;

	for (uint32_t i = 0; rc == 0 && i < fleet->pool_count; i++) {
		const struct pool *pool = &fleet->pools[i];
		const bool is_gue = pool->forwarding == MR_FORWARDING_GUE;

		for (uint32_t m = 0; pool_has_tunnel(pool) && m < pool->member_count; m++)
			tunnels[count++] = (struct path_mtu_tunnel){
				.destination = pool->members[m].backend->address,
				.gue_port = is_gue ? pool->tunnel.port : 0,
			};
	}
	if (rc == 0)
		rc = path_mtus_watch(ways->mtus, tunnels, count);
	free(tunnels);
	return rc < 0 ? mr_error_set(error, rc, "out of memory") : 0;
}

static int take_service_addresses(struct ways *ways, const struct config *config,
				  struct mr_error *error)
{
	struct mr_addr *addresses;
	uint32_t count = 0;

	for (uint32_t i = 0; i < config->service_count; i++)
		count += config->services[i].address_count;
	addresses = calloc(count + 1, sizeof(*addresses));
	if (addresses == NULL)
		return mr_error_set(error, -ENOMEM, "out of memory");
	count = 0;
	for (uint32_t i = 0; i < config->service_count; i++) {
		const struct config_service *service = &config->services[i];

		memcpy(&addresses[count], service->addresses,
		       service->address_count * sizeof(*addresses));
		count += service->address_count;
	}
	qsort(addresses, count, sizeof(*addresses), mr_addr_order);
	free(ways->service_addresses);
	ways->service_addresses = addresses;
	ways->service_address_count = count;
	return 0;
}

int ways_watch(struct ways *ways, const struct fleet *fleet, struct mr_error *error)
{
	uint32_t members = 0;
	int rc;

	for (uint32_t i = 0; i < fleet->pool_count; i++)
		members += fleet->pools[i].member_count;
	rc = watch_next_hops(ways, fleet, members, error);
	if (rc == 0)
		rc = watch_tunnels(ways, fleet, members, error);
	return rc < 0 ? rc : take_service_addresses(ways, fleet->config, error);
}

struct way_facts ways_facts(const struct ways *ways)
{
	return (struct way_facts){
		.ports = port_watch_get(ways->ports),
		.neighbours = &ways->neighbours,
		.hops = ways->hops,
		.mtus = ways->mtus,
		.service_addresses = ways->service_addresses,
		.service_address_count = ways->service_address_count,
	};
}
