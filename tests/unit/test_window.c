/* SPDX-License-Identifier: BSD-3-Clause */
#include "window.h"

#include <stddef.h>

#include "../lib/unit.h"

static void test_counter_from_zero(void)
{
	const struct window window = {0};

	CU_ASSERT_EQUAL(window_growth(&window, 0), 0);
	CU_ASSERT_EQUAL(window_growth(&window, 7), 7);
}

/* What came in a step counts until WINDOW_STEPS further steps have passed. */
static void test_growth_is_forgotten(void)
{
	struct window window = {0};

	for (uint32_t i = 0; i < WINDOW_STEPS; i++) {
		CU_ASSERT_EQUAL(window_growth(&window, 100), 100);
		window_step(&window, 100);
	}
	CU_ASSERT_EQUAL(window_growth(&window, 100), 0);
	CU_ASSERT_EQUAL(window_growth(&window, 103), 3);
}

static void test_steady_growth(void)
{
	struct window window = {0};

	for (uint64_t value = 10; value <= 1000; value += 10)
		window_step(&window, value);
	CU_ASSERT_EQUAL(window_growth(&window, 1000), 10 * (WINDOW_STEPS - 1));
	CU_ASSERT_EQUAL(window_growth(&window, 1010), 10 * WINDOW_STEPS);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_counter_from_zero),
		UNIT_TEST(test_growth_is_forgotten),
		UNIT_TEST(test_steady_growth),
		CU_TEST_INFO_NULL,
	};

	return unit_run("window", tests);
}
