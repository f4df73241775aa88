/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * JSON-RPC as POST /rpc, and the pages as GET. Who asks must say who it is before a byte of the
 * body is taken. A call that subscribes to something makes its answer a stream that stays open,
 * one JSON text a line; the first is the answer itself.
 */
#define LOG_TOPIC LOG_TOPIC_RPC

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <event2/bufferevent_ssl.h>

#include <http_parser.h>

#include "http_answer.h"
#include "http_head.h"
#include "json_scanner.h"
#include "log.h"
#include "rpc_access.h"
#include "rpc_connection.h"

#define RPC_PATH       "/rpc"
#define PATH_BYTES_MAX 64
#define HEAD_BYTES_MAX 16384

struct http {
	http_parser parser;
	struct http_head head;
	size_t head_bytes;
	bool is_inside, has_head, is_complete;
	bool keeps_alive;
	int status; /* of what is wrong with the request; 0: nothing */
	const char *reason;
	const char *field; /* one more line of that answer's head */

	char name[256]; /* of who asks */
	enum rpc_role role;
	const struct rpc_page *page; /* NULL: JSON-RPC */
	struct evbuffer *body;
	struct json_scanner scanner;
	bool is_too_deep;

	bool is_streaming;
};

static bool is_chunking(const struct http *http)
{
	return http->parser.http_major > 1 || http->parser.http_minor > 0;
}

static void forget_request(struct http *http)
{
	http->head = (struct http_head){0};
	http->head_bytes = 0;
	http->is_inside = http->has_head = http->is_complete = false;
	http->status = 0;
	http->reason = http->field = NULL;
	http->page = NULL;
	http->scanner = (struct json_scanner){0};
	http->is_too_deep = false;
	evbuffer_drain(http->body, evbuffer_get_length(http->body));
}

/* Always false: the request is not fine. The first refusal stands. */
static bool refuse_with(struct http *http, int status, const char *reason, const char *field)
{
	if (http->status == 0) {
		http->status = status;
		http->reason = reason;
		http->field = field;
	}
	return false;
}

static bool refuse(struct http *http, int status, const char *reason)
{
	return refuse_with(http, status, reason, NULL);
}

/* --- who asks, and for what */

static bool find_page(const struct rpc_connection *connection, struct http *http)
{
	const bool reads = http->parser.method == HTTP_GET || http->parser.method == HTTP_HEAD;
	const struct rpc_page *page = connection->door->pages;
	char path[PATH_BYTES_MAX];

	if (!http_head_path(&http->head, path, sizeof(path)))
		return refuse(http, HTTP_STATUS_NOT_FOUND, "there is no such page");
	if (strcmp(path, RPC_PATH) == 0)
		return http->parser.method == HTTP_POST ||
		       refuse_with(http, HTTP_STATUS_METHOD_NOT_ALLOWED,
				   "requests are sent by POST", "Allow: POST");
	while (page->path && strcmp(page->path, path) != 0)
		page++;
	if (!page->path)
		return refuse(http, HTTP_STATUS_NOT_FOUND, "there is no such page");
	http->page = page;
	return reads || refuse_with(http, HTTP_STATUS_METHOD_NOT_ALLOWED,
				    "the page can only be read", "Allow: GET, HEAD");
}

static bool refuse_stranger(const struct rpc_connection *connection, struct http *http, int status,
			    const char *reason, const char *field)
{
	log_write(LOG_NOTICE, "%s may not enter: %s", connection->peer, reason);
	return refuse_with(http, status, reason, field);
}

static bool find_by_token(const struct rpc_connection *connection, struct http *http,
			  struct rpc_holder *out)
{
	size_t size;
	const char *token = http_head_bearer(&http->head, &size);

	return (token && rpc_access_token(&connection->door->control->http, token, size, out)) ||
	       refuse_stranger(connection, http, HTTP_STATUS_UNAUTHORIZED, "nobody has this token",
			       "WWW-Authenticate: Bearer error=\"invalid_token\"");
}

static bool find_by_certificate(const struct rpc_connection *connection, struct http *http,
				X509 *certificate, struct rpc_holder *out)
{
	return rpc_access_certificate(&connection->door->control->http, certificate, out) ||
	       refuse_stranger(connection, http, HTTP_STATUS_FORBIDDEN,
			       "the certificate is nobody's who is known here", NULL);
}

/*
 * Pages of other sites that a browser on this host shows could ask under a name that they let
 * point here; under an address they cannot.
 */
static bool find_anonymous(const struct rpc_connection *connection, struct http *http,
			   struct rpc_holder *out)
{
	if (!rpc_access_anonymous(&connection->door->control->http, out))
		return refuse_with(http, HTTP_STATUS_UNAUTHORIZED,
				   "a bearer token is wanted, or a client certificate",
				   "WWW-Authenticate: Bearer");
	return http_head_host_is_literal(&http->head) ||
	       refuse_stranger(connection, http, HTTP_STATUS_FORBIDDEN,
			       "without authentication the host is localhost or an address", NULL);
}

static bool find_holder(const struct rpc_connection *connection, struct http *http)
{
	SSL *tls = bufferevent_openssl_get_ssl(connection->bev);
	X509 *certificate = tls ? SSL_get0_peer_certificate(tls) : NULL;
	struct rpc_holder holder = {0};
	bool found;

	if (http->head.authorization[0])
		found = find_by_token(connection, http, &holder);
	else if (certificate)
		found = find_by_certificate(connection, http, certificate, &holder);
	else
		found = find_anonymous(connection, http, &holder);
	if (!found)
		return false;
	snprintf(http->name, sizeof(http->name), "%s, %s", holder.name, connection->peer);
	http->role = holder.role;
	return !http->page || holder.role >= http->page->role ||
	       refuse(http, HTTP_STATUS_FORBIDDEN, "the page wants another role");
}

static bool has_body(const http_parser *parser)
{
	return (parser->flags & F_CHUNKED) ||
	       (parser->content_length > 0 && parser->content_length != ULLONG_MAX);
}

static bool check_body(const struct rpc_connection *connection, struct http *http)
{
	if (!http->page && !http_head_is_type(&http->head, "application/json"))
		return refuse(http, HTTP_STATUS_UNSUPPORTED_MEDIA_TYPE,
			      "requests are application/json");
	if (!(http->parser.flags & F_CHUNKED) && has_body(&http->parser) &&
	    http->parser.content_length > rpc_connection_limits(connection)->request_bytes)
		return refuse(http, HTTP_STATUS_PAYLOAD_TOO_LARGE, "the request is too large");
	return true;
}

static void consider(const struct rpc_connection *connection, struct http *http)
{
	if (http->status != 0)
		return;
	if (http->parser.http_major != 1)
		refuse(http, HTTP_STATUS_HTTP_VERSION_NOT_SUPPORTED, "HTTP/1.1 is spoken here");
	else if (is_chunking(http) && !http->head.host[0])
		refuse(http, HTTP_STATUS_BAD_REQUEST, "Host is missing");
	else if (find_page(connection, http) && find_holder(connection, http))
		check_body(connection, http);
}

/* --- what the parser finds; other than 0 stops it */

static struct http *http_of(const http_parser *parser)
{
	return ((struct rpc_connection *)parser->data)->framing_state;
}

static int on_message_begin(http_parser *parser)
{
	http_of(parser)->is_inside = true;
	return 0;
}

static int on_url(http_parser *parser, const char *at, size_t size)
{
	struct http *http = http_of(parser);

	if (!http_head_target(&http->head, at, size))
		refuse(http, HTTP_STATUS_URI_TOO_LONG, "there is no such page");
	return 0;
}

static int on_header_field(http_parser *parser, const char *at, size_t size)
{
	http_head_field(&http_of(parser)->head, at, size);
	return 0;
}

static int on_header_value(http_parser *parser, const char *at, size_t size)
{
	struct http *http = http_of(parser);

	/* Trailers of a body say nothing. */
	if (!http->has_head && !http_head_value(&http->head, at, size))
		refuse(http, HTTP_STATUS_BAD_REQUEST, "a field is too long, or there twice");
	return 0;
}

static int on_headers_complete(http_parser *parser)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	const struct rpc_connection *connection = parser->data;
	struct http *http = connection->framing_state;

	http->has_head = true;
	parser->upgrade = 0; /* offered, and not taken up */
	consider(connection, http);
	if (http->status != 0)
		return has_body(parser) ? -1 : 0;
	if (has_body(parser) && is_chunking(http) &&
	    strcasecmp(http->head.expect, "100-continue") == 0)
		evbuffer_add(rpc_connection_output(connection), go_on, strlen(go_on));
	return 0;
}

/* The scanner is only asked about the depth; what else is wrong comes out in the end. */
static void scan_depth(struct http *http, const char *at, size_t size)
{
	enum json_scan scan = JSON_SCAN_TEXT;
	size_t used;

	while (size > 0 && scan != JSON_SCAN_BROKEN && !http->is_too_deep) {
		scan = json_scanner_feed(&http->scanner, at, size, &used);
		http->is_too_deep = scan == JSON_SCAN_TOO_DEEP;
		at += used;
		size -= used;
	}
}

static int on_body(http_parser *parser, const char *at, size_t size)
{
	const struct rpc_connection *connection = parser->data;
	struct http *http = connection->framing_state;

	if (evbuffer_get_length(http->body) + size >
	    rpc_connection_limits(connection)->request_bytes) {
		refuse(http, HTTP_STATUS_PAYLOAD_TOO_LARGE, "the request is too large");
		return -1;
	}
	http->scanner.depth_max = rpc_connection_limits(connection)->depth;
	scan_depth(http, at, size);
	if (evbuffer_add(http->body, at, size) < 0) {
		refuse(http, HTTP_STATUS_INTERNAL_SERVER_ERROR, "out of memory");
		return -1;
	}
	return 0;
}

static int on_message_complete(http_parser *parser)
{
	struct http *http = http_of(parser);

	http->is_complete = true;
	http->keeps_alive = http_should_keep_alive(parser);
	http_parser_pause(parser, 1);
	return 0;
}

static const http_parser_settings parser_callbacks = {
	.on_message_begin = on_message_begin,
	.on_url = on_url,
	.on_header_field = on_header_field,
	.on_header_value = on_header_value,
	.on_headers_complete = on_headers_complete,
	.on_body = on_body,
	.on_message_complete = on_message_complete,
};

/* --- answers */

/* Takes what @content holds. */
static int respond(struct rpc_connection *connection, const struct http_answer *answer,
		   struct evbuffer *content)
{
	const struct http *http = connection->framing_state;
	struct evbuffer *out = rpc_connection_output(connection);
	struct http_answer whole = *answer;

	whole.content_size = evbuffer_get_length(content);
	if (connection->closing || !http->keeps_alive)
		rpc_connection_finish(connection);
	whole.closes = connection->closing;
	if (http_answer_head(out, &whole) < 0)
		return -ENOMEM;
	if (http->parser.method != HTTP_HEAD && evbuffer_add_buffer(out, content) < 0)
		return -ENOMEM;
	return 0;
}

static int respond_refusal(struct rpc_connection *connection)
{
	struct http *http = connection->framing_state;
	struct evbuffer *text = http->body;

	evbuffer_drain(text, evbuffer_get_length(text));
	if (evbuffer_add_printf(text, "%s\n", http->reason) < 0)
		return -ENOMEM;
	return respond(connection,
		       &(struct http_answer){.status = http->status,
					     .content_type = "text/plain; charset=utf-8",
					     .field = http->field},
		       text);
}

static int respond_page(struct rpc_connection *connection)
{
	struct http *http = connection->framing_state;

	evbuffer_drain(http->body, evbuffer_get_length(http->body));
	if (http->page->write(connection->door->context, http->body) < 0)
		return -ENOMEM;
	return respond(connection,
		       &(struct http_answer){.status = HTTP_STATUS_OK,
					     .content_type = http->page->content_type},
		       http->body);
}

/* The answer is the first line of a stream; what came meanwhile follows. */
static int begin_stream(struct rpc_connection *connection, const char *answer)
{
	struct http *http = connection->framing_state;
	struct evbuffer *out = rpc_connection_output(connection);
	const struct http_answer head = {
		.status = HTTP_STATUS_OK,
		.content_type = "application/x-ndjson",
		.is_stream = true,
		.is_chunked = is_chunking(http),
		.closes = true,
	};

	http->is_streaming = true;
	if (http_answer_head(out, &head) < 0 ||
	    (answer && http_answer_line(out, is_chunking(http), answer) < 0))
		return -ENOMEM;
	return rpc_connection_release(connection);
}

/* Takes @answer; NULL: there were only notifications. */
static int respond_answer(struct rpc_connection *connection, char *answer)
{
	struct http *http = connection->framing_state;
	struct http_answer head = {.status = HTTP_STATUS_NO_CONTENT};
	int rc;

	if (connection->stream.listener) {
		rc = begin_stream(connection, answer);
		free(answer);
		return rc;
	}
	evbuffer_drain(http->body, evbuffer_get_length(http->body));
	evbuffer_drain(connection->held, evbuffer_get_length(connection->held));
	if (answer) {
		head = (struct http_answer){.status = HTTP_STATUS_OK,
					    .content_type = "application/json"};
		if (rpc_connection_put_answer(http->body, answer) < 0)
			return -ENOMEM;
	}
	return respond(connection, &head, http->body);
}

static int answer_body(struct rpc_connection *connection)
{
	struct http *http = connection->framing_state;
	const size_t size = evbuffer_get_length(http->body);
	const char *text = size > 0 ? (const char *)evbuffer_pullup(http->body, -1) : "";
	char *answer;
	int rc;

	if (!text)
		return -ENOMEM;
	if (http->is_too_deep)
		rc = rpc_answer_error(RPC_LIMIT_EXCEEDED, "the request is nested too deeply",
				      &answer);
	else
		rc = rpc_connection_answer(connection, http->name, http->role, text, size, &answer);
	return rc < 0 ? rc : respond_answer(connection, answer);
}

static int answer_request(struct rpc_connection *connection)
{
	struct http *http = connection->framing_state;
	int rc;

	connection->taken++;
	if (http->status != 0)
		rc = respond_refusal(connection);
	else if (http->page)
		rc = respond_page(connection);
	else
		rc = answer_body(connection);
	forget_request(http);
	http_parser_pause(&http->parser, 0);
	return rc < 0 ? rc : 1;
}

/* In the middle of a request: where the next one begins is unknown, or far away. */
static int give_up(struct rpc_connection *connection)
{
	struct http *http = connection->framing_state;

	refuse(http, HTTP_STATUS_BAD_REQUEST, "that is not HTTP/1.1");
	http->keeps_alive = false;
	return respond_refusal(connection);
}

/* --- the framing */

static int http_start(struct rpc_connection *connection)
{
	struct http *http = connection->framing_state;

	http->body = evbuffer_new();
	http_parser_init(&http->parser, HTTP_REQUEST);
	http->parser.data = connection;
	return http->body ? 0 : -ENOMEM;
}

static void http_stop(struct rpc_connection *connection)
{
	struct http *http = connection->framing_state;

	evbuffer_free(http->body);
}

static bool http_is_inside(const struct rpc_connection *connection)
{
	const struct http *http = connection->framing_state;

	return http->is_inside;
}

static int http_put_event(struct rpc_connection *connection, struct evbuffer *out, const char *text)
{
	return http_answer_line(out, is_chunking(connection->framing_state), text);
}

static int http_advance(struct rpc_connection *connection)
{
	struct http *http = connection->framing_state;
	struct evbuffer *input = rpc_connection_input(connection);
	const char *bytes;
	size_t size, used;

	while (rpc_connection_piece(connection, &bytes, &size)) {
		if (http->is_streaming) {
			/* Its answer has no end: nothing can come behind it. */
			rpc_connection_finish(connection);
			return 0;
		}
		used = http_parser_execute(&http->parser, &parser_callbacks, bytes, size);
		if (!http->has_head)
			http->head_bytes += used;
		evbuffer_drain(input, used);
		if (http->is_complete)
			return answer_request(connection);
		if (http->head_bytes > HEAD_BYTES_MAX)
			refuse(http, HTTP_STATUS_REQUEST_HEADER_FIELDS_TOO_LARGE,
			       "the head of the request is too large");
		if (HTTP_PARSER_ERRNO(&http->parser) != HPE_OK || http->head_bytes > HEAD_BYTES_MAX)
			return give_up(connection);
	}
	return 0;
}

const struct rpc_framing rpc_framing_http = {
	.state_size = sizeof(struct http),
	.start = http_start,
	.stop = http_stop,
	.advance = http_advance,
	.is_inside = http_is_inside,
	.put_event = http_put_event,
};
