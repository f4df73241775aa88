/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * session.explain and config.plan as a caller gets them, from a balancer with a real dataplane
 * whose one port leads nowhere: names instead of ids, the way to each backend or why there is
 * none, and the sentence at the end. What workers do with such packets is test_explain.c's part.
 * In a network namespace of its own, for the prober's interface.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/config_text.h"
#include "../lib/idle_dataplane.h"
#include "../lib/unit.h"
#include "balancer.h"
#include "rpc.h"
#include "rpc_methods.h"

static const struct rpc_peer tester = {.name = "test", .role = RPC_ROLE_ADMIN};

static const struct change change = {.author = {.name = "test", .reason = "test"}};

static struct idle_dataplane idle;

static const char frame[] =
	"{\"node\": {\"name\": \"n\", \"key\": "
	"\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"}, "
	"\"ports\": [{\"name\": \"wan\", \"device\": \"net_null0\", \"twin\": false, "
	"\"neighbours\": ["
	"{\"address\": \"10.0.0.1\", \"mac\": \"02:00:00:00:00:01\"}, "
	"{\"address\": \"10.0.0.2\", \"mac\": \"02:00:00:00:00:02\"}, "
	"{\"address\": \"2001:db8::1\", \"mac\": \"02:00:00:00:00:01\"}]}], "
	"\"pools\": [{\"name\": \"a\", \"forwarding\": \"%s\", \"table_size\": 251, "
	"\"health\": {\"type\": \"none\"}, \"backends\": [%s]}], "
	"\"services\": [{\"name\": \"s\", \"namespace\": \"x.org\", \"addresses\": [\"%s\"], "
	"\"ports\": [25], \"pool\": \"a\", \"exclude\": {\"sources\": [\"10.0.0.0/26\"], "
	"\"action\": \"%s\"}}]}";

#define BACKEND(name, address) "{\"name\": \"" name "\", \"address\": \"" address "\"}"
#define B1		       BACKEND("b1", "10.0.0.1")
#define B2		       BACKEND("b2", "10.0.0.2")
#define UNKNOWN		       BACKEND("b3", "10.0.0.3")

static struct config *decode(const char *mode, const char *backends, const char *address,
			     const char *action)
{
	struct config *config = config_from_text(frame, mode, backends, address, action);

	config->workers.cores[0] = idle.core;
	return config;
}

static struct balancer *start(struct config *config)
{
	struct balancer *balancer;
	struct mr_error error = {""};

	const struct balancer_setup setup = {.base = idle.base, .dp = idle.dp, .config = config};

	if (balancer_create(&setup, &balancer, &error) < 0) {
		puts(error.text);
		CU_FAIL_FATAL("no balancer");
	}
	return balancer;
}

static void apply(struct balancer *balancer, struct config *config)
{
	struct mr_error error = {""};

	CU_ASSERT_EQUAL_FATAL(balancer_apply(balancer, config, &change, &error), 0);
}

/* The whole answer. */
static json_t *ask(struct balancer *balancer, const char *method, json_t *params)
{
	const struct rpc_context context = {.methods = rpc_methods, .balancer = balancer};
	json_t *json = json_pack("{s:s, s:i, s:s, s:o}", "jsonrpc", "2.0", "id", 1, "method",
				 method, "params", params);
	char *request = json_dumps(json, 0), *answer = NULL;

	json_decref(json);
	CU_ASSERT_PTR_NOT_NULL_FATAL(request);
	CU_ASSERT_EQUAL_FATAL(rpc_answer(&context, &tester, request, strlen(request), &answer), 0);
	json = json_loads(answer, 0, NULL);
	free(request);
	free(answer);
	CU_ASSERT_PTR_NOT_NULL_FATAL(json);
	return json;
}

static json_t *explain(struct balancer *balancer, const char *client, uint16_t client_port,
		       const char *service, uint16_t service_port)
{
	json_t *answer =
		ask(balancer, "session.explain",
		    json_pack("{s:s, s:i, s:s, s:i}", "client", client, "client_port", client_port,
			      "service", service, "service_port", service_port));
	json_t *result = json_incref(json_object_get(answer, "result"));

	json_decref(answer);
	CU_ASSERT_PTR_NOT_NULL_FATAL(result);
	return result;
}

static const char *word(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

static const json_t *target(const json_t *explanation, size_t index)
{
	return json_array_get(json_object_get(explanation, "backends"), index);
}

/* Takes @explanation. */
static void check_outcome(json_t *explanation, const char *outcome)
{
	CU_ASSERT_STRING_EQUAL(word(explanation, "outcome"), outcome);
	json_decref(explanation);
}

static void test_no_service(void)
{
	struct balancer *balancer = start(decode("l2dsr", B1, "10.0.0.9", "reject"));
	json_t *told = explain(balancer, "192.0.2.1", 1, "10.0.0.9", 26);

	CU_ASSERT_PTR_NULL(json_object_get(told, "service"));
	CU_ASSERT_PTR_NULL(json_object_get(told, "slot"));
	CU_ASSERT_PTR_NULL(json_object_get(told, "syn"));
	check_outcome(told, "service s has this address, but not this port: its packets are the "
			    "host kernel's, and dropped on a port without a kernel");
	check_outcome(explain(balancer, "2001:db8::9", 1, "2001:db8::8", 25),
		      "no service has this address: its packets are the host kernel's, and dropped "
		      "on a port without a kernel");
	balancer_destroy(balancer);
}

static void test_steady(void)
{
	struct balancer *balancer = start(decode("l2dsr", B1, "10.0.0.9", "reject"));
	json_t *told = explain(balancer, "192.0.2.1", 40000, "10.0.0.9", 25);
	const json_t *backend = target(told, 0);

	CU_ASSERT_STRING_EQUAL(word(told, "service"), "s");
	CU_ASSERT_STRING_EQUAL(word(told, "access"), "admitted");
	CU_ASSERT_STRING_EQUAL(word(told, "pool"), "a");
	CU_ASSERT_STRING_EQUAL(word(told, "current"), "a/b1");
	CU_ASSERT_STRING_EQUAL(word(told, "base"), "a/b1");
	CU_ASSERT(json_is_false(json_object_get(told, "moving")));
	CU_ASSERT_EQUAL(strlen(word(told, "hash")), 16);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(told, "slots")), 251);
	CU_ASSERT_PTR_NULL(json_object_get(told, "pin"));
	CU_ASSERT_STRING_EQUAL(word(json_object_get(told, "syn"), "reason"), "steady");
	CU_ASSERT_PTR_NULL(target(told, 1));
	CU_ASSERT_STRING_EQUAL(word(backend, "name"), "a/b1");
	CU_ASSERT_STRING_EQUAL(word(backend, "health"), "up");
	CU_ASSERT_STRING_EQUAL(word(backend, "state"), "enabled");
	CU_ASSERT_STRING_EQUAL(word(backend, "port"), "wan");
	CU_ASSERT_STRING_EQUAL(word(backend, "next_hop"), "02:00:00:00:00:01");
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(backend, "path_mtu_bytes")), 1500);
	CU_ASSERT_PTR_NULL(json_object_get(backend, "problem"));
	check_outcome(told, "its packets are sent to a/b1");
	balancer_destroy(balancer);
}

static void test_excluded(void)
{
	struct balancer *balancer = start(decode("l2dsr", B1, "10.0.0.9", "reject"));
	json_t *told = explain(balancer, "10.0.0.63", 1, "10.0.0.9", 25);

	CU_ASSERT_STRING_EQUAL(word(told, "access"), "rejected");
	CU_ASSERT_STRING_EQUAL(word(told, "exclusion"), "10.0.0.0-10.0.0.63");
	CU_ASSERT_STRING_EQUAL(word(told, "current"), "a/b1");
	check_outcome(told, "its packets are answered with a reset: the client is excluded");
	check_outcome(explain(balancer, "10.0.0.64", 1, "10.0.0.9", 25),
		      "its packets are sent to a/b1");
	apply(balancer, decode("l2dsr", B1, "10.0.0.9", "drop"));
	check_outcome(explain(balancer, "10.0.0.63", 1, "10.0.0.9", 25),
		      "its packets are dropped in silence: the client is excluded");
	balancer_destroy(balancer);
}

/* All slots move from b1, which leaves, to b2; one session is pinned to b1. */
static void test_moving(void)
{
	struct balancer *balancer = start(decode("l2dsr", B1, "10.0.0.9", "reject"));
	json_t *told;

	apply(balancer, decode("l2dsr", B2, "10.0.0.9", "reject"));
	told = explain(balancer, "192.0.2.1", 40000, "10.0.0.9", 25);
	CU_ASSERT(json_is_true(json_object_get(told, "moving")));
	CU_ASSERT_STRING_EQUAL(word(told, "current"), "a/b2");
	CU_ASSERT_STRING_EQUAL(word(told, "base"), "a/b1");
	CU_ASSERT_STRING_EQUAL(word(json_object_get(told, "syn"), "backend"), "a/b2");
	CU_ASSERT_STRING_EQUAL(word(json_object_get(told, "syn"), "reason"), "new");
	CU_ASSERT_STRING_EQUAL(word(json_object_get(told, "segment"), "backend"), "a/b1");
	CU_ASSERT_STRING_EQUAL(word(target(told, 0), "name"), "a/b2");
	CU_ASSERT(json_is_false(json_object_get(target(told, 0), "leaving")));
	CU_ASSERT_STRING_EQUAL(word(target(told, 1), "name"), "a/b1");
	CU_ASSERT(json_is_true(json_object_get(target(told, 1), "leaving")));
	check_outcome(told, "a SYN is sent to a/b2; other segments are sent to a/b1");
	CU_ASSERT_EQUAL(mr_pin_table_count(idle.pins), 0);
	balancer_destroy(balancer);
}

static void test_no_way(void)
{
	struct balancer *balancer = start(decode("l2dsr", UNKNOWN, "10.0.0.9", "reject"));
	json_t *told = explain(balancer, "192.0.2.1", 1, "10.0.0.9", 25);

	CU_ASSERT_PTR_NULL(json_object_get(target(told, 0), "next_hop"));
	CU_ASSERT_PTR_NULL(json_object_get(target(told, 0), "port"));
	check_outcome(told, "its packets are dropped on the way to a/b3: its Ethernet address is "
			    "not known: no route, or no answer");
	apply(balancer, decode("l2dsr", "", "10.0.0.9", "reject"));
	told = explain(balancer, "192.0.2.1", 1, "10.0.0.9", 25);
	CU_ASSERT_PTR_NULL(json_object_get(json_object_get(told, "syn"), "backend"));
	CU_ASSERT_STRING_EQUAL(word(json_object_get(told, "syn"), "reason"), "nobody");
	check_outcome(told, "a SYN is answered with a reset: no backend may have the session; "
			    "other segments are dropped on the way to a/b3: its Ethernet address "
			    "is not known: no route, or no answer");
	balancer_destroy(balancer);
}

/* The service has changed its family; older sessions of the new one do not exist. */
static void test_other_family(void)
{
	struct balancer *balancer = start(decode("nat", B1, "10.0.0.9", "reject"));
	json_t *told;

	apply(balancer, decode("nat", BACKEND("b6", "2001:db8::1"), "2001:db8::9", "reject"));
	told = explain(balancer, "2001:db8:1::1", 1, "2001:db8::9", 25);
	CU_ASSERT_PTR_NULL(json_object_get(target(told, 0), "problem"));
	CU_ASSERT_STRING_EQUAL(word(target(told, 1), "problem"),
			       "its address is of the other family, which nat cannot translate");
	json_decref(told);
	balancer_destroy(balancer);
}

/* Its numbers are test_plan.c's part. */
static void test_plan(void)
{
	struct balancer *balancer = start(decode("l2dsr", B1, "10.0.0.9", "reject"));
	struct config *next = decode("nat", B1 ", " B2, "10.0.0.9", "reject");
	json_t *config = config_encode(next);
	json_t *answer = ask(balancer, "config.plan", json_pack("{s:O}", "config", config));
	const json_t *result = json_object_get(answer, "result");
	const json_t *cause = json_array_get(json_object_get(result, "breaks"), 0);
	const json_t *pool = json_array_get(json_object_get(result, "pools"), 0);

	CU_ASSERT_STRING_EQUAL(word(cause, "pointer"), "/pools/0/forwarding");
	CU_ASSERT_EQUAL(json_array_size(json_object_get(pool, "backends")), 2);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(pool, "slots_to_move")), 125);
	CU_ASSERT_EQUAL(balancer_generation(balancer), 1);
	CU_ASSERT_EQUAL(balancer_config(balancer)->pools[0].backend_count, 1);
	json_decref(answer);

	json_object_set_new(json_object_get(config, "node"), "name", json_string("other"));
	answer = ask(balancer, "config.plan", json_pack("{s:o}", "config", config));
	CU_ASSERT_EQUAL(
		json_integer_value(json_object_get(json_object_get(answer, "error"), "code")),
		RPC_REFUSED);
	json_decref(answer);
	config_free(next);
	balancer_destroy(balancer);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_no_service), UNIT_TEST(test_steady), UNIT_TEST(test_excluded),
		UNIT_TEST(test_moving),	    UNIT_TEST(test_no_way), UNIT_TEST(test_other_family),
		UNIT_TEST(test_plan),	    CU_TEST_INFO_NULL,
	};
	int status;

	idle_dataplane_init(&idle, "wan");
	status = unit_run("rpc_session", tests);
	idle_dataplane_fini(&idle);
	return status;
}
