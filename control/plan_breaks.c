/* SPDX-License-Identifier: BSD-3-Clause */
#include "plan_breaks.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address_text.h"
#include "ranges.h"
#include "window.h"

/* Where one service listens. */
struct place {
	struct mr_addr address;
	uint16_t port;
	uint32_t service; /* index in the configuration */
};

/* All of a configuration, sorted. */
struct places {
	struct place *list;
	uint64_t count;
};

struct search {
	const struct fleet *running;
	const struct fleet *after;
	const struct config *old;
	const struct config *new;
	struct places old_places;
	struct places new_places;
	uint64_t *broken; /* by pool of the running fleet; may count sessions more than once */
	struct plan *plan;
	bool failed; /* no memory for some cause */
};

uint64_t plan_recent_sessions(const struct fleet *fleet, const struct backend *backend)
{
	struct mr_flow_counters counters;

	roster_backend_counters(fleet->roster, backend, &counters);
	return window_growth(&backend->sessions, counters.sessions);
}

uint64_t plan_backend_sessions(const struct fleet *fleet, const struct backend *backend)
{
	return backend->pins + plan_recent_sessions(fleet, backend);
}

static uint64_t pool_sessions(const struct fleet *fleet, const struct pool *pool)
{
	uint64_t sessions = 0;

	for (uint32_t i = 0; i < pool->member_count; i++)
		sessions += plan_backend_sessions(fleet, pool->members[i].backend);
	return sessions;
}

static uint32_t running_pool_of(const struct search *search, uint32_t service)
{
	return search->running->service_pools[service];
}

/* Sessions of one service: no more than its pool has, nor than SYNs it ever got and pins. */
static uint64_t service_sessions(const struct search *search, uint32_t service)
{
	const struct fleet *running = search->running;
	const struct pool *pool = &running->pools[running_pool_of(search, service)];
	const uint64_t all = pool_sessions(running, pool);
	struct mr_flow_counters counters;
	uint64_t own;

	roster_service_counters(running->roster, running->service_ids[service], &counters);
	own = counters.sessions;
	for (uint32_t i = 0; i < pool->member_count; i++)
		own += pool->members[i].backend->pins;
	return own < all ? own : all;
}

/* A new cause; its sessions are not known yet. NULL: no memory. */
__attribute__((format(printf, 4, 5))) static struct plan_break *add_break(
	struct search *search, enum plan_document document, const struct field_path *path,
	const char *format, ...)
{
	struct plan *plan = search->plan;
	struct plan_break *grown =
		reallocarray(plan->breaks, plan->break_count + 1, sizeof(*grown));
	char pointer[FIELD_POINTER_MAX];
	struct plan_break *added;
	va_list args;

	if (grown == NULL) {
		search->failed = true;
		return NULL;
	}
	plan->breaks = grown;
	added = &grown[plan->break_count++];
	field_path_format(path, pointer);
	*added = (struct plan_break){.pointer = strdup(pointer), .document = document};
	va_start(args, format);
	if (vasprintf(&added->message, format, args) < 0)
		added->message = NULL;
	va_end(args);
	if (added->pointer != NULL && added->message != NULL)
		return added;
	search->failed = true;
	return NULL;
}

/* @pool: index in the running fleet, whose sessions they are. @cause may be NULL. */
static void set_sessions(struct search *search, struct plan_break *cause, uint32_t pool,
			 uint64_t sessions)
{
	if (cause == NULL)
		return;
	cause->sessions_known = true;
	cause->sessions = sessions;
	search->broken[pool] += sessions;
}

static void find_disabled(struct search *search, uint32_t new_pool, uint32_t old_pool)
{
	const struct pool *after = &search->after->pools[new_pool];
	const struct pool *before = &search->running->pools[old_pool];
	const struct field_path pools = {NULL, "pools", 0};
	const struct field_path pool = {&pools, NULL, new_pool};
	const struct field_path backends = {&pool, "backends", 0};

	for (uint32_t i = 0; i < search->new->pools[new_pool].backend_count; i++) {
		const struct member *member = &after->members[i];
		const struct member *old = pool_find_member(before, member->backend->id);
		const struct field_path backend = {&backends, NULL, i};
		const struct field_path state = {&backend, "state", 0};
		struct plan_break *cause;

		if (member->state != CONFIG_BACKEND_DISABLED || old == NULL ||
		    !member_is_alive(old))
			continue;
		cause = add_break(search, PLAN_NEW, &state,
				  "backend %s/%s is disabled and loses its sessions at once",
				  before->name, old->backend->name);
		set_sessions(search, cause, old_pool,
			     plan_backend_sessions(search->running, old->backend));
	}
}

/* With nat a server knows its sessions by its own address, else by the service's. */
static void find_translated(struct search *search, uint32_t new_pool, uint32_t old_pool)
{
	const struct pool *after = &search->after->pools[new_pool];
	const struct pool *before = &search->running->pools[old_pool];
	const struct field_path pools = {NULL, "pools", 0};
	const struct field_path pool = {&pools, NULL, new_pool};
	const struct field_path forwarding = {&pool, "forwarding", 0};
	const bool to_nat = after->forwarding == MR_FORWARDING_NAT;
	struct plan_break *cause;

	if (to_nat == (before->forwarding == MR_FORWARDING_NAT))
		return;
	cause = add_break(search, PLAN_NEW, &forwarding,
			  "pool %s changes %s nat: its servers know their sessions by another "
			  "address",
			  before->name, to_nat ? "to" : "from");
	set_sessions(search, cause, old_pool, pool_sessions(search->running, before));
}

static void find_forgotten(struct search *search, uint32_t new_pool, uint32_t old_pool)
{
	const struct pool *after = &search->after->pools[new_pool];
	const struct pool *before = &search->running->pools[old_pool];
	const struct field_path pools = {NULL, "pools", 0};
	const struct field_path pool = {&pools, NULL, new_pool};
	const struct field_path idle = {&pool, "session_idle", 0};

	if (after->moving_slots > 0 && after->session_idle_s < before->session_idle_s)
		add_break(search, PLAN_NEW, &idle,
			  "sessions of pool %s that are silent for longer than %" PRIu32
			  " s, before %" PRIu32 " s, may be forgotten while slots are moving",
			  before->name, after->session_idle_s, before->session_idle_s);
}

static void find_in_pools(struct search *search)
{
	for (uint32_t i = 0; i < search->after->pool_count; i++) {
		const struct pool *before =
			fleet_find_pool(search->running, search->after->pools[i].name);
		uint32_t old_pool;

		if (before == NULL)
			continue;
		old_pool = (uint32_t)(before - search->running->pools);
		find_disabled(search, i, old_pool);
		find_translated(search, i, old_pool);
		find_forgotten(search, i, old_pool);
	}
}

static int compare_places(const void *a, const void *b)
{
	const struct place *left = a, *right = b;
	const int by_address = mr_addr_compare(&left->address, &right->address);

	return by_address != 0 ? by_address : (int)left->port - (int)right->port;
}

static int places_make(const struct config *config, struct places *out)
{
	out->list = calloc(config_count_endpoints(config) + 1, sizeof(*out->list));
	if (out->list == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < config->service_count; i++) {
		const struct config_service *service = &config->services[i];

		for (uint32_t j = 0; j < service->address_count; j++)
			for (uint32_t k = 0; k < service->port_count; k++)
				out->list[out->count++] =
					(struct place){service->addresses[j], service->ports[k], i};
	}
	qsort(out->list, out->count, sizeof(*out->list), compare_places);
	return 0;
}

/* NULL: nothing listens there. */
static const struct place *places_find(const struct places *places, const struct mr_addr *address,
				       uint16_t port)
{
	const struct place key = {*address, port, 0};

	return bsearch(&key, places->list, places->count, sizeof(key), compare_places);
}

static bool is_served(const struct search *search, const struct config_service *service,
		      uint32_t address, uint32_t port)
{
	return places_find(&search->new_places, &service->addresses[address],
			   service->ports[port]) != NULL;
}

static int compare_addresses(const void *key, const void *place)
{
	return mr_addr_compare(key, &((const struct place *)place)->address);
}

/* By any service, on any port. */
static bool address_is_served(const struct search *search, const struct config_service *service,
			      uint32_t address)
{
	const struct places *places = &search->new_places;

	return bsearch(&service->addresses[address], places->list, places->count,
		       sizeof(places->list[0]), compare_addresses) != NULL;
}

/* On all addresses that are served at all. */
static bool port_is_served(const struct search *search, const struct config_service *service,
			   uint32_t port)
{
	for (uint32_t i = 0; i < service->address_count; i++) {
		if (address_is_served(search, service, i) && !is_served(search, service, i, port))
			return false;
	}
	return true;
}

/* Anywhere. */
static bool service_is_served(const struct search *search, const struct config_service *service)
{
	for (uint32_t i = 0; i < service->address_count; i++) {
		for (uint32_t j = 0; j < service->port_count; j++) {
			if (is_served(search, service, i, j))
				return true;
		}
	}
	return false;
}

static bool has_service(const struct config *config, const char *name)
{
	for (uint32_t i = 0; i < config->service_count; i++) {
		if (strcmp(config->services[i].name, name) == 0)
			return true;
	}
	return false;
}

static void find_lost_addresses(struct search *search, uint32_t index,
				const struct field_path *path)
{
	const struct config_service *service = &search->old->services[index];
	const struct field_path addresses = {path, "addresses", 0};
	char text[MR_ADDR_TEXT_MAX];

	for (uint32_t i = 0; i < service->address_count; i++) {
		const struct field_path address = {&addresses, NULL, i};
		struct plan_break *cause;

		if (address_is_served(search, service, i))
			continue;
		address_format(&service->addresses[i], text);
		cause = add_break(search, PLAN_RUNNING, &address, "service %s is no longer at %s",
				  service->name, text);
		set_sessions(search, cause, running_pool_of(search, index),
			     service_sessions(search, index));
	}
}

static void find_lost_ports(struct search *search, uint32_t index, const struct field_path *path)
{
	const struct config_service *service = &search->old->services[index];
	const struct field_path ports = {path, "ports", 0};

	for (uint32_t i = 0; i < service->port_count; i++) {
		const struct field_path port = {&ports, NULL, i};
		struct plan_break *cause;

		if (port_is_served(search, service, i))
			continue;
		cause = add_break(search, PLAN_RUNNING, &port, "service %s is no longer on port %u",
				  service->name, service->ports[i]);
		set_sessions(search, cause, running_pool_of(search, index),
			     service_sessions(search, index));
	}
}

/* Under whatever name: a service is its addresses and ports to a session. */
static void find_lost_places(struct search *search, uint32_t index)
{
	const struct config_service *service = &search->old->services[index];
	const struct field_path services = {NULL, "services", 0};
	const struct field_path path = {&services, NULL, index};
	struct plan_break *cause;

	if (service_is_served(search, service) || has_service(search->new, service->name)) {
		find_lost_addresses(search, index, &path);
		find_lost_ports(search, index, &path);
		return;
	}
	cause = add_break(search, PLAN_RUNNING, &path, "service %s is removed", service->name);
	set_sessions(search, cause, running_pool_of(search, index),
		     service_sessions(search, index));
}

/* @next: index of the new service at places of the running one @index. */
static void add_other_pool(struct search *search, uint32_t index, uint32_t next)
{
	const struct field_path services = {NULL, "services", 0};
	const struct field_path path = {&services, NULL, next};
	const struct field_path pool = {&path, "pool", 0};
	struct plan_break *cause;

	cause = add_break(search, PLAN_NEW, &pool,
			  "sessions of service %s go by the table of pool %s, no longer of %s",
			  search->old->services[index].name, search->new->services[next].pool,
			  search->old->services[index].pool);
	set_sessions(search, cause, running_pool_of(search, index),
		     service_sessions(search, index));
}

/* Another pool has another table, and knows nothing of the sessions. */
static void find_other_pool(struct search *search, uint32_t index)
{
	const struct config_service *service = &search->old->services[index];
	uint32_t told = UINT32_MAX;

	for (uint32_t i = 0; i < service->address_count; i++) {
		for (uint32_t j = 0; j < service->port_count; j++) {
			const struct place *place = places_find(
				&search->new_places, &service->addresses[i], service->ports[j]);
			const struct config_service *next =
				place != NULL ? &search->new->services[place->service] : NULL;

			if (next == NULL || strcmp(next->pool, service->pool) == 0 ||
			    place->service == told)
				continue;
			told = place->service;
			add_other_pool(search, index, told);
		}
	}
}

static struct mr_range *sorted_exclusions(const struct config_service *service, uint32_t *out_count)
{
	const struct config_exclude *exclude = &service->exclude;
	struct mr_range *ranges = calloc(exclude->source_count + 1, sizeof(*ranges));

	for (uint32_t i = 0; ranges != NULL && i < exclude->source_count; i++)
		ranges[i] = range_of_prefix(&exclude->sources[i]);
	*out_count = ranges != NULL ? ranges_normalize(ranges, exclude->source_count) : 0;
	return ranges;
}

/* In one of @ranges, sorted and joined: in the last that does not begin behind it. */
static bool is_inside(const struct mr_prefix *prefix, const struct mr_range *ranges, uint32_t count)
{
	const struct mr_range range = range_of_prefix(prefix);
	uint32_t low = 0, high = count;

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;

		if (mr_addr_compare(&ranges[middle].first, &range.first) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 && mr_addr_compare(&range.last, &ranges[low - 1].last) <= 0;
}

/* The running service at one of the new one's places; NULL: it has no sessions yet. */
static const struct config_service *find_predecessor(const struct search *search,
						     const struct config_service *service)
{
	for (uint32_t i = 0; i < service->address_count; i++) {
		for (uint32_t j = 0; j < service->port_count; j++) {
			const struct place *place = places_find(
				&search->old_places, &service->addresses[i], service->ports[j]);

			if (place != NULL)
				return &search->old->services[place->service];
		}
	}
	return NULL;
}

/* Nobody counts sessions by their sources. */
static void find_excluded(struct search *search, uint32_t index)
{
	const struct config_service *service = &search->new->services[index];
	const struct config_service *old = find_predecessor(search, service);
	const struct field_path services = {NULL, "services", 0};
	const struct field_path at = {&services, NULL, index};
	const struct field_path exclude = {&at, "exclude", 0};
	const struct field_path sources = {&exclude, "sources", 0};
	struct mr_range *ranges;
	uint32_t count, first = 0, added = 0;
	char text[MR_ADDR_TEXT_MAX];

	if (old == NULL)
		return;
	ranges = sorted_exclusions(old, &count);
	search->failed |= ranges == NULL;
	for (uint32_t i = service->exclude.source_count; i-- > 0;) {
		if (is_inside(&service->exclude.sources[i], ranges, count))
			continue;
		first = i;
		added++;
	}
	free(ranges);
	if (added == 0)
		return;
	prefix_format(&service->exclude.sources[first], text);
	add_break(search, PLAN_NEW, &(struct field_path){&sources, NULL, first},
		  "service %s excludes %" PRIu32 " more source%s, %s%s: sessions from there end",
		  service->name, added, added == 1 ? "" : "s", text, added == 1 ? "" : " first");
}

static void find_in_services(struct search *search)
{
	for (uint32_t i = 0; i < search->old->service_count; i++) {
		find_lost_places(search, i);
		find_other_pool(search, i);
	}
	for (uint32_t i = 0; i < search->new->service_count; i++)
		find_excluded(search, i);
}

static uint64_t sum_broken(const struct search *search)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < search->running->pool_count; i++) {
		const uint64_t all = pool_sessions(search->running, &search->running->pools[i]);

		sum += search->broken[i] < all ? search->broken[i] : all;
	}
	return sum;
}

int plan_find_breaks(const struct fleet *running, const struct fleet *after, struct plan *plan)
{
	struct search search = {
		.running = running,
		.after = after,
		.old = running->config,
		.new = after->config,
		.broken = calloc(running->pool_count + 1, sizeof(*search.broken)),
		.plan = plan,
	};
	int rc = -ENOMEM;

	if (search.broken == NULL || places_make(search.old, &search.old_places) < 0 ||
	    places_make(search.new, &search.new_places) < 0)
		goto err_free;
	find_in_pools(&search);
	find_in_services(&search);
	plan->sessions_broken = sum_broken(&search);
	rc = search.failed ? -ENOMEM : 0;
err_free:
	free(search.old_places.list);
	free(search.new_places.list);
	free(search.broken);
	return rc;
}
