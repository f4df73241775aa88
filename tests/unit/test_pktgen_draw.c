/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <math.h>

#include "../lib/unit.h"
#include "draw.h"
#include "random.h"

#define DRAWS 1000000

static uint32_t counts[1000];

static void count_draws(const struct draw *draw, uint64_t seed)
{
	for (uint32_t i = 0; i < draw->count; i++)
		counts[i] = 0;
	for (uint64_t i = 0; i < DRAWS; i++)
		counts[draw_pick(draw, random_mix(seed + i))]++;
}

/* Six standard deviations of a binomial distribution. */
static void check_share(uint32_t thing, double share)
{
	const double expected = DRAWS * share;

	CU_ASSERT(fabs(counts[thing] - expected) <= 6 * sqrt(expected * (1 - share)) + 1);
}

static void test_things_are_drawn_by_their_weights(void)
{
	const double weights[] = {0, 1, 2, 0, 7, 0.5};
	struct draw draw;

	CU_ASSERT_EQUAL_FATAL(draw_create(&draw, weights, 6), 0);
	count_draws(&draw, unit_seed());
	for (uint32_t i = 0; i < 6; i++)
		check_share(i, weights[i] / 10.5);
	draw_destroy(&draw);
}

static void test_zipf_ranks_fall_off_as_their_exponent_says(void)
{
	struct draw draw;
	double sum = 0;

	CU_ASSERT_EQUAL_FATAL(draw_create_zipf(&draw, 1000, 1.2), 0);
	count_draws(&draw, unit_seed());
	for (uint32_t i = 0; i < 1000; i++)
		sum += pow(i + 1, -1.2);
	for (uint32_t i = 0; i < 1000; i++)
		check_share(i, pow(i + 1, -1.2) / sum);
	draw_destroy(&draw);
}

static void test_an_exponent_of_zero_makes_all_equal(void)
{
	struct draw draw;

	CU_ASSERT_EQUAL_FATAL(draw_create_zipf(&draw, 100, 0), 0);
	count_draws(&draw, unit_seed());
	for (uint32_t i = 0; i < 100; i++)
		check_share(i, 0.01);
	draw_destroy(&draw);
}

static void test_the_largest_random_number_draws_a_thing(void)
{
	const double weight = 1;
	struct draw draw;

	CU_ASSERT_EQUAL_FATAL(draw_create(&draw, &weight, 1), 0);
	CU_ASSERT_EQUAL(draw_pick(&draw, UINT64_MAX), 0);
	CU_ASSERT_EQUAL(draw_pick(&draw, 0), 0);
	draw_destroy(&draw);
}

static void test_weights_that_say_nothing_are_refused(void)
{
	const double zeros[] = {0, 0}, negative[] = {2, -1};
	struct draw draw;

	CU_ASSERT_EQUAL(draw_create(&draw, zeros, 2), -EINVAL);
	CU_ASSERT_EQUAL(draw_create(&draw, negative, 2), -EINVAL);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_things_are_drawn_by_their_weights),
		UNIT_TEST(test_zipf_ranks_fall_off_as_their_exponent_says),
		UNIT_TEST(test_an_exponent_of_zero_makes_all_equal),
		UNIT_TEST(test_the_largest_random_number_draws_a_thing),
		UNIT_TEST(test_weights_that_say_nothing_are_refused),
		CU_TEST_INFO_NULL,
	};

	return unit_run("pktgen draw", tests);
}
