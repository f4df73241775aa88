/* SPDX-License-Identifier: BSD-3-Clause */
#include "compile.h"

#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>

#include "ranges.h"

struct mr_endpoint *compile_endpoints(const struct fleet *fleet, uint32_t *out_count)
{
	const struct config *config = fleet->config;
	struct mr_endpoint *endpoints =
		calloc(config_count_endpoints(config) + 1, sizeof(*endpoints));
	uint32_t count = 0;

	if (endpoints == NULL)
		return NULL;
	for (uint32_t i = 0; i < config->service_count; i++) {
		const struct config_service *service = &config->services[i];

		for (uint32_t a = 0; a < service->address_count; a++) {
			for (uint32_t p = 0; p < service->port_count; p++)
				endpoints[count++] = (struct mr_endpoint){
					.address = service->addresses[a],
					.port = htons(service->ports[p]),
					.service = fleet->service_ids[i],
				};
		}
	}
	*out_count = count;
	return endpoints;
}

static struct mr_snapshot_sizes sizes_of(const struct fleet *fleet, uint32_t endpoint_count)
{
	struct mr_snapshot_sizes sizes = {
		.pool_count = fleet->pool_count,
		.endpoint_count = endpoint_count,
	};

	for (uint32_t i = 0; i < fleet->config->service_count; i++) {
		if (fleet->service_ids[i] >= sizes.service_capacity)
			sizes.service_capacity = fleet->service_ids[i] + 1U;
	}
	for (uint32_t i = 0; i < fleet->pool_count; i++) {
		const struct pool *pool = &fleet->pools[i];

		for (uint32_t m = 0; m < pool->member_count; m++) {
			if (pool->members[m].backend->id >= sizes.backend_capacity)
				sizes.backend_capacity = pool->members[m].backend->id + 1U;
		}
	}
	return sizes;
}

/* The service's own list, and every backend of its pool: mail between servers is not ours. */
static int compile_exclude(const struct config_service *config, const struct pool *pool,
			   struct mr_service *service)
{
	const uint32_t most = config->exclude.source_count + pool->member_count;
	struct mr_range *ranges = calloc(most + 1, sizeof(*ranges));
	uint32_t count = 0;
	int rc;

	if (ranges == NULL)
		return -1;
	for (uint32_t i = 0; i < config->exclude.source_count; i++)
		ranges[count++] = range_of_prefix(&config->exclude.sources[i]);
	for (uint32_t i = 0; i < pool->member_count; i++) {
		const struct mr_addr *address = &pool->members[i].backend->address;

		ranges[count++] = (struct mr_range){.first = *address, .last = *address};
	}
	rc = mr_snapshot_set_exclude(service, ranges, ranges_normalize(ranges, count));
	free(ranges);
	return rc;
}

static int compile_services(const struct fleet *fleet, struct mr_snapshot *snapshot)
{
	const struct config *config = fleet->config;

	for (uint32_t i = 0; i < config->service_count; i++) {
		struct mr_service *service = &snapshot->services[fleet->service_ids[i]];
		const int pool = config_find_pool(config, config->services[i].pool);

		service->pool = (uint16_t)pool;
		service->exclude_action = (uint8_t)config->services[i].exclude.action;
		if (compile_exclude(&config->services[i], &fleet->pools[pool], service) < 0)
			return -1;
	}
	return 0;
}

static void compile_member(const struct fleet *fleet, const struct way_ports *ports,
			   const struct next_hops *hops, const struct pool *pool,
			   const struct member *member, struct mr_backend *out)
{
	struct way way;

	way_find(fleet->config, ports, hops, &member->backend->address, &way);
	*out = (struct mr_backend){
		.alive = member_is_alive(member),
		.next_hop_set = way.known,
		.port = way.port,
		.forwarding = (uint8_t)pool->forwarding,
		.next_hop = way.mac,
	};
}

static int add_endpoints(struct mr_snapshot *snapshot, const struct mr_endpoint *endpoints,
			 uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		if (mr_snapshot_add_endpoint(snapshot, &endpoints[i]) < 0)
			return -1;
	}
	return 0;
}

struct mr_snapshot *compile_snapshot(const struct fleet *fleet, const struct way_ports *ports,
				     const struct next_hops *hops, const struct probe_plan *plan,
				     uint64_t generation)
{
	struct mr_snapshot *snapshot = NULL;
	struct mr_snapshot_sizes sizes;
	uint32_t endpoint_count = 0;
	struct mr_endpoint *endpoints = compile_endpoints(fleet, &endpoint_count);

	if (endpoints == NULL)
		return NULL;
	sizes = sizes_of(fleet, endpoint_count);
	snapshot = mr_snapshot_create(&sizes);
	if (snapshot == NULL)
		goto out;
	snapshot->generation = generation;
	mr_hash_key_init(&snapshot->hash_key, fleet->config->node.key);
	for (uint32_t i = 0; i < fleet->pool_count; i++) {
		const struct pool *pool = &fleet->pools[i];

		snapshot->pools[i].slots = mr_slots_get(pool->slots);
		for (uint32_t m = 0; m < pool->member_count; m++)
			compile_member(fleet, ports, hops, pool, &pool->members[m],
				       &snapshot->backends[pool->members[m].backend->id]);
	}
	memcpy(snapshot->probe_sources, plan->sources, sizeof(snapshot->probe_sources));
	snapshot->probe_source_count = plan->source_count;
	if (compile_services(fleet, snapshot) < 0 ||
	    add_endpoints(snapshot, endpoints, endpoint_count) < 0) {
		mr_snapshot_destroy(snapshot);
		snapshot = NULL;
	}
out:
	free(endpoints);
	return snapshot;
}
