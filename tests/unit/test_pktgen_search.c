/* SPDX-License-Identifier: BSD-3-Clause */
#include "../lib/unit.h"
#include "search.h"

/* A device that carries @carries of a generator that sends @sends at most. */
static struct search search_device(double carries, double sends)
{
	struct search search;

	search_begin(&search, 0.005);
	while (!search.done) {
		const double rate = search.as_fast_as_it_goes ? sends : search.next;

		search_trial(&search, rate, rate <= carries);
	}
	return search;
}

static void test_the_highest_rate_is_found(void)
{
	for (double carries = 1e3; carries < 1.4e7; carries *= 1.7) {
		const struct search search = search_device(carries, 1.5e7);

		CU_ASSERT(search.passed <= carries);
		CU_ASSERT(search.trials > 1);
		if (carries > 1e5)
			CU_ASSERT(search.passed >= carries * 0.99);
	}
}

static void test_a_device_that_is_never_the_limit_needs_one_trial(void)
{
	const struct search search = search_device(2e7, 1.5e7);

	CU_ASSERT_EQUAL(search.trials, 1);
	CU_ASSERT_EQUAL(search.passed, 1.5e7);
}

static void test_a_device_that_carries_nothing_ends_the_search(void)
{
	const struct search search = search_device(0, 1.5e7);

	CU_ASSERT_EQUAL(search.passed, 0);
	CU_ASSERT(search.trials <= 20);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_the_highest_rate_is_found),
		UNIT_TEST(test_a_device_that_is_never_the_limit_needs_one_trial),
		UNIT_TEST(test_a_device_that_carries_nothing_ends_the_search),
		CU_TEST_INFO_NULL,
	};

	return unit_run("pktgen search", tests);
}
