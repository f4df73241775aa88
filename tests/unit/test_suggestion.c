/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "../lib/unit.h"
#include "suggestion.h"

static void test_nearest(void)
{
	static const char *const known[] = {"name", "backends", "table_size", "health", "hash"};
	static const struct {
		const char *word;
		const char *expected;
	} rows[] = {
		{"bakends", " (did you mean \"backends\"?)"},
		{"backend", " (did you mean \"backends\"?)"},
		{"nmae", " (did you mean \"name\"?)"},
		{"tablesize", " (did you mean \"table_size\"?)"},
		{"has", " (did you mean \"hash\"?)"},
		{"colour", ""},
		{"", ""},
		{"backends_of_the_pool", ""},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct suggestion suggestion = {.word = rows[i].word};
		char text[SUGGESTION_TEXT_MAX];

		for (size_t j = 0; j < sizeof(known) / sizeof(known[0]); j++)
			suggestion_consider(&suggestion, known[j]);
		suggestion_format(&suggestion, text);
		CU_ASSERT_STRING_EQUAL(text, rows[i].expected);
	}
}

static void test_long_words(void)
{
	char word[1024];
	struct suggestion suggestion = {.word = word};

	memset(word, 'a', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	suggestion_consider(&suggestion, word);
	CU_ASSERT_PTR_NULL(suggestion.best);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_nearest),
		UNIT_TEST(test_long_words),
		CU_TEST_INFO_NULL,
	};

	return unit_run("suggestion", tests);
}
