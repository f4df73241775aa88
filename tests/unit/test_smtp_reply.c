/* SPDX-License-Identifier: BSD-3-Clause */
#include "smtp_reply.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "../lib/unit.h"

struct reply_case {
	const char *what;
	const char *bytes;
	size_t length; /* 0: as a string */
	enum smtp_reply_status status;
	uint16_t code;
	const char *text;
	const char *problem;
};

#define NO_CODE "line without a reply code"

static const struct reply_case cases[] = {
	{"single line", "220 mail.example.com ESMTP\r\n", 0, SMTP_REPLY_COMPLETE, 220,
	 "mail.example.com ESMTP", NULL},
	{"multi-line", "220-mail\r\n220-two\r\n220 three\r\n", 0, SMTP_REPLY_COMPLETE, 220,
	 "mail two three", NULL},
	{"multi-line 421", "421-too busy\r\n421 later\r\n", 0, SMTP_REPLY_COMPLETE, 421,
	 "too busy later", NULL},
	{"refusal", "554 no\r\n", 0, SMTP_REPLY_COMPLETE, 554, "no", NULL},
	{"bare code", "220\r\n", 0, SMTP_REPLY_COMPLETE, 220, "", NULL},
	{"bare code ends many", "220-a\r\n220\r\n", 0, SMTP_REPLY_COMPLETE, 220, "a", NULL},
	{"bare LF", "220-a\n220 b\n", 0, SMTP_REPLY_COMPLETE, 220, "a b", NULL},
	{"empty text", "220-\r\n220 \r\n", 0, SMTP_REPLY_COMPLETE, 220, "", NULL},
	{"no end", "220 mail", 0, SMTP_REPLY_MORE, 0, "", NULL},
	{"no last line", "250-mail\r\n250-SIZE\r\n", 0, SMTP_REPLY_MORE, 250, "mail SIZE", NULL},
	{"CR alone does not end", "220 mail\r", 0, SMTP_REPLY_MORE, 0, "", NULL},
	{"code changes", "220-a\r\n221 b\r\n", 0, SMTP_REPLY_MALFORMED, 220, "221 b",
	 "code changes within the reply"},
	{"HTTP", "HTTP/1.1 400 Bad Request\r\n", 0, SMTP_REPLY_MALFORMED, 0,
	 "HTTP/1.1 400 Bad Request", NO_CODE},
	{"empty line", "\r\n", 0, SMTP_REPLY_MALFORMED, 0, "", NO_CODE},
	{"two digits", "22\r\n", 0, SMTP_REPLY_MALFORMED, 0, "22", NO_CODE},
	{"four digits", "2200 x\r\n", 0, SMTP_REPLY_MALFORMED, 0, "2200 x", NO_CODE},
	{"first digit too small", "199 x\r\n", 0, SMTP_REPLY_MALFORMED, 0, "199 x", NO_CODE},
	{"first digit too large", "600 x\r\n", 0, SMTP_REPLY_MALFORMED, 0, "600 x", NO_CODE},
	{"second digit too large", "260 x\r\n", 0, SMTP_REPLY_MALFORMED, 0, "260 x", NO_CODE},
	{"no separator", "220mail\r\n", 0, SMTP_REPLY_MALFORMED, 0, "220mail", NO_CODE},
	{"TLS record", "\x16\x03\x01\x02\x00\x01", 6, SMTP_REPLY_MALFORMED, 0,
	 "\\x16\\x03\\x01\\x02\\x00", "NUL byte"},
	{"NUL", "220 a\0b\r\n", 9, SMTP_REPLY_MALFORMED, 0, "220 a\\x00", "NUL byte"},
	{"escapes", "220 \x1b[31m\xc3\xa9\\\r\n", 0, SMTP_REPLY_COMPLETE, 220,
	 "\\x1b[31m\\xc3\\xa9\\x5c", NULL},
};

static void check(const struct reply_case *expected, const struct smtp_reply *reply)
{
	bool same = reply->status == expected->status && reply->code == expected->code &&
		    strcmp(reply->text, expected->text) == 0 &&
		    (expected->problem
			     ? reply->problem && strcmp(reply->problem, expected->problem) == 0
			     : !reply->problem);

	if (!same)
		printf("\n    %s: status %d code %u text \"%s\"", expected->what, reply->status,
		       reply->code, reply->text);
	CU_ASSERT_TRUE(same);
}

static size_t case_length(const struct reply_case *one)
{
	return one->length ? one->length : strlen(one->bytes);
}

static void cases_at_once(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct smtp_reply reply;
		size_t taken;

		smtp_reply_init(&reply);
		smtp_reply_feed(&reply, cases[i].bytes, case_length(&cases[i]), &taken);
		check(&cases[i], &reply);
	}
}

static void cases_byte_by_byte(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct smtp_reply reply;
		size_t taken;

		smtp_reply_init(&reply);
		for (size_t at = 0; at < case_length(&cases[i]); at++)
			smtp_reply_feed(&reply, cases[i].bytes + at, 1, &taken);
		check(&cases[i], &reply);
	}
}

static void bytes_behind_are_left(void)
{
	static const char bytes[] = "220 a\r\n250 b\r\n";
	struct smtp_reply reply;
	size_t taken;

	smtp_reply_init(&reply);
	CU_ASSERT_EQUAL(smtp_reply_feed(&reply, bytes, strlen(bytes), &taken), SMTP_REPLY_COMPLETE);
	CU_ASSERT_EQUAL(taken, 7);
	CU_ASSERT_EQUAL(smtp_reply_feed(&reply, bytes + 7, 7, &taken), SMTP_REPLY_COMPLETE);
	CU_ASSERT_EQUAL(taken, 0);
	CU_ASSERT_EQUAL(reply.code, 220);
}

static bool problem_is(const struct smtp_reply *reply, const char *problem)
{
	return reply->problem && strcmp(reply->problem, problem) == 0;
}

/* Feeds a line of @bytes bytes, its end included. */
static enum smtp_reply_status feed_line(struct smtp_reply *reply, size_t bytes, char separator)
{
	char line[8192];
	size_t taken;

	snprintf(line, sizeof(line), "220%c%0*d\r\n", separator, (int)bytes - 6, 0);
	return smtp_reply_feed(reply, line, bytes, &taken);
}

static void line_length_is_bounded(void)
{
	struct smtp_reply reply;

	smtp_reply_init(&reply);
	CU_ASSERT_EQUAL(feed_line(&reply, 2048, ' '), SMTP_REPLY_COMPLETE);
	smtp_reply_init(&reply);
	CU_ASSERT_EQUAL(feed_line(&reply, 2049, ' '), SMTP_REPLY_MALFORMED);
	CU_ASSERT_TRUE(problem_is(&reply, "line longer than 2048 bytes"));
	smtp_reply_init(&reply);
	CU_ASSERT_EQUAL(feed_line(&reply, 5120, ' '), SMTP_REPLY_MALFORMED);
}

static void line_count_is_bounded(void)
{
	struct smtp_reply reply;

	smtp_reply_init(&reply);
	for (int i = 0; i < 63; i++)
		CU_ASSERT_EQUAL(feed_line(&reply, 10, '-'), SMTP_REPLY_MORE);
	CU_ASSERT_EQUAL(feed_line(&reply, 10, ' '), SMTP_REPLY_COMPLETE);
	smtp_reply_init(&reply);
	for (int i = 0; i < 63; i++)
		feed_line(&reply, 10, '-');
	CU_ASSERT_EQUAL(feed_line(&reply, 10, '-'), SMTP_REPLY_MALFORMED);
	CU_ASSERT_TRUE(problem_is(&reply, "more than 64 lines"));
}

static void reply_length_is_bounded(void)
{
	struct smtp_reply reply;

	smtp_reply_init(&reply);
	for (int i = 0; i < 7; i++)
		CU_ASSERT_EQUAL(feed_line(&reply, 2048, '-'), SMTP_REPLY_MORE);
	CU_ASSERT_EQUAL(feed_line(&reply, 2048, ' '), SMTP_REPLY_COMPLETE);
	smtp_reply_init(&reply);
	for (int i = 0; i < 7; i++)
		feed_line(&reply, 2048, '-');
	CU_ASSERT_EQUAL(feed_line(&reply, 2048, '-'), SMTP_REPLY_MALFORMED);
	CU_ASSERT_TRUE(problem_is(&reply, "longer than 16384 bytes"));
}

static void text_is_bounded_and_whole(void)
{
	struct smtp_reply reply;
	char line[300];
	size_t taken;

	smtp_reply_init(&reply);
	feed_line(&reply, 1000, ' ');
	CU_ASSERT_EQUAL(strlen(reply.text), 200);
	/* 50 escapes fill the text exactly; with one letter before them, the last is left out. */
	snprintf(line, sizeof(line), "220 ");
	memset(line + 4, 0x80, sizeof(line) - 4);
	line[sizeof(line) - 1] = '\n';
	smtp_reply_init(&reply);
	smtp_reply_feed(&reply, line, sizeof(line), &taken);
	CU_ASSERT_EQUAL(strlen(reply.text), 200);
	line[4] = 'a';
	smtp_reply_init(&reply);
	smtp_reply_feed(&reply, line, sizeof(line), &taken);
	CU_ASSERT_EQUAL(strlen(reply.text), 197);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(cases_at_once),
		UNIT_TEST(cases_byte_by_byte),
		UNIT_TEST(bytes_behind_are_left),
		UNIT_TEST(line_length_is_bounded),
		UNIT_TEST(line_count_is_bounded),
		UNIT_TEST(reply_length_is_bounded),
		UNIT_TEST(text_is_bounded_and_whole),
		CU_TEST_INFO_NULL,
	};

	return unit_run("smtp_reply", tests);
}
