/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What lands on standard error and in the journal, and what is left out. The clock is the test's;
 * journald's socket lies in a mount namespace of the test's own.
 */
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <jansson.h>

#define LOG_TOPIC LOG_TOPIC_HEALTH
#include "../lib/unit.h"
#include "log.h"

static const struct log_settings plain = {LOG_FORMAT_AUTO, LOG_LEVEL_NOTICE};

static int kept_stderr, reader;
static char got[65536];
static uint64_t later_ms;

/* In place of libc's: time passes when a test says so. */
int clock_gettime(clockid_t clock_id, struct timespec *tp)
{
	const int rc = (int)syscall(SYS_clock_gettime, clock_id, tp);

	tp->tv_sec += (time_t)(later_ms / 1000);
	return rc;
}

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
	size_t size = 0;
	ssize_t more;

	dup2(kept_stderr, STDERR_FILENO);
	close(kept_stderr);
	while ((more = read(reader, got + size, sizeof(got) - 1 - size)) > 0)
		size += (size_t)more;
	close(reader);
	got[size] = '\0';
}

static unsigned int lines(void)
{
	unsigned int count = 0;

	for (const char *next = got; (next = strchr(next, '\n')) != NULL; next++)
		count++;
	return count;
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
	log_set_level(LOG_NOTICE);
}

static void test_topics(void)
{
	capture();
	log_set_topic_level(LOG_TOPIC_HEALTH, LOG_DEBUG);
	log_write(LOG_DEBUG, "mine");
	log_write_about(LOG_TOPIC_CONFIG, NULL, LOG_DEBUG, "another's");
	restore();
	CU_ASSERT_STRING_EQUAL(got, "mailraild: debug: mine\n");
	CU_ASSERT_EQUAL(log_get_topic_level(LOG_TOPIC_HEALTH), LOG_DEBUG);
	CU_ASSERT_EQUAL(log_get_topic_level(LOG_TOPIC_CONFIG), LOG_NOTICE);
	log_set_level(LOG_NOTICE);
	CU_ASSERT_EQUAL(log_get_topic_level(LOG_TOPIC_HEALTH), LOG_NOTICE);
}

/* The configuration's level counts when it changes; what was set by hand stays else. */
static void test_follow(void)
{
	const struct log_settings quiet = {LOG_FORMAT_TEXT, LOG_LEVEL_ERROR};

	log_set_topic_level(LOG_TOPIC_WAYS, LOG_DEBUG);
	log_follow(&plain);
	CU_ASSERT_EQUAL(log_get_topic_level(LOG_TOPIC_WAYS), LOG_DEBUG);
	log_follow(&quiet);
	CU_ASSERT_EQUAL(log_get_topic_level(LOG_TOPIC_WAYS), LOG_ERR);
	CU_ASSERT_EQUAL(log_get_format(), LOG_FORMAT_TEXT);
	log_follow(&plain);
	CU_ASSERT_EQUAL(log_get_topic_level(LOG_TOPIC_WAYS), LOG_NOTICE);
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
	CU_ASSERT_EQUAL(lines(), 2);
	CU_ASSERT_EQUAL(strspn(strchr(got, 'x'), "x"), strchr(got, '\n') - strchr(got, 'x'));
	CU_ASSERT_EQUAL(got[strlen(got) - 1], '\n');
}

static void say(int priority, unsigned int number)
{
	log_write(priority, "number %u", number);
}

static void test_left_out(void)
{
	capture();
	for (unsigned int i = 0; i < LOG_SITE_LINES + 5; i++)
		say(LOG_NOTICE, i);
	log_write(LOG_NOTICE, "elsewhere");
	log_tell_left_out(false);
	restore();
	CU_ASSERT_EQUAL(lines(), LOG_SITE_LINES + 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(got, "number 19\nmailraild: elsewhere\n"));

	capture();
	say(LOG_ERR, 77); /* not silently */
	later_ms += LOG_SITE_WINDOW_MS - 1000;
	say(LOG_NOTICE, 78);
	log_tell_left_out(false);
	later_ms += 1000;
	say(LOG_NOTICE, 79);
	log_tell_left_out(true);
	restore();
	CU_ASSERT_STRING_EQUAL(got, "mailraild: error: 7 similar lines were left out; the last of "
				    "them: number 78\nmailraild: number 79\n");
	later_ms += LOG_SITE_WINDOW_MS;
}

/* Nobody speaks there again. */
static void test_left_out_at_last(void)
{
	capture();
	for (unsigned int i = 0; i < LOG_SITE_LINES + 2; i++)
		say(LOG_WARNING, i);
	for (unsigned int i = 0; i < LOG_SITE_LINES + 1; i++)
		log_write(LOG_NOTICE, "other %u", i);
	restore();
	CU_ASSERT_EQUAL(lines(), 2 * LOG_SITE_LINES);

	capture();
	log_tell_left_out(false);
	later_ms += LOG_SITE_WINDOW_MS;
	log_tell_left_out(false);
	log_tell_left_out(true);
	restore();
	CU_ASSERT_EQUAL(lines(), 2);
	CU_ASSERT_PTR_NOT_NULL(strstr(got, "warning: 2 similar lines were left out; the last of "
					   "them: number 21\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(got, "mailraild: 1 similar lines were left out; the last of "
					   "them: other 20\n"));
	later_ms += LOG_SITE_WINDOW_MS;

	capture();
	for (unsigned int i = 0; i < LOG_SITE_LINES + 1; i++)
		say(LOG_WARNING, i);
	log_tell_left_out(true);
	restore();
	CU_ASSERT_EQUAL(lines(), LOG_SITE_LINES + 1);
	later_ms += LOG_SITE_WINDOW_MS;
}

static const char *word(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

static void test_json(void)
{
	const struct log_settings settings = {LOG_FORMAT_JSON, LOG_LEVEL_NOTICE};
	const struct log_subject about = {.pool = "hub", .backend = "hub1"};
	json_t *first, *second;

	log_follow(&settings);
	capture();
	log_write_about(LOG_TOPIC_HEALTH, &about, LOG_WARNING, "\"quoted\"\nnext");
	log_write_about(LOG_TOPIC_NODE, NULL, LOG_NOTICE, "caf\xe9 \x01");
	restore();
	log_follow(&plain);
	CU_ASSERT_EQUAL_FATAL(lines(), 2);
	first = json_loads(got, JSON_DISABLE_EOF_CHECK, NULL);
	second = json_loads(strchr(got, '\n') + 1, JSON_DISABLE_EOF_CHECK, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(first);
	CU_ASSERT_PTR_NOT_NULL_FATAL(second);
	CU_ASSERT_STRING_EQUAL(word(first, "level"), "warning");
	CU_ASSERT_STRING_EQUAL(word(first, "topic"), "health");
	CU_ASSERT_STRING_EQUAL(word(first, "message"), "\"quoted\" next");
	CU_ASSERT_STRING_EQUAL(word(first, "pool"), "hub");
	CU_ASSERT_STRING_EQUAL(word(first, "backend"), "hub1");
	CU_ASSERT_EQUAL(strlen(word(first, "time")), strlen("2026-11-23T08:00:00.000Z"));
	CU_ASSERT_STRING_EQUAL(word(second, "message"), "caf?  ");
	CU_ASSERT_EQUAL(json_object_size(second), 4);
	json_decref(first);
	json_decref(second);
}

static void set_stream(void)
{
	char stream[64];
	struct stat st;

	fstat(STDERR_FILENO, &st);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
}

/* Where journald does not listen: in a container, perhaps. */
static void test_journal_prefix(void)
{
	capture();
	set_stream();
	log_text(LOG_WARNING, "a");
	setenv("JOURNAL_STREAM", "1:1", 1); /* somebody else's */
	log_text(LOG_WARNING, "b");
	unsetenv("JOURNAL_STREAM");
	restore();
	CU_ASSERT_STRING_EQUAL(got, "<4>mailraild: warning: a\nmailraild: warning: b\n");
}

/* journald's end of its socket. */
static int listen_as_journald(void)
{
	const struct sockaddr_un name = {AF_UNIX, "/run/systemd/journal/socket"};
	int listener = socket(AF_UNIX, SOCK_DGRAM, 0);

	CU_ASSERT_EQUAL_FATAL(mkdir("/run/systemd", 0755), 0);
	CU_ASSERT_EQUAL_FATAL(mkdir("/run/systemd/journal", 0755), 0);
	CU_ASSERT_EQUAL_FATAL(bind(listener, (const struct sockaddr *)&name, sizeof(name)), 0);
	return listener;
}

static void test_journal_fields(void)
{
	const struct log_subject about = {.pool = "hub", .backend = "hub1"};
	const int listener = listen_as_journald();
	char entry[2048];
	ssize_t size;

	capture();
	set_stream();
	log_write_about(LOG_TOPIC_HEALTH, &about, LOG_WARNING, "x=y\nPRIORITY=0");
	unsetenv("JOURNAL_STREAM");
	restore();
	CU_ASSERT_STRING_EQUAL(got, "");
	size = recv(listener, entry, sizeof(entry) - 1, MSG_DONTWAIT);
	CU_ASSERT_FATAL(size > 0);
	entry[size] = '\0';
	CU_ASSERT_STRING_EQUAL(entry, "MESSAGE=x=y PRIORITY=0\nPRIORITY=4\n"
				      "SYSLOG_IDENTIFIER=mailraild\nMAILRAIL_TOPIC=health\n"
				      "MAILRAIL_POOL=hub\nMAILRAIL_BACKEND=hub1\n");
	close(listener);
}

/* A /run of the test's own. */
static bool enter_own_run(void)
{
	return unshare(CLONE_NEWNS) == 0 &&
	       mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("tmpfs", "/run", "tmpfs", 0, NULL) == 0;
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_levels),		UNIT_TEST(test_topics),
		UNIT_TEST(test_follow),		UNIT_TEST(test_one_line),
		UNIT_TEST(test_left_out),	UNIT_TEST(test_left_out_at_last),
		UNIT_TEST(test_json),		UNIT_TEST(test_journal_prefix),
		UNIT_TEST(test_journal_fields), CU_TEST_INFO_NULL,
	};

	if (!enter_own_run()) {
		perror("a mount namespace");
		return 77;
	}
	return unit_run("log", tests);
}
