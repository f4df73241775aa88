/* SPDX-License-Identifier: BSD-3-Clause */
#include "fleet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "name_index.h"

static void add_flow(struct mr_flow_counters *sum, const struct mr_flow_counters *one)
{
	sum->packets += MR_COUNTER_READ(one->packets);
	sum->bytes += MR_COUNTER_READ(one->bytes);
	sum->sessions += MR_COUNTER_READ(one->sessions);
}

static void subtract_flow(struct mr_flow_counters *from, const struct mr_flow_counters *what)
{
	from->packets -= what->packets;
	from->bytes -= what->bytes;
	from->sessions -= what->sessions;
}

static struct mr_flow_counters backend_total(const struct roster *roster, mr_backend_id id)
{
	const uint32_t workers = mr_dataplane_worker_count(roster->dp);
	struct mr_flow_counters sum = {0};

	for (uint32_t i = 0; i < workers; i++)
		add_flow(&sum, &mr_dataplane_counters(roster->dp, i)->backends[id]);
	return sum;
}

static struct mr_flow_counters service_total(const struct roster *roster, mr_service_id id)
{
	const uint32_t workers = mr_dataplane_worker_count(roster->dp);
	struct mr_flow_counters sum = {0};

	for (uint32_t i = 0; i < workers; i++)
		add_flow(&sum, &mr_dataplane_counters(roster->dp, i)->services[id]);
	return sum;
}

void roster_backend_counters(const struct roster *roster, const struct backend *backend,
			     struct mr_flow_counters *out)
{
	*out = backend_total(roster, backend->id);
	subtract_flow(out, &backend->counted_before);
}

void roster_service_counters(const struct roster *roster, mr_service_id id,
			     struct mr_flow_counters *out)
{
	*out = service_total(roster, id);
	subtract_flow(out, &roster->services_before[id]);
}

static void backend_free(struct backend *backend)
{
	free(backend->pool);
	free(backend->name);
	free(backend);
}

struct backend *roster_add(struct roster *roster, mr_backend_id id,
			   const struct backend_identity *identity)
{
	struct backend *backend = calloc(1, sizeof(*backend));

	if (backend == NULL)
		return NULL;
	backend->pool = strdup(identity->pool);
	backend->name = strdup(identity->name);
	if (backend->pool == NULL || backend->name == NULL) {
		backend_free(backend);
		return NULL;
	}
	backend->id = id;
	backend->address = *identity->address;
	maglev_place_of(identity->key, identity->name, &backend->place);
	backend->counted_before = backend_total(roster, id);
	roster->backends[id] = backend;
	if (id >= roster->ids_end)
		roster->ids_end = id + 1U;
	return backend;
}

/* The lowest; MR_BACKENDS_MAX: none is left. */
static mr_backend_id roster_free_id(struct roster *roster)
{
	while (roster->taken_ids < MR_BACKENDS_MAX && roster->backends[roster->taken_ids] != NULL)
		roster->taken_ids++;
	return roster->taken_ids;
}

void roster_release(struct roster *roster)
{
	for (uint32_t id = 0; id < roster->ids_end; id++) {
		struct backend *backend = roster->backends[id];

		if (backend == NULL || backend->references > 0)
			continue;
		roster->backends[id] = NULL;
		backend_free(backend);
		if (id < roster->taken_ids)
			roster->taken_ids = (mr_backend_id)id;
	}
}

bool roster_has_unnamed(const struct roster *roster)
{
	for (uint32_t id = 0; id < roster->ids_end; id++) {
		if (roster->backends[id] != NULL && roster->backends[id]->references == 0)
			return true;
	}
	return false;
}

void roster_release_services(struct roster *roster, const struct fleet *fleet)
{
	bool *used = calloc(MR_SERVICES_MAX, sizeof(*used));

	if (used == NULL)
		return; /* the ids stay taken until the next release */
	for (uint32_t i = 0; i < fleet->config->service_count; i++)
		used[fleet->service_ids[i]] = true;
	for (uint32_t id = 0; id < MR_SERVICES_MAX; id++) {
		if (used[id])
			continue;
		free(roster->services[id]);
		roster->services[id] = NULL;
	}
	free(used);
}

void roster_fini(struct roster *roster)
{
	for (uint32_t id = 0; id < MR_BACKENDS_MAX; id++) {
		if (roster->backends[id] != NULL)
			backend_free(roster->backends[id]);
	}
	for (uint32_t id = 0; id < MR_SERVICES_MAX; id++)
		free(roster->services[id]);
}

static bool is_same(const struct backend *backend, const struct config_backend *config)
{
	return strcmp(backend->name, config->name) == 0 &&
	       mr_addr_equal(&backend->address, &config->address);
}

struct pool *fleet_find_pool(const struct fleet *fleet, const char *name)
{
	for (uint32_t i = 0; fleet != NULL && i < fleet->pool_count; i++) {
		if (strcmp(fleet->pools[i].name, name) == 0)
			return &fleet->pools[i];
	}
	return NULL;
}

/* @place: where it is, as long as nothing was put in or taken out before it. */
static struct backend *find_backend(const struct pool *pool, const struct config_backend *config,
				    uint32_t place)
{
	if (pool == NULL)
		return NULL;
	if (place < pool->member_count && is_same(pool->members[place].backend, config))
		return pool->members[place].backend;
	for (uint32_t i = 0; i < pool->member_count; i++) {
		if (is_same(pool->members[i].backend, config))
			return pool->members[i].backend;
	}
	return NULL;
}

static void pool_add_member(struct pool *pool, const struct member *member)
{
	backend_get(member->backend);
	pool->members[pool->member_count++] = *member;
}

/* NULL: no memory, or no id left. */
static struct backend *new_backend(const struct fleet *fleet, const char *pool,
				   const struct config_backend *config)
{
	const mr_backend_id id = roster_free_id(fleet->roster);
	const struct backend_identity identity = {
		.pool = pool,
		.name = config->name,
		.address = &config->address,
		.key = &fleet->config->node.key[MR_HASH_KEY_BYTES],
	};

	return id < MR_BACKENDS_MAX ? roster_add(fleet->roster, id, &identity) : NULL;
}

static int add_configured(struct fleet *fleet, struct pool *pool, const struct pool *previous,
			  const struct config_pool *config, bool trusted)
{
	for (uint32_t i = 0; i < config->backend_count; i++) {
		const struct config_backend *wanted = &config->backends[i];
		struct backend *backend = find_backend(previous, wanted, i);

		if (backend == NULL) {
			backend = new_backend(fleet, config->name, wanted);
			if (backend == NULL)
				return -ENOSPC;
			backend->trusted = trusted;
		}
		if (config->health.type == CONFIG_HEALTH_NONE)
			backend->verdict = HEALTH_UP;
		pool_add_member(pool, &(struct member){
					      .backend = backend,
					      .weight = wanted->weight,
					      .state = wanted->state,
				      });
	}
	return 0;
}

/* Those of @previous that are no longer configured stay as long as they have sessions. */
static void add_leaving(struct pool *pool, const struct pool *previous)
{
	for (uint32_t i = 0; previous != NULL && i < previous->member_count; i++) {
		struct member member = previous->members[i];

		if (pool_find_member_near(pool, member.backend->id, i) != NULL)
			continue;
		member.leaving = true;
		pool_add_member(pool, &member);
	}
}

static int pool_init(struct fleet *fleet, struct pool *pool, const struct pool *previous,
		     const struct config_pool *config, bool trusted, struct mr_error *error)
{
	const uint32_t leaving = previous != NULL ? previous->member_count : 0;
	int rc;

	if (previous != NULL && previous->table_size != config->table_size)
		return mr_error_set(error, -EINVAL,
				    "/pools/%u/table_size: cannot change while pool %s exists; "
				    "use a pool with another name",
				    fleet->pool_count, config->name);
	pool->table_size = config->table_size;
	pool->forwarding = config->forwarding;
	pool->tunnel = config->tunnel;
	pool->mss_max_bytes = config->mss_max_bytes;
	pool->health = config->health;
	pool->session_idle_s = (config->session_idle_ms + 999) / 1000;
	pool->counted_s = mr_dataplane_clock_s(fleet->roster->dp);
	if (previous != NULL) {
		pool->changed_s = previous->changed_s;
		pool->rehashed_slots = previous->rehashed_slots;
		pool->counted_s = previous->counted_s;
	}
	pool->name = strdup(config->name);
	pool->members = calloc(config->backend_count + leaving + 1, sizeof(*pool->members));
	if (pool->name == NULL || pool->members == NULL)
		return mr_error_set(error, -ENOMEM, "out of memory");
	rc = add_configured(fleet, pool, previous, config, trusted);
	if (rc < 0)
		return mr_error_set(error, rc, "/pools/%u/backends: no room for another backend",
				    fleet->pool_count);
	add_leaving(pool, previous);
	rc = previous != NULL ? pool_inherit(pool, previous) : 0;
	if (rc == 0)
		rc = pool_advance(pool, pool->slots, mr_dataplane_clock_s(fleet->roster->dp));
	return rc < 0 ? mr_error_set(error, rc, "/pools/%u: no memory for %u slots",
				     fleet->pool_count, config->table_size)
		      : 0;
}

static int new_service_id(struct roster *roster, const char *name, int *first_free)
{
	int id = *first_free;

	while (id < MR_SERVICES_MAX && roster->services[id] != NULL)
		id++;
	*first_free = id;
	if (id == MR_SERVICES_MAX)
		return -ENOSPC;
	roster->services[id] = strdup(name);
	if (roster->services[id] == NULL)
		return -ENOMEM;
	roster->services_before[id] = service_total(roster, (mr_service_id)id);
	return id;
}

/* By the name, the ids of services that have one, and the places of pools. */
struct known_names {
	struct name_index services;
	struct name_index pools;
};

static void known_names_fini(struct known_names *known)
{
	name_index_fini(&known->pools);
	name_index_fini(&known->services);
}

static int known_names_init(struct known_names *known, const struct fleet *fleet)
{
	const struct roster *roster = fleet->roster;

	*known = (struct known_names){0};
	if (name_index_init(&known->services, MR_SERVICES_MAX) < 0 ||
	    name_index_init(&known->pools, fleet->pool_count) < 0) {
		known_names_fini(known);
		return -ENOMEM;
	}
	for (uint32_t id = 0; id < MR_SERVICES_MAX; id++) {
		if (roster->services[id] != NULL)
			name_index_add(&known->services, roster->services[id], id);
	}
	for (uint32_t i = 0; i < fleet->pool_count; i++)
		name_index_add(&known->pools, fleet->pools[i].name, i);
	name_index_sort(&known->services);
	name_index_sort(&known->pools);
	return 0;
}

static int number_services_by(struct fleet *fleet, const struct known_names *known,
			      struct mr_error *error)
{
	const struct config *config = fleet->config;
	int first_free = 0;

	for (uint32_t i = 0; i < config->service_count; i++) {
		const struct config_service *service = &config->services[i];
		int id = name_index_find(&known->services, service->name);

		if (id < 0)
			id = new_service_id(fleet->roster, service->name, &first_free);
		if (id < 0)
			return mr_error_set(error, id, "/services/%u: no room for another service",
					    i);
		fleet->service_ids[i] = (mr_service_id)id;
		fleet->service_pools[i] = (uint32_t)name_index_find(&known->pools, service->pool);
	}
	return 0;
}

static int number_services(struct fleet *fleet, struct mr_error *error)
{
	const struct config *config = fleet->config;
	struct known_names known;
	int rc;

	fleet->service_ids = calloc(config->service_count + 1, sizeof(*fleet->service_ids));
	fleet->service_pools = calloc(config->service_count + 1, sizeof(*fleet->service_pools));
	fleet->exclusions = calloc(config->service_count + 1, sizeof(*fleet->exclusions));
	if (fleet->service_ids == NULL || fleet->service_pools == NULL || fleet->exclusions == NULL)
		return mr_error_set(error, -ENOMEM, "out of memory");
	fleet->exclusion_count = config->service_count;
	if (known_names_init(&known, fleet) < 0)
		return mr_error_set(error, -ENOMEM, "out of memory");
	rc = number_services_by(fleet, &known, error);
	known_names_fini(&known);
	return rc;
}

/* The pools of @previous, which may be NULL, by name. -ENOMEM. */
static int former_pools_init(struct name_index *former, const struct fleet *previous)
{
	const uint32_t count = previous != NULL ? previous->pool_count : 0;

	if (name_index_init(former, count) < 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++)
		name_index_add(former, previous->pools[i].name, i);
	name_index_sort(former);
	return 0;
}

static int make_pools(struct fleet *fleet, const struct fleet *previous, struct mr_error *error)
{
	const struct config *config = fleet->config;
	struct name_index former;
	int rc = 0;

	fleet->pools = calloc(config->pool_count + 1, sizeof(*fleet->pools));
	if (fleet->pools == NULL || former_pools_init(&former, previous) < 0)
		return mr_error_set(error, -ENOMEM, "out of memory");
	for (uint32_t i = 0; rc == 0 && i < config->pool_count; i++) {
		const int place = name_index_find(&former, config->pools[i].name);
		const struct pool *before = NULL;

		if (previous != NULL && place >= 0)
			before = &previous->pools[place];
		rc = pool_init(fleet, &fleet->pools[i], before, &config->pools[i], previous == NULL,
			       error);
		fleet->pool_count++;
	}
	name_index_fini(&former);
	return rc;
}

int fleet_create(struct roster *roster, const struct config *config, const struct fleet *previous,
		 struct fleet **out, struct mr_error *error)
{
	struct fleet *fleet = calloc(1, sizeof(*fleet));
	int rc;

	if (fleet == NULL)
		return mr_error_set(error, -ENOMEM, "out of memory");
	fleet->config = config;
	fleet->roster = roster;
	mr_hash_key_init(&fleet->hash_key, config->node.key);
	rc = make_pools(fleet, previous, error);
	if (rc == 0)
		rc = number_services(fleet, error);
	if (rc < 0)
		goto err_destroy;
	*out = fleet;
	return 0;

err_destroy:
	fleet_destroy(fleet);
	return rc;
}

void fleet_destroy(struct fleet *fleet)
{
	if (fleet == NULL)
		return;
	for (uint32_t i = 0; i < fleet->pool_count; i++)
		pool_fini(&fleet->pools[i]);
	for (uint32_t i = 0; i < fleet->exclusion_count; i++)
		mr_access_list_put(fleet->exclusions[i].list);
	free(fleet->exclusions);
	free(fleet->service_ids);
	free(fleet->service_pools);
	free(fleet->pools);
	free(fleet);
}

void fleet_count_sessions(struct fleet *fleet, uint32_t now_s)
{
	for (uint32_t i = 0; i < fleet->pool_count; i++) {
		struct pool *pool = &fleet->pools[i];

		if ((uint64_t)(now_s - pool->counted_s) * WINDOW_STEPS < pool->session_idle_s)
			continue;
		pool->counted_s = now_s;
		for (uint32_t m = 0; m < pool->member_count; m++) {
			struct backend *backend = pool->members[m].backend;
			struct mr_flow_counters counters;

			roster_backend_counters(fleet->roster, backend, &counters);
			window_step(&backend->sessions, counters.sessions);
		}
	}
}

void fleet_remove_member(struct pool *pool, struct member *member)
{
	const uint32_t index = (uint32_t)(member - pool->members);

	member->backend->references--;
	memmove(member, member + 1, (pool->member_count - index - 1) * sizeof(*member));
	pool->member_count--;
}
