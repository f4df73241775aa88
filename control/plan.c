/* SPDX-License-Identifier: BSD-3-Clause */
#include "plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plan_breaks.h"
#include "rehearsal.h"

static uint32_t share_ppm(uint32_t slots, uint32_t of)
{
	return (uint32_t)((uint64_t)slots * 1000000 / of);
}

/* The next backend of @pool. @before, @after: its places there, NULL where it has none. */
static int add_backend(struct plan_pool *pool, const struct backend *backend,
		       const struct member *before, const struct member *after)
{
	struct plan_backend *out = &pool->backends[pool->backend_count++];

	*out = (struct plan_backend){
		.name = strdup(backend->name),
		.address = backend->address,
		.change = after == NULL || after->leaving     ? PLAN_GOES
			  : before == NULL || before->leaving ? PLAN_COMES
							      : PLAN_STAYS,
		.slots_before = before != NULL ? before->slots : 0,
		.slots_after = after != NULL ? after->slots : 0,
	};
	out->share_before_ppm = share_ppm(out->slots_before, pool->slots);
	out->share_after_ppm = share_ppm(out->slots_after, pool->slots);
	return out->name != NULL ? 0 : -ENOMEM;
}

/* Does nobody know yet how the backend of @after does? @before: its place in the running pool. */
static bool awaits_probe(const struct pool *pool, const struct member *before,
			 const struct member *after)
{
	if (after->leaving || pool->health.type == CONFIG_HEALTH_NONE)
		return false;
	return before == NULL || backend_awaits_probe(before->backend);
}

static int add_members_after(struct plan_pool *out, const struct pool *before,
			     const struct pool *after)
{
	for (uint32_t i = 0; i < after->member_count; i++) {
		const struct member *member = &after->members[i];
		const struct member *old =
			before != NULL ? pool_find_member(before, member->backend->id) : NULL;

		if (member->leaving && (old == NULL || old->leaving))
			continue; /* it has left before */
		if (add_backend(out, member->backend, old, member) < 0)
			return -ENOMEM;
		out->backends[out->backend_count - 1].awaits_probe =
			awaits_probe(after, old, member);
	}
	return 0;
}

static int add_members_before(struct plan_pool *out, const struct pool *before)
{
	for (uint32_t i = 0; i < before->member_count; i++) {
		const struct member *member = &before->members[i];

		if (!member->leaving && add_backend(out, member->backend, member, NULL) < 0)
			return -ENOMEM;
	}
	return 0;
}

static uint32_t count_slots_to_move(const struct mr_slots *before, const struct mr_slots *after)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < before->size; i++)
		count += mr_slot_current(before->words[i]) != mr_slot_current(after->words[i]);
	return count;
}

/*
 * Of a backend's sessions that nobody remembers, those on slots where it would be base only. They
 * are spread evenly over the slots whose sessions go to it without a pin.
 */
static uint64_t count_to_pin(const struct fleet *running, const struct member *before,
			     const struct member *after)
{
	const uint64_t recent = plan_recent_sessions(running, before->backend);
	const uint64_t slots = (uint64_t)before->slots + before->base_slots;

	if (after == NULL || slots == 0)
		return 0;
	return (recent * after->base_slots + slots - 1) / slots;
}

static uint64_t count_pinned(const struct fleet *running, const struct pool *before,
			     const struct pool *after)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < before->member_count; i++) {
		const struct member *member = &before->members[i];

		count += member->backend->pins;
		count +=
			count_to_pin(running, member, pool_find_member(after, member->backend->id));
	}
	return count;
}

/* @before, @after: @pool in the two fleets, NULL where there is none. */
static int add_pool(struct plan *plan, const struct fleet *running, const struct pool *pool,
		    const struct pool *before, const struct pool *after)
{
	struct plan_pool *out = &plan->pools[plan->pool_count++];
	const uint32_t members = (before != NULL ? before->member_count : 0) +
				 (after != NULL ? after->member_count : 0);

	*out = (struct plan_pool){
		.name = strdup(pool->name),
		.change = after == NULL	   ? PLAN_GOES
			  : before == NULL ? PLAN_COMES
					   : PLAN_STAYS,
		.slots = pool->table_size,
		.moving_slots = before != NULL ? before->moving_slots : 0,
		.backends = calloc(members + 1, sizeof(*out->backends)),
	};
	if (out->name == NULL || out->backends == NULL)
		return -ENOMEM;
	if (out->change == PLAN_STAYS) {
		out->slots_to_move = count_slots_to_move(before->slots, after->slots);
		out->sessions_pinned = count_pinned(running, before, after);
		plan->sessions_pinned += out->sessions_pinned;
	}
	return after != NULL ? add_members_after(out, before, after)
			     : add_members_before(out, before);
}

static int add_pools(struct plan *plan, const struct fleet *running, const struct fleet *after)
{
	plan->pools = calloc(running->pool_count + after->pool_count + 1, sizeof(*plan->pools));
	if (plan->pools == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < after->pool_count; i++) {
		const struct pool *pool = &after->pools[i];

		if (add_pool(plan, running, pool, fleet_find_pool(running, pool->name), pool) < 0)
			return -ENOMEM;
	}
	for (uint32_t i = 0; i < running->pool_count; i++) {
		const struct pool *pool = &running->pools[i];

		if (fleet_find_pool(after, pool->name) == NULL &&
		    add_pool(plan, running, pool, pool, NULL) < 0)
			return -ENOMEM;
	}
	return 0;
}

int plan_make(const struct fleet *running, const struct config *next, bool assume_up,
	      struct plan *out, struct mr_error *error)
{
	struct plan plan = {0};
	struct rehearsal rehearsal;
	int rc = rehearsal_make(running, next, assume_up, &rehearsal, error);

	if (rc < 0)
		return rc;
	if (add_pools(&plan, running, rehearsal.after) < 0 ||
	    plan_find_breaks(running, rehearsal.after, &plan) < 0) {
		plan_fini(&plan);
		rc = mr_error_set(error, -ENOMEM, "out of memory");
	} else {
		*out = plan;
	}
	rehearsal_fini(&rehearsal);
	return rc;
}

void plan_fini(struct plan *plan)
{
	for (uint32_t i = 0; i < plan->pool_count; i++) {
		for (uint32_t j = 0; j < plan->pools[i].backend_count; j++)
			free(plan->pools[i].backends[j].name);
		free(plan->pools[i].backends);
		free(plan->pools[i].name);
	}
	for (uint32_t i = 0; i < plan->break_count; i++) {
		free(plan->breaks[i].pointer);
		free(plan->breaks[i].message);
	}
	free(plan->pools);
	free(plan->breaks);
}
