/* SPDX-License-Identifier: BSD-3-Clause */
/* Every verdict has a name that a counter can be called by, and a sentence for people. */
#include <mailrail/verdict.h>

#include <string.h>

#include "../lib/unit.h"

static void test_names(void)
{
	for (unsigned int i = 0; i < MR_VERDICT_COUNT; i++) {
		const char *name = mr_verdict_name(i);

		CU_ASSERT_PTR_NOT_NULL_FATAL(name);
		CU_ASSERT(strlen(name) > 0);
		CU_ASSERT_EQUAL(strspn(name, "abcdefghijklmnopqrstuvwxyz_"), strlen(name));
		for (unsigned int j = 0; j < i; j++)
			CU_ASSERT_NOT_EQUAL(strcmp(name, mr_verdict_name(j)), 0);
	}
	CU_ASSERT_STRING_EQUAL(mr_verdict_name(MR_FORWARDED), "forwarded");
	CU_ASSERT_STRING_EQUAL(mr_verdict_name(MR_DROP_TX_FULL), "drop_tx_full");
}

static void test_texts(void)
{
	for (unsigned int i = 0; i < MR_VERDICT_COUNT; i++) {
		CU_ASSERT_PTR_NOT_NULL_FATAL(mr_verdict_text(i));
		CU_ASSERT(strlen(mr_verdict_text(i)) > 0);
	}
}

static void test_outside(void)
{
	CU_ASSERT_PTR_NULL(mr_verdict_name(MR_VERDICT_COUNT));
	CU_ASSERT_PTR_NULL(mr_verdict_text(MR_VERDICT_COUNT));
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_names),
		UNIT_TEST(test_texts),
		UNIT_TEST(test_outside),
		CU_TEST_INFO_NULL,
	};

	return unit_run("verdict", tests);
}
