/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "../lib/unit.h"
#include "size.h"

static void test_parse_and_format(void)
{
	static const struct {
		const char *in;
		uint64_t bytes;
		const char *out;
	} rows[] = {
		{"512B", 512, "512B"},
		{"64KiB", 65536, "64KiB"},
		{"8MiB", 8 << 20, "8MiB"},
		{"1GiB", 1 << 30, "1GiB"},
		{"1024B", 1024, "1KiB"},
		{"1500B", 1500, "1500B"},
		{"1536KiB", 1536 << 10, "1536KiB"},
		{"2048MiB", UINT64_C(2) << 30, "2GiB"},
		{"0B", 0, "0B"},
		{"0GiB", 0, "0B"},
		{"9999999999GiB", UINT64_C(9999999999) << 30, "9999999999GiB"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t bytes = UINT64_MAX;
		char text[SIZE_TEXT_MAX];

		CU_ASSERT(size_parse(rows[i].in, &bytes));
		CU_ASSERT_EQUAL(bytes, rows[i].bytes);
		size_format(bytes, text);
		CU_ASSERT_STRING_EQUAL(text, rows[i].out);
	}
}

/* Decimal units are refused rather than guessed at. */
static void test_refused(void)
{
	static const char *const rows[] = {
		"",    "B",  "15",  "1.5MiB", "-1B",   "+1B",	 "1 B", " 1B",	 "1kib",
		"1KB", "1K", "1MB", "1TiB",   "1KiB ", "0x1KiB", "1BB", "1KiBB", "10000000000B"};
	uint64_t bytes = 7;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CU_ASSERT_FALSE(size_parse(rows[i], &bytes));
	CU_ASSERT_EQUAL(bytes, 7);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_parse_and_format),
		UNIT_TEST(test_refused),
		CU_TEST_INFO_NULL,
	};

	return unit_run("size", tests);
}
