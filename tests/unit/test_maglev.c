/* SPDX-License-Identifier: BSD-3-Clause */
#include "maglev.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/unit.h"

#define SMALL	     65537
#define LARGE	     655373
#define LARGEST	     16777213 /* that the configuration takes */
#define BACKENDS_MAX 1000
#define TRIALS	     200

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

static uint64_t weights_of(uint32_t count)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < count; i++)
		sum += backends[i].weight;
	return sum;
}

/* Builds from the first @count backends and asserts that each share is the exact one, rounded. */
static void assert_exact_shares(uint32_t count, uint32_t size)
{
	const uint64_t weights = weights_of(count);
	uint32_t counts[BACKENDS_MAX];
	uint32_t wrong = 0;

	CU_ASSERT_FATAL(maglev_build(backends, count, size, table) == 0);
	count_entries(table, size, counts);
	for (uint32_t i = 0; i < count; i++) {
		const uint64_t share = (uint64_t)size * backends[i].weight;
		const uint64_t least = share / weights;

		wrong += counts[i] < least || counts[i] > least + (share % weights != 0);
	}
	CU_ASSERT_EQUAL(wrong, 0);
}

/* Divisible or not: no two backends differ by more than one entry. */
static void test_equal_weights_are_even(void)
{
	static const uint32_t sizes[] = {101, 4093, SMALL, LARGE};
	static const uint32_t counts[] = {1, 2, 3, 10, 64, 100, 101, 999, 1000};

	for (size_t s = 0; s < 4; s++) {
		for (size_t c = 0; c < 9 && counts[c] <= sizes[s]; c++) {
			name_backends(counts[c]);
			assert_exact_shares(counts[c], sizes[s]);
		}
	}
}

static void test_one_heavy_among_many_light(void)
{
	static const uint32_t sizes[] = {101, 4093, SMALL, LARGE};

	for (size_t s = 0; s < 4; s++) {
		name_backends(100);
		for (uint32_t i = 0; i < 100; i++)
			backends[i].weight = i == 42 ? 1000 : 10;
		assert_exact_shares(100, sizes[s]);
	}
}

/* --- as the header says it, one look after the other */

struct looker {
	uint32_t backend;
	uint32_t wanted;
	uint32_t position, skip;
	uint64_t progress, pace;
};

static int by_weight_and_place(const void *left, const void *right)
{
	const struct maglev_backend *a = &backends[((const struct looker *)left)->backend];
	const struct maglev_backend *b = &backends[((const struct looker *)right)->backend];

	if (a->weight != b->weight)
		return a->weight > b->weight ? -1 : 1;
	if (a->place.offset != b->place.offset)
		return a->place.offset < b->place.offset ? -1 : 1;
	return (a->place.skip > b->place.skip) - (a->place.skip < b->place.skip);
}

/* In the order of their turns. @counts: how many entries each is to get. */
static uint32_t lookers_init(struct looker *lookers, uint32_t count, uint32_t size,
			     const uint32_t *counts)
{
	uint32_t looking = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (counts[i] == 0)
			continue;
		lookers[looking++] = (struct looker){
			.backend = i,
			.wanted = counts[i],
			.position = (uint32_t)(backends[i].place.offset % size),
			.skip = (uint32_t)(backends[i].place.skip % (size - 1)) + 1,
			.pace = (uint64_t)backends[i].weight * size,
		};
	}
	qsort(lookers, looking, sizeof(*lookers), by_weight_and_place);
	return looking;
}

static void look(struct looker *looker, uint32_t size)
{
	uint16_t *entry = &other[looker->position];

	looker->pace -= backends[looker->backend].weight;
	looker->position = (looker->position + looker->skip) % size;
	if (*entry != MAGLEV_NONE)
		return;
	*entry = backends[looker->backend].value;
	looker->wanted--;
}

/* Fills @other[@size] by turns; how long a round is decides who has how many of them. */
static void take_turns(struct looker *lookers, uint32_t looking, uint32_t size)
{
	const uint64_t stride = 16 * lookers[0].pace;
	uint64_t round = 16;

	memset(other, 0xff, size * sizeof(*other));
	for (uint32_t i = 0; i < looking; i++)
		lookers[i].progress = stride / 2;
	while (looking > 0) {
		uint64_t fastest = 1;
		uint32_t left = 0;

		for (uint32_t i = 0; i < looking; i++) {
			struct looker *looker = &lookers[i];

			looker->progress += looker->pace * round;
			if (looker->progress >= stride) {
				looker->progress -= stride;
				look(looker, size);
			}
			if (looker->wanted == 0)
				continue;
			if (looker->pace > fastest)
				fastest = looker->pace;
			lookers[left++] = *looker;
		}
		looking = left;
		round = stride / fastest;
	}
}

/* The shares are another test's matter: here they are taken as they came. */
static void assert_as_by_turns(uint32_t count, uint32_t size)
{
	static struct looker lookers[BACKENDS_MAX];
	uint32_t counts[BACKENDS_MAX];

	CU_ASSERT_FATAL(maglev_build(backends, count, size, table) == 0);
	count_entries(table, size, counts);
	take_turns(lookers, lookers_init(lookers, count, size, counts), size);
	CU_ASSERT_EQUAL(memcmp(table, other, size * sizeof(table[0])), 0);
}

/* Weights as a slow start, a weight of 0 and a share of less than one entry make them. */
static void draw_weights(uint32_t count)
{
	const uint32_t least = (uint32_t)rand() % 2 == 0 ? 1 : 900;
	const uint32_t kinds = 1 + (uint32_t)rand() % 4;

	assert(count > 0);
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t kind = (uint32_t)rand() % kinds;

		if (kind == 0)
			backends[i].weight = least + (uint32_t)rand() % (1001 - least);
		else
			backends[i].weight = kind == 1 ? 0 : kind == 2 ? 1 : 1000;
	}
	backends[(uint32_t)rand() % count].weight = 1 + (uint32_t)rand() % 1000;
}

static void test_random_weights_are_exact(void)
{
	static const uint32_t sizes[] = {2, 3, 101, 4093, 16381};

	srand(unit_seed());
	for (int trial = 0; trial < TRIALS; trial++) {
		const uint32_t size = sizes[(uint32_t)rand() % 5];
		const uint32_t most = size < BACKENDS_MAX ? size : BACKENDS_MAX;
		const uint32_t n = 1 + (uint32_t)rand() % most;

		name_backends(n);
		draw_weights(n);
		assert_exact_shares(n, size);
	}
}

static void test_entries_are_found_by_turns(void)
{
	static const uint32_t sizes[] = {2, 3, 101, 251, 4093, 16381, SMALL};

	srand(unit_seed());
	for (int trial = 0; trial < TRIALS; trial++) {
		const uint32_t size = sizes[(uint32_t)rand() % 7];
		const uint32_t most = size < BACKENDS_MAX ? size : BACKENDS_MAX;
		const uint32_t n = 1 + (uint32_t)rand() % most;

		name_backends(n);
		if (trial % 3 > 0)
			draw_weights(n);
		assert_as_by_turns(n, size);
	}
}

/* As large as it gets, and where most backends are done when the last entries are found. */
static void test_large_tables_are_found_by_turns(void)
{
	name_backends(BACKENDS_MAX);
	assert_as_by_turns(BACKENDS_MAX, LARGE);
	for (uint32_t i = 0; i < BACKENDS_MAX; i++)
		backends[i].weight = 1 + i % 7;
	assert_as_by_turns(BACKENDS_MAX, LARGE);
}

/* The largest products, and the lightest beside the heaviest. */
static void test_extreme_weights_are_exact(void)
{
	static const uint32_t weights[] = {UINT32_MAX, UINT32_MAX - 1, UINT32_MAX / 2, 1000, 1, 0};

	name_backends(6);
	for (uint32_t i = 0; i < 6; i++)
		backends[i].weight = weights[i];
	assert_exact_shares(6, LARGE);
	backends[0].weight = 0;
	assert_exact_shares(6, 4093);
}

static void test_largest_table(void)
{
	uint16_t *entries = malloc(LARGEST * sizeof(*entries));
	uint32_t counts[2] = {0};

	CU_ASSERT_FATAL(entries != NULL);
	name_backends(2);
	backends[0].weight = UINT32_MAX;
	backends[1].weight = UINT32_MAX / 1000;
	CU_ASSERT_FATAL(maglev_build(backends, 2, LARGEST, entries) == 0);
	for (uint32_t i = 0; i < LARGEST; i++)
		counts[entries[i] & 1]++;
	CU_ASSERT_EQUAL(counts[1], (uint64_t)LARGEST * backends[1].weight / weights_of(2));
	CU_ASSERT_EQUAL(counts[0], LARGEST - counts[1]);
	free(entries);
}

static void test_order_means_nothing(void)
{
	const uint32_t n = 40;

	srand(unit_seed());
	name_backends(n);
	/* Few weights, so that ties between remainders are many. */
	for (uint32_t i = 0; i < n; i++)
		backends[i].weight = 1 + (uint32_t)rand() % 3;
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

/* What maglev.h says, word for word, for equal weights. */
static void reference_build(const struct maglev_backend *sorted, uint32_t n, uint32_t size,
			    uint16_t *entries)
{
	uint32_t wanted[BACKENDS_MAX];

	memset(entries, 0xff, size * sizeof(*entries));
	for (uint32_t i = 0; i < n; i++)
		wanted[i] = size / n + (i < size % n);
	for (uint64_t step = 0; step < size; step++) {
		for (uint32_t i = 0; i < n; i++) {
			const uint64_t skip = sorted[i].place.skip % (size - 1) + 1;
			const uint64_t c = (sorted[i].place.offset % size + step * skip) % size;

			if (wanted[i] == 0 || entries[c] != MAGLEV_NONE)
				continue;
			entries[c] = sorted[i].value;
			wanted[i]--;
		}
	}
}

static int by_place(const void *a, const void *b)
{
	const uint64_t x = ((const struct maglev_backend *)a)->place.offset;
	const uint64_t y = ((const struct maglev_backend *)b)->place.offset;

	return (x > y) - (x < y);
}

static void test_equals_reference(void)
{
	static const uint32_t counts[] = {1, 2, 34, 100};

	for (size_t c = 0; c < 4; c++) {
		name_backends(counts[c]);
		qsort(backends, counts[c], sizeof(backends[0]), by_place);
		CU_ASSERT_FATAL(maglev_build(backends, counts[c], SMALL, table) == 0);
		reference_build(backends, counts[c], SMALL, other);
		CU_ASSERT(memcmp(table, other, SMALL * sizeof(table[0])) == 0);
	}
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_equal_weights_are_even),
		UNIT_TEST(test_one_heavy_among_many_light),
		UNIT_TEST(test_random_weights_are_exact),
		UNIT_TEST(test_entries_are_found_by_turns),
		UNIT_TEST(test_large_tables_are_found_by_turns),
		UNIT_TEST(test_extreme_weights_are_exact),
		UNIT_TEST(test_largest_table),
		UNIT_TEST(test_order_means_nothing),
		UNIT_TEST(test_one_backend_has_all),
		UNIT_TEST(test_no_backend_leaves_none),
		UNIT_TEST(test_smallest_table),
		UNIT_TEST(test_place_is_hmac),
		UNIT_TEST(test_equals_reference),
		CU_TEST_INFO_NULL,
	};

	return unit_run("maglev", tests);
}
