/* SPDX-License-Identifier: BSD-3-Clause */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/sha.h>

#include "../lib/await.h"
#include "../lib/loop_client.h"
#include "../lib/unit.h"
#include "rpc_server.h"
#include "rpc_stream.h"

#define PATIENCE_MS 60000

static char directory[] = "/tmp/mailrail-http-XXXXXX";
static char path[64];
static struct event_base *base;
static struct rpc_server *server;
static uint16_t port;

/* --- what it offers */

static enum rpc_error look(struct rpc_call *call)
{
	call->document = json_pack("{s:s}", "peer", call->peer->name);
	return RPC_OK;
}

static struct rpc_stream *stream;
static unsigned int closed_calls;

static void on_drained(void *unused)
{
	(void)unused;
}

static void on_closed(void *unused)
{
	(void)unused;
	closed_calls++;
	stream = NULL;
}

static const struct rpc_stream_listener listener = {.drained = on_drained, .closed = on_closed};

static enum rpc_error subscribe(struct rpc_call *call)
{
	stream = call->peer->stream;
	stream->listener = &listener;
	CU_ASSERT_EQUAL(stream->send(stream, "{\"event\":1}"), 0);
	call->document = json_object();
	return RPC_OK;
}

static const struct rpc_method table[] = {
	{.name = "look", .handler = look},
	{.name = "change", .handler = look, .role = RPC_ROLE_ADMIN},
	{.name = "subscribe", .handler = subscribe},
	{.name = NULL},
};
static const struct rpc_method *const methods[] = {table, NULL};
static const struct rpc_context context = {.methods = methods};

static int write_page(const struct rpc_context *unused, struct evbuffer *out)
{
	(void)unused;
	return evbuffer_add_printf(out, "up 1\n") < 0 ? -ENOMEM : 0;
}

static const struct rpc_page pages[] = {
	{"/metrics", "text/plain", RPC_ROLE_READ, write_page},
	{"/secret", "text/plain", RPC_ROLE_ADMIN, write_page},
	{.path = NULL},
};

static char socket_mode[] = "0660", reader[] = "reader", admin[] = "admin";
static struct config_token tokens[2] = {{.name = reader, .role = RPC_ROLE_READ},
					{.name = admin, .role = RPC_ROLE_ADMIN}};
static struct config_control control;

static uint16_t free_port(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	getsockname(fd, (struct sockaddr *)&address, &length);
	close(fd);
	return ntohs(address.sin_port);
}

static void start(void)
{
	struct mr_error error = {""};
	const uint8_t loopback[4] = {127, 0, 0, 1};

	port = free_port();
	SHA256((const uint8_t *)"r", 1, tokens[0].hash);
	SHA256((const uint8_t *)"a", 1, tokens[1].hash);
	control = (struct config_control){
		.socket = path,
		.socket_mode = socket_mode,
		.http_given = true,
		.http = {.address = mr_addr_from_v4(loopback),
			 .port = port,
			 .plain = true,
			 .tokens = tokens,
			 .token_count = 2},
		.limits = {.request_bytes = 4096,
			   .depth = 16,
			   .connections = 10,
			   .requests_in_flight = 4,
			   .stall_ms = 300,
			   .send_buffer_bytes = 100000},
	};
	closed_calls = 0;
	base = event_base_new();
	CU_ASSERT_EQUAL_FATAL(
		rpc_server_create(&(struct rpc_server_setup){base, &control, &context, pages},
				  &server, &error),
		0);
}

static void stop(void)
{
	rpc_server_destroy(server);
	event_base_free(base);
}

/* --- a client */

static void client_open(struct client *client)
{
	const struct sockaddr_in address = {.sin_family = AF_INET,
					    .sin_port = htons(port),
					    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	client_connect(client, &address, sizeof(address));
}

struct expectation {
	struct client *client;
	const char *part;
	unsigned int times;
};

static unsigned int count(const char *text, const char *part)
{
	unsigned int times = 0;

	for (; (text = strstr(text, part)); text += strlen(part))
		times++;
	return times;
}

static bool has_part(const void *expectation)
{
	const struct expectation *wanted = expectation;

	client_read(wanted->client);
	return count(wanted->client->text, wanted->part) >= wanted->times;
}

static bool await_part(struct client *client, const char *part, unsigned int times)
{
	const struct expectation wanted = {client, part, times};

	return await(base, has_part, &wanted, PATIENCE_MS);
}

#define LOOK	  "{\"jsonrpc\":\"2.0\",\"method\":\"look\",\"id\":1}"
#define CHANGE	  "{\"jsonrpc\":\"2.0\",\"method\":\"change\",\"id\":1}"
#define SUBSCRIBE "{\"jsonrpc\":\"2.0\",\"method\":\"subscribe\",\"id\":1}"
#define LOOKED	  "{\"jsonrpc\":\"2.0\",\"result\":{\"peer\":\"reader, 127.0.0.1\"},\"id\":1}"

#define HOST   "Host: h\r\n"
#define READER "Authorization: Bearer r\r\n"
#define ADMIN  "Authorization: bearer a\r\n"
#define JSON   "Content-Type: application/json\r\n"
#define CLOSE  "Connection: close\r\n"
#define POST   "POST /rpc HTTP/1.1\r\n"

/* Into @out: a request with this head and body, and the length of the body. */
static const char *request(char *out, size_t size, const char *head, const char *body)
{
	snprintf(out, size, "%sContent-Length: %zu\r\n\r\n%s", head, strlen(body), body);
	return out;
}

/* --- */

static void test_each_outcome(void)
{
	static const struct {
		const char *head; /* as far as its fields go */
		const char *body;
		const char *status;
		const char *part; /* somewhere in the answer; NULL: whatever */
	} rows[] = {
		{POST HOST READER JSON, LOOK, "200 OK", LOOKED},
		{POST HOST ADMIN "content-type: Application/JSON; charset=utf-8\r\n", CHANGE,
		 "200 OK", "admin, 127.0.0.1"},
		{POST HOST READER JSON, CHANGE, "200 OK", "\"code\":1003"},
		{POST HOST READER JSON, "{", "200 OK", "\"code\":-32700"},
		{POST HOST READER JSON, "", "200 OK", "\"code\":-32700"},
		{POST HOST READER JSON, "[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]", "200 OK",
		 "nested too deeply"},
		{POST HOST READER JSON, "{\"jsonrpc\":\"2.0\",\"method\":\"look\"}",
		 "204 No Content", NULL},
		{POST HOST JSON, LOOK, "401 Unauthorized", "WWW-Authenticate: Bearer\r\n"},
		{POST HOST JSON "Authorization: Bearer x\r\n", LOOK, "401 Unauthorized",
		 "error=\"invalid_token\""},
		{POST HOST JSON "Authorization: Basic r\r\n", LOOK, "401 Unauthorized", NULL},
		{POST HOST JSON "Authorization: Bearer \r\n", LOOK, "401 Unauthorized", NULL},
		{POST HOST READER, LOOK, "415 Unsupported Media Type", NULL},
		{POST HOST READER "Content-Type: application/jsonx\r\n", LOOK,
		 "415 Unsupported Media Type", NULL},
		{POST READER JSON, LOOK, "400 Bad Request", "Host"},
		{POST HOST HOST READER JSON, LOOK, "400 Bad Request", "twice"},
		{POST HOST READER ADMIN JSON, LOOK, "400 Bad Request", "twice"},
		{"GET /rpc HTTP/1.1\r\n" HOST READER, "", "405 Method Not Allowed",
		 "Allow: POST\r\n"},
		{"POST /metrics HTTP/1.1\r\n" HOST READER, "", "405 Method Not Allowed",
		 "Allow: GET, HEAD\r\n"},
		{"GET /metrics HTTP/1.1\r\n" HOST READER, "", "200 OK", "\r\n\r\nup 1\n"},
		{"GET /metrics?a=b HTTP/1.1\r\n" HOST READER, "", "200 OK", "up 1\n"},
		{"GET http://h/metrics HTTP/1.1\r\n" HOST READER, "", "200 OK", "up 1\n"},
		{"HEAD /metrics HTTP/1.1\r\n" HOST READER, "", "200 OK", "Content-Length: 5\r\n"},
		{"GET /metrics HTTP/1.1\r\n" HOST, "", "401 Unauthorized", NULL},
		{"GET /secret HTTP/1.1\r\n" HOST READER, "", "403 Forbidden", NULL},
		{"GET /secret HTTP/1.1\r\n" HOST ADMIN, "", "200 OK", "up 1\n"},
		{"GET / HTTP/1.1\r\n" HOST READER, "", "404 Not Found", NULL},
		{"GET /metricsx HTTP/1.1\r\n" HOST READER, "", "404 Not Found", NULL},
		{"GET /metrics HTTP/1.1\r\n" HOST READER "Upgrade: h2c\r\n", "", "200 OK", NULL},
		{"GET /metrics HTTP/2.0\r\n" HOST READER, "", "505 HTTP Version Not Supported",
		 NULL},
		{"GARBAGE\r\n", "", "400 Bad Request", NULL},
		{POST HOST READER JSON "Transfer-Encoding: chunked\r\n", LOOK, "400 Bad Request",
		 NULL},
	};
	char text[2048], status[64];

	start();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct client client;

		client_open(&client);
		snprintf(status, sizeof(status), "HTTP/1.1 %s\r\n", rows[i].status);
		request(text, sizeof(text), rows[i].head, rows[i].body);
		client_send(base, &client, text, strlen(text));
		CU_ASSERT(await_part(&client, "\r\n\r\n", 1));
		CU_ASSERT(!rows[i].part || await_part(&client, rows[i].part, 1));
		CU_ASSERT_EQUAL(strncmp(client.text, status, strlen(status)), 0);
		if (strncmp(client.text, status, strlen(status)) != 0)
			printf("row %zu: %s", i, client.text);
		CU_ASSERT_EQUAL(count(client.text, "\r\nDate: "), 1);
		client_close(&client);
	}
	stop();
}

static void test_split_at_every_byte(void)
{
	struct client client;
	char text[512];

	start();
	request(text, sizeof(text), POST HOST READER JSON, LOOK);
	client_open(&client);
	for (size_t cut = 0; cut <= strlen(text); cut++) {
		CU_ASSERT_FATAL(client_send(base, &client, text, cut));
		CU_ASSERT_FATAL(client_send(base, &client, text + cut, strlen(text) - cut));
	}
	CU_ASSERT(await_part(&client, LOOKED, (unsigned int)strlen(text) + 1));
	client_close(&client);
	stop();
}

/* Several at once, one chunked, one that says it is the last. */
static void test_pipelined(void)
{
	struct client client;
	char text[2048] = "", one[512];

	start();
	for (int i = 0; i < 3; i++)
		strcat(text, request(one, sizeof(one), POST HOST READER JSON, LOOK));
	sprintf(text + strlen(text),
		POST HOST READER JSON "Transfer-Encoding: chunked\r\n\r\n"
				      "5\r\n%.5s\r\n%zx;a=b\r\n%s\r\n0\r\nTrailer: x\r\n\r\n",
		LOOK, strlen(LOOK) - 5, LOOK + 5);
	strcat(text, request(one, sizeof(one), "GET /metrics HTTP/1.1\r\n" HOST READER CLOSE, ""));
	strcat(text, request(one, sizeof(one), "GET /metrics HTTP/1.1\r\n" HOST READER, ""));
	client_open(&client);
	CU_ASSERT(client_send(base, &client, text, strlen(text)));
	CU_ASSERT(await(base, client_has_ended, &client, PATIENCE_MS));
	CU_ASSERT_EQUAL(count(client.text, LOOKED), 4);
	CU_ASSERT_EQUAL(count(client.text, "Connection: keep-alive\r\n"), 4);
	CU_ASSERT_EQUAL(count(client.text, "up 1\n"), 1);
	CU_ASSERT_EQUAL(count(client.text, "Connection: close\r\n"), 1);
	client_close(&client);
	stop();
}

/* Nobody needs to send a body to be told that it is not wanted. */
static void test_early_refusals(void)
{
	static const struct {
		const char *text;
		const char *status;
	} rows[] = {
		{POST HOST READER JSON "Content-Length: 4097\r\n\r\n{", "413 Payload Too Large"},
		{POST HOST READER JSON "Content-Length: 1073741824\r\nExpect: 100-continue\r\n\r\n",
		 "413 Payload Too Large"},
		{POST HOST READER JSON "Content-Length: 99999999999999999999\r\n\r\n",
		 "400 Bad Request"},
		{POST HOST JSON "Content-Length: 4096\r\n\r\n", "401 Unauthorized"},
		{POST HOST READER JSON "Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
		 "400 Bad Request"},
		{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "400 Bad Request"},
		{"\x16\x03\x01\x02", "400 Bad Request"},
	};

	start();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct client client;

		client_open(&client);
		CU_ASSERT(client_send(base, &client, rows[i].text, strlen(rows[i].text)));
		CU_ASSERT(await(base, client_has_ended, &client, PATIENCE_MS));
		CU_ASSERT_PTR_NOT_NULL(strstr(client.text, rows[i].status));
		CU_ASSERT_PTR_NOT_NULL(strstr(client.text, "Connection: close\r\n"));
		CU_ASSERT_PTR_NULL(strstr(client.text, "100 Continue"));
		client_close(&client);
	}
	stop();
}

static void test_continue(void)
{
	struct client client;

	start();
	client_open(&client);
	CU_ASSERT(client_send(
		base, &client,
		POST HOST READER JSON "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n",
		strlen(POST HOST READER JSON "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n")));
	CU_ASSERT(await_part(&client, "HTTP/1.1 100 Continue\r\n\r\n", 1));
	CU_ASSERT(client_send(base, &client, "[]", 2));
	CU_ASSERT(await_part(&client, "HTTP/1.1 200 OK\r\n", 1));
	client_close(&client);
	stop();
}

/* A body in chunks does not say how large it will be, nor a head. */
static void test_too_large(void)
{
	static const char chunk[] = "100\r\n";
	char block[258];
	struct client client;

	memset(block, ' ', sizeof(block));
	block[256] = '\r';
	block[257] = '\n';
	start();
	client_open(&client);
	CU_ASSERT(client_send(base, &client,
			      POST HOST READER JSON "Transfer-Encoding: chunked\r\n\r\n",
			      strlen(POST HOST READER JSON "Transfer-Encoding: chunked\r\n\r\n")));
	for (int i = 0; i < 17; i++) {
		client_send(base, &client, chunk, strlen(chunk));
		client_send(base, &client, block, sizeof(block));
	}
	CU_ASSERT(await(base, client_has_ended, &client, PATIENCE_MS));
	CU_ASSERT_PTR_NOT_NULL(strstr(client.text, "413 Payload Too Large"));
	client_close(&client);

	memset(block, 'x', sizeof(block));
	client_open(&client);
	client_send(base, &client, POST "X: ", strlen(POST "X: "));
	for (int i = 0; i < 100; i++)
		client_send(base, &client, block, sizeof(block));
	CU_ASSERT(await(base, client_has_ended, &client, PATIENCE_MS));
	CU_ASSERT_PTR_NOT_NULL(strstr(client.text, "431 Request Header Fields Too Large"));
	client_close(&client);
	stop();
}

static void on_tick(evutil_socket_t fd, short events, void *argument)
{
	struct client *client = argument;

	(void)fd;
	(void)events;
	client->ended |= send(client->fd, "X", 1, MSG_NOSIGNAL) < 0 && errno != EAGAIN;
}

static bool is_cut(const void *client)
{
	return ((const struct client *)client)->ended;
}

/* Slow loris: a byte of a head every 20 ms, for ever. */
static void test_slow_head(void)
{
	const struct timeval often = {.tv_usec = 20000};
	struct client client;
	struct event *tick;

	start();
	client_open(&client);
	tick = event_new(base, -1, EV_PERSIST, on_tick, &client);
	event_add(tick, &often);
	CU_ASSERT(client_send(base, &client, POST, strlen(POST)));
	CU_ASSERT(await(base, is_cut, &client, PATIENCE_MS));
	event_free(tick);
	client_close(&client);
	stop();
}

static bool is_closed(const void *unused)
{
	(void)unused;
	return closed_calls > 0;
}

static void test_a_stream(void)
{
	char text[512];
	struct client client;

	start();
	client_open(&client);
	request(text, sizeof(text), POST HOST READER JSON, SUBSCRIBE);
	CU_ASSERT(client_send(base, &client, text, strlen(text)));
	CU_ASSERT(await_part(&client, "c\r\n{\"event\":1}\n\r\n", 1));
	CU_ASSERT_PTR_NOT_NULL(strstr(client.text, "Transfer-Encoding: chunked\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(client.text, "Content-Type: application/x-ndjson\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(client.text, "\"id\":1}\n\r\nc\r\n{\"event\":1}\n\r\n"));
	CU_ASSERT_PTR_NULL(strstr(client.text, "Content-Length"));
	CU_ASSERT_PTR_NOT_NULL_FATAL(stream);
	CU_ASSERT_EQUAL(stream->send(stream, "{\"event\":22}"), 0);
	CU_ASSERT(await_part(&client, "d\r\n{\"event\":22}\n\r\n", 1));

	/* Its answer has no end, so that nothing can be asked behind it. */
	CU_ASSERT(client_send(base, &client, text, strlen(text)));
	CU_ASSERT(await(base, is_closed, NULL, PATIENCE_MS));
	CU_ASSERT_EQUAL(closed_calls, 1);
	client_close(&client);

	/* HTTP/1.0 knows no chunks. */
	client_open(&client);
	request(text, sizeof(text), "POST /rpc HTTP/1.0\r\n" READER JSON, SUBSCRIBE);
	CU_ASSERT(client_send(base, &client, text, strlen(text)));
	CU_ASSERT(await_part(&client, "}\n{\"event\":1}\n", 1));
	CU_ASSERT_PTR_NULL(strstr(client.text, "chunked"));
	closed_calls = 0;
	client_close(&client);
	CU_ASSERT(await(base, is_closed, NULL, PATIENCE_MS));
	stop();
}

/* Whoever has lost its token has lost it, streams too; the rest goes on. */
static void test_a_change_of_tokens(void)
{
	char text[512];
	struct config_control next;
	struct mr_error error = {""};
	struct client subscriber, client;

	start();
	client_open(&subscriber);
	request(text, sizeof(text), POST HOST READER JSON, SUBSCRIBE);
	CU_ASSERT(client_send(base, &subscriber, text, strlen(text)));
	CU_ASSERT(await_part(&subscriber, "{\"event\":1}", 1));

	next = control;
	next.http.tokens = &tokens[1];
	next.http.token_count = 1;
	CU_ASSERT_EQUAL(rpc_server_prepare(server, &next, &error), 0);
	rpc_server_settle(server, false);
	CU_ASSERT_EQUAL(closed_calls, 0);
	CU_ASSERT_EQUAL(rpc_server_prepare(server, &next, &error), 0);
	rpc_server_settle(server, true);
	CU_ASSERT(await(base, client_has_ended, &subscriber, PATIENCE_MS));
	CU_ASSERT_EQUAL(closed_calls, 1);
	client_close(&subscriber);

	client_open(&client);
	request(text, sizeof(text), POST HOST READER JSON, LOOK);
	CU_ASSERT(client_send(base, &client, text, strlen(text)));
	CU_ASSERT(await_part(&client, "401 Unauthorized", 1));
	client_close(&client);
	client_open(&client);
	request(text, sizeof(text), POST HOST ADMIN JSON, LOOK);
	CU_ASSERT(client_send(base, &client, text, strlen(text)));
	CU_ASSERT(await_part(&client, "200 OK", 1));
	client_close(&client);

	next.http.port++;
	CU_ASSERT_EQUAL(rpc_server_prepare(server, &next, &error), -EBUSY);
	CU_ASSERT_EQUAL(strncmp(error.text, "/control/http/port: ", 20), 0);
	stop();
}

/* Without authentication the name of the host must not come from a name server. */
static void test_anonymous(void)
{
	static const struct {
		const char *host;
		const char *status;
	} rows[] = {
		{"localhost", "200 OK"},
		{"localhost:80", "200 OK"},
		{"127.0.0.1:80", "200 OK"},
		{"[::1]:80", "200 OK"},
		{"evil.example.com", "403 Forbidden"},
		{"evil.example.com:80", "403 Forbidden"},
		{"127.0.0.1.evil", "403 Forbidden"},
		{"localhost.evil", "403 Forbidden"},
	};
	struct config_control next;
	struct mr_error error = {""};
	char text[512], head[256];

	start();
	next = control;
	next.http.anonymous = CONFIG_ANONYMOUS_READ;
	CU_ASSERT_EQUAL(rpc_server_prepare(server, &next, &error), 0);
	rpc_server_settle(server, true);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct client client;

		client_open(&client);
		snprintf(head, sizeof(head), POST JSON "Host: %s\r\n", rows[i].host);
		request(text, sizeof(text), head, LOOK);
		CU_ASSERT(client_send(base, &client, text, strlen(text)));
		CU_ASSERT(await_part(&client, rows[i].status, 1));
		client_close(&client);
	}
	stop();
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_each_outcome),
		UNIT_TEST(test_split_at_every_byte),
		UNIT_TEST(test_pipelined),
		UNIT_TEST(test_early_refusals),
		UNIT_TEST(test_continue),
		UNIT_TEST(test_too_large),
		UNIT_TEST(test_slow_head),
		UNIT_TEST(test_a_stream),
		UNIT_TEST(test_a_change_of_tokens),
		UNIT_TEST(test_anonymous),
		CU_TEST_INFO_NULL,
	};
	int status;

	if (!mkdtemp(directory))
		return 2;
	snprintf(path, sizeof(path), "%s/control.sock", directory);
	status = unit_run("rpc_http", tests);
	rmdir(directory);
	return status;
}
