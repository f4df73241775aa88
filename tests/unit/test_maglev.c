/* SPDX-License-Identifier: BSD-3-Clause */
#include "maglev.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../lib/unit.h"

#define SMALL	     65537
#define LARGE	     655373
#define BACKENDS_MAX 100

static const uint8_t key[MAGLEV_KEY_BYTES] = "sixteen bytes 16";

static struct maglev_backend backends[BACKENDS_MAX];
static uint16_t table[LARGE];
static uint16_t other[LARGE];

static void name_backends(uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		char name[16];

		snprintf(name, sizeof(name), "hub%u", i);
		maglev_place_of(key, name, &backends[i].place);
		backends[i].weight = 100;
		backends[i].value = (uint16_t)i;
	}
}

static void count_entries(const uint16_t *entries, uint32_t size, uint32_t counts[BACKENDS_MAX])
{
	memset(counts, 0, BACKENDS_MAX * sizeof(counts[0]));
	for (uint32_t i = 0; i < size; i++) {
		CU_ASSERT_FATAL(entries[i] < BACKENDS_MAX);
		counts[entries[i]]++;
	}
}

/* Equal weights take turns: no two backends differ by more than one entry. */
static void test_equal_weights_are_even(void)
{
	static const uint32_t sizes[] = {SMALL, LARGE};
	uint32_t counts[BACKENDS_MAX];

	for (size_t s = 0; s < 2; s++) {
		for (uint32_t n = 1; n <= BACKENDS_MAX; n += 9) {
			name_backends(n);
			CU_ASSERT_FATAL(maglev_build(backends, n, sizes[s], table) == 0);
			count_entries(table, sizes[s], counts);
			for (uint32_t i = 0; i < n; i++) {
				CU_ASSERT(counts[i] >= sizes[s] / n);
				CU_ASSERT(counts[i] <= sizes[s] / n + 1);
			}
		}
	}
}

static void test_weights_are_honoured(void)
{
	static const uint32_t weights[] = {1000, 100, 50, 1, 0, 333};
	const uint32_t n = 6;
	uint32_t counts[BACKENDS_MAX];

	name_backends(n);
	for (uint32_t i = 0; i < n; i++)
		backends[i].weight = weights[i];
	CU_ASSERT_FATAL(maglev_build(backends, n, SMALL, table) == 0);
	count_entries(table, SMALL, counts);
	for (uint32_t i = 0; i < n; i++) {
		const double expected = SMALL * (weights[i] / 1484.0);

		CU_ASSERT(fabs(counts[i] - expected) <= 0.01 * expected + 2);
	}
	CU_ASSERT_EQUAL(counts[4], 0);
}

/*
 * The paper's figure 12 finds few changes beyond those that cannot be avoided; with 50
 * backends and one gone, under 2 % of the others' entries move at either size.
 */
static void test_removal_disturbs_few(void)
{
	static const uint32_t sizes[] = {SMALL, LARGE};
	const uint32_t n = 50;

	for (size_t s = 0; s < 2; s++) {
		uint32_t moved = 0;

		name_backends(n);
		CU_ASSERT_FATAL(maglev_build(backends, n, sizes[s], table) == 0);
		backends[17].weight = 0;
		CU_ASSERT_FATAL(maglev_build(backends, n, sizes[s], other) == 0);
		for (uint32_t i = 0; i < sizes[s]; i++) {
			CU_ASSERT_FATAL(other[i] != 17);
			moved += table[i] != 17 && table[i] != other[i];
		}
		CU_ASSERT(moved < sizes[s] / 50);
		printf("[%u entries: %.2f %% of the others' moved] ", sizes[s],
		       100.0 * moved / sizes[s]);
	}
}

static void test_order_means_nothing(void)
{
	const uint32_t n = 40;
	const unsigned int seed = (unsigned int)time(NULL);

	printf("[seed %u] ", seed);
	srand(seed);
	name_backends(n);
	for (uint32_t i = 0; i < n; i++)
		backends[i].weight = 1 + (uint32_t)rand() % 1000;
	CU_ASSERT_FATAL(maglev_build(backends, n, SMALL, table) == 0);
	for (uint32_t i = n - 1; i > 0; i--) {
		const uint32_t j = (uint32_t)rand() % (i + 1);
		const struct maglev_backend swap = backends[i];

		backends[i] = backends[j];
		backends[j] = swap;
	}
	CU_ASSERT_FATAL(maglev_build(backends, n, SMALL, other) == 0);
	CU_ASSERT(memcmp(table, other, SMALL * sizeof(table[0])) == 0);
}

static void test_one_backend_has_all(void)
{
	name_backends(1);
	CU_ASSERT_FATAL(maglev_build(backends, 1, SMALL, table) == 0);
	for (uint32_t i = 0; i < SMALL; i++)
		CU_ASSERT_FATAL(table[i] == 0);
}

static void test_no_backend_leaves_none(void)
{
	name_backends(2);
	backends[0].weight = 0;
	backends[1].weight = 0;
	for (uint32_t n = 0; n <= 2; n += 2) {
		CU_ASSERT_FATAL(maglev_build(backends, n, SMALL, table) == 0);
		for (uint32_t i = 0; i < SMALL; i++)
			CU_ASSERT_FATAL(table[i] == MAGLEV_NONE);
	}
}

static void test_smallest_table(void)
{
	uint32_t counts[BACKENDS_MAX];

	name_backends(3);
	CU_ASSERT_FATAL(maglev_build(backends, 3, 3, table) == 0);
	count_entries(table, 3, counts);
	for (uint32_t i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(counts[i], 1);
}

/* HMAC-SHA-256 of "hub0", as `openssl dgst -sha256 -hmac "sixteen bytes 16"` prints it. */
static void test_place_is_hmac(void)
{
	struct maglev_place place;

	maglev_place_of(key, "hub0", &place);
	CU_ASSERT_EQUAL(place.offset, 0x62f7c3cb744cfec9ULL);
	CU_ASSERT_EQUAL(place.skip, 0x0390bc95120f0949ULL);
}

/* The published algorithm, word for word, for equal weights. */
static void reference_build(const struct maglev_backend *sorted, uint32_t n, uint32_t size,
			    uint16_t *entries)
{
	uint32_t next[BACKENDS_MAX] = {0};
	uint32_t filled = 0;

	memset(entries, 0xff, size * sizeof(*entries));
	while (true) {
		for (uint32_t i = 0; i < n; i++) {
			uint64_t c;

			do {
				const uint64_t skip = sorted[i].place.skip % (size - 1) + 1;

				c = (sorted[i].place.offset % size + next[i]++ * skip) % size;
			} while (entries[c] != MAGLEV_NONE);
			entries[c] = sorted[i].value;
			if (++filled == size)
				return;
		}
	}
}

static int by_place(const void *a, const void *b)
{
	const uint64_t x = ((const struct maglev_backend *)a)->place.offset;
	const uint64_t y = ((const struct maglev_backend *)b)->place.offset;

	return (x > y) - (x < y);
}

static void test_equals_published_algorithm(void)
{
	for (uint32_t n = 1; n <= BACKENDS_MAX; n += 33) {
		name_backends(n);
		qsort(backends, n, sizeof(backends[0]), by_place);
		CU_ASSERT_FATAL(maglev_build(backends, n, SMALL, table) == 0);
		reference_build(backends, n, SMALL, other);
		CU_ASSERT(memcmp(table, other, SMALL * sizeof(table[0])) == 0);
	}
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_equal_weights_are_even),
		UNIT_TEST(test_weights_are_honoured),
		UNIT_TEST(test_removal_disturbs_few),
		UNIT_TEST(test_order_means_nothing),
		UNIT_TEST(test_one_backend_has_all),
		UNIT_TEST(test_no_backend_leaves_none),
		UNIT_TEST(test_smallest_table),
		UNIT_TEST(test_place_is_hmac),
		UNIT_TEST(test_equals_published_algorithm),
		CU_TEST_INFO_NULL,
	};

	return unit_run("maglev", tests);
}
