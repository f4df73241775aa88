/* SPDX-License-Identifier: BSD-3-Clause */
#include "compile.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

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

struct nat_sources {
	struct mr_nat_source *list;
	uint32_t count, capacity;
};

/* A nat pool's service has one address, which the backend can stand for if of its family. */
static void add_member_sources(const struct config_service *service, mr_service_id id,
			       const struct backend *backend, struct nat_sources *sources)
{
	const struct mr_addr *address = config_service_address(service, &backend->address);

	for (uint32_t i = 0; address != NULL && i < service->port_count; i++) {
		if (sources->count == sources->capacity)
			return;
		sources->list[sources->count++] = (struct mr_nat_source){
			.address = backend->address,
			.port = htons(service->ports[i]),
			.service_address = *address,
			.service = id,
			.backend = backend->id,
		};
	}
}

static void add_sources(const struct fleet *fleet, bool leaving, struct nat_sources *sources)
{
	const struct config *config = fleet->config;

	for (uint32_t i = 0; i < config->service_count; i++) {
		const struct config_service *service = &config->services[i];
		const struct pool *pool = &fleet->pools[fleet->service_pools[i]];

		if (pool->forwarding != MR_FORWARDING_NAT)
			continue;
		for (uint32_t m = 0; m < pool->member_count; m++) {
			if (pool->members[m].leaving == leaving)
				add_member_sources(service, fleet->service_ids[i],
						   pool->members[m].backend, sources);
		}
	}
}

static uint64_t count_sources(const struct fleet *fleet)
{
	const struct config *config = fleet->config;
	uint64_t count = 0;

	for (uint32_t i = 0; i < config->service_count; i++) {
		const struct config_service *service = &config->services[i];
		const struct pool *pool = &fleet->pools[fleet->service_pools[i]];

		if (pool->forwarding == MR_FORWARDING_NAT)
			count += (uint64_t)pool->member_count * service->port_count;
	}
	return count;
}

struct mr_nat_source *compile_nat_sources(const struct fleet *fleet, uint32_t *out_count)
{
	const uint64_t count = count_sources(fleet);
	struct nat_sources sources = {
		.capacity = count < MR_NAT_SOURCES_MAX ? (uint32_t)count : MR_NAT_SOURCES_MAX,
	};

	sources.list = calloc(sources.capacity + 1, sizeof(*sources.list));
	if (sources.list == NULL)
		return NULL;
	add_sources(fleet, false, &sources);
	add_sources(fleet, true, &sources);
	*out_count = sources.count;
	return sources.list;
}

static struct mr_snapshot_sizes sizes_of(const struct fleet *fleet,
					 const struct mr_steering *steering)
{
	struct mr_snapshot_sizes sizes = {
		.pool_count = fleet->pool_count,
		.endpoint_count = steering->endpoint_count,
		.nat_source_count = steering->nat_source_count,
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
static int build_exclusion(const struct config_service *config, const struct pool *pool,
			   struct mr_access_list **out)
{
	const uint32_t most = config->exclude.source_count + pool->member_count;
	struct mr_range *ranges = calloc(most + 1, sizeof(*ranges));
	uint32_t count = 0;
	int rc;

	if (ranges == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < config->exclude.source_count; i++)
		ranges[count++] = range_of_prefix(&config->exclude.sources[i]);
	for (uint32_t i = 0; i < pool->member_count; i++) {
		const struct mr_addr *address = &pool->members[i].backend->address;

		ranges[count++] = (struct mr_range){.first = *address, .last = *address};
	}
	rc = mr_access_list_create(ranges, ranges_normalize(ranges, count), out);
	free(ranges);
	return rc;
}

static int compile_exclusion(const struct config_service *config, const struct pool *pool,
			     struct service_exclusion *kept, struct mr_service *service)
{
	if (kept->list == NULL || kept->member_count != pool->member_count) {
		struct mr_access_list *list;
		const int rc = build_exclusion(config, pool, &list);

		if (rc < 0)
			return rc;
		mr_access_list_put(kept->list);
		*kept = (struct service_exclusion){list, pool->member_count};
	}
	service->exclude = mr_access_list_get(kept->list);
	return 0;
}

static int compile_services(const struct fleet *fleet, struct mr_snapshot *snapshot)
{
	const struct config *config = fleet->config;

	for (uint32_t i = 0; i < config->service_count; i++) {
		struct mr_service *service = &snapshot->services[fleet->service_ids[i]];
		const uint32_t pool = fleet->service_pools[i];

		service->pool = (uint16_t)pool;
		service->exclude_action = (uint8_t)config->services[i].exclude.action;
		if (compile_exclusion(&config->services[i], &fleet->pools[pool],
				      &fleet->exclusions[i], service) < 0)
			return -1;
	}
	return 0;
}

void compile_backend(const struct pool *pool, const struct member *member, const struct way *way,
		     struct mr_backend *out)
{
	*out = (struct mr_backend){
		.alive = member_is_alive(member),
		.forwarding = (uint8_t)pool->forwarding,
		.mss_max_bytes = pool->mss_max_bytes,
		.address = member->backend->address,
	};
	/* Through a path that is too narrow for any packet there is no way either. */
	if (way->known)
		mr_backend_set_way(out, &way->to);
}

static void compile_pool(const struct fleet *fleet, const struct way_facts *facts,
			 const struct pool *pool, struct mr_backend *backends)
{
	for (uint32_t i = 0; i < pool->member_count; i++) {
		const struct member *member = &pool->members[i];
		struct way way;

		way_find(fleet->config, facts, pool, &member->backend->address, &way);
		compile_backend(pool, member, &way, &backends[member->backend->id]);
	}
}

static int add_endpoints(struct mr_snapshot *snapshot, const struct mr_steering *steering)
{
	for (uint32_t i = 0; i < steering->endpoint_count; i++) {
		if (mr_snapshot_add_endpoint(snapshot, &steering->endpoints[i]) < 0)
			return -1;
	}
	return 0;
}

static int add_nat_sources(struct mr_snapshot *snapshot, const struct mr_steering *steering)
{
	for (uint32_t i = 0; i < steering->nat_source_count; i++) {
		const int rc = mr_snapshot_add_nat_source(snapshot, &steering->nat_sources[i]);

		if (rc < 0 && rc != -EEXIST)
			return rc;
	}
	return 0;
}

struct mr_snapshot *compile_snapshot(const struct fleet *fleet, const struct way_facts *facts,
				     const struct mr_steering *steering, uint64_t generation)
{
	const struct mr_snapshot_sizes sizes = sizes_of(fleet, steering);
	struct mr_snapshot *snapshot = mr_snapshot_create(&sizes);

	if (snapshot == NULL)
		return NULL;
	snapshot->generation = generation;
	snapshot->hash_key = fleet->hash_key;
	for (uint32_t i = 0; i < fleet->pool_count; i++) {
		snapshot->pools[i].slots = mr_slots_get(fleet->pools[i].slots);
		snapshot->pools[i].changed_s = fleet->pools[i].changed_s;
		compile_pool(fleet, facts, &fleet->pools[i], snapshot->backends);
	}
	for (uint32_t i = 0; i < steering->probe_source_count; i++)
		snapshot->probe_sources[snapshot->probe_source_count++] =
			steering->probe_sources[i];
	if (compile_services(fleet, snapshot) == 0 && add_endpoints(snapshot, steering) == 0 &&
	    add_nat_sources(snapshot, steering) == 0)
		return snapshot;
	mr_snapshot_destroy(snapshot);
	return NULL;
}
