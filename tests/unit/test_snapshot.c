/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Snapshots: the tables of endpoints, of nat sources and of all their addresses against plain
 * lists, exclusions, and shared tables of slots.
 * That references are dropped in the end is LeakSanitizer's to see, in the sanitizer build.
 */
#include <mailrail/snapshot.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "../lib/frame.h"
#include "../lib/unit.h"

#define RANDOM_ROUNDS 200

static struct mr_snapshot *with_endpoints(uint32_t count)
{
	const struct mr_snapshot_sizes sizes = {.endpoint_count = count};
	struct mr_snapshot *snapshot = mr_snapshot_create(&sizes);

	CU_ASSERT_PTR_NOT_NULL_FATAL(snapshot);
	return snapshot;
}

/* Few different values, so that addresses and ports meet again in other combinations. */
static struct mr_endpoint random_endpoint(void)
{
	const uint8_t v4[4] = {10, 0, (uint8_t)(lrand48() % 2), (uint8_t)(lrand48() % 16)};
	struct mr_endpoint endpoint = {
		.address = mr_addr_from_v4(v4),
		.port = rte_cpu_to_be_16((uint16_t)(1 + lrand48() % 16)),
		.service = (mr_service_id)lrand48(),
	};

	/* The same low bytes in IPv6: a table that forgets the family mixes them up. */
	if (lrand48() % 2)
		endpoint.address.bytes[0] = 0x20;
	return endpoint;
}

static const struct mr_endpoint *list_find(const struct mr_endpoint *list, uint32_t count,
					   const struct mr_endpoint *wanted)
{
	for (uint32_t i = 0; i < count; i++) {
		if (list[i].port == wanted->port &&
		    mr_addr_equal(&list[i].address, &wanted->address))
			return &list[i];
	}
	return NULL;
}

static void assert_same(const struct mr_snapshot *snapshot, const struct mr_endpoint *wanted,
			const struct mr_endpoint *expected)
{
	const struct mr_endpoint *found =
		mr_snapshot_find_endpoint(snapshot, &wanted->address, wanted->port);

	CU_ASSERT_EQUAL_FATAL(found != NULL, expected != NULL);
	if (found == NULL)
		return;
	CU_ASSERT(mr_addr_equal(&found->address, &expected->address));
	CU_ASSERT_EQUAL(found->port, expected->port);
	CU_ASSERT_EQUAL(found->service, expected->service);
}

static void random_round(uint32_t capacity)
{
	struct mr_snapshot *snapshot = with_endpoints(capacity);
	struct mr_endpoint list[256];
	uint32_t count = 0;

	for (unsigned int i = 0; i < 1000 && count < capacity; i++) {
		const struct mr_endpoint endpoint = random_endpoint();
		const bool taken = list_find(list, count, &endpoint) != NULL;

		CU_ASSERT_EQUAL(mr_snapshot_add_endpoint(snapshot, &endpoint), taken ? -EEXIST : 0);
		if (!taken)
			list[count++] = endpoint;
	}
	/* Full as it was announced to be: everything is found, and what is missing is missed. */
	for (unsigned int i = 0; i < 1000; i++) {
		const struct mr_endpoint wanted = random_endpoint();

		assert_same(snapshot, &wanted, list_find(list, count, &wanted));
	}
	for (uint32_t i = 0; i < count; i++)
		assert_same(snapshot, &list[i], &list[i]);
	mr_snapshot_destroy(snapshot);
}

static void test_endpoints_against_list(void)
{
	for (unsigned int i = 0; i < RANDOM_ROUNDS; i++)
		random_round((uint32_t)(lrand48() % 257));
}

/* Its fields tell it apart from whatever else has the same address or port. */
static struct mr_nat_source random_nat_source(void)
{
	const struct mr_endpoint place = random_endpoint();
	struct mr_nat_source source = {
		.address = place.address,
		.port = place.port,
		.service = place.service,
		.backend = (mr_backend_id)lrand48(),
	};

	source.service_address = random_endpoint().address;
	return source;
}

static const struct mr_nat_source *nat_list_find(const struct mr_nat_source *list, uint32_t count,
						 const struct mr_nat_source *wanted)
{
	for (uint32_t i = 0; i < count; i++) {
		if (list[i].port == wanted->port &&
		    mr_addr_equal(&list[i].address, &wanted->address))
			return &list[i];
	}
	return NULL;
}

static void assert_same_nat_source(const struct mr_snapshot *snapshot,
				   const struct mr_nat_source *wanted,
				   const struct mr_nat_source *expected)
{
	const struct mr_nat_source *found =
		mr_snapshot_find_nat_source(snapshot, &wanted->address, wanted->port);

	CU_ASSERT_EQUAL_FATAL(found != NULL, expected != NULL);
	if (found == NULL)
		return;
	CU_ASSERT(mr_addr_equal(&found->address, &expected->address));
	CU_ASSERT_EQUAL(found->port, expected->port);
	CU_ASSERT(mr_addr_equal(&found->service_address, &expected->service_address));
	CU_ASSERT_EQUAL(found->service, expected->service);
	CU_ASSERT_EQUAL(found->backend, expected->backend);
}

/* Returns how many there are in @list. */
static uint32_t add_random_nat_sources(struct mr_snapshot *snapshot, uint32_t capacity,
				       struct mr_nat_source *list)
{
	uint32_t count = 0;

	for (unsigned int i = 0; i < 1000 && count < capacity; i++) {
		const struct mr_nat_source source = random_nat_source();
		const bool taken = nat_list_find(list, count, &source) != NULL;

		CU_ASSERT_EQUAL(mr_snapshot_add_nat_source(snapshot, &source), taken ? -EEXIST : 0);
		if (!taken)
			list[count++] = source;
	}
	return count;
}

static void random_nat_round(uint32_t capacity)
{
	const struct mr_snapshot_sizes sizes = {.nat_source_count = capacity};
	struct mr_snapshot *snapshot = mr_snapshot_create(&sizes);
	struct mr_nat_source list[256];
	uint32_t count;

	CU_ASSERT_PTR_NOT_NULL_FATAL(snapshot);
	count = add_random_nat_sources(snapshot, capacity, list);
	for (unsigned int i = 0; i < 1000; i++) {
		const struct mr_nat_source wanted = random_nat_source();

		assert_same_nat_source(snapshot, &wanted, nat_list_find(list, count, &wanted));
	}
	for (uint32_t i = 0; i < count; i++)
		assert_same_nat_source(snapshot, &list[i], &list[i]);
	mr_snapshot_destroy(snapshot);
}

static void test_nat_sources_against_list(void)
{
	for (unsigned int i = 0; i < RANDOM_ROUNDS; i++)
		random_nat_round((uint32_t)(lrand48() % 257));
}

/* A source is no endpoint, nor the other way round, and port 0 is neither's. */
static void test_tables_are_apart(void)
{
	const struct mr_snapshot_sizes sizes = {.endpoint_count = 1, .nat_source_count = 1};
	struct mr_snapshot *snapshot = mr_snapshot_create(&sizes);
	const struct mr_endpoint endpoint = {frame_addr("10.0.0.10"), RTE_BE16(25), 1};
	const struct mr_nat_source source = {.address = frame_addr("10.0.1.1"),
					     .port = RTE_BE16(587)};

	CU_ASSERT_PTR_NOT_NULL_FATAL(snapshot);
	CU_ASSERT_EQUAL(mr_snapshot_add_endpoint(snapshot, &endpoint), 0);
	CU_ASSERT_EQUAL(mr_snapshot_add_nat_source(snapshot, &source), 0);
	CU_ASSERT_PTR_NULL(mr_snapshot_find_endpoint(snapshot, &source.address, source.port));
	CU_ASSERT_PTR_NULL(mr_snapshot_find_nat_source(snapshot, &endpoint.address, endpoint.port));
	CU_ASSERT_PTR_NULL(mr_snapshot_find_nat_source(snapshot, &source.address, 0));
	CU_ASSERT_PTR_NULL(mr_snapshot_find_nat_source(snapshot, &source.address, endpoint.port));
	mr_snapshot_destroy(snapshot);
}

static bool endpoints_have(const struct mr_endpoint *list, uint32_t count,
			   const struct mr_addr *address)
{
	for (uint32_t i = 0; i < count; i++) {
		if (mr_addr_equal(&list[i].address, address))
			return true;
	}
	return false;
}

static bool nat_sources_have(const struct mr_nat_source *list, uint32_t count,
			     const struct mr_addr *address)
{
	for (uint32_t i = 0; i < count; i++) {
		if (mr_addr_equal(&list[i].address, address))
			return true;
	}
	return false;
}

/* Addresses with several ports, in both tables or in one, as many as were announced. */
static void random_address_round(uint32_t endpoint_capacity, uint32_t source_capacity)
{
	const struct mr_snapshot_sizes sizes = {.endpoint_count = endpoint_capacity,
						.nat_source_count = source_capacity};
	struct mr_snapshot *snapshot = mr_snapshot_create(&sizes);
	struct mr_endpoint endpoints[16];
	struct mr_nat_source sources[16];
	uint32_t endpoint_count = 0;
	uint32_t source_count;

	CU_ASSERT_PTR_NOT_NULL_FATAL(snapshot);
	while (endpoint_count < endpoint_capacity) {
		endpoints[endpoint_count] = random_endpoint();
		if (mr_snapshot_add_endpoint(snapshot, &endpoints[endpoint_count]) == 0)
			endpoint_count++;
	}
	source_count = add_random_nat_sources(snapshot, source_capacity, sources);
	for (unsigned int i = 0; i < 200; i++) {
		const struct mr_addr from = random_endpoint().address;
		const struct mr_addr to = random_endpoint().address;

		CU_ASSERT_EQUAL(mr_snapshot_knows_addresses(snapshot, &from, &to),
				endpoints_have(endpoints, endpoint_count, &to) ||
					nat_sources_have(sources, source_count, &from));
	}
	mr_snapshot_destroy(snapshot);
}

static void test_addresses_against_lists(void)
{
	for (unsigned int i = 0; i < RANDOM_ROUNDS; i++)
		random_address_round((uint32_t)(lrand48() % 17), (uint32_t)(lrand48() % 17));
}

static void test_endpoint_taken(void)
{
	struct mr_snapshot *snapshot = with_endpoints(2);
	const struct mr_endpoint first = {frame_addr("10.0.0.10"), RTE_BE16(25), 1};
	const struct mr_endpoint again = {frame_addr("10.0.0.10"), RTE_BE16(25), 2};
	const struct mr_endpoint other = {frame_addr("10.0.0.10"), RTE_BE16(587), 2};

	CU_ASSERT_EQUAL(mr_snapshot_add_endpoint(snapshot, &first), 0);
	CU_ASSERT_EQUAL(mr_snapshot_add_endpoint(snapshot, &again), -EEXIST);
	CU_ASSERT_EQUAL(mr_snapshot_add_endpoint(snapshot, &other), 0);
	assert_same(snapshot, &first, &first);
	assert_same(snapshot, &other, &other);
	mr_snapshot_destroy(snapshot);
}

static void test_port_0_is_nobody_s(void)
{
	struct mr_snapshot *snapshot = with_endpoints(1);
	const struct mr_endpoint endpoint = {frame_addr("10.0.0.10"), RTE_BE16(25), 1};

	CU_ASSERT_PTR_NULL(mr_snapshot_find_endpoint(snapshot, &endpoint.address, 0));
	CU_ASSERT_EQUAL(mr_snapshot_add_endpoint(snapshot, &endpoint), 0);
	CU_ASSERT_PTR_NULL(mr_snapshot_find_endpoint(snapshot, &endpoint.address, 0));
	mr_snapshot_destroy(snapshot);
}

/* The limits that control promises: every address with every port of a large configuration. */
static void test_nat_source_limit(void)
{
	const struct mr_snapshot_sizes sizes = {.nat_source_count = MR_NAT_SOURCES_MAX};
	const struct mr_addr elsewhere = frame_addr("192.0.2.1");
	struct mr_snapshot *snapshot = mr_snapshot_create(&sizes);

	CU_ASSERT_PTR_NOT_NULL_FATAL(snapshot);
	for (uint32_t i = 0; i < MR_NAT_SOURCES_MAX; i++) {
		const uint8_t v4[4] = {10, (uint8_t)(i >> 10), (uint8_t)(i >> 2), 1};
		const struct mr_nat_source source = {
			.address = mr_addr_from_v4(v4),
			.port = rte_cpu_to_be_16((uint16_t)(1 + i % 4)),
			.backend = (mr_backend_id)(i / 4)};

		CU_ASSERT_EQUAL_FATAL(mr_snapshot_add_nat_source(snapshot, &source), 0);
		assert_same_nat_source(snapshot, &source, &source);
		CU_ASSERT(mr_snapshot_knows_addresses(snapshot, &source.address, &elsewhere));
	}
	mr_snapshot_destroy(snapshot);
}

static void test_endpoint_limit(void)
{
	struct mr_snapshot *snapshot = with_endpoints(MR_ENDPOINTS_MAX);

	for (uint32_t i = 0; i < MR_ENDPOINTS_MAX; i++) {
		const uint8_t v4[4] = {10, (uint8_t)(i >> 12), (uint8_t)(i >> 4), 1};
		const struct mr_endpoint endpoint = {mr_addr_from_v4(v4),
						     rte_cpu_to_be_16((uint16_t)(1 + i % 16)),
						     (mr_service_id)(i % MR_SERVICES_MAX)};

		CU_ASSERT_EQUAL_FATAL(mr_snapshot_add_endpoint(snapshot, &endpoint), 0);
		assert_same(snapshot, &endpoint, &endpoint);
	}
	mr_snapshot_destroy(snapshot);
}

static void test_exclude_is_copied(void)
{
	const struct mr_snapshot_sizes sizes = {.service_capacity = 2};
	struct mr_snapshot *snapshot = mr_snapshot_create(&sizes);
	struct mr_range ranges[2] = {{frame_addr("10.0.0.0"), frame_addr("10.0.0.9")},
				     {frame_addr("10.0.1.0"), frame_addr("10.0.1.9")}};
	const struct mr_range before = ranges[1];
	struct mr_range found;

	CU_ASSERT_PTR_NOT_NULL_FATAL(snapshot);
	CU_ASSERT_EQUAL(mr_access_list_create(ranges, 0, &snapshot->services[0].exclude), 0);
	CU_ASSERT_PTR_NULL(snapshot->services[0].exclude);
	CU_ASSERT_EQUAL_FATAL(mr_access_list_create(ranges, 2, &snapshot->services[1].exclude), 0);
	memset(ranges, 0, sizeof(ranges));
	CU_ASSERT_FATAL(mr_access_list_find(snapshot->services[1].exclude, &before.last, &found));
	CU_ASSERT(mr_addr_equal(&found.first, &before.first));
	CU_ASSERT(mr_addr_equal(&found.last, &before.last));
	mr_snapshot_destroy(snapshot);
}

/* A table lives as long as a snapshot that uses it. */
static void test_slots_are_shared(void)
{
	const struct mr_snapshot_sizes sizes = {.pool_count = 2};
	struct mr_snapshot *old = mr_snapshot_create(&sizes);
	struct mr_snapshot *next = mr_snapshot_create(&sizes);
	struct mr_slots *slots = mr_slots_create(17, NULL);

	CU_ASSERT_FATAL(old != NULL && next != NULL && slots != NULL);
	slots->words[3] = mr_slot_make(5, 6, true);
	old->pools[0].slots = slots;
	next->pools[1].slots = mr_slots_get(slots);
	CU_ASSERT_EQUAL(slots->references, 2);
	mr_snapshot_destroy(old);
	CU_ASSERT_EQUAL(slots->references, 1);
	CU_ASSERT_EQUAL(mr_slot_current(next->pools[1].slots->words[3]), 5);
	mr_snapshot_destroy(next);
	mr_snapshot_destroy(NULL);
}

static void test_slot_word(void)
{
	static const mr_backend_id ids[] = {0, 1, 0x5555, 0x7ffe, MR_BACKEND_NONE};

	for (size_t i = 0; i < RTE_DIM(ids); i++) {
		for (size_t j = 0; j < RTE_DIM(ids); j++) {
			const mr_slot steady = mr_slot_make(ids[i], ids[j], false);
			const mr_slot moving = mr_slot_make(ids[i], ids[j], true);

			CU_ASSERT_EQUAL(mr_slot_current(steady), ids[i]);
			CU_ASSERT_EQUAL(mr_slot_base(steady), ids[j]);
			CU_ASSERT_FALSE(mr_slot_moving(steady));
			CU_ASSERT_EQUAL(mr_slot_current(moving), ids[i]);
			CU_ASSERT_EQUAL(mr_slot_base(moving), ids[j]);
			CU_ASSERT(mr_slot_moving(moving));
		}
	}
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_endpoints_against_list),
		UNIT_TEST(test_nat_sources_against_list),
		UNIT_TEST(test_tables_are_apart),
		UNIT_TEST(test_addresses_against_lists),
		UNIT_TEST(test_endpoint_taken),
		UNIT_TEST(test_port_0_is_nobody_s),
		UNIT_TEST(test_endpoint_limit),
		UNIT_TEST(test_nat_source_limit),
		UNIT_TEST(test_exclude_is_copied),
		UNIT_TEST(test_slots_are_shared),
		UNIT_TEST(test_slot_word),
		CU_TEST_INFO_NULL,
	};

	srand48(unit_seed());
	return unit_run("snapshot", tests);
}
