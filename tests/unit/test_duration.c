/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "../lib/unit.h"
#include "duration.h"

static void test_parse_and_format(void)
{
	static const struct {
		const char *in;
		uint64_t ms;
		const char *out;
	} rows[] = {
		{"2s", 2000, "2s"},
		{"500ms", 500, "500ms"},
		{"15m", 900000, "15m"},
		{"24h", 86400000, "24h"},
		{"1500ms", 1500, "1500ms"},
		{"90s", 90000, "90s"},
		{"60s", 60000, "1m"},
		{"0s", 0, "0s"},
		{"0h", 0, "0s"},
		{"9999999999h", UINT64_C(9999999999) * 3600000, "9999999999h"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t ms = UINT64_MAX;
		char text[DURATION_TEXT_MAX];

		CU_ASSERT(duration_parse(rows[i].in, &ms));
		CU_ASSERT_EQUAL(ms, rows[i].ms);
		duration_format(ms, text);
		CU_ASSERT_STRING_EQUAL(text, rows[i].out);
	}
}

static void test_refused(void)
{
	static const char *const rows[] = {"",	   "s",	  "15",	  "1.5s",	  "-1s",  "+1s",
					   "1 s",  " 1s", "1S",	  "1d",		  "1ss",  "1s ",
					   "0x1s", "1us", "1min", "10000000000s", "1s2ms"};
	uint64_t ms = 7;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CU_ASSERT_FALSE(duration_parse(rows[i], &ms));
	CU_ASSERT_EQUAL(ms, 7);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_parse_and_format),
		UNIT_TEST(test_refused),
		CU_TEST_INFO_NULL,
	};

	return unit_run("duration", tests);
}
