/* SPDX-License-Identifier: BSD-3-Clause */
#include "smtp_reply.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define CODE_BYTES 3

void smtp_reply_init(struct smtp_reply *reply)
{
	reply->status = SMTP_REPLY_MORE;
	reply->code = 0;
	reply->lines = 0;
	reply->line_bytes = 0;
	reply->bytes = 0;
	reply->problem = NULL;
	reply->text[0] = '\0';
}

/* Appends as many whole escaped characters as there is room for. */
static void append_text(struct smtp_reply *reply, const char *bytes, size_t length)
{
	size_t used = strlen(reply->text);

	for (size_t i = 0; i < length; i++) {
		unsigned char byte = (unsigned char)bytes[i];
		char escaped[5] = {(char)byte};
		size_t needed;

		if (byte < ' ' || byte > '~' || byte == '\\')
			snprintf(escaped, sizeof(escaped), "\\x%02x", byte);
		needed = strlen(escaped);
		if (used + needed >= sizeof(reply->text))
			return;
		memcpy(&reply->text[used], escaped, needed + 1);
		used += needed;
	}
}

static void malformed(struct smtp_reply *reply, const char *problem)
{
	reply->status = SMTP_REPLY_MALFORMED;
	reply->problem = problem;
	reply->text[0] = '\0';
	append_text(reply, reply->line, reply->line_bytes);
}

static bool has_code(const char *line, size_t length)
{
	return length >= CODE_BYTES && line[0] >= '2' && line[0] <= '5' && line[1] >= '0' &&
	       line[1] <= '5' && line[2] >= '0' && line[2] <= '9' &&
	       (length == CODE_BYTES || line[CODE_BYTES] == ' ' || line[CODE_BYTES] == '-');
}

static uint16_t line_code(const char *line)
{
	return (uint16_t)((line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0'));
}

/* @line holds a whole line and its LF. */
static void end_line(struct smtp_reply *reply)
{
	const char *line = reply->line;
	size_t length = --reply->line_bytes;

	if (length > 0 && line[length - 1] == '\r')
		length = --reply->line_bytes;
	if (!has_code(line, length)) {
		malformed(reply, "line without a reply code");
		return;
	}
	if (reply->lines > 0 && line_code(line) != reply->code) {
		malformed(reply, "code changes within the reply");
		return;
	}
	reply->code = line_code(line);
	reply->lines++;
	if (length > CODE_BYTES + 1) {
		if (reply->text[0])
			append_text(reply, " ", 1);
		append_text(reply, line + CODE_BYTES + 1, length - CODE_BYTES - 1);
	}
	if (length == CODE_BYTES || line[CODE_BYTES] == ' ')
		reply->status = SMTP_REPLY_COMPLETE;
	else if (reply->lines == SMTP_REPLY_LINES_MAX)
		malformed(reply, "more than 64 lines");
	reply->line_bytes = 0;
}

static void take_byte(struct smtp_reply *reply, char byte)
{
	reply->line[reply->line_bytes++] = byte;
	reply->bytes++;
	if (byte == '\0')
		malformed(reply, "NUL byte");
	else if (byte == '\n')
		end_line(reply);
	else if (reply->line_bytes == SMTP_REPLY_LINE_MAX)
		malformed(reply, "line longer than 2048 bytes");
	if (reply->status == SMTP_REPLY_MORE && reply->bytes == SMTP_REPLY_BYTES_MAX)
		malformed(reply, "longer than 16384 bytes");
}

enum smtp_reply_status smtp_reply_feed(struct smtp_reply *reply, const void *bytes, size_t length,
				       size_t *out_taken)
{
	const char *next = bytes;
	size_t taken = 0;

	while (taken < length && reply->status == SMTP_REPLY_MORE)
		take_byte(reply, next[taken++]);
	*out_taken = taken;
	return reply->status;
}
