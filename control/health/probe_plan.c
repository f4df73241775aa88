/* SPDX-License-Identifier: BSD-3-Clause */
#include "probe_plan.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address_text.h"
#include "netlink.h"

/* Everything that choosing a target needs to know. */
struct planner {
	const struct fleet *fleet;
	const struct way_facts *facts;
	const struct config_service **services; /* of each pool the first; NULL: it has none */
	struct probe_plan plan;
};

/* NULL: no memory. */
static const struct config_service **services_of_pools(const struct fleet *fleet)
{
	const struct config_service **services = calloc(fleet->pool_count + 1, sizeof(*services));

	for (uint32_t i = fleet->config->service_count; services != NULL && i-- > 0;)
		services[fleet->service_pools[i]] = &fleet->config->services[i];
	return services;
}

/* An address of the backend's own family spares a second source address. */
static const struct mr_addr *service_address_for(const struct config_service *service,
						 const struct mr_addr *backend)
{
	const struct mr_addr *same_family = config_service_address(service, backend);

	return same_family != NULL ? same_family : &service->addresses[0];
}

static bool find_interface_address(const struct planner *planner, int ifindex, int family,
				   struct mr_addr *out)
{
	const struct way_facts *facts = planner->facts;

	return next_hops_interface_address(facts->hops, ifindex, family, facts->service_addresses,
					   facts->service_address_count, out) == 0;
}

/* An address that any port can hear answers to. */
static bool find_port_address(const struct planner *planner, int family, struct mr_addr *out)
{
	for (uint32_t i = 0; i < planner->fleet->config->port_count; i++) {
		const int ifindex = planner->facts->ports->list[i].ifindex;

		if (ifindex != 0 && find_interface_address(planner, ifindex, family, out))
			return true;
	}
	return false;
}

/*
 * Where the kernel would send from, if that answers @service; else an address that does: of the
 * same interface, or of another one, since a tunnel's ends may be of a family that the service
 * is not.
 */
static bool find_source(const struct planner *planner, const struct way *way,
			const struct mr_addr *service, struct mr_addr *out)
{
	const int family = netlink_family(service);

	if (!way->has_source)
		return false;
	if (netlink_family(&way->source) == family &&
	    !way_is_service_address(planner->facts, &way->source)) {
		*out = way->source;
		return true;
	}
	return find_interface_address(planner, way->ifindex, family, out) ||
	       find_port_address(planner, family, out);
}

static bool add_source(struct probe_plan *plan, const struct mr_addr *source)
{
	for (uint32_t i = 0; i < plan->source_count; i++) {
		if (mr_addr_equal(&plan->sources[i], source))
			return true;
	}
	if (plan->source_count == MR_PROBE_SOURCES_MAX)
		return false;
	plan->sources[plan->source_count++] = *source;
	return true;
}

/* An FQDN, or the address literal that RFC 5321, section 4.1.3 asks for in its place. */
static void name_prober(const struct config *config, const struct mr_addr *source,
			char name[PROBE_HELO_NAME_MAX])
{
	char text[MR_ADDR_TEXT_MAX];

	if (strchr(config->node.name, '.') != NULL) {
		snprintf(name, PROBE_HELO_NAME_MAX, "%s", config->node.name);
		return;
	}
	address_format(source, text);
	snprintf(name, PROBE_HELO_NAME_MAX, mr_addr_is_v4(source) ? "[%s]" : "[IPv6:%s]", text);
}

static void plan_member(struct planner *planner, const struct pool *pool,
			const struct config_service *service, const struct member *member)
{
	struct probe_plan *plan = &planner->plan;
	const struct backend *backend = member->backend;
	const struct mr_addr *target = service_address_for(service, &backend->address);
	struct mr_addr source;
	struct way way;

	way_find(planner->fleet->config, planner->facts, pool, &backend->address, &way);
	if (!find_source(planner, &way, target, &source) || !add_source(plan, &source))
		return;
	name_prober(planner->fleet->config, &source, plan->helo_names[plan->target_count]);
	plan->targets[plan->target_count] = (struct health_target){
		.id = backend->id,
		.pool = pool->name,
		.name = backend->name,
		.verdict = backend->verdict,
		.service = *target,
		.service_port = service->ports[0],
		.source = source,
		.helo_name = plan->helo_names[plan->target_count],
		.interval_ms = pool->health.interval_ms,
		.timeout_ms = pool->health.timeout_ms,
		.rise = pool->health.rise,
		.fall = pool->health.fall,
	};
	plan->target_count++;
}

static void plan_pool(struct planner *planner, const struct pool *pool,
		      const struct config_service *service)
{
	if (service == NULL || pool->health.type == CONFIG_HEALTH_NONE)
		return;
	for (uint32_t i = 0; i < pool->member_count; i++)
		plan_member(planner, pool, service, &pool->members[i]);
}

int probe_plan_make(const struct fleet *fleet, const struct way_facts *facts,
		    struct probe_plan *out)
{
	struct planner planner = {.fleet = fleet, .facts = facts};
	uint32_t members = 0;

	for (uint32_t i = 0; i < fleet->pool_count; i++)
		members += fleet->pools[i].member_count;
	planner.plan.targets = calloc(members + 1, sizeof(*planner.plan.targets));
	planner.plan.helo_names = calloc(members + 1, sizeof(*planner.plan.helo_names));
	planner.services = services_of_pools(fleet);
	if (planner.plan.targets == NULL || planner.plan.helo_names == NULL ||
	    planner.services == NULL) {
		probe_plan_fini(&planner.plan);
		free(planner.services);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < fleet->pool_count; i++)
		plan_pool(&planner, &fleet->pools[i], planner.services[i]);
	free(planner.services);
	*out = planner.plan;
	return 0;
}

void probe_plan_fini(struct probe_plan *plan)
{
	free(plan->targets);
	free(plan->helo_names);
}
