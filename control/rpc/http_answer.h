/* SPDX-License-Identifier: BSD-3-Clause */
/* HTTP/1.1 answers as bytes (RFC 9112). */
#ifndef MAILRAIL_CONTROL_HTTP_ANSWER_H
#define MAILRAIL_CONTROL_HTTP_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include <event2/buffer.h>

struct http_answer {
	int status;
	const char *content_type; /* NULL: it has no content */
	size_t content_size;
	bool is_stream;	   /* its size is not known before its end */
	bool is_chunked;   /* a stream whose client understands chunks */
	bool closes;	   /* the connection, behind it */
	const char *field; /* one more line of the head, without its end; NULL: none */
};

/* All return -ENOMEM, with half of it in @out. */
int http_answer_head(struct evbuffer *out, const struct http_answer *answer);

/* The next piece of a stream: @text and a newline. */
int http_answer_line(struct evbuffer *out, bool chunked, const char *text);

#endif
