/* SPDX-License-Identifier: BSD-3-Clause */
#include "log_sink.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>
/* Without the source's file and line: they say less than the topic. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

/* systemd.exec(5): JOURNAL_STREAM holds device and inode of the stream to the journal. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uintmax_t device, inode;
	struct stat st;

	if (!stream || sscanf(stream, "%ju:%ju", &device, &inode) != 2)
		return false;
	return fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

/* One line stays one line, whatever the text carries. */
static void flatten(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = ' ';
}

static void write_text(bool prefixed, const struct log_line *line)
{
	static const char *const words[] = {
		[LOG_EMERG] = "error: ", [LOG_ALERT] = "error: ",     [LOG_CRIT] = "error: ",
		[LOG_ERR] = "error: ",	 [LOG_WARNING] = "warning: ", [LOG_NOTICE] = "",
		[LOG_INFO] = "",	 [LOG_DEBUG] = "debug: ",
	};
	char text[LOG_LINE_MAX + 64], prefix[8] = "";
	int length;

	if (prefixed)
		snprintf(prefix, sizeof(prefix), "<%d>", line->priority);
	length = snprintf(text, sizeof(text), "%smailraild: %s%.*s\n", prefix,
			  words[line->priority & 7], LOG_LINE_MAX - 1, line->text);
	if (write(STDERR_FILENO, text, (size_t)length) < 0)
		return;
}

#define JOURNAL_FIELDS_MAX 6

struct entry {
	struct iovec fields[JOURNAL_FIELDS_MAX];
	char texts[JOURNAL_FIELDS_MAX][LOG_LINE_MAX + 32];
	int count;
};

static void add_field(struct entry *entry, const char *name, const char *value)
{
	char *text = entry->texts[entry->count];
	int length;

	if (value == NULL)
		return;
	length = snprintf(text, sizeof(entry->texts[0]), "%s=%s", name, value);
	entry->fields[entry->count++] = (struct iovec){.iov_base = text, .iov_len = (size_t)length};
}

/* False: journald does not listen. */
static bool write_journal(const struct log_line *line)
{
	const char priority[] = {(char)('0' + (line->priority & 7)), '\0'};
	struct entry entry;

	if (access(JOURNAL_SOCKET, W_OK) < 0)
		return false;
	entry.count = 0;
	add_field(&entry, "MESSAGE", line->text);
	add_field(&entry, "PRIORITY", priority);
	add_field(&entry, "SYSLOG_IDENTIFIER", "mailraild");
	add_field(&entry, "MAILRAIL_TOPIC", log_topics[line->topic]);
	add_field(&entry, "MAILRAIL_POOL", line->about != NULL ? line->about->pool : NULL);
	add_field(&entry, "MAILRAIL_BACKEND", line->about != NULL ? line->about->backend : NULL);
	return sd_journal_sendv(entry.fields, entry.count) == 0;
}

/* RFC 3339, in UTC, with milliseconds. */
static void format_now(char out[32])
{
	struct timespec now;
	struct tm utc;
	size_t length;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	length = strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(out + length, 32 - length, ".%03dZ", (int)(now.tv_nsec / 1000000));
}

/* What is no UTF-8 has no place in JSON. */
static json_t *text_of(char *text)
{
	json_t *json = json_string(text);

	if (json != NULL)
		return json;
	for (char *next = text; *next != '\0'; next++)
		if ((unsigned char)*next >= 0x80)
			*next = '?';
	return json_string(text);
}

/* False: no memory. */
static bool write_json(const struct log_line *line)
{
	const int urgency = line->priority - LOG_ERR;
	const bool about = line->about != NULL;
	char time[32];
	json_t *json;
	char *text;

	format_now(time);
	json = json_pack("{s:s, s:s, s:s, s:o, s:s*, s:s*}", "time", time, "level",
			 log_levels[urgency > 0 ? urgency : 0], "topic", log_topics[line->topic],
			 "message", text_of(line->text), "pool", about ? line->about->pool : NULL,
			 "backend", about ? line->about->backend : NULL);
	text = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	if (text == NULL)
		return false;
	const struct iovec parts[] = {{text, strlen(text)}, {(char[]){'\n'}, 1}};
	const bool done = writev(STDERR_FILENO, parts, 2) >= 0;

	free(text);
	return done;
}

void log_sink_write(enum log_format format, const struct log_line *line)
{
	const bool journal = stderr_is_journal();

	flatten(line->text);
	switch (format) {
	case LOG_FORMAT_AUTO:
		if (journal && write_journal(line))
			return;
		break;
	case LOG_FORMAT_JSON:
		if (write_json(line))
			return;
		break;
	case LOG_FORMAT_TEXT:
		break;
	}
	write_text(journal, line);
}
