/* SPDX-License-Identifier: BSD-3-Clause */
#include "ranges.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../lib/unit.h"

static struct mr_addr v4(const char *text)
{
	struct in_addr addr;

	CU_ASSERT_FATAL(inet_pton(AF_INET, text, &addr) == 1);
	return mr_addr_from_v4(&addr);
}

static struct mr_addr v6(const char *text)
{
	struct in6_addr addr;

	CU_ASSERT_FATAL(inet_pton(AF_INET6, text, &addr) == 1);
	return mr_addr_from_v6(&addr);
}

static struct mr_range range(struct mr_addr first, struct mr_addr last)
{
	return (struct mr_range){.first = first, .last = last};
}

static void assert_range(const struct mr_range *actual, struct mr_addr first, struct mr_addr last)
{
	CU_ASSERT(mr_addr_equal(&actual->first, &first));
	CU_ASSERT(mr_addr_equal(&actual->last, &last));
}

static void test_prefix_to_range(void)
{
	const struct mr_prefix slash26 = {.addr = v4("10.0.0.64"), .length = 96 + 26};
	const struct mr_prefix host = {.addr = v6("2001:db8::1"), .length = 128};
	const struct mr_prefix all = {.addr = v6("::"), .length = 0};
	const struct mr_range everything = range_of_prefix(&all);
	struct mr_range actual = range_of_prefix(&slash26);

	assert_range(&actual, v4("10.0.0.64"), v4("10.0.0.127"));
	actual = range_of_prefix(&host);
	assert_range(&actual, v6("2001:db8::1"), v6("2001:db8::1"));
	assert_range(&everything, v6("::"), v6("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
}

static void test_overlapping_and_touching_join(void)
{
	struct mr_range ranges[] = {
		range(v4("10.0.0.9"), v4("10.0.0.20")),	 range(v4("10.0.0.0"), v4("10.0.0.10")),
		range(v4("10.0.0.21"), v4("10.0.0.21")), range(v4("10.0.0.23"), v4("10.0.0.23")),
		range(v4("10.0.0.1"), v4("10.0.0.2")),
	};

	CU_ASSERT_EQUAL_FATAL(ranges_normalize(ranges, 5), 2);
	assert_range(&ranges[0], v4("10.0.0.0"), v4("10.0.0.21"));
	assert_range(&ranges[1], v4("10.0.0.23"), v4("10.0.0.23"));
}

static void test_end_of_address_space(void)
{
	struct mr_range ranges[] = {
		range(v6("ffff::"), v6("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")),
		range(v6("::"), v6("::1")),
		range(v6("ffff::5"), v6("ffff::6")),
	};

	CU_ASSERT_EQUAL_FATAL(ranges_normalize(ranges, 3), 2);
	assert_range(&ranges[0], v6("::"), v6("::1"));
}

static void test_nothing(void)
{
	CU_ASSERT_EQUAL(ranges_normalize(NULL, 0), 0);
}

/* Random ranges over 256 addresses against a bit map of the same. */
static void test_against_bit_map(void)
{
	const unsigned int seed = (unsigned int)time(NULL);

	printf("[seed %u] ", seed);
	srand(seed);
	for (int round = 0; round < 2000; round++) {
		bool covered[256] = {false};
		bool result[256] = {false};
		struct mr_range ranges[12];
		const uint32_t count = 1 + (uint32_t)rand() % 12;
		uint32_t kept;

		for (uint32_t i = 0; i < count; i++) {
			const uint8_t first = (uint8_t)rand();
			const uint8_t last = (uint8_t)(first + rand() % (256 - first));

			ranges[i] = range(v4("192.0.2.0"), v4("192.0.2.0"));
			ranges[i].first.bytes[15] = first;
			ranges[i].last.bytes[15] = last;
			for (int a = first; a <= last; a++)
				covered[a] = true;
		}
		kept = ranges_normalize(ranges, count);
		for (uint32_t i = 0; i < kept; i++) {
			CU_ASSERT(i == 0 ||
				  ranges[i].first.bytes[15] > ranges[i - 1].last.bytes[15] + 1);
			for (int a = ranges[i].first.bytes[15]; a <= ranges[i].last.bytes[15]; a++)
				result[a] = true;
		}
		CU_ASSERT_FATAL(memcmp(covered, result, sizeof(covered)) == 0);
	}
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_prefix_to_range),      UNIT_TEST(test_overlapping_and_touching_join),
		UNIT_TEST(test_end_of_address_space), UNIT_TEST(test_nothing),
		UNIT_TEST(test_against_bit_map),      CU_TEST_INFO_NULL,
	};

	return unit_run("ranges", tests);
}
