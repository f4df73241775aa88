/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "../lib/unit.h"
#include "histogram.h"
#include "random.h"

#define VALUES 100000

static struct histogram histogram;
static uint64_t values[VALUES];

static int compare(const void *a, const void *b)
{
	const uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

/* Percentiles are at least the exact ones, and at most 0.8 % above them. */
static void test_percentiles_are_within_their_precision(void)
{
	const double percents[] = {0, 1, 50, 90, 99, 99.9, 99.99, 100};
	const uint64_t seed = unit_seed();

	memset(&histogram, 0, sizeof(histogram));
	for (uint32_t i = 0; i < VALUES; i++) {
		const uint64_t random = random_mix(seed + i);

		values[i] = (random >> 16) >> random % 48;
		histogram_add(&histogram, values[i]);
	}
	qsort(values, VALUES, sizeof(values[0]), compare);
	for (uint32_t i = 0; i < sizeof(percents) / sizeof(percents[0]); i++) {
		const double rank = percents[i] / 100 * VALUES;
		const uint64_t exact = values[rank >= 1 ? (uint32_t)(rank + 0.5) - 1 : 0];
		const uint64_t found = histogram_percentile(&histogram, percents[i]);

		CU_ASSERT(found >= exact);
		CU_ASSERT((double)found <= (double)exact * 1.008);
	}
	CU_ASSERT_EQUAL(histogram_percentile(&histogram, 100), values[VALUES - 1]);
	CU_ASSERT_EQUAL(histogram.total, VALUES);
}

static void test_every_bucket_takes_its_own_values(void)
{
	uint32_t last = 0, wrong = 0;

	for (uint64_t value = 1; value <= HISTOGRAM_MAX; value += 1 + value / 300) {
		const uint32_t bucket = histogram_bucket(value);

		wrong += bucket < last || bucket > last + 1;
		last = bucket;
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_EQUAL(histogram_bucket(HISTOGRAM_MAX), HISTOGRAM_BUCKETS - 1);
}

static void test_an_empty_one_has_no_percentile(void)
{
	memset(&histogram, 0, sizeof(histogram));
	CU_ASSERT_EQUAL(histogram_percentile(&histogram, 50), 0);
}

static void test_what_is_too_large_counts_as_the_largest(void)
{
	memset(&histogram, 0, sizeof(histogram));
	histogram_add(&histogram, UINT64_MAX);
	CU_ASSERT_EQUAL(histogram_percentile(&histogram, 50), HISTOGRAM_MAX);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_percentiles_are_within_their_precision),
		UNIT_TEST(test_every_bucket_takes_its_own_values),
		UNIT_TEST(test_an_empty_one_has_no_percentile),
		UNIT_TEST(test_what_is_too_large_counts_as_the_largest),
		CU_TEST_INFO_NULL,
	};

	return unit_run("pktgen histogram", tests);
}
