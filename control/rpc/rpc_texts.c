/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Requests as JSON texts one after the other, cut into pieces in any way; answers in the same
 * order, one line each, and between them the texts of the stream.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "json_scanner.h"
#include "rpc_connection.h"

struct texts {
	struct json_scanner scanner;
	struct evbuffer *begun; /* of a text, whose end has not come */
};

static int texts_start(struct rpc_connection *connection)
{
	struct texts *texts = connection->framing_state;

	texts->begun = evbuffer_new();
	return texts->begun ? 0 : -ENOMEM;
}

static void texts_stop(struct rpc_connection *connection)
{
	struct texts *texts = connection->framing_state;

	evbuffer_free(texts->begun);
}

static bool texts_is_inside(const struct rpc_connection *connection)
{
	const struct texts *texts = connection->framing_state;

	return evbuffer_get_length(texts->begun) > 0;
}

static int put_line(struct evbuffer *out, char *answer)
{
	if (rpc_connection_put_answer(out, answer) < 0)
		return -ENOMEM;
	return evbuffer_add(out, "\n", 1) < 0 ? -ENOMEM : 0;
}

static int texts_put_event(struct rpc_connection *connection, struct evbuffer *out,
			   const char *text)
{
	char *copy = strdup(text);

	(void)connection;
	return copy ? put_line(out, copy) : -ENOMEM;
}

/* Says what is wrong with the stream as a whole; nothing more is read from it. */
static int refuse_stream(struct rpc_connection *connection, enum rpc_error error,
			 const char *reason)
{
	char *answer;

	rpc_connection_finish(connection);
	if (rpc_answer_error(error, reason, &answer) < 0)
		return -ENOMEM;
	return put_line(rpc_connection_output(connection), answer);
}

static int refuse_size(struct rpc_connection *connection)
{
	char reason[80];

	snprintf(reason, sizeof(reason), "the request is larger than %llu bytes",
		 (unsigned long long)rpc_connection_limits(connection)->request_bytes);
	return refuse_stream(connection, RPC_LIMIT_EXCEEDED, reason);
}

/* Whoever may open the socket may do everything: its mode and group say who. */
static int answer(struct rpc_connection *connection, const char *text, size_t size)
{
	char *line;

	if (rpc_connection_answer(connection, connection->peer, RPC_ROLE_ADMIN, text, size, &line) <
	    0)
		return -ENOMEM;
	if (line && put_line(rpc_connection_output(connection), line) < 0)
		return -ENOMEM;
	return rpc_connection_release(connection);
}

static int answer_begun(struct rpc_connection *connection)
{
	struct texts *texts = connection->framing_state;
	const size_t size = evbuffer_get_length(texts->begun);
	const char *text = (const char *)evbuffer_pullup(texts->begun, -1);
	int rc;

	if (!text)
		return -ENOMEM;
	rc = answer(connection, text, size);
	evbuffer_drain(texts->begun, size);
	return rc;
}

/* A text ends behind @used bytes of the input, the first of which are at @bytes. */
static int take_text(struct rpc_connection *connection, const char *bytes, size_t used)
{
	struct texts *texts = connection->framing_state;
	struct evbuffer *input = rpc_connection_input(connection);
	int rc;

	connection->taken++;
	/* The usual one came in one piece, and is answered where it is. */
	if (evbuffer_get_length(texts->begun) == 0) {
		rc = answer(connection, bytes, used);
		evbuffer_drain(input, used);
	} else {
		if (evbuffer_remove_buffer(input, texts->begun, used) < 0)
			return -ENOMEM;
		rc = answer_begun(connection);
	}
	return rc < 0 ? rc : 1;
}

/* Looks at one piece, once at every byte. 1: it has ended a text, or the next piece may. */
static int take_piece(struct rpc_connection *connection, const char *bytes, size_t size)
{
	struct texts *texts = connection->framing_state;
	struct evbuffer *input = rpc_connection_input(connection);
	enum json_scan scan;
	size_t used;

	texts->scanner.depth_max = rpc_connection_limits(connection)->depth;
	scan = json_scanner_feed(&texts->scanner, bytes, size, &used);
	if (scan != JSON_SCAN_SPACE && evbuffer_get_length(texts->begun) + used >
					       rpc_connection_limits(connection)->request_bytes)
		return refuse_size(connection);
	switch (scan) {
	case JSON_SCAN_TEXT:
		return take_text(connection, bytes, used);
	case JSON_SCAN_SPACE:
		evbuffer_drain(input, used);
		return 1;
	case JSON_SCAN_MORE:
		return evbuffer_remove_buffer(input, texts->begun, used) < 0 ? -ENOMEM : 1;
	case JSON_SCAN_BROKEN:
		return refuse_stream(connection, RPC_PARSE_ERROR,
				     "the text is not JSON, so that its end cannot be told; the "
				     "connection is closed");
	case JSON_SCAN_TOO_DEEP:
		break;
	}
	return refuse_stream(connection, RPC_LIMIT_EXCEEDED, "the request is nested too deeply");
}

static int texts_advance(struct rpc_connection *connection)
{
	struct texts *texts = connection->framing_state;
	const char *bytes;
	size_t size;
	int rc;

	if (rpc_connection_piece(connection, &bytes, &size))
		return take_piece(connection, bytes, size);
	if (!connection->hung_up || evbuffer_get_length(texts->begun) == 0)
		return 0;
	/* The client is gone in the middle of a text, or behind a number, which only the end ends.
	 */
	rc = answer_begun(connection);
	return rc < 0 ? rc : 0;
}

const struct rpc_framing rpc_framing_texts = {
	.state_size = sizeof(struct texts),
	.start = texts_start,
	.stop = texts_stop,
	.advance = texts_advance,
	.is_inside = texts_is_inside,
	.put_event = texts_put_event,
};
