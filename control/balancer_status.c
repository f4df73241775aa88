/* SPDX-License-Identifier: BSD-3-Clause */
/* What a balancer knows of its services, pools and backends. */
#include "balancer_parts.h"

#include <errno.h>

#include "compile.h"

void balancer_backend_status(const struct balancer *balancer, uint32_t pool, uint32_t backend,
			     struct backend_status *out)
{
	/* Configured members come first, in the order of the configuration. */
	const struct pool *in_pool = &balancer->fleet->pools[pool];
	const struct member *member = &in_pool->members[backend];
	const struct way_facts facts = ways_facts(balancer->ways);
	struct mr_backend compiled;
	struct way way;

	*out = (struct backend_status){
		.id = member->backend->id,
		.slots = member->slots,
		.base_slots = member->base_slots,
		.pins = member->backend->pins,
	};
	health_get(balancer->health, member->backend->id, &out->health);
	out->health.verdict = member->backend->verdict;
	way_find(balancer->config, &facts, in_pool, &member->backend->address, &way);
	compile_backend(in_pool, member, &way, &compiled);
	out->next_hop_set = way.known;
	out->next_hop = way.to.next_hop;
	out->port = way.to.port;
	out->path_set = compiled.way_set;
	out->path_mtu_bytes = way.to.mtu_bytes;
	out->packet_max_bytes = compiled.packet_max_bytes;
	out->source_set = in_pool->tunnel.source_given || way.has_source;
	out->source = in_pool->tunnel.source_given ? in_pool->tunnel.source
						   : (struct mr_prefix){way.source, 128};
	roster_backend_counters(balancer->roster, member->backend, &out->counters);
}

int balancer_find_service(const struct balancer *balancer, mr_service_id id)
{
	for (uint32_t i = 0; i < balancer->config->service_count; i++) {
		if (balancer->fleet->service_ids[i] == id)
			return (int)i;
	}
	return -ENOENT;
}

int balancer_find_backend(const struct balancer *balancer, mr_backend_id id, uint32_t *out_pool,
			  uint32_t *out_member)
{
	for (uint32_t i = 0; i < balancer->fleet->pool_count; i++) {
		const struct pool *pool = &balancer->fleet->pools[i];
		const struct member *member = pool_find_member(pool, id);

		if (member == NULL)
			continue;
		*out_pool = i;
		*out_member = (uint32_t)(member - pool->members);
		return 0;
	}
	return -ENOENT;
}

mr_service_id balancer_service_id(const struct balancer *balancer, uint32_t service)
{
	return balancer->fleet->service_ids[service];
}

void balancer_pool_status(const struct balancer *balancer, uint32_t pool, struct pool_status *out)
{
	const struct pool *running = &balancer->fleet->pools[pool];

	*out = (struct pool_status){
		.slots = running->table_size,
		.moving_slots = running->moving_slots,
		.leaving_backends =
			running->member_count - balancer->config->pools[pool].backend_count,
	};
}

const struct pool *balancer_pool(const struct balancer *balancer, uint32_t pool)
{
	return &balancer->fleet->pools[pool];
}

struct forgotten_sessions balancer_forgotten_sessions(const struct balancer *balancer)
{
	return (struct forgotten_sessions){
		.silent = pin_sweep_silent(balancer->sweep),
		.at_risk = risk_sessions(balancer->risk),
		.none_of_late = risk_knows_all(balancer->risk),
	};
}

const struct histogram *balancer_apply_times(const struct balancer *balancer)
{
	return &balancer->apply_times;
}

const struct histogram *balancer_probe_times(const struct balancer *balancer, const char *pool)
{
	return probe_times_get(balancer->probe_times, pool);
}

void balancer_service_counters(const struct balancer *balancer, uint32_t service,
			       struct mr_flow_counters *out)
{
	roster_service_counters(balancer->roster, balancer->fleet->service_ids[service], out);
}
