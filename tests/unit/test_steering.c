/* SPDX-License-Identifier: BSD-3-Clause */
/* The difference between two sets of steering entries, on real maps. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <bpf/bpf.h>

#include "../lib/unit.h"
#include "steering.h"

/* Room for few entries, so that a full map can be met. */
#define MAP_ENTRIES 8

static struct steering steering;

/* The key's size says which kind of map it is. */
static size_t key_bytes(uint32_t map)
{
	return map == STEERING_SERVICES || map == STEERING_NAT_SOURCES
		       ? sizeof(struct steer_endpoint)
		       : sizeof(struct steer_address);
}

static void open_maps(void)
{
	steering_init(&steering);
	CU_ASSERT_FALSE(steering_is_open(&steering));
	for (uint32_t i = 0; i < STEERING_MAP_COUNT; i++) {
		steering.maps[i] =
			bpf_map_create(BPF_MAP_TYPE_HASH, steering_map_name((enum steering_map)i),
				       (uint32_t)key_bytes(i), 1, MAP_ENTRIES, NULL);
		CU_ASSERT_FATAL(steering.maps[i] >= 0);
	}
	CU_ASSERT(steering_is_open(&steering));
}

static struct mr_endpoint endpoint(uint8_t host, uint16_t port)
{
	const uint8_t v4[] = {10, 0, 0, host};

	return (struct mr_endpoint){.address = mr_addr_from_v4(v4), .port = htons(port)};
}

static struct steering_keys keys_of(const struct mr_endpoint *endpoints, uint32_t count)
{
	const struct mr_addr source = endpoint(1, 0).address;
	const struct mr_nat_source nat_sources[] = {
		{.address = endpoint(50, 0).address, .port = htons(25)},
		{.address = endpoint(50, 0).address, .port = htons(587)},
	};
	const struct mr_steering wanted = {
		.endpoints = endpoints,
		.endpoint_count = count,
		.probe_sources = &source,
		.probe_source_count = 1,
		.nat_sources = nat_sources,
		.nat_source_count = 2,
	};
	struct steering_keys keys;

	CU_ASSERT_EQUAL_FATAL(steering_keys_init(&wanted, &keys), 0);
	return keys;
}

/* What dataplane.c does. */
static int steer(const struct steering_keys *keys)
{
	struct mr_error error = {""};
	const int rc = steering_add(&steering, keys, &error);

	if (rc == 0)
		steering_keep_only(&steering, keys);
	return rc;
}

/* 0: not there. */
static uint8_t value_of(struct mr_endpoint at)
{
	struct steer_endpoint key = {.port = at.port};
	uint8_t value = 0;

	memcpy(key.address, at.address.bytes, sizeof(key.address));
	bpf_map_lookup_elem(steering.maps[STEERING_SERVICES], &key, &value);
	return value;
}

static void mark(struct mr_endpoint at, uint8_t value)
{
	struct steer_endpoint key = {.port = at.port};

	memcpy(key.address, at.address.bytes, sizeof(key.address));
	CU_ASSERT_EQUAL(
		bpf_map_update_elem(steering.maps[STEERING_SERVICES], &key, &value, BPF_EXIST), 0);
}

static uint32_t held(enum steering_map map)
{
	uint8_t key[sizeof(struct steer_endpoint)];
	uint8_t next[sizeof(struct steer_endpoint)];
	uint32_t count = 0;
	int rc = bpf_map_get_next_key(steering.maps[map], NULL, next);

	for (; rc == 0; count++) {
		memcpy(key, next, key_bytes(map));
		rc = bpf_map_get_next_key(steering.maps[map], key, next);
	}
	return count;
}

static bool holds_address(enum steering_map map, struct mr_addr address)
{
	uint8_t value;

	return bpf_map_lookup_elem(steering.maps[map], address.bytes, &value) == 0;
}

static void keys_are_a_set(void)
{
	const struct mr_endpoint list[] = {endpoint(9, 25), endpoint(2, 587), endpoint(9, 25),
					   endpoint(2, 25), endpoint(9, 25)};
	const struct mr_steering nothing = {0};
	struct steering_keys keys = keys_of(list, 5);
	const struct steering_set *services = &keys.sets[STEERING_SERVICES];
	const struct steer_endpoint *endpoints = services->keys;

	CU_ASSERT_EQUAL(services->count, 3);
	for (uint32_t i = 1; i < services->count; i++)
		CU_ASSERT(memcmp(&endpoints[i - 1], &endpoints[i], sizeof(endpoints[i])) < 0);
	CU_ASSERT_EQUAL(keys.sets[STEERING_SERVICE_ADDRESSES].count, 2);
	CU_ASSERT_EQUAL(keys.sets[STEERING_NAT_SOURCES].count, 2);
	CU_ASSERT_EQUAL(keys.sets[STEERING_NAT_ADDRESSES].count, 1);
	CU_ASSERT_EQUAL(keys.sets[STEERING_PROBE_SOURCES].count, 1);
	steering_keys_fini(&keys);
	CU_ASSERT_EQUAL(steering_keys_init(&nothing, &keys), 0);
	for (uint32_t i = 0; i < STEERING_MAP_COUNT; i++)
		CU_ASSERT_EQUAL(keys.sets[i].count, 0);
	steering_keys_fini(&keys);
}

static void each_map_gets_its_own(void)
{
	const struct mr_endpoint list[] = {endpoint(2, 25), endpoint(2, 587), endpoint(3, 25)};
	const struct steering_keys nothing = {0};
	struct steering_keys keys = keys_of(list, 3);

	CU_ASSERT_EQUAL(steer(&keys), 0);
	CU_ASSERT_EQUAL(held(STEERING_SERVICES), 3);
	CU_ASSERT_EQUAL(held(STEERING_SERVICE_ADDRESSES), 2);
	CU_ASSERT(holds_address(STEERING_SERVICE_ADDRESSES, list[0].address));
	CU_ASSERT(holds_address(STEERING_SERVICE_ADDRESSES, list[2].address));
	CU_ASSERT_EQUAL(held(STEERING_NAT_SOURCES), 2);
	CU_ASSERT_EQUAL(held(STEERING_NAT_ADDRESSES), 1);
	CU_ASSERT(holds_address(STEERING_NAT_ADDRESSES, endpoint(50, 0).address));
	CU_ASSERT_EQUAL(held(STEERING_PROBE_SOURCES), 1);
	CU_ASSERT(holds_address(STEERING_PROBE_SOURCES, endpoint(1, 0).address));
	steering_keys_fini(&keys);
	steering_keep_only(&steering, &nothing);
	for (uint32_t i = 0; i < STEERING_MAP_COUNT; i++)
		CU_ASSERT_EQUAL(held((enum steering_map)i), 0);
}

static void tags_are_keys(void)
{
	const uint16_t none[2] = {0, 0}, one[2] = {100, 0}, two[2] = {200, 300};
	const uint32_t wanted[] = {0, 100 << 16, 200 << 16 | 300};
	const int map = bpf_map_create(BPF_MAP_TYPE_HASH, "tags", 4, 1, STEER_TAGS_MAX, NULL);
	struct steering_tags tags = {0};
	uint8_t value;

	CU_ASSERT_FATAL(map >= 0);
	steering_tags_add(&tags, none, 0);
	steering_tags_add(&tags, one, 1);
	steering_tags_add(&tags, two, 2);
	CU_ASSERT_EQUAL(steering_tags_enter(&tags, map), 0);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		CU_ASSERT_EQUAL(bpf_map_lookup_elem(map, &wanted[i], &value), 0);
	CU_ASSERT_EQUAL(steering_tags_enter(&tags, -1), -EBADF);
	close(map);
}

static void unchanged_entries_are_untouched(void)
{
	const struct mr_endpoint before[] = {endpoint(2, 25), endpoint(3, 25)};
	const struct mr_endpoint after[] = {endpoint(3, 25), endpoint(4, 25)};
	struct steering_keys keys = keys_of(before, 2);

	CU_ASSERT_EQUAL(steer(&keys), 0);
	steering_keys_fini(&keys);
	CU_ASSERT_EQUAL(value_of(before[0]), 1);
	mark(before[1], 77);

	keys = keys_of(after, 2);
	CU_ASSERT_EQUAL(steer(&keys), 0);
	steering_keys_fini(&keys);
	CU_ASSERT_EQUAL(value_of(before[0]), 0);
	CU_ASSERT_EQUAL(value_of(before[1]), 77);
	CU_ASSERT_EQUAL(value_of(after[1]), 1);
	CU_ASSERT_EQUAL(held(STEERING_SERVICES), 2);
	CU_ASSERT_EQUAL(held(STEERING_PROBE_SOURCES), 1);
}

static void a_full_map_is_an_error_that_can_be_undone(void)
{
	const struct mr_endpoint before[] = {endpoint(3, 25), endpoint(4, 25)};
	struct mr_endpoint many[MAP_ENTRIES + 1];
	struct steering_keys keys;
	struct steering_keys previous = keys_of(before, 2);

	for (uint8_t i = 0; i <= MAP_ENTRIES; i++)
		many[i] = endpoint(100 + i, 25);
	keys = keys_of(many, MAP_ENTRIES + 1);
	CU_ASSERT_EQUAL(steer(&keys), -E2BIG);
	CU_ASSERT_EQUAL(value_of(before[0]), 77);
	steering_keep_only(&steering, &previous);
	CU_ASSERT_EQUAL(held(STEERING_SERVICES), 2);
	CU_ASSERT_EQUAL(value_of(before[0]), 77);
	steering_keys_fini(&keys);
	steering_keys_fini(&previous);
}

/* Against a plain list of what should be there, step by step. */
static void random_sets_arrive_whole(void)
{
	srandom(20);
	for (int round = 0; round < 2000; round++) {
		struct mr_endpoint wanted[MAP_ENTRIES / 2];
		const uint32_t count = (uint32_t)random() % (MAP_ENTRIES / 2 + 1);
		struct steering_keys keys;

		for (uint32_t i = 0; i < count; i++)
			wanted[i] = endpoint((uint8_t)(random() % 10), 25);
		keys = keys_of(wanted, count);
		CU_ASSERT_EQUAL_FATAL(steer(&keys), 0);
		CU_ASSERT_EQUAL(held(STEERING_SERVICES), keys.sets[STEERING_SERVICES].count);
		for (uint32_t i = 0; i < count; i++)
			CU_ASSERT(value_of(wanted[i]) != 0);
		steering_keys_fini(&keys);
	}
}

static void close_lets_go(void)
{
	int maps[STEERING_MAP_COUNT];

	memcpy(maps, steering.maps, sizeof(maps));
	steering_close(&steering);
	CU_ASSERT_FALSE(steering_is_open(&steering));
	for (uint32_t i = 0; i < STEERING_MAP_COUNT; i++)
		CU_ASSERT_EQUAL(close(maps[i]), -1);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(open_maps),
		UNIT_TEST(keys_are_a_set),
		UNIT_TEST(each_map_gets_its_own),
		UNIT_TEST(tags_are_keys),
		UNIT_TEST(unchanged_entries_are_untouched),
		UNIT_TEST(a_full_map_is_an_error_that_can_be_undone),
		UNIT_TEST(random_sets_arrive_whole),
		UNIT_TEST(close_lets_go),
		CU_TEST_INFO_NULL,
	};

	return unit_run("steering", tests);
}
