/* SPDX-License-Identifier: BSD-3-Clause */
/* Events and their subscribers, over a stream that takes as much as a test lets it. */
#include <errno.h>
#include <string.h>

#include "../lib/unit.h"
#include "events.h"
#include "rpc.h"
#include "rpc_methods.h"

#define SENT_MAX 8192

/* A connection whose client reads nothing before the test says so. */
struct client {
	struct rpc_stream stream;
	uint32_t room; /* texts that still fit */
	uint32_t sent_count;
	json_t *sent[SENT_MAX];
};

static struct event_base *base;
static struct events *events;
static struct client client;

static int client_send(struct rpc_stream *stream, const char *text)
{
	struct client *to = (struct client *)stream;

	if (to->room == 0)
		return -ENOBUFS;
	CU_ASSERT_FATAL(to->sent_count < SENT_MAX);
	to->room--;
	to->sent[to->sent_count] = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(to->sent[to->sent_count]);
	to->sent_count++;
	return 0;
}

static void forget_sent(void)
{
	for (uint32_t i = 0; i < client.sent_count; i++)
		json_decref(client.sent[i]);
	client.sent_count = 0;
}

static void begin(void)
{
	client = (struct client){.stream.send = client_send, .room = UINT32_MAX};
	base = event_base_new();
	CU_ASSERT_EQUAL_FATAL(events_create(base, &events), 0);
}

static void end(void)
{
	events_destroy(events);
	event_base_free(base);
	forget_sent();
}

/* All that is due. */
static void turn(void)
{
	event_base_loop(base, EVLOOP_NONBLOCK);
}

static void emit(enum event_kind kind)
{
	events_emit(events, kind,
		    json_pack("{s:s, s:s, s:s}", "pool", "a", "backend", "b1", "reason",
			      "it \"said\" so"));
}

static void emit_many(enum event_kind kind, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		emit(kind);
}

/* The caller's answer, its "result" or its "error". */
static json_t *call_from(struct rpc_stream *stream, const char *method, const char *params,
			 const char *member)
{
	static const struct rpc_method *const methods[] = {rpc_events_methods, NULL};
	const struct rpc_context context = {.methods = methods, .events = events};
	const struct rpc_peer peer = {.name = "test", .stream = stream};
	char request[256], *answer = NULL;
	json_t *json, *wanted;

	snprintf(request, sizeof(request),
		 "{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"%s\", \"params\": %s}", method,
		 params);
	CU_ASSERT_EQUAL_FATAL(rpc_answer(&context, &peer, request, strlen(request), &answer), 0);
	json = json_loads(answer, 0, NULL);
	free(answer);
	wanted = json_incref(json_object_get(json, member));
	json_decref(json);
	CU_ASSERT_PTR_NOT_NULL_FATAL(wanted);
	return wanted;
}

static void subscribe(const char *params)
{
	json_decref(call_from(&client.stream, "events.subscribe", params, "result"));
}

static json_t *sent_params(uint32_t index)
{
	CU_ASSERT_FATAL(index < client.sent_count);
	return json_object_get(client.sent[index], "params");
}

static json_int_t sent_number(uint32_t index, const char *member)
{
	return json_integer_value(json_object_get(sent_params(index), member));
}

static const char *sent_method(uint32_t index)
{
	CU_ASSERT_FATAL(index < client.sent_count);
	return json_string_value(json_object_get(client.sent[index], "method"));
}

/* What was sent are the events @first to @last, each once and in order. */
static void check_sent(json_int_t first, json_int_t last)
{
	CU_ASSERT_EQUAL(client.sent_count, last - first + 1);
	for (uint32_t i = 0; i < client.sent_count; i++) {
		CU_ASSERT_STRING_EQUAL(sent_method(i), "events.event");
		CU_ASSERT_EQUAL(sent_number(i, "sequence"), first + i);
	}
	forget_sent();
}

static void test_notification(void)
{
	const json_t *params, *details;

	begin();
	subscribe("{}");
	emit(EVENT_BACKEND_DOWN);
	turn();
	CU_ASSERT_EQUAL_FATAL(client.sent_count, 1);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(client.sent[0], "jsonrpc")),
			       "2.0");
	CU_ASSERT_PTR_NULL(json_object_get(client.sent[0], "id"));
	params = sent_params(0);
	details = json_object_get(params, "details");
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(params, "kind")), "backend.down");
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(params, "text")),
			       "A backend has lost its sessions and gets none: pool a, backend "
			       "b1, reason it \"said\" so");
	CU_ASSERT(sent_number(0, "time_ms") > 1500000000000);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(details, "backend")), "b1");
	end();
}

/* The answer to events.subscribe, and to what came with it in a batch, goes out first. */
static void test_answer_first(void)
{
	begin();
	emit(EVENT_PORT_UP);
	turn();
	subscribe("{\"since\": 0}");
	emit(EVENT_PORT_DOWN);
	CU_ASSERT_EQUAL(client.sent_count, 0);
	turn();
	check_sent(1, 2);
	end();
}

static void test_result(void)
{
	json_t *first, *again, *other;

	begin();
	first = call_from(&client.stream, "events.subscribe", "{}", "result");
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(first, "sequence")), 0);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(first, "oldest")), 1);
	emit_many(EVENT_PORT_UP, EVENTS_KEPT + 5);
	again = call_from(&client.stream, "events.subscribe", "{}", "result");
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(again, "sequence")), EVENTS_KEPT + 5);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(again, "oldest")), 6);
	CU_ASSERT(json_equal(json_object_get(first, "stream"), json_object_get(again, "stream")));
	end();

	begin();
	other = call_from(&client.stream, "events.subscribe", "{}", "result");
	CU_ASSERT_FALSE(
		json_equal(json_object_get(first, "stream"), json_object_get(other, "stream")));
	json_decref(first);
	json_decref(again);
	json_decref(other);
	end();
}

static void test_since(void)
{
	begin();
	emit_many(EVENT_PORT_UP, 10);
	subscribe("{}");
	turn();
	CU_ASSERT_EQUAL(client.sent_count, 0);
	subscribe("{\"since\": 7}");
	turn();
	check_sent(8, 10);
	subscribe("{\"since\": 10}");
	turn();
	CU_ASSERT_EQUAL(client.sent_count, 0);
	emit(EVENT_PORT_UP);
	turn();
	check_sent(11, 11);
	end();
}

/* Numbers of a former process say nothing about these events: all that are kept come. */
static void test_since_of_another_life(void)
{
	begin();
	emit_many(EVENT_PORT_UP, 10);
	subscribe("{\"since\": 7, \"stream\": \"0000000000000000\"}");
	turn();
	check_sent(1, 10);
	subscribe("{\"since\": 11}");
	turn();
	check_sent(1, 10);
	end();
}

static void test_since_is_no_longer_kept(void)
{
	begin();
	emit_many(EVENT_PORT_UP, EVENTS_KEPT + 10);
	subscribe("{\"since\": 3}");
	turn();
	CU_ASSERT_EQUAL_FATAL(client.sent_count, EVENTS_KEPT + 1);
	CU_ASSERT_STRING_EQUAL(sent_method(0), "events.lost");
	CU_ASSERT_EQUAL(sent_number(0, "first"), 4);
	CU_ASSERT_EQUAL(sent_number(0, "last"), 10);
	CU_ASSERT_EQUAL(sent_number(1, "sequence"), 11);
	CU_ASSERT_EQUAL(sent_number(EVENTS_KEPT, "sequence"), EVENTS_KEPT + 10);
	end();
}

static void test_kinds(void)
{
	begin();
	subscribe("{\"kinds\": [\"backend.down\", \"port.up\"]}");
	emit(EVENT_PORT_UP);
	emit(EVENT_PORT_DOWN);
	emit(EVENT_BACKEND_UP);
	emit(EVENT_BACKEND_DOWN);
	turn();
	CU_ASSERT_EQUAL_FATAL(client.sent_count, 2);
	CU_ASSERT_EQUAL(sent_number(0, "sequence"), 1);
	CU_ASSERT_EQUAL(sent_number(1, "sequence"), 4);
	end();
}

static void test_slow_reader(void)
{
	begin();
	subscribe("{}");
	client.room = 2;
	emit_many(EVENT_PORT_UP, 5);
	turn();
	check_sent(1, 2);
	/* Nothing is tried before the client has taken something. */
	client.room = 10;
	emit(EVENT_PORT_UP);
	turn();
	CU_ASSERT_EQUAL(client.sent_count, 0);
	client.stream.listener->drained(client.stream.listener->context);
	turn();
	check_sent(3, 6);
	end();
}

static void test_lost(void)
{
	begin();
	subscribe("{}");
	client.room = 1;
	emit_many(EVENT_PORT_UP, EVENTS_KEPT + 4);
	turn();
	/* Emitted at once: the first four fell out before anybody could get them. */
	CU_ASSERT_EQUAL_FATAL(client.sent_count, 1);
	CU_ASSERT_STRING_EQUAL(sent_method(0), "events.lost");
	CU_ASSERT_EQUAL(sent_number(0, "first"), 1);
	CU_ASSERT_EQUAL(sent_number(0, "last"), 4);
	forget_sent();

	emit_many(EVENT_PORT_UP, 2);
	client.room = UINT32_MAX;
	client.stream.listener->drained(client.stream.listener->context);
	turn();
	CU_ASSERT_EQUAL_FATAL(client.sent_count, EVENTS_KEPT + 1);
	CU_ASSERT_STRING_EQUAL(sent_method(0), "events.lost");
	CU_ASSERT_EQUAL(sent_number(0, "first"), 5);
	CU_ASSERT_EQUAL(sent_number(0, "last"), 6);
	CU_ASSERT_EQUAL(sent_number(1, "sequence"), 7);
	end();
}

static void test_unsubscribe(void)
{
	json_t *result;

	begin();
	subscribe("{}");
	CU_ASSERT_EQUAL(events_subscribers(events), 1);
	emit(EVENT_PORT_UP);
	result = call_from(&client.stream, "events.unsubscribe", "{}", "result");
	CU_ASSERT(json_is_true(json_object_get(result, "changed")));
	json_decref(result);
	turn();
	CU_ASSERT_EQUAL(client.sent_count, 0);
	CU_ASSERT_PTR_NULL(client.stream.listener);
	CU_ASSERT_EQUAL(events_subscribers(events), 0);
	result = call_from(&client.stream, "events.unsubscribe", "{}", "result");
	CU_ASSERT(json_is_false(json_object_get(result, "changed")));
	json_decref(result);
	end();
}

static void test_one_subscription_each(void)
{
	begin();
	subscribe("{}");
	subscribe("{\"kinds\": [\"port.up\"]}");
	CU_ASSERT_EQUAL(events_subscribers(events), 1);
	emit(EVENT_PORT_DOWN);
	emit(EVENT_PORT_UP);
	turn();
	check_sent(2, 2);
	end();
}

static void test_closed(void)
{
	struct client other = {.stream.send = client_send, .room = UINT32_MAX};

	begin();
	json_decref(call_from(&other.stream, "events.subscribe", "{}", "result"));
	subscribe("{}");
	emit(EVENT_PORT_UP);
	other.stream.listener->closed(other.stream.listener->context);
	turn();
	CU_ASSERT_EQUAL(other.sent_count, 0);
	CU_ASSERT_EQUAL(events_subscribers(events), 1);
	check_sent(1, 1);
	end();
}

static void test_no_stream(void)
{
	json_t *error;

	begin();
	error = call_from(NULL, "events.subscribe", "{}", "error");
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(error, "code")), RPC_REFUSED);
	json_decref(error);
	end();
}

static void test_nobody_hears(void)
{
	events_emit(NULL, EVENT_PORT_UP, json_object());
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_notification),
		UNIT_TEST(test_answer_first),
		UNIT_TEST(test_result),
		UNIT_TEST(test_since),
		UNIT_TEST(test_since_of_another_life),
		UNIT_TEST(test_since_is_no_longer_kept),
		UNIT_TEST(test_kinds),
		UNIT_TEST(test_slow_reader),
		UNIT_TEST(test_lost),
		UNIT_TEST(test_unsubscribe),
		UNIT_TEST(test_one_subscription_each),
		UNIT_TEST(test_closed),
		UNIT_TEST(test_no_stream),
		UNIT_TEST(test_nobody_hears),
		CU_TEST_INFO_NULL,
	};

	return unit_run("events", tests);
}
