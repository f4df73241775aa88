/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "../lib/unit.h"
#include "json_scanner.h"

/* Feeds @text in two pieces; returns the outcome and how much was used up to it. */
static enum json_scan scan_cut(const char *text, size_t cut, size_t *out_used)
{
	struct json_scanner scanner = {0};
	size_t size = strlen(text), used;
	enum json_scan scan = json_scanner_feed(&scanner, text, cut, &used);

	*out_used = used;
	if (scan != JSON_SCAN_MORE && scan != JSON_SCAN_SPACE)
		return scan;
	CU_ASSERT_EQUAL(used, cut);
	scan = json_scanner_feed(&scanner, text + cut, size - cut, &used);
	*out_used = cut + used;
	return scan;
}

static void test_ends_at_every_cut(void)
{
	static const struct {
		const char *text;
		enum json_scan scan;
		size_t used;
	} rows[] = {
		{"{}", JSON_SCAN_TEXT, 2},
		{"{}{}", JSON_SCAN_TEXT, 2},
		{" \n[1,2] ", JSON_SCAN_TEXT, 7},
		{"{\"a\":[{},[]],\"b\":{}}x", JSON_SCAN_TEXT, 20},
		{"{\"}\":\"]\"}", JSON_SCAN_TEXT, 9},
		{"\"a\\\"b\\\\\" ", JSON_SCAN_TEXT, 8},
		{"12 ", JSON_SCAN_TEXT, 2},
		{"-1.5e+3{", JSON_SCAN_TEXT, 7},
		{"true\n", JSON_SCAN_TEXT, 4},
		{"12", JSON_SCAN_MORE, 2},
		{"{\"a\":", JSON_SCAN_MORE, 5},
		{"[\"]", JSON_SCAN_MORE, 3},
		{" \t\r\n", JSON_SCAN_SPACE, 4},
		{"", JSON_SCAN_SPACE, 0},
		{"]", JSON_SCAN_BROKEN, 1},
		{"{]", JSON_SCAN_BROKEN, 2},
		{"[[}", JSON_SCAN_BROKEN, 3},
		{"{\"a\n", JSON_SCAN_BROKEN, 4},
		{"{\"a\\\n", JSON_SCAN_BROKEN, 5},
		{"GET / HTTP/1.1", JSON_SCAN_BROKEN, 1},
		{"{\"jsonrpc\": \"2.0\", \"method\": \"foobar, \"params\": \"bar\", \"baz]\n",
		 JSON_SCAN_BROKEN, 60},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t cut = 0; cut <= strlen(rows[i].text); cut++) {
			size_t used;

			CU_ASSERT_EQUAL(scan_cut(rows[i].text, cut, &used), rows[i].scan);
			CU_ASSERT_EQUAL(used, rows[i].used);
		}
	}
}

static void test_one_after_the_other(void)
{
	static const char text[] = "{}[]\"x\" 1 2{\"a\":[]}";
	static const size_t ends[] = {2, 4, 7, 9, 11, 19};
	struct json_scanner scanner = {0};
	size_t at = 0, used;

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		CU_ASSERT_EQUAL(json_scanner_feed(&scanner, text + at, strlen(text) - at, &used),
				JSON_SCAN_TEXT);
		at += used;
		CU_ASSERT_EQUAL(at, ends[i]);
	}
}

static void test_depth(void)
{
	char text[JSON_SCANNER_DEPTH_MAX + 1];
	struct json_scanner scanner = {0};
	size_t used;

	memset(text, '[', sizeof(text));
	CU_ASSERT_EQUAL(json_scanner_feed(&scanner, text, JSON_SCANNER_DEPTH_MAX, &used),
			JSON_SCAN_MORE);
	CU_ASSERT_EQUAL(json_scanner_feed(&scanner, text, 1, &used), JSON_SCAN_TOO_DEEP);

	memset(text, ']', sizeof(text));
	CU_ASSERT_EQUAL(json_scanner_feed(&scanner, text, JSON_SCANNER_DEPTH_MAX, &used),
			JSON_SCAN_TEXT);
	CU_ASSERT_EQUAL(used, JSON_SCANNER_DEPTH_MAX);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_ends_at_every_cut),
		UNIT_TEST(test_one_after_the_other),
		UNIT_TEST(test_depth),
		CU_TEST_INFO_NULL,
	};

	return unit_run("json_scanner", tests);
}
