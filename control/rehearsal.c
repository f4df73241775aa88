/* SPDX-License-Identifier: BSD-3-Clause */
#include "rehearsal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool backend_awaits_probe(const struct backend *backend)
{
	return backend->verdict == HEALTH_UNKNOWN && !backend->trusted;
}

/* Without references. */
static int copy_backend(struct roster *roster, const struct backend *backend)
{
	struct backend *copy = calloc(1, sizeof(*copy));

	if (copy == NULL)
		return -ENOMEM;
	*copy = *backend;
	copy->references = 0;
	copy->pool = strdup(backend->pool);
	copy->name = strdup(backend->name);
	roster->backends[copy->id] = copy;
	return copy->pool != NULL && copy->name != NULL ? 0 : -ENOMEM;
}

static int copy_names(struct roster *copy, const struct roster *roster)
{
	for (uint32_t id = 0; id < MR_BACKENDS_MAX; id++) {
		if (roster->backends[id] != NULL && copy_backend(copy, roster->backends[id]) < 0)
			return -ENOMEM;
	}
	for (uint32_t id = 0; id < MR_SERVICES_MAX; id++) {
		if (roster->services[id] == NULL)
			continue;
		copy->services[id] = strdup(roster->services[id]);
		if (copy->services[id] == NULL)
			return -ENOMEM;
	}
	return 0;
}

static void destroy_roster(struct roster *roster)
{
	if (roster != NULL)
		roster_fini(roster);
	free(roster);
}

static struct roster *copy_roster(const struct roster *roster)
{
	struct roster *copy = calloc(1, sizeof(*copy));

	if (copy == NULL)
		return NULL;
	copy->dp = roster->dp;
	if (copy_names(copy, roster) == 0)
		return copy;
	destroy_roster(copy);
	return NULL;
}

static int copy_pool(struct roster *roster, struct pool *copy, const struct pool *pool)
{
	*copy = *pool;
	copy->inputs = NULL;
	copy->member_count = 0;
	copy->name = strdup(pool->name);
	copy->members = calloc(pool->member_count + 1, sizeof(*copy->members));
	copy->slots = mr_slots_copy(pool->slots);
	if (copy->name == NULL || copy->members == NULL || copy->slots == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < pool->member_count; i++) {
		struct member *member = &copy->members[copy->member_count++];

		*member = pool->members[i];
		member->backend = backend_get(roster->backends[member->backend->id]);
	}
	return 0;
}

static struct fleet *copy_fleet(const struct fleet *fleet, struct roster *roster)
{
	struct fleet *copy = calloc(1, sizeof(*copy));

	if (copy == NULL)
		return NULL;
	copy->config = fleet->config;
	copy->roster = roster;
	copy->pools = calloc(fleet->pool_count + 1, sizeof(*copy->pools));
	if (copy->pools == NULL)
		goto err_destroy;
	for (uint32_t i = 0; i < fleet->pool_count; i++) {
		if (copy_pool(roster, &copy->pools[copy->pool_count++], &fleet->pools[i]) < 0)
			goto err_destroy;
	}
	return copy;

err_destroy:
	fleet_destroy(copy);
	return NULL;
}

/* Their first probes find all backends up. */
static int bring_up(const struct fleet *before, struct pool *pool, uint32_t now_s)
{
	const struct pool *previous = fleet_find_pool(before, pool->name);
	bool changed = false;

	for (uint32_t i = 0; i < pool->member_count; i++) {
		struct backend *backend = pool->members[i].backend;

		if (!backend_awaits_probe(backend))
			continue;
		backend->verdict = HEALTH_UP;
		changed = true;
	}
	if (!changed)
		return 0;
	return pool_advance(pool, previous != NULL ? previous->slots : NULL, now_s);
}

static int bring_all_up(const struct fleet *before, const struct fleet *after)
{
	const uint32_t now_s = mr_dataplane_clock_s(after->roster->dp);

	for (uint32_t i = 0; i < after->pool_count; i++) {
		if (bring_up(before, &after->pools[i], now_s) < 0)
			return -ENOMEM;
	}
	return 0;
}

int rehearsal_make(const struct fleet *running, const struct config *next, bool assume_up,
		   struct rehearsal *out, struct mr_error *error)
{
	struct roster *roster = copy_roster(running->roster);
	struct fleet *before = roster != NULL ? copy_fleet(running, roster) : NULL;
	struct fleet *after;
	int rc;

	if (before == NULL) {
		rc = mr_error_set(error, -ENOMEM, "out of memory");
		goto err_destroy_roster;
	}
	rc = fleet_create(roster, next, before, &after, error);
	if (rc < 0)
		goto err_destroy_before;
	if (assume_up && bring_all_up(before, after) < 0) {
		rc = mr_error_set(error, -ENOMEM, "out of memory");
		goto err_destroy_after;
	}
	*out = (struct rehearsal){.roster = roster, .before = before, .after = after};
	return 0;

err_destroy_after:
	fleet_destroy(after);
err_destroy_before:
	fleet_destroy(before);
err_destroy_roster:
	destroy_roster(roster);
	return rc;
}

void rehearsal_fini(struct rehearsal *rehearsal)
{
	fleet_destroy(rehearsal->after);
	fleet_destroy(rehearsal->before);
	destroy_roster(rehearsal->roster);
}
