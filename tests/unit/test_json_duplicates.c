/* SPDX-License-Identifier: BSD-3-Clause */
#include "json_duplicates.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "../lib/errors.h"
#include "../lib/unit.h"

static struct field_errors find(const char *text)
{
	struct field_errors errors = {0};

	json_duplicates_find(text, strlen(text), &errors);
	return errors;
}

static void test_none(void)
{
	static const char *const texts[] = {
		"{}",
		"[]",
		"null",
		"\"a\\\\\"",
		" { } ",
		"[[], {}, [{}], \"}\", -1.5e3, true]",
		"{\"a\": {\"a\": {\"a\": 1}}, \"b\": [{\"a\": 1}, {\"a\": 1}]}",
		"{\"a\\\"\": 1, \"a\": \"a\\\", \\\"a\\\": 1\", \"A\": 2}",
		"{\"a\\\\\":1,\"a\":2}",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct field_errors errors = find(texts[i]);

		CU_ASSERT_EQUAL(errors.count, 0);
		field_errors_fini(&errors);
	}
}

static void test_each_with_its_place(void)
{
	static const struct {
		const char *text;
		const char *pointer;
		const char *message;
	} rows[] = {
		{"{\"a\":1,\"a\":2}", "/a", "in line 1 and again in line 1"},
		{"\n\n{\"a\":1,\r\n\"a\":2}", "/a", "in line 3 and again in line 4"},
		{"[0,[{\"x\":{\"b/c\":[],\n\"b/c\":{}}}]]", "/1/0/x/b~1c", "again in line 2"},
		{"{\"\":1,\"b\":2,\"\":3}", "/", "in line 1"},
		{"{\"\\u0061\":[\n1,\n2],\"a\":2}", "/a", "in line 1 and again in line 3"},
		{"{\"\\u00e4\":1,\"\xc3\xa4\":2}", "/\xc3\xa4", "in line 1"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct field_errors errors = find(rows[i].text);

		CU_ASSERT_EQUAL(errors.count, 1);
		CU_ASSERT(errors_have(&errors, rows[i].pointer, rows[i].message));
		field_errors_fini(&errors);
	}
}

static void test_all_of_them(void)
{
	struct field_errors errors =
		find("{\"a\":{\"b\":1,\"b\":2,\"b\":3},\"a\":{\"c\":1,\"c\":2}}");

	CU_ASSERT_EQUAL(errors.count, 4);
	CU_ASSERT(errors_have(&errors, "/a", "twice"));
	CU_ASSERT(errors_have(&errors, "/a/c", "twice"));
	field_errors_fini(&errors);
}

static char *nest(const char *open, const char *inner, const char *close, int depth)
{
	char *text = calloc(1, (size_t)depth * (strlen(open) + strlen(close)) + strlen(inner) + 1);

	for (int i = 0; i < depth; i++)
		strcat(text, open);
	strcat(text, inner);
	for (int i = 0; i < depth; i++)
		strcat(text, close);
	return text;
}

/* As deep as jansson goes; a pointer of that length is cut. */
static void test_deep(void)
{
	char *text = nest("[", "{\"a\":1,\"a\":1}", "]", 2000);
	struct field_errors errors;
	json_t *json = json_loads(text, 0, NULL);

	CU_ASSERT_PTR_NOT_NULL(json);
	json_decref(json);
	errors = find(text);
	CU_ASSERT_EQUAL(errors.count, 1);
	field_errors_fini(&errors);
	free(text);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_none),	     UNIT_TEST(test_each_with_its_place),
		UNIT_TEST(test_all_of_them), UNIT_TEST(test_deep),
		CU_TEST_INFO_NULL,
	};

	return unit_run("json_duplicates", tests);
}
