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
static_assert(STEER_QUEUES_MAX == MR_QUEUES_MAX, "every queue has a place for its socket");

typedef int compare_fn(const void *, const void *);

static int compare_endpoints(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct steer_endpoint));
}

static int compare_sources(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct steer_address));
}

/* Sorts, drops repetitions and returns how many are left. */
static uint32_t make_set(void *keys, uint32_t count, size_t size, compare_fn *compare)
{
	uint8_t *const bytes = keys;
	uint32_t kept = 0;

	if (count == 0)
		return 0;
	qsort(keys, count, size, compare);
	for (uint32_t i = 1; i < count; i++)
		if (compare(bytes + kept * size, bytes + i * size) != 0)
			memcpy(bytes + ++kept * size, bytes + i * size, size);
	return kept + 1;
}

int steering_keys_init(const struct mr_endpoint *endpoints, uint32_t endpoint_count,
		       const struct mr_addr *sources, uint32_t source_count,
		       struct steering_keys *out)
{
	struct steering_keys keys = {
		.endpoints = calloc(endpoint_count + 1, sizeof(*keys.endpoints)),
		.sources = calloc(source_count + 1, sizeof(*keys.sources)),
	};

	if (keys.endpoints == NULL || keys.sources == NULL) {
		steering_keys_fini(&keys);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < endpoint_count; i++) {
		memcpy(keys.endpoints[i].address, endpoints[i].address.bytes,
		       sizeof(keys.endpoints[i].address));
		keys.endpoints[i].port = endpoints[i].port;
	}
	for (uint32_t i = 0; i < source_count; i++)
		memcpy(keys.sources[i].address, sources[i].bytes, sizeof(keys.sources[i].address));
	keys.endpoint_count = make_set(keys.endpoints, endpoint_count, sizeof(*keys.endpoints),
				       compare_endpoints);
	keys.source_count =
		make_set(keys.sources, source_count, sizeof(*keys.sources), compare_sources);
	*out = keys;
	return 0;
}

void steering_keys_fini(struct steering_keys *keys)
{
	free(keys->endpoints);
	free(keys->sources);
	*keys = (struct steering_keys){0};
}

void steering_init(struct steering *steering)
{
	*steering = (struct steering){.services_map = -1, .probe_sources_map = -1};
}

bool steering_is_open(const struct steering *steering)
{
	return steering->services_map >= 0;
}

static int add_missing(int map, const void *keys, uint32_t count, size_t size)
{
	const uint8_t *const bytes = keys;
	const uint8_t present = 1;

	for (uint32_t i = 0; i < count; i++) {
		const int rc = bpf_map_update_elem(map, bytes + i * size, &present, BPF_NOEXIST);

		if (rc != 0 && rc != -EEXIST)
			return rc;
	}
	return 0;
}

int steering_add(const struct steering *steering, const struct steering_keys *keys,
		 struct mr_error *error)
{
	/* Sources first: they are asked only about packets of services. */
	int rc = add_missing(steering->probe_sources_map, keys->sources, keys->source_count,
			     sizeof(*keys->sources));

	if (rc == 0)
		rc = add_missing(steering->services_map, keys->endpoints, keys->endpoint_count,
				 sizeof(*keys->endpoints));
	if (rc != 0)
		return mr_error_set(error, rc, "steering map refuses an entry: %s", strerror(-rc));
	return 0;
}

/* Walks by key: the step to the next one is taken before the current one is deleted. */
static void delete_others(int map, const void *keys, uint32_t count, size_t size,
			  compare_fn *compare)
{
	uint8_t held[sizeof(struct steer_endpoint)];
	uint8_t next[sizeof(struct steer_endpoint)];
	int rc = bpf_map_get_next_key(map, NULL, next);

	assert(size <= sizeof(held));
	while (rc == 0) {
		memcpy(held, next, size);
		rc = bpf_map_get_next_key(map, held, next);
		if (count == 0 || bsearch(held, keys, count, size, compare) == NULL)
			bpf_map_delete_elem(map, held);
	}
}

void steering_keep_only(const struct steering *steering, const struct steering_keys *keys)
{
	delete_others(steering->services_map, keys->endpoints, keys->endpoint_count,
		      sizeof(*keys->endpoints), compare_endpoints);
	delete_others(steering->probe_sources_map, keys->sources, keys->source_count,
		      sizeof(*keys->sources), compare_sources);
}

void steering_close(struct steering *steering)
{
	if (steering->tc != NULL) {
		steering_tc_close(steering);
		return;
	}
	if (steering->services_map >= 0)
		close(steering->services_map);
	if (steering->probe_sources_map >= 0)
		close(steering->probe_sources_map);
	steering_init(steering);
}
