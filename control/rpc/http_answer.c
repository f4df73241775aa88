/* SPDX-License-Identifier: BSD-3-Clause */
#include "http_answer.h"

#include <errno.h>
#include <string.h>

#include <event2/util.h>

#include <http_parser.h>

static bool put_content_fields(struct evbuffer *out, const struct http_answer *answer)
{
	if (answer->content_type &&
	    evbuffer_add_printf(out, "Content-Type: %s\r\n", answer->content_type) < 0)
		return false;
	if (answer->is_stream)
		return !answer->is_chunked ||
		       evbuffer_add_printf(out, "Transfer-Encoding: chunked\r\n") >= 0;
	return !answer->content_type ||
	       evbuffer_add_printf(out, "Content-Length: %zu\r\n", answer->content_size) >= 0;
}

int http_answer_head(struct evbuffer *out, const struct http_answer *answer)
{
	char date[64];

	evutil_date_rfc1123(date, sizeof(date), NULL);
	if (evbuffer_add_printf(out,
				"HTTP/1.1 %d %s\r\nDate: %s\r\nCache-Control: no-store\r\n"
				"X-Content-Type-Options: nosniff\r\nConnection: %s\r\n",
				answer->status, http_status_str((enum http_status)answer->status),
				date, answer->closes ? "close" : "keep-alive") < 0 ||
	    !put_content_fields(out, answer))
		return -ENOMEM;
	if (answer->field && evbuffer_add_printf(out, "%s\r\n", answer->field) < 0)
		return -ENOMEM;
	return evbuffer_add(out, "\r\n", 2) < 0 ? -ENOMEM : 0;
}

int http_answer_line(struct evbuffer *out, bool chunked, const char *text)
{
	const size_t size = strlen(text) + 1;

	if ((chunked && evbuffer_add_printf(out, "%zx\r\n", size) < 0) ||
	    evbuffer_add(out, text, size - 1) < 0 ||
	    evbuffer_add(out, "\n\r\n", chunked ? 3 : 1) < 0)
		return -ENOMEM;
	return 0;
}
