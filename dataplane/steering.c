/* SPDX-License-Identifier: BSD-3-Clause */
#include "steering.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include <mailrail/limits.h>

static_assert(STEER_ENDPOINTS_MAX / 2 == MR_ENDPOINTS_MAX, "the map holds old and new");
static_assert(STEER_PROBE_SOURCES_MAX / 2 == MR_PROBE_SOURCES_MAX, "the map holds old and new");
static_assert(STEER_NAT_SOURCES_MAX / 2 == MR_NAT_SOURCES_MAX, "the map holds old and new");
static_assert(STEER_TAGS_MAX == MR_PORTS_MAX, "every port may have tags of its own");
static_assert(STEER_QUEUES_MAX == MR_QUEUES_MAX, "every queue has a place for its socket");
static_assert(STEER_EXTENSIONS_MAX == MR_EXTENSIONS_MAX, "parse looks as far");
static_assert(STEER_EXTENSION_BYTES_MAX == MR_EXTENSION_BYTES_MAX, "parse looks as far");

typedef int compare_fn(const void *, const void *);

static int compare_addresses(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct steer_address));
}

static int compare_endpoints(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct steer_endpoint));
}

#define ADDRESS_KEYS  sizeof(struct steer_address), compare_addresses
#define ENDPOINT_KEYS sizeof(struct steer_endpoint), compare_endpoints

static const struct {
	const char *name; /* in the programs' objects */
	size_t key_bytes;
	compare_fn *compare;
} kinds[STEERING_MAP_COUNT] = {
	[STEERING_PROBE_SOURCES] = {"probe_sources", ADDRESS_KEYS},
	[STEERING_SERVICE_ADDRESSES] = {"service_addrs", ADDRESS_KEYS},
	[STEERING_NAT_ADDRESSES] = {"nat_addrs", ADDRESS_KEYS},
	[STEERING_SERVICES] = {"services", ENDPOINT_KEYS},
	[STEERING_NAT_SOURCES] = {"nat_sources", ENDPOINT_KEYS},
};

const char *steering_map_name(enum steering_map map)
{
	return kinds[map].name;
}

static struct steer_address address_key(const struct mr_addr *address)
{
	struct steer_address key;

	memcpy(key.address, address->bytes, sizeof(key.address));
	return key;
}

static struct steer_endpoint endpoint_key(const struct mr_addr *address, rte_be16_t port)
{
	struct steer_endpoint key = {.port = port};

	memcpy(key.address, address->bytes, sizeof(key.address));
	return key;
}

/* Sorts and drops repetitions. */
static void make_set(struct steering_set *set, size_t key_bytes, compare_fn *compare)
{
	uint8_t *const bytes = set->keys;
	uint32_t kept = 0;

	if (set->count == 0)
		return;
	qsort(set->keys, set->count, key_bytes, compare);
	for (uint32_t i = 1; i < set->count; i++)
		if (compare(bytes + kept * key_bytes, bytes + i * key_bytes) != 0)
			memcpy(bytes + ++kept * key_bytes, bytes + i * key_bytes, key_bytes);
	set->count = kept + 1;
}

static int allocate(const struct mr_steering *steering, struct steering_keys *keys)
{
	const uint32_t counts[STEERING_MAP_COUNT] = {
		[STEERING_PROBE_SOURCES] = steering->probe_source_count,
		[STEERING_SERVICE_ADDRESSES] = steering->endpoint_count,
		[STEERING_NAT_ADDRESSES] = steering->nat_source_count,
		[STEERING_SERVICES] = steering->endpoint_count,
		[STEERING_NAT_SOURCES] = steering->nat_source_count,
	};

	for (uint32_t i = 0; i < STEERING_MAP_COUNT; i++) {
		keys->sets[i].count = counts[i];
		keys->sets[i].keys = calloc(counts[i] + 1, kinds[i].key_bytes);
		if (keys->sets[i].keys == NULL)
			return -ENOMEM;
	}
	return 0;
}

static void fill(const struct mr_steering *steering, struct steering_keys *keys)
{
	struct steer_address *const probe_sources = keys->sets[STEERING_PROBE_SOURCES].keys;
	struct steer_address *const services_at = keys->sets[STEERING_SERVICE_ADDRESSES].keys;
	struct steer_address *const nat_at = keys->sets[STEERING_NAT_ADDRESSES].keys;
	struct steer_endpoint *const services = keys->sets[STEERING_SERVICES].keys;
	struct steer_endpoint *const nat_sources = keys->sets[STEERING_NAT_SOURCES].keys;

	for (uint32_t i = 0; i < steering->probe_source_count; i++)
		probe_sources[i] = address_key(&steering->probe_sources[i]);
	for (uint32_t i = 0; i < steering->endpoint_count; i++) {
		const struct mr_endpoint *endpoint = &steering->endpoints[i];

		services[i] = endpoint_key(&endpoint->address, endpoint->port);
		services_at[i] = address_key(&endpoint->address);
	}
	for (uint32_t i = 0; i < steering->nat_source_count; i++) {
		const struct mr_nat_source *source = &steering->nat_sources[i];

		nat_sources[i] = endpoint_key(&source->address, source->port);
		nat_at[i] = address_key(&source->address);
	}
}

int steering_keys_init(const struct mr_steering *steering, struct steering_keys *out)
{
	struct steering_keys keys = {0};

	if (allocate(steering, &keys) != 0) {
		steering_keys_fini(&keys);
		return -ENOMEM;
	}
	fill(steering, &keys);
	for (uint32_t i = 0; i < STEERING_MAP_COUNT; i++)
		make_set(&keys.sets[i], kinds[i].key_bytes, kinds[i].compare);
	*out = keys;
	return 0;
}

void steering_keys_fini(struct steering_keys *keys)
{
	for (uint32_t i = 0; i < STEERING_MAP_COUNT; i++)
		free(keys->sets[i].keys);
	*keys = (struct steering_keys){0};
}

void steering_tags_add(struct steering_tags *tags, const uint16_t ids[2], uint8_t count)
{
	const uint16_t outer = count > 0 ? ids[0] : 0;
	const uint16_t inner = count > 1 ? ids[1] : 0;

	assert(tags->count < STEER_TAGS_MAX);
	tags->keys[tags->count++] = steer_tags_key(outer, inner);
}

int steering_tags_enter(const struct steering_tags *tags, int map)
{
	const uint8_t present = 1;

	for (uint32_t i = 0; i < tags->count; i++) {
		const int rc = bpf_map_update_elem(map, &tags->keys[i], &present, BPF_ANY);

		if (rc != 0)
			return rc;
	}
	return 0;
}

void steering_init(struct steering *steering)
{
	*steering = (struct steering){0};
	for (uint32_t i = 0; i < STEERING_MAP_COUNT; i++)
		steering->maps[i] = -1;
}

bool steering_is_open(const struct steering *steering)
{
	return steering->maps[STEERING_SERVICES] >= 0;
}

static int add_missing(int map, const struct steering_set *set, size_t key_bytes)
{
	const uint8_t *const bytes = set->keys;
	const uint8_t present = 1;

	for (uint32_t i = 0; i < set->count; i++) {
		const int rc =
			bpf_map_update_elem(map, bytes + i * key_bytes, &present, BPF_NOEXIST);

		if (rc != 0 && rc != -EEXIST)
			return rc;
	}
	return 0;
}

int steering_add(const struct steering *steering, const struct steering_keys *keys,
		 struct mr_error *error)
{
	for (uint32_t i = 0; i < STEERING_MAP_COUNT; i++) {
		const int rc = add_missing(steering->maps[i], &keys->sets[i], kinds[i].key_bytes);

		if (rc != 0)
			return mr_error_set(error, rc, "steering map %s refuses an entry: %s",
					    kinds[i].name, strerror(-rc));
	}
	return 0;
}

/* Walks by key: the step to the next one is taken before the current one is deleted. */
static void delete_others(int map, const struct steering_set *set, size_t key_bytes,
			  compare_fn *compare)
{
	uint8_t held[sizeof(struct steer_endpoint)];
	uint8_t next[sizeof(struct steer_endpoint)];
	int rc = bpf_map_get_next_key(map, NULL, next);

	assert(key_bytes <= sizeof(held));
	while (rc == 0) {
		memcpy(held, next, key_bytes);
		rc = bpf_map_get_next_key(map, held, next);
		if (set->count == 0 ||
		    bsearch(held, set->keys, set->count, key_bytes, compare) == NULL)
			bpf_map_delete_elem(map, held);
	}
}

void steering_keep_only(const struct steering *steering, const struct steering_keys *keys)
{
	for (uint32_t i = 0; i < STEERING_MAP_COUNT; i++)
		delete_others(steering->maps[i], &keys->sets[i], kinds[i].key_bytes,
			      kinds[i].compare);
}

void steering_close(struct steering *steering)
{
	if (steering->tc != NULL) {
		steering_tc_close(steering);
		return;
	}
	for (uint32_t i = 0; i < STEERING_MAP_COUNT; i++)
		if (steering->maps[i] >= 0)
			close(steering->maps[i]);
	steering_init(steering);
}
