/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../lib/await.h"
#include "../lib/loop_client.h"
#include "../lib/unit.h"
#include "rpc_server.h"
#include "rpc_stream.h"

#define PATIENCE_MS	 60000
#define IDLE_CONNECTIONS 1000

static char directory[] = "/tmp/mailrail-rpc-XXXXXX";
static char path[64];
static struct event_base *base;
static struct rpc_server *server;

struct echo {
	char *text;
	uint32_t times; /* how often the answer repeats it */
};

static const struct field echo_fields[] = {
	{"text", FIELD_STRING, FIELD_AT(struct echo, text), .required = true, .text = "Text"},
	{"times", FIELD_UINT, FIELD_AT(struct echo, times), .fallback = 1, .text = "How often"},
};
static const struct shape echo_params = SHAPE("echo", struct echo, echo_fields, "A text");

static unsigned int calls;

static enum rpc_error echo(struct rpc_call *call)
{
	const struct echo *params = call->params;

	calls++;
	call->document = json_object();
	json_object_set_new(call->document, "text", json_string(params->text));
	for (uint32_t i = 1; i < params->times; i++) {
		char name[16];

		snprintf(name, sizeof(name), "text%u", i);
		json_object_set_new(call->document, name, json_string(params->text));
	}
	return RPC_OK;
}

/* A subscriber, and what it has been told. */
static struct rpc_stream *stream;
static unsigned int drained_calls, closed_calls;

static void on_drained(void *context)
{
	(void)context;
	drained_calls++;
}

static void on_closed(void *context)
{
	(void)context;
	closed_calls++;
	stream = NULL;
}

static const struct rpc_stream_listener listener = {.drained = on_drained, .closed = on_closed};

/* The events that wait already are sent at once, and must not come before the answer. */
static enum rpc_error subscribe(struct rpc_call *call)
{
	stream = call->peer->stream;
	stream->listener = &listener;
	CU_ASSERT_EQUAL(stream->send(stream, "{\"event\":1}"), 0);
	CU_ASSERT_EQUAL(stream->send(stream, "{\"event\":2}"), 0);
	call->document = json_object();
	return RPC_OK;
}

static const struct rpc_method table[] = {
	{.name = "echo", .handler = echo, .params = &echo_params},
	{.name = "subscribe", .handler = subscribe},
	{.name = NULL},
};
static const struct rpc_method *const methods[] = {table, NULL};
static const struct rpc_context context = {.methods = methods};

static const struct config_control_limits usual_limits = {
	.request_bytes = 8 << 20,
	.depth = 64,
	.connections = 1024,
	.requests_in_flight = 32,
	.stall_ms = 30000,
	.send_buffer_bytes = 1 << 20,
};

static int create(const char *socket_path, const struct config_control_limits *limits,
		  struct rpc_server **out, struct mr_error *error)
{
	char mode[] = "0660";
	const struct config_control control = {
		.socket = (char *)socket_path,
		.socket_mode = mode,
		.limits = *limits,
	};

	return rpc_server_create(
		&(struct rpc_server_setup){.base = base, .control = &control, .context = &context},
		out, error);
}

/* NULL: the usual ones. */
static void start(const struct config_control_limits *limits)
{
	struct mr_error error = {""};

	base = event_base_new();
	CU_ASSERT_EQUAL_FATAL(create(path, limits ? limits : &usual_limits, &server, &error), 0);
	calls = drained_calls = closed_calls = 0;
}

static void stop(void)
{
	rpc_server_destroy(server);
	event_base_free(base);
	CU_ASSERT_PTR_NULL(stream);
}

static void client_open(struct client *client)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	strcpy(address.sun_path, path);
	client_connect(client, &address, sizeof(address));
}

struct expectation {
	struct client *client;
	size_t lines;
};

static size_t count_lines(const struct client *client)
{
	size_t lines = 0;

	for (size_t i = 0; i < client->size; i++)
		lines += client->text[i] == '\n';
	return lines;
}

static bool has_lines(const void *expectation)
{
	const struct expectation *wanted = expectation;

	client_read(wanted->client);
	return count_lines(wanted->client) >= wanted->lines;
}

static bool await_lines(struct client *client, size_t lines)
{
	struct expectation wanted = {client, lines};

	return await(base, has_lines, &wanted, PATIENCE_MS);
}

#define REQUEST(text, id) \
	"{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"params\":{\"text\":\"" text "\"},\"id\":" id "}"
#define SUBSCRIBE	 "{\"jsonrpc\":\"2.0\",\"method\":\"subscribe\",\"id\":9}"
#define ANSWER(text, id) "{\"jsonrpc\":\"2.0\",\"result\":{\"text\":\"" text "\"},\"id\":" id "}\n"

static void test_split_at_every_byte(void)
{
	static const char text[] = REQUEST("a}]\\\"", "1") " " REQUEST("b", "2");
	static const char expected[] = ANSWER("a}]\\\"", "1") ANSWER("b", "2");
	struct client client;

	start(NULL);
	for (size_t cut = 0; cut <= strlen(text); cut++) {
		client_open(&client);
		CU_ASSERT(client_send(base, &client, text, cut));
		CU_ASSERT(client_send(base, &client, text + cut, strlen(text) - cut));
		CU_ASSERT_FATAL(await_lines(&client, 2));
		CU_ASSERT_STRING_EQUAL(client.text, expected);
		client_close(&client);
	}
	client_open(&client);
	for (size_t i = 0; i < strlen(text); i++)
		CU_ASSERT(client_send(base, &client, text + i, 1));
	CU_ASSERT_FATAL(await_lines(&client, 2));
	CU_ASSERT_STRING_EQUAL(client.text, expected);
	client_close(&client);
	stop();
}

static void test_pipelined_answers_in_order(void)
{
	struct client client;
	char request[160], *at;
	const char *id;

	start(NULL);
	client_open(&client);
	for (int i = 0; i < 1000; i++) {
		int length = snprintf(request, sizeof(request),
				      "{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"params\":[\"x\"],"
				      "\"id\":%d}",
				      i);

		CU_ASSERT_FATAL(client_send(base, &client, request, (size_t)length));
	}
	CU_ASSERT_FATAL(await_lines(&client, 1000));
	at = client.text;
	for (int i = 0; i < 1000; i++) {
		id = strstr(at, "\"id\":");
		CU_ASSERT_EQUAL_FATAL(atoi(id + 5), i);
		at = strchr(at, '\n') + 1;
	}
	client_close(&client);
	stop();
}

/* `printf REQUEST | nc -U`: the client closes its side, and still gets the answer. */
static void test_half_closed(void)
{
	static const struct {
		const char *text;
		const char *answer;
	} rows[] = {
		{REQUEST("a", "1"), ANSWER("a", "1")},
		{REQUEST("a", "1") "\n", ANSWER("a", "1")},
		{"7", "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32600"},
		{"{\"jsonrpc\":", "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32700"},
		{"", ""},
		{" \n", ""},
	};

	start(NULL);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct client client;

		client_open(&client);
		CU_ASSERT(client_send(base, &client, rows[i].text, strlen(rows[i].text)));
		shutdown(client.fd, SHUT_WR);
		CU_ASSERT_FATAL(await(base, client_has_ended, &client, PATIENCE_MS));
		CU_ASSERT_EQUAL(strncmp(client.text, rows[i].answer, strlen(rows[i].answer)), 0);
		CU_ASSERT_EQUAL(count_lines(&client), rows[i].answer[0] != '\0');
		client_close(&client);
	}
	stop();
}

static bool is_answered_with(const char *text, size_t size, const char *part)
{
	struct client client;
	bool ok;

	client_open(&client);
	client_send(base, &client, text, size);
	ok = await(base, client_has_ended, &client, PATIENCE_MS) && client.text &&
	     strstr(client.text, part) && count_lines(&client) == 1;
	client_close(&client);
	return ok;
}

/* What breaks the stream is answered, and costs the connection; the others do not notice. */
static void test_broken_streams(void)
{
	static const struct config_control_limits limits = {.connections = 10,
							    .request_bytes = 1000,
							    .send_buffer_bytes = 1000,
							    .depth = 64,
							    .requests_in_flight = 32,
							    .stall_ms = 30000};
	struct client bystander;
	char large[4000], deep[100];

	memset(large, ' ', sizeof(large));
	large[0] = '[';
	memset(deep, '[', sizeof(deep));
	start(&limits);
	client_open(&bystander);
	CU_ASSERT(client_send(base, &bystander, REQUEST("a", "1"), 20));

	CU_ASSERT(is_answered_with("{\"a\n", 4, "\"code\":-32700"));
	CU_ASSERT(is_answered_with("GET / HTTP/1.1\r\n\r\n", 18, "\"code\":-32700"));
	CU_ASSERT(is_answered_with("[}", 2, "\"code\":-32700"));
	CU_ASSERT(is_answered_with(deep, sizeof(deep), "nested too deeply"));
	CU_ASSERT(is_answered_with(large, sizeof(large), "larger than 1000 bytes"));

	CU_ASSERT(client_send(base, &bystander, REQUEST("a", "1") + 20,
			      strlen(REQUEST("a", "1")) - 20));
	CU_ASSERT_FATAL(await_lines(&bystander, 1));
	CU_ASSERT_STRING_EQUAL(bystander.text, ANSWER("a", "1"));
	client_close(&bystander);
	stop();
}

static void test_a_request_of_the_largest_size(void)
{
	static const struct config_control_limits limits = {.connections = 10,
							    .request_bytes = 1000,
							    .send_buffer_bytes = 1000,
							    .depth = 64,
							    .requests_in_flight = 32,
							    .stall_ms = 30000};
	static const char head[] =
		"{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"id\":1,\"params\":[\"";
	struct client client;
	const int rest = 1000 - (int)strlen(head) - 3;
	char request[1100];

	snprintf(request, sizeof(request), "%s%0*d\"]}", head, rest, 0);
	start(&limits);
	client_open(&client);
	CU_ASSERT(client_send(base, &client, request, 1000));
	CU_ASSERT_FATAL(await_lines(&client, 1));
	CU_ASSERT_PTR_NOT_NULL(strstr(client.text, "\"result\""));
	client_close(&client);

	snprintf(request, sizeof(request), "%s%0*d\"]}", head, rest + 1, 0);
	CU_ASSERT(is_answered_with(request, 1001, "larger than 1000 bytes"));
	stop();
}

/* JSON that is wrong, but whose end is known, costs nothing but an error. */
static void test_goes_on_behind_an_error(void)
{
	static const char text[] = "{\"a\" 1} [] 7 " REQUEST("a", "1");
	struct client client;

	start(NULL);
	client_open(&client);
	CU_ASSERT(client_send(base, &client, text, strlen(text)));
	CU_ASSERT_FATAL(await_lines(&client, 4));
	CU_ASSERT_PTR_NOT_NULL(strstr(client.text, ANSWER("a", "1")));
	client_close(&client);
	stop();
}

static void test_too_many_connections(void)
{
	static const struct config_control_limits limits = {.connections = 3,
							    .request_bytes = 1000,
							    .send_buffer_bytes = 1000,
							    .depth = 64,
							    .requests_in_flight = 32,
							    .stall_ms = 30000};
	struct client clients[3], extra;

	start(&limits);
	for (int i = 0; i < 3; i++)
		client_open(&clients[i]);
	client_open(&extra);
	CU_ASSERT(await(base, client_has_ended, &extra, PATIENCE_MS));
	CU_ASSERT_PTR_NOT_NULL(strstr(extra.text, "3 connections are open already"));
	client_close(&extra);

	/* Room is made by one that leaves. */
	client_close(&clients[0]);
	client_turn(base);
	client_open(&clients[0]);
	CU_ASSERT(client_send(base, &clients[0], REQUEST("a", "1"), strlen(REQUEST("a", "1"))));
	CU_ASSERT(await_lines(&clients[0], 1));
	for (int i = 0; i < 3; i++)
		client_close(&clients[i]);
	stop();
}

#define LARGE_ANSWER                                                                              \
	"{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"params\":[\"xxxxxxxxxxxxxxxx\",1000],\"id\":" \
	"1}"

#define LARGE_ANSWER_BYTES 25000 /* at least */

static void test_slow_reader_is_not_read_from(void)
{
	static const struct config_control_limits limits = {.connections = 10,
							    .request_bytes = 1 << 20,
							    .send_buffer_bytes = 100000,
							    .depth = 64,
							    .requests_in_flight = 32,
							    .stall_ms = 30000};
	const size_t size = strlen(LARGE_ANSWER);
	struct client client;
	unsigned int sent = 0, called;
	int socket_bytes = 0;
	socklen_t length = sizeof(socket_bytes);

	start(&limits);
	client_open(&client);
	/* The client asks and asks, and takes nothing: at some point nobody takes its requests. */
	for (int refusals = 0; refusals < 5;) {
		ssize_t done = send(client.fd, LARGE_ANSWER, size, MSG_NOSIGNAL);

		CU_ASSERT_FATAL(done < 0 || (size_t)done == size);
		sent += done > 0;
		refusals = done < 0 ? refusals + 1 : 0;
		/* Many at once: what is there already must not be answered either. */
		if (done < 0 || sent % 32 == 0)
			client_turn(base);
		CU_ASSERT_FATAL(sent < 100000);
	}
	called = calls;
	CU_ASSERT(called < sent);
	/* What waits is bounded: the socket is full, and one answer stands on the threshold. */
	getsockopt(client.fd, SOL_SOCKET, SO_SNDBUF, &socket_bytes, &length);
	CU_ASSERT((size_t)called * LARGE_ANSWER_BYTES <=
		  (size_t)socket_bytes + limits.send_buffer_bytes + LARGE_ANSWER_BYTES);
	client_turn(base);
	CU_ASSERT_EQUAL(calls, called);

	/* When it begins to read, everything goes on, and nothing is lost. */
	CU_ASSERT(await_lines(&client, sent));
	CU_ASSERT_EQUAL(calls, sent);
	client_close(&client);
	stop();
}

/* A client that takes some bytes whenever it is asked to, or sends one: never quite silent. */
struct dawdler {
	struct client client;
	const char *sends; /* again and again; NULL: nothing */
	size_t takes;	   /* at a time */
	struct event *often;
};

static void on_dawdle(evutil_socket_t fd, short events, void *argument)
{
	struct dawdler *dawdler = argument;
	char buffer[4096];

	(void)fd;
	(void)events;
	if (dawdler->sends &&
	    send(dawdler->client.fd, dawdler->sends, strlen(dawdler->sends), MSG_NOSIGNAL) < 0)
		dawdler->client.ended |= errno != EAGAIN;
	if (dawdler->takes > 0 && recv(dawdler->client.fd, buffer, dawdler->takes, 0) <= 0)
		dawdler->client.ended |= errno != EAGAIN;
}

static void dawdler_open(struct dawdler *dawdler, const char *sends, size_t takes)
{
	const struct timeval often = {.tv_usec = 5000};

	*dawdler = (struct dawdler){.sends = sends, .takes = takes};
	client_open(&dawdler->client);
	dawdler->often = event_new(base, -1, EV_PERSIST, on_dawdle, dawdler);
	event_add(dawdler->often, &often);
}

static void dawdler_close(struct dawdler *dawdler)
{
	event_free(dawdler->often);
	client_close(&dawdler->client);
}

static bool dawdler_has_ended(const void *dawdler)
{
	return ((const struct dawdler *)dawdler)->client.ended;
}

static const struct config_control_limits short_patience = {
	.request_bytes = 1 << 20,
	.depth = 64,
	.connections = 10,
	.requests_in_flight = 32,
	.stall_ms = 300,
	.send_buffer_bytes = 1000,
};

static void test_stalled_client_is_dropped(void)
{
	struct client stalled, idle;

	start(&short_patience);
	client_open(&idle);
	client_open(&stalled);
	CU_ASSERT(client_send(base, &stalled, "{\"jsonrpc\":", 11));
	CU_ASSERT(await(base, client_has_ended, &stalled, PATIENCE_MS));
	client_read(&idle);
	CU_ASSERT_FALSE(idle.ended); /* owes nothing */
	client_close(&stalled);
	client_close(&idle);
	stop();
}

/* A byte now and then does not buy time: the whole request has its time. */
static void test_slow_sender_is_dropped(void)
{
	struct dawdler dawdler;

	start(&short_patience);
	dawdler_open(&dawdler, "[", 0);
	CU_ASSERT(client_send(base, &dawdler.client, "{\"jsonrpc\":", 11));
	dawdler.sends = "1";
	CU_ASSERT(await(base, dawdler_has_ended, &dawdler, PATIENCE_MS));
	dawdler_close(&dawdler);
	stop();
}

/* Nor does taking a little now and then, so that there is always some progress. */
static void test_slow_reader_is_dropped(void)
{
	struct config_control_limits limits = short_patience;
	struct dawdler dawdler;

	limits.send_buffer_bytes = 1 << 20;
	start(&limits);
	dawdler_open(&dawdler, NULL, 0);
	for (int i = 0; i < 100; i++)
		CU_ASSERT(client_send(base, &dawdler.client, LARGE_ANSWER, strlen(LARGE_ANSWER)));
	dawdler.takes = 4096;
	CU_ASSERT(calls > 0);
	/* It is closed with bytes unread, which the dawdler sees only behind them. */
	dawdler.sends = " ";
	CU_ASSERT(await(base, dawdler_has_ended, &dawdler, PATIENCE_MS));
	dawdler_close(&dawdler);
	stop();
}

static void test_idle_connection_is_closed(void)
{
	struct config_control_limits limits = usual_limits;
	struct client idle, subscriber;

	limits.idle_given = true;
	limits.idle_ms = 200;
	start(&limits);
	client_open(&subscriber);
	CU_ASSERT(client_send(base, &subscriber, SUBSCRIBE, strlen(SUBSCRIBE)));
	client_open(&idle);
	CU_ASSERT(client_send(base, &idle, REQUEST("a", "1"), strlen(REQUEST("a", "1"))));
	CU_ASSERT(await_lines(&idle, 1));
	CU_ASSERT(await(base, client_has_ended, &idle, PATIENCE_MS));
	client_read(&subscriber);
	CU_ASSERT_FALSE(subscriber.ended);
	client_close(&idle);
	client_close(&subscriber);
	client_turn(base);
	stop();
}

/* --- streams */

static bool is_closed(const void *unused)
{
	(void)unused;
	return closed_calls > 0;
}

static void test_a_subscriber_gets_answers_and_events_in_order(void)
{
	static const char text[] = REQUEST("a", "1") SUBSCRIBE REQUEST("b", "2");
	struct client client;

	start(NULL);
	client_open(&client);
	CU_ASSERT(client_send(base, &client, text, strlen(text)));
	CU_ASSERT_FATAL(await_lines(&client, 5));
	CU_ASSERT_STRING_EQUAL(client.text,
			       ANSWER("a", "1") "{\"jsonrpc\":\"2.0\",\"result\":{},\"id\":9}\n"
						"{\"event\":1}\n{\"event\":2}\n" ANSWER("b", "2"));
	CU_ASSERT_PTR_NOT_NULL_FATAL(stream);
	CU_ASSERT_EQUAL(stream->send(stream, "{\"event\":3}"), 0);
	CU_ASSERT_FATAL(await_lines(&client, 6));
	CU_ASSERT_STRING_EQUAL(strrchr(client.text, '{'), "{\"event\":3}\n");

	/* Leaving ends the subscription, and tells the subscriber once. */
	client_close(&client);
	CU_ASSERT(await(base, is_closed, NULL, PATIENCE_MS));
	CU_ASSERT_EQUAL(closed_calls, 1);
	stop();
}

static bool is_drained(const void *unused)
{
	(void)unused;
	return drained_calls > 0;
}

static void test_a_subscriber_that_does_not_read(void)
{
	struct config_control_limits limits = usual_limits;
	struct client client;
	char text[1000] = "";
	size_t sent = 0;

	memset(text, 'x', sizeof(text) - 1);
	limits.send_buffer_bytes = 100000;
	start(&limits);
	client_open(&client);
	CU_ASSERT(client_send(base, &client, SUBSCRIBE, strlen(SUBSCRIBE)));
	CU_ASSERT_FATAL(await_lines(&client, 3));
	/* Until the socket is full, and the buffer before it. */
	while (stream->send(stream, text) == 0) {
		client_turn(base);
		sent++;
		CU_ASSERT_FATAL(sent < 100000);
	}
	CU_ASSERT_EQUAL(stream->send(stream, text), -ENOBUFS);
	CU_ASSERT_EQUAL(drained_calls, 0);

	/* Nothing that was taken is lost, and there is room again. */
	CU_ASSERT(await_lines(&client, 3 + sent));
	CU_ASSERT(await(base, is_drained, NULL, PATIENCE_MS));
	CU_ASSERT_EQUAL(drained_calls, 1);
	CU_ASSERT_EQUAL(stream->send(stream, text), 0);
	CU_ASSERT(await_lines(&client, 4 + sent));
	client_close(&client);
	CU_ASSERT(await(base, is_closed, NULL, PATIENCE_MS));
	stop();
}

static void test_the_server_ends_streams(void)
{
	struct client client;

	start(NULL);
	client_open(&client);
	CU_ASSERT(client_send(base, &client, SUBSCRIBE, strlen(SUBSCRIBE)));
	CU_ASSERT_FATAL(await_lines(&client, 3));
	stop();
	CU_ASSERT_EQUAL(closed_calls, 1);
	client_close(&client);
}

/* One that sends without end does not keep the others waiting. */
static void test_others_get_their_turn(void)
{
	struct config_control_limits limits = usual_limits;
	char text[500 * sizeof(REQUEST("a", "1"))] = "";
	struct client busy, other;
	unsigned int before;

	limits.requests_in_flight = 4;
	start(&limits);
	client_open(&busy);
	client_open(&other);
	client_turn(base);
	for (int i = 0; i < 500; i++)
		strcat(text, REQUEST("a", "1"));
	CU_ASSERT_EQUAL(send(busy.fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
	CU_ASSERT(send(other.fd, REQUEST("b", "2"), strlen(REQUEST("b", "2")), MSG_NOSIGNAL) > 0);
	CU_ASSERT_FATAL(await_lines(&other, 1));
	before = calls;
	CU_ASSERT(before < 50);
	CU_ASSERT(await_lines(&busy, 500));
	client_close(&busy);
	client_close(&other);
	stop();
}

static void test_a_thousand_idle_connections(void)
{
	struct client *idle = calloc(IDLE_CONNECTIONS, sizeof(*idle)), client;
	struct rlimit files;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	start(NULL);
	for (int i = 0; i < IDLE_CONNECTIONS; i++) {
		client_open(&idle[i]);
		if (i % 100 == 0)
			client_turn(base);
	}
	client_open(&client);
	CU_ASSERT(client_send(base, &client, REQUEST("a", "1"), strlen(REQUEST("a", "1"))));
	CU_ASSERT(await_lines(&client, 1));
	for (int i = 0; i < IDLE_CONNECTIONS; i++) {
		client_read(&idle[i]);
		CU_ASSERT_FALSE(idle[i].ended);
		client_close(&idle[i]);
	}
	client_close(&client);
	free(idle);
	stop();
}

static void test_client_that_leaves_before_its_answer(void)
{
	struct client client, next;

	start(NULL);
	client_open(&client);
	for (int i = 0; i < 3; i++)
		CU_ASSERT(send(client.fd, LARGE_ANSWER, strlen(LARGE_ANSWER), MSG_NOSIGNAL) > 0);
	client_close(&client);
	client_open(&next);
	CU_ASSERT(client_send(base, &next, REQUEST("a", "1"), strlen(REQUEST("a", "1"))));
	CU_ASSERT(await_lines(&next, 1));
	client_close(&next);
	stop();
}

static void test_the_file(void)
{
	struct rpc_server *second;
	struct mr_error error;
	struct stat st;

	start(NULL);
	CU_ASSERT_EQUAL_FATAL(lstat(path, &st), 0);
	CU_ASSERT(S_ISSOCK(st.st_mode));
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0660);
	CU_ASSERT_EQUAL(create(path, &usual_limits, &second, &error), -EADDRINUSE);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "is in use by another process"));
	CU_ASSERT_EQUAL(strncmp(error.text, "/control/socket: ", 17), 0);
	CU_ASSERT_EQUAL(lstat(path, &st), 0); /* the living server's file is untouched */
	stop();
	CU_ASSERT(lstat(path, &st) < 0);
}

/* A file that a killed server left behind. */
static void leave_stale_socket(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
}

static void test_what_is_in_the_way(void)
{
	struct mr_error error;
	struct stat st;
	int fd;

	leave_stale_socket();
	start(NULL);
	stop();

	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	close(fd);
	base = event_base_new();
	CU_ASSERT_EQUAL(create(path, &usual_limits, &server, &error), -EEXIST);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "exists and is not a socket"));
	CU_ASSERT_EQUAL(lstat(path, &st), 0);
	unlink(path);
	CU_ASSERT(create("/proc/mailrail/x.sock", &usual_limits, &server, &error) < 0);
	event_base_free(base);
}

/* What took the file's place in the meantime belongs to somebody else. */
static void test_only_the_own_file_is_removed(void)
{
	struct stat st;

	start(NULL);
	unlink(path);
	leave_stale_socket();
	stop();
	CU_ASSERT_EQUAL(lstat(path, &st), 0);
	unlink(path);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_split_at_every_byte),
		UNIT_TEST(test_pipelined_answers_in_order),
		UNIT_TEST(test_half_closed),
		UNIT_TEST(test_broken_streams),
		UNIT_TEST(test_a_request_of_the_largest_size),
		UNIT_TEST(test_goes_on_behind_an_error),
		UNIT_TEST(test_too_many_connections),
		UNIT_TEST(test_slow_reader_is_not_read_from),
		UNIT_TEST(test_stalled_client_is_dropped),
		UNIT_TEST(test_slow_sender_is_dropped),
		UNIT_TEST(test_slow_reader_is_dropped),
		UNIT_TEST(test_idle_connection_is_closed),
		UNIT_TEST(test_a_subscriber_gets_answers_and_events_in_order),
		UNIT_TEST(test_a_subscriber_that_does_not_read),
		UNIT_TEST(test_the_server_ends_streams),
		UNIT_TEST(test_others_get_their_turn),
		UNIT_TEST(test_a_thousand_idle_connections),
		UNIT_TEST(test_client_that_leaves_before_its_answer),
		UNIT_TEST(test_the_file),
		UNIT_TEST(test_what_is_in_the_way),
		UNIT_TEST(test_only_the_own_file_is_removed),
		CU_TEST_INFO_NULL,
	};
	int status;

	if (!mkdtemp(directory))
		return 2;
	/* Its directory is made by the server. */
	snprintf(path, sizeof(path), "%s/run/control.sock", directory);
	status = unit_run("rpc_server", tests);
	*strrchr(path, '/') = '\0';
	rmdir(path);
	rmdir(directory);
	return status;
}
