/* SPDX-License-Identifier: BSD-3-Clause */
#include "traffic.h"

int traffic_plan_create(struct traffic_plan *plan, const struct profile *profile, uint64_t seed,
			uint32_t open_max, double sessions_per_second)
{
	int rc;

	*plan = (struct traffic_plan){
		.profile = profile,
		.seed = seed,
		.open_max = open_max < PLANNED_SLOTS ? open_max : PLANNED_SLOTS,
		.sessions_per_second = sessions_per_second > 0 ? sessions_per_second
							       : profile->sessions_per_second,
	};
	rc = clients_create(&plan->clients, profile, seed);
	if (rc == 0 && !profile->has_flood)
		rc = scripts_create(&plan->scripts, profile);
	if (rc < 0)
		traffic_plan_destroy(plan);
	return rc;
}

void traffic_plan_destroy(struct traffic_plan *plan)
{
	clients_destroy(&plan->clients);
	scripts_destroy(&plan->scripts);
}

/* The places of sender @index of @count, none of which is anybody else's. */
static uint32_t first_slot(uint32_t slots, uint32_t index, uint32_t count)
{
	return (uint32_t)((uint64_t)slots * index / count);
}

int traffic_create(struct traffic *traffic, const struct traffic_plan *plan, uint32_t index,
		   uint32_t count)
{
	const bool is_flood = plan->profile->has_flood;
	const uint32_t slots = is_flood ? plan->profile->flood.sessions : plan->open_max;
	const uint32_t first = first_slot(slots, index, count);
	const uint32_t own_slots = first_slot(slots, index + 1, count) - first;
	const struct crowd_config config = {
		.scripts = &plan->scripts,
		.clients = &plan->clients,
		.first_slot = first,
		.slot_count = own_slots,
		.sessions_per_second = plan->sessions_per_second / count,
		.first_serial = index,
		.serial_step = count,
		.seed = plan->seed,
	};

	*traffic = (struct traffic){.plan = plan, .is_flood = is_flood};
	if (is_flood)
		return flood_create(&traffic->flood, &plan->profile->flood, first, own_slots,
				    plan->seed);
	return crowd_create(&traffic->crowd, &config);
}

void traffic_destroy(struct traffic *traffic)
{
	if (traffic->is_flood)
		flood_destroy(&traffic->flood);
	else
		crowd_destroy(&traffic->crowd);
}
