/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/unit.h"
#include "log.h"

static int kept_stderr, reader;
static char got[4096];

/* Standard error becomes a pipe; what was written to it is in got[] after restore(). */
static void capture(void)
{
	int ends[2];

	kept_stderr = dup(STDERR_FILENO);
	CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	reader = ends[0];
}

static void restore(void)
{
	ssize_t size;

	dup2(kept_stderr, STDERR_FILENO);
	close(kept_stderr);
	size = read(reader, got, sizeof(got) - 1);
	close(reader);
	got[size > 0 ? size : 0] = '\0';
}

static void test_levels(void)
{
	capture();
	log_write(LOG_ERR, "a %d", 1);
	log_write(LOG_WARNING, "b");
	log_write(LOG_NOTICE, "c");
	log_write(LOG_INFO, "d");
	log_set_level(LOG_DEBUG);
	log_write(LOG_DEBUG, "e");
	log_set_level(LOG_ERR);
	log_text(LOG_WARNING, "f");
	log_text(LOG_ERR, "100%s");
	restore();
	CU_ASSERT_STRING_EQUAL(got, "mailraild: error: a 1\nmailraild: warning: b\nmailraild: c\n"
				    "mailraild: debug: e\nmailraild: error: 100%s\n");
	CU_ASSERT_EQUAL(log_get_level(), LOG_ERR);
	log_set_level(LOG_NOTICE);
}

static void test_one_line(void)
{
	char text[3000];

	capture();
	log_text(LOG_ERR, "a\nb\x1b[31m");
	restore();
	CU_ASSERT_STRING_EQUAL(got, "mailraild: error: a b [31m\n");

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	capture();
	log_text(LOG_ERR, text);
	log_write(LOG_ERR, "%s", text);
	restore();
	CU_ASSERT_EQUAL(strspn(strchr(got, 'x'), "x"), strchr(got, '\n') - strchr(got, 'x'));
	CU_ASSERT_EQUAL(got[strlen(got) - 1], '\n');
}

static void test_journal(void)
{
	char stream[64];
	struct stat st;

	capture();
	fstat(STDERR_FILENO, &st);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_text(LOG_WARNING, "a");
	setenv("JOURNAL_STREAM", "1:1", 1); /* somebody else's */
	log_text(LOG_WARNING, "b");
	unsetenv("JOURNAL_STREAM");
	restore();
	CU_ASSERT_STRING_EQUAL(got, "<4>mailraild: warning: a\nmailraild: warning: b\n");
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_levels),
		UNIT_TEST(test_one_line),
		UNIT_TEST(test_journal),
		CU_TEST_INFO_NULL,
	};

	return unit_run("log", tests);
}
