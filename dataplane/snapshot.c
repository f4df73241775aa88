/* SPDX-License-Identifier: BSD-3-Clause */
#include <mailrail/snapshot.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "block.h"

/* At most a quarter full, so that a probe sequence is short and always ends. */
static uint32_t table_entries(uint32_t count)
{
	return rte_align32pow2(4 * (count + 1));
}

struct mr_snapshot *mr_snapshot_create(const struct mr_snapshot_sizes *sizes)
{
	struct mr_snapshot *snapshot = block_alloc(sizeof(*snapshot));
	const uint32_t endpoints = table_entries(sizes->endpoint_count);
	const uint32_t nat_sources = table_entries(sizes->nat_source_count);
	const uint32_t addresses = table_entries(sizes->endpoint_count + sizes->nat_source_count);

	if (snapshot == NULL)
		return NULL;
	snapshot->services = block_alloc(sizes->service_capacity * sizeof(*snapshot->services));
	snapshot->pools = block_alloc(sizes->pool_count * sizeof(*snapshot->pools));
	snapshot->backends = block_alloc(sizes->backend_capacity * sizeof(*snapshot->backends));
	snapshot->endpoints = block_alloc(endpoints * sizeof(*snapshot->endpoints));
	snapshot->nat_sources = block_alloc(nat_sources * sizeof(*snapshot->nat_sources));
	snapshot->addresses = block_alloc(addresses * sizeof(*snapshot->addresses));
	snapshot->service_capacity = sizes->service_capacity;
	snapshot->pool_count = sizes->pool_count;
	snapshot->backend_capacity = sizes->backend_capacity;
	snapshot->endpoint_mask = endpoints - 1;
	snapshot->nat_source_mask = nat_sources - 1;
	snapshot->address_mask = addresses - 1;
	if (snapshot->services == NULL || snapshot->pools == NULL || snapshot->backends == NULL ||
	    snapshot->endpoints == NULL || snapshot->nat_sources == NULL ||
	    snapshot->addresses == NULL) {
		mr_snapshot_destroy(snapshot);
		return NULL;
	}
	return snapshot;
}

void mr_snapshot_destroy(struct mr_snapshot *snapshot)
{
	if (snapshot == NULL)
		return;
	for (uint32_t i = 0; snapshot->pools != NULL && i < snapshot->pool_count; i++)
		mr_slots_put(snapshot->pools[i].slots);
	for (uint32_t i = 0; snapshot->services != NULL && i < snapshot->service_capacity; i++)
		mr_access_list_put(snapshot->services[i].exclude);
	free(snapshot->addresses);
	free(snapshot->nat_sources);
	free(snapshot->endpoints);
	free(snapshot->backends);
	free(snapshot->pools);
	free(snapshot->services);
	free(snapshot);
}

/* Each finds the entry that holds what is looked for, or the free one where it would go. */
static struct mr_endpoint *endpoint_entry(const struct mr_snapshot *snapshot,
					  const struct mr_addr *address, rte_be16_t port)
{
	uint32_t index = mr_place_hash(address, port) & snapshot->endpoint_mask;

	while (snapshot->endpoints[index].port != 0) {
		struct mr_endpoint *entry = &snapshot->endpoints[index];

		if (entry->port == port && mr_addr_equal(&entry->address, address))
			return entry;
		index = (index + 1) & snapshot->endpoint_mask;
	}
	return &snapshot->endpoints[index];
}

static struct mr_nat_source *nat_source_entry(const struct mr_snapshot *snapshot,
					      const struct mr_addr *address, rte_be16_t port)
{
	uint32_t index = mr_place_hash(address, port) & snapshot->nat_source_mask;

	while (snapshot->nat_sources[index].port != 0) {
		struct mr_nat_source *entry = &snapshot->nat_sources[index];

		if (entry->port == port && mr_addr_equal(&entry->address, address))
			return entry;
		index = (index + 1) & snapshot->nat_source_mask;
	}
	return &snapshot->nat_sources[index];
}

static struct mr_known_address *address_entry(const struct mr_snapshot *snapshot,
					      const struct mr_addr *address)
{
	uint32_t index = mr_place_hash(address, 0) & snapshot->address_mask;

	while (snapshot->addresses[index].has_endpoint ||
	       snapshot->addresses[index].has_nat_source) {
		struct mr_known_address *entry = &snapshot->addresses[index];

		if (mr_addr_equal(&entry->address, address))
			return entry;
		index = (index + 1) & snapshot->address_mask;
	}
	return &snapshot->addresses[index];
}

int mr_snapshot_add_endpoint(struct mr_snapshot *snapshot, const struct mr_endpoint *endpoint)
{
	struct mr_endpoint *entry = endpoint_entry(snapshot, &endpoint->address, endpoint->port);
	struct mr_known_address *known;

	if (entry->port != 0)
		return -EEXIST;
	*entry = *endpoint;
	known = address_entry(snapshot, &endpoint->address);
	known->address = endpoint->address;
	known->has_endpoint = true;
	return 0;
}

int mr_snapshot_add_nat_source(struct mr_snapshot *snapshot, const struct mr_nat_source *source)
{
	struct mr_nat_source *entry = nat_source_entry(snapshot, &source->address, source->port);
	struct mr_known_address *known;

	if (entry->port != 0)
		return -EEXIST;
	*entry = *source;
	known = address_entry(snapshot, &source->address);
	known->address = source->address;
	known->has_nat_source = true;
	return 0;
}

const struct mr_nat_source *mr_snapshot_find_nat_source(const struct mr_snapshot *snapshot,
							const struct mr_addr *address,
							rte_be16_t port)
{
	const struct mr_nat_source *entry = nat_source_entry(snapshot, address, port);

	return entry->port != 0 ? entry : NULL;
}

bool mr_snapshot_knows_addresses(const struct mr_snapshot *snapshot, const struct mr_addr *source,
				 const struct mr_addr *destination)
{
	return address_entry(snapshot, destination)->has_endpoint ||
	       address_entry(snapshot, source)->has_nat_source;
}
