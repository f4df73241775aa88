/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One reply of an SMTP server (RFC 5321, section 4.2), parsed as its bytes arrive. The server
 * may be broken or hostile: everything is bounded, and no byte of it leaves unescaped.
 *
 * A reply is one or more lines "250-text", the last one "250 text" or a bare "250"; all lines
 * have the same code. They end with CRLF; a bare LF is taken as well. Any thread.
 */
#ifndef MAILRAIL_CONTROL_SMTP_REPLY_H
#define MAILRAIL_CONTROL_SMTP_REPLY_H

#include <stddef.h>
#include <stdint.h>

#define SMTP_REPLY_LINE_MAX  2048 /* bytes with the line's end; RFC 5321 asks for 512 */
#define SMTP_REPLY_LINES_MAX 64
#define SMTP_REPLY_BYTES_MAX 16384
#define SMTP_REPLY_TEXT_MAX  201 /* escaped characters and the NUL */

enum smtp_reply_status {
	SMTP_REPLY_MORE,      /* not complete yet */
	SMTP_REPLY_COMPLETE,  /* @code and @text are set */
	SMTP_REPLY_MALFORMED, /* @problem says why, @text shows where */
};

struct smtp_reply {
	enum smtp_reply_status status;
	uint16_t code; /* of the first line; 0 before it */
	uint16_t lines;
	uint16_t line_bytes;
	uint16_t bytes;
	const char *problem;
	/* What the lines say behind the code, joined by blanks; printable ASCII. */
	char text[SMTP_REPLY_TEXT_MAX];
	char line[SMTP_REPLY_LINE_MAX];
};

void smtp_reply_init(struct smtp_reply *reply);

/*
 * Takes @bytes up to the end of the reply and says how many those were: bytes behind it are
 * for the caller to judge. Returns @reply->status; once that is not MORE, nothing is taken.
 */
enum smtp_reply_status smtp_reply_feed(struct smtp_reply *reply, const void *bytes, size_t length,
				       size_t *out_taken);

#endif
