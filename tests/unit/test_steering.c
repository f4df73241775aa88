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

static void open_maps(void)
{
	steering_init(&steering);
	CU_ASSERT_FALSE(steering_is_open(&steering));
	steering.services_map = bpf_map_create(BPF_MAP_TYPE_HASH, "services",
					       sizeof(struct steer_endpoint), 1, MAP_ENTRIES, NULL);
	steering.probe_sources_map =
		bpf_map_create(BPF_MAP_TYPE_HASH, "probe_sources", sizeof(struct steer_address), 1,
			       MAP_ENTRIES, NULL);
	CU_ASSERT_FATAL(steering.services_map >= 0);
	CU_ASSERT_FATAL(steering.probe_sources_map >= 0);
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
	struct steering_keys keys;

	CU_ASSERT_EQUAL_FATAL(steering_keys_init(endpoints, count, &source, 1, &keys), 0);
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
	bpf_map_lookup_elem(steering.services_map, &key, &value);
	return value;
}

static void mark(struct mr_endpoint at, uint8_t value)
{
	struct steer_endpoint key = {.port = at.port};

	memcpy(key.address, at.address.bytes, sizeof(key.address));
	CU_ASSERT_EQUAL(bpf_map_update_elem(steering.services_map, &key, &value, BPF_EXIST), 0);
}

static uint32_t entries(int map, size_t key_bytes)
{
	uint8_t key[sizeof(struct steer_endpoint)];
	uint8_t next[sizeof(struct steer_endpoint)];
	uint32_t count = 0;
	int rc = bpf_map_get_next_key(map, NULL, next);

	for (; rc == 0; count++) {
		memcpy(key, next, key_bytes);
		rc = bpf_map_get_next_key(map, key, next);
	}
	return count;
}

static uint32_t services_held(void)
{
	return entries(steering.services_map, sizeof(struct steer_endpoint));
}

static void keys_are_a_set(void)
{
	const struct mr_endpoint list[] = {endpoint(9, 25), endpoint(2, 587), endpoint(9, 25),
					   endpoint(2, 25), endpoint(9, 25)};
	struct steering_keys keys = keys_of(list, 5);

	CU_ASSERT_EQUAL(keys.endpoint_count, 3);
	for (uint32_t i = 1; i < keys.endpoint_count; i++)
		CU_ASSERT(memcmp(&keys.endpoints[i - 1], &keys.endpoints[i],
				 sizeof(keys.endpoints[i])) < 0);
	steering_keys_fini(&keys);
	CU_ASSERT_EQUAL(steering_keys_init(NULL, 0, NULL, 0, &keys), 0);
	CU_ASSERT_EQUAL(keys.endpoint_count, 0);
	steering_keys_fini(&keys);
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
	CU_ASSERT_EQUAL(services_held(), 2);
	CU_ASSERT_EQUAL(entries(steering.probe_sources_map, sizeof(struct steer_address)), 1);
}

static void a_full_map_is_an_error_that_can_be_undone(void)
{
	const struct mr_endpoint held[] = {endpoint(3, 25), endpoint(4, 25)};
	struct mr_endpoint many[MAP_ENTRIES + 1];
	struct steering_keys keys;
	struct steering_keys previous = keys_of(held, 2);

	for (uint8_t i = 0; i <= MAP_ENTRIES; i++)
		many[i] = endpoint(100 + i, 25);
	keys = keys_of(many, MAP_ENTRIES + 1);
	CU_ASSERT_EQUAL(steer(&keys), -E2BIG);
	CU_ASSERT_EQUAL(value_of(held[0]), 77);
	steering_keep_only(&steering, &previous);
	CU_ASSERT_EQUAL(services_held(), 2);
	CU_ASSERT_EQUAL(value_of(held[0]), 77);
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
		CU_ASSERT_EQUAL(services_held(), keys.endpoint_count);
		for (uint32_t i = 0; i < count; i++)
			CU_ASSERT(value_of(wanted[i]) != 0);
		steering_keys_fini(&keys);
	}
}

static void close_lets_go(void)
{
	const int map = steering.services_map;

	steering_close(&steering);
	CU_ASSERT_FALSE(steering_is_open(&steering));
	CU_ASSERT_EQUAL(close(map), -1);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(open_maps),
		UNIT_TEST(keys_are_a_set),
		UNIT_TEST(unchanged_entries_are_untouched),
		UNIT_TEST(a_full_map_is_an_error_that_can_be_undone),
		UNIT_TEST(random_sets_arrive_whole),
		UNIT_TEST(close_lets_go),
		CU_TEST_INFO_NULL,
	};

	return unit_run("steering", tests);
}
