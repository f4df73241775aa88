/* SPDX-License-Identifier: BSD-3-Clause */
#include "dialogue.h"

#include <string.h>

#include "../lib/unit.h"

/* Every line with its speaker's letter, each ended by a bar. */
static void check(const struct dialogue *dialogue, const char *expected)
{
	static const char letters[] = {
		[DIALOGUE_MAILRAIL] = 'm', [DIALOGUE_SERVER] = 's', [DIALOGUE_NOTE] = 'n'};
	char told[4096] = "";
	size_t length = 0;

	for (uint32_t i = 0; i < dialogue_lines(dialogue); i++) {
		struct dialogue_line line;

		dialogue_line(dialogue, i, &line);
		CU_ASSERT(line.offset_ms < 60000);
		length += (size_t)snprintf(told + length, sizeof(told) - length, "%c:%s|",
					   letters[line.speaker], line.text);
	}
	CU_ASSERT_STRING_EQUAL(told, expected);
}

static void hear(struct dialogue *dialogue, const char *text)
{
	dialogue_heard(dialogue, text, strlen(text));
}

static void test_plain(void)
{
	struct dialogue *dialogue = dialogue_create();
	struct dialogues kept = {{NULL}};

	CU_ASSERT(dialogue_began_ms(dialogue) > 1500000000000ULL);
	dialogue_said(dialogue, DIALOGUE_NOTE, "connected");
	hear(dialogue, "220-a\r\n220 b\r\n");
	dialogue_said(dialogue, DIALOGUE_MAILRAIL, "EHLO x\r\n");
	hear(dialogue, "250\n");
	dialogue_judge(dialogue, true, 7, "EHLO: 250");
	dialogues_keep(&kept, dialogue);
	dialogue = kept.latest[0];
	check(dialogue, "n:connected|s:220-a|s:220 b|m:EHLO x|s:250|");
	CU_ASSERT_FALSE(dialogue_is_cut(dialogue));
	CU_ASSERT(dialogue_outcome(dialogue).judged);
	CU_ASSERT_EQUAL(dialogue_outcome(dialogue).latency_ms, 7);
	CU_ASSERT_STRING_EQUAL(dialogue_outcome(dialogue).reason, "EHLO: 250");
	dialogues_fini(&kept);
}

/* However the bytes come. */
static void test_pieces(void)
{
	static const char text[] = "220 a\r\n\r\n221 \x1b\\\r b\r\n22";
	struct dialogue *dialogue = dialogue_create();

	for (size_t i = 0; i < sizeof(text) - 1; i++)
		dialogue_heard(dialogue, &text[i], 1);
	dialogue_said(dialogue, DIALOGUE_NOTE, "closed");
	check(dialogue, "s:220 a|s:|s:221 \\x1b\\x5c\\x0d b|s:22|n:closed|");
	dialogue_free(dialogue);
}

static void test_bounds(void)
{
	struct dialogue *many = dialogue_create(), *wide = dialogue_create();
	struct dialogue_line line;
	size_t bytes = 0;

	for (int i = 0; i < 100000; i++)
		hear(many, "x\r\n");
	CU_ASSERT_EQUAL(dialogue_lines(many), DIALOGUE_LINES_MAX);
	CU_ASSERT(dialogue_is_cut(many));
	dialogue_line(many, DIALOGUE_LINES_MAX - 1, &line);
	CU_ASSERT_STRING_EQUAL(line.text, "x");

	for (int i = 0; i < 10000; i++)
		dialogue_heard(wide, i % 40 == 39 ? "\n" : "\xff", 1);
	dialogue_said(wide, DIALOGUE_MAILRAIL, "QUIT");
	CU_ASSERT(dialogue_is_cut(wide));
	for (uint32_t i = 0; i < dialogue_lines(wide); i++) {
		dialogue_line(wide, i, &line);
		bytes += strlen(line.text) + 1;
		CU_ASSERT_EQUAL(strspn(line.text, "\\xf"), strlen(line.text));
	}
	CU_ASSERT(bytes <= DIALOGUE_BYTES_MAX);
	CU_ASSERT(bytes > DIALOGUE_BYTES_MAX - 32);
	dialogue_free(many);
	dialogue_free(wide);
}

/* The newest first, no more than DIALOGUES_KEPT. */
static void test_kept(void)
{
	struct dialogues kept = {{NULL}};
	const char names[] = "abcd";

	CU_ASSERT_EQUAL_FATAL(DIALOGUES_KEPT, 3);
	for (int i = 0; i < 4; i++) {
		struct dialogue *dialogue = dialogue_create();

		dialogue_heard(dialogue, &names[i], 1);
		dialogues_keep(&kept, dialogue);
	}
	check(kept.latest[0], "s:d|");
	check(kept.latest[1], "s:c|");
	check(kept.latest[2], "s:b|");
	CU_ASSERT_FALSE(dialogue_outcome(kept.latest[0]).judged);
	CU_ASSERT_STRING_EQUAL(dialogue_outcome(kept.latest[0]).reason, "");
	dialogues_fini(&kept);
	CU_ASSERT_PTR_NULL(kept.latest[0]);
}

static void test_nobody(void)
{
	dialogue_said(NULL, DIALOGUE_MAILRAIL, "x");
	dialogue_heard(NULL, "x", 1);
	dialogue_end(NULL);
	dialogue_free(NULL);
	CU_PASS("nothing is written down");
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_plain), UNIT_TEST(test_pieces), UNIT_TEST(test_bounds),
		UNIT_TEST(test_kept),  UNIT_TEST(test_nobody), CU_TEST_INFO_NULL,
	};

	return unit_run("dialogue", tests);
}
