/* SPDX-License-Identifier: BSD-3-Clause */
/* What every CUnit program needs: one suite, run, and an exit status from the failures. */
#ifndef MAILRAIL_TESTS_UNIT_H
#define MAILRAIL_TESTS_UNIT_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <CUnit/Basic.h>

#define UNIT_TEST(function)         \
	{                           \
#function, function \
	}

/* Runs @tests (ended by CU_TEST_INFO_NULL) as suite @name; returns main's exit status. */
static inline int unit_run(const char *name, CU_TestInfo *tests)
{
	CU_SuiteInfo suites[] = {{name, NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
	unsigned int failures;

	if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
		return 2;
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_basic_run_tests();
	failures = CU_get_number_of_failures();
	if (CU_get_number_of_tests_run() == 0)
		failures = 1;
	CU_cleanup_registry();
	return failures != 0;
}

/* What a test with random numbers begins with. SEED in the environment repeats a run. */
static inline uint32_t unit_seed(void)
{
	const char *text = getenv("SEED");
	const uint32_t seed =
		(uint32_t)(text != NULL ? strtoul(text, NULL, 0) : (uint64_t)time(NULL));

	printf("SEED=%u\n", seed);
	return seed;
}

#endif
