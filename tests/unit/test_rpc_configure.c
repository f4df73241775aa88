/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * add, set, remove, drain and show of services, pools and backends, as callers get them, from a
 * balancer with a real dataplane whose one port leads nowhere. In a network namespace of its own,
 * for the prober's interface.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/await.h"
#include "../lib/config_text.h"
#include "../lib/idle_dataplane.h"
#include "../lib/unit.h"
#include "balancer.h"
#include "events.h"
#include "rpc_methods.h"

static struct idle_dataplane idle;
static struct rpc_context context = {.methods = rpc_methods};
static const struct rpc_peer tester = {.name = "test", .role = RPC_ROLE_ADMIN};

static const char text[] =
	"{'node': {'name': 'n', 'key': "
	"'0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'}, "
	"'ports': [{'name': 'wan', 'device': 'net_null0', 'twin': false, 'neighbours': "
	"[{'address': '10.0.0.1', 'mac': '02:00:00:00:00:01'}]}], "
	"'pools': [{'name': 'a', 'table_size': 251, 'session_idle': '60s', "
	"'health': {'type': 'none', 'interval': '7s'}, "
	"'backends': [{'name': 'b1', 'address': '10.0.0.1'}, "
	"{'name': 'b2', 'address': '10.0.0.2'}, "
	"{'name': 'b3', 'address': '10.0.0.3', 'weight': 0}]}, "
	"{'name': 'spare', 'table_size': 251, 'backends': []}], "
	"'services': [{'name': 's', 'namespace': 'x.org', 'addresses': ['10.0.0.9'], "
	"'ports': [25], 'pool': 'a'}]}";

static void start(void)
{
	struct balancer_setup setup = {.base = idle.base, .dp = idle.dp};
	struct mr_error error = {""};

	CU_ASSERT_EQUAL_FATAL(events_create(idle.base, &context.events), 0);
	setup.events = context.events;
	setup.config = config_from_text(text);
	setup.config->workers.cores[0] = idle.core;
	if (balancer_create(&setup, &context.balancer, &error) < 0) {
		puts(error.text);
		CU_FAIL_FATAL("no balancer");
	}
}

static void stop(void)
{
	balancer_destroy(context.balancer);
	events_destroy(context.events);
}

/* @params: JSON in which ' stands for ". The whole answer. */
static json_t *ask(const char *method, const char *params)
{
	char request[2048], *answer = NULL;
	const int size = snprintf(request, sizeof(request),
				  "{'jsonrpc': '2.0', 'id': 1, 'method': '%s', 'params': {%s}}",
				  method, params);
	json_t *json;

	CU_ASSERT_FATAL(size < (int)sizeof(request));
	for (char *quote = request; (quote = strchr(quote, '\'')) != NULL;)
		*quote = '"';
	CU_ASSERT_EQUAL_FATAL(rpc_answer(&context, &tester, request, (size_t)size, &answer), 0);
	json = json_loads(answer, 0, NULL);
	free(answer);
	CU_ASSERT_PTR_NOT_NULL_FATAL(json);
	return json;
}

static void show(const char *method, const json_t *answer)
{
	char *dumped = json_dumps(answer, JSON_COMPACT);

	printf("\n%s: %s\n", method, dumped);
	free(dumped);
}

static json_t *result_of(const char *method, const char *params)
{
	json_t *answer = ask(method, params);
	json_t *result = json_incref(json_object_get(answer, "result"));

	if (!result)
		show(method, answer);
	CU_ASSERT_PTR_NOT_NULL_FATAL(result);
	json_decref(answer);
	return result;
}

static int64_t number(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return json_is_integer(value) ? json_integer_value(value) : -1;
}

static const char *word(const json_t *object, const char *name)
{
	const char *value = json_string_value(json_object_get(object, name));

	return value ? value : "";
}

/* A change makes one generation, and a repeated one none. */
static void check_done(const char *method, const char *params, bool changed)
{
	const uint64_t before = balancer_generation(context.balancer);
	json_t *result = result_of(method, params);

	CU_ASSERT_EQUAL(json_is_true(json_object_get(result, "changed")), changed);
	CU_ASSERT_EQUAL(number(result, "generation"), (int64_t)before + changed);
	CU_ASSERT_EQUAL(balancer_generation(context.balancer), before + changed);
	json_decref(result);
}

static void check_change(const char *method, const char *params)
{
	check_done(method, params, true);
	check_done(method, params, false);
}

/* The first error is about @pointer and has @words in it; nothing has changed. */
static void check_refused(const char *method, const char *params, enum rpc_error code,
			  const char *pointer, const char *words)
{
	const struct config *before = balancer_config(context.balancer);
	const uint64_t generation = balancer_generation(context.balancer);
	json_t *answer = ask(method, params);
	const json_t *error = json_object_get(answer, "error");
	const json_t *first = json_array_get(json_object_get(error, "data"), 0);
	const bool ok = number(error, "code") == code &&
			strcmp(word(first, "pointer"), pointer) == 0 &&
			strstr(word(first, "message"), words);

	CU_ASSERT(ok);
	if (!ok)
		show(method, answer);
	CU_ASSERT_PTR_EQUAL(balancer_config(context.balancer), before);
	CU_ASSERT_EQUAL(balancer_generation(context.balancer), generation);
	json_decref(answer);
}

#define SERVICE_T(more) \
	"'service': {'name': 't', 'namespace': 'y.org', 'addresses': ['10.0.0.8'], " more "}"

static void test_service_add(void)
{
	start();
	check_change("service.add", SERVICE_T("'ports': [25], 'pool': 'spare'"));
	CU_ASSERT_EQUAL(config_find_service(balancer_config(context.balancer), "t"), 1);
	check_refused("service.add", SERVICE_T("'ports': [26], 'pool': 'spare'"), RPC_REFUSED,
		      "/service/ports", "of that name already");
	check_refused("service.add",
		      "'service': {'name': 'u', 'namespace': 'y.org', 'addresses': ['10.0.0.9'], "
		      "'ports': [587, 25], 'pool': 'spare'}",
		      RPC_REFUSED, "/service/ports/1", "already belongs to service \"s\"");
	check_refused("service.add",
		      "'service': {'name': 'u', 'namespace': 'y.org', 'addresses': ['10.0.0.7'], "
		      "'ports': [25], 'pool': 'spar'}",
		      RPC_REFUSED, "/service/pool", "did you mean \"spare\"");
	stop();
}

static void test_service_set(void)
{
	const struct config_service *service;

	start();
	check_change("service.set", "'service': 's', 'settings': {'ports': [25, 587]}");
	check_change("service.set", "'service': 's', 'settings': {'exclude': {'action': 'drop'}}");
	check_change("service.set",
		     "'service': 's', 'settings': {'exclude': {'sources': ['192.0.2.0/24']}}");
	check_done("service.set", "'service': 's', 'settings': {}", false);
	service = &balancer_config(context.balancer)->services[0];
	CU_ASSERT_EQUAL(service->port_count, 2);
	CU_ASSERT_EQUAL(service->exclude.action, MR_EXCLUDE_DROP);
	CU_ASSERT_EQUAL(service->exclude.source_count, 1);
	CU_ASSERT_STRING_EQUAL(service->namespace, "x.org");
	check_refused("service.set", "'service': 's', 'settings': {'name': 't'}",
		      RPC_INVALID_PARAMS, "/settings/name", "cannot be changed");
	check_refused("service.set", "'service': 's', 'settings': {'pool': 'b'}", RPC_REFUSED,
		      "/settings/pool", "there is no pool");
	check_refused("service.set", "'service': 's', 'settings': {'addresses': ['10.0.0.1']}",
		      RPC_REFUSED, "/settings/addresses/0", "also the address of a backend");
	check_refused("service.set", "'service': 't', 'settings': {'ports': [26]}", RPC_NOT_FOUND,
		      "/service", "there is no service");
	stop();
}

static void test_service_remove(void)
{
	start();
	check_change("service.remove", "'service': 's'");
	CU_ASSERT_EQUAL(balancer_config(context.balancer)->service_count, 0);
	stop();
}

static void test_service_show(void)
{
	json_t *result;

	start();
	result = result_of("service.show", "'service': 's'");
	CU_ASSERT_STRING_EQUAL(word(json_object_get(result, "settings"), "pool"), "a");
	CU_ASSERT(json_is_true(json_object_get(result, "healthy")));
	CU_ASSERT_EQUAL(number(result, "backends"), 3);
	CU_ASSERT_EQUAL(number(result, "up"), 3);
	CU_ASSERT_EQUAL(number(result, "serving"), 2);
	CU_ASSERT_EQUAL(number(result, "sessions"), 0);
	json_decref(result);
	check_done("service.set", "'service': 's', 'settings': {'pool': 'spare'}", true);
	result = result_of("service.show", "'service': 's'");
	CU_ASSERT(json_is_false(json_object_get(result, "healthy")));
	CU_ASSERT_EQUAL(number(result, "backends"), 0);
	json_decref(result);
	check_refused("service.show", "'service': 'S'", RPC_NOT_FOUND, "/service",
		      "there is no service \"S\"");
	stop();
}

static void test_pool_add(void)
{
	start();
	check_change("pool.add", "'pool': {'name': 'c', 'table_size': 251, 'backends': "
				 "[{'name': 'b1', 'address': '10.0.0.1'}]}");
	check_refused("pool.add",
		      "'pool': {'name': 'c', 'table_size': 251, 'mss': 1400, 'backends': []}",
		      RPC_REFUSED, "/pool/mss", "with 0 here");
	check_change("pool.add", "'pool': {'name': 'e', 'table_size': 251}");
	check_refused("pool.add", "'pool': {'name': 'd', 'table_size': 250, 'backends': []}",
		      RPC_REFUSED, "/pool/table_size", "not a prime");
	check_refused("pool.add",
		      "'pool': {'name': 'd', 'tunnel': {'source': '10.0.0.2'}, 'backends': []}",
		      RPC_REFUSED, "/pool/tunnel/source", "no outer headers");
	check_refused("pool.add",
		      "'pool': {'name': 'd', 'backends': [{'name': 'x', 'address': '10.0.0.1'}, "
		      "{'name': 'x', 'address': '10.0.0.2'}]}",
		      RPC_INVALID_PARAMS, "/pool/backends/1/name", "is already at");
	stop();
}

static void test_pool_set(void)
{
	const struct config_pool *pool;

	start();
	check_change("pool.set", "'pool': 'a', 'settings': {'health': {'timeout': '3s'}}");
	pool = &balancer_config(context.balancer)->pools[0];
	CU_ASSERT_EQUAL(pool->health.timeout_ms, 3000);
	CU_ASSERT_EQUAL(pool->health.interval_ms, 7000);
	CU_ASSERT_EQUAL(pool->health.type, CONFIG_HEALTH_NONE);
	CU_ASSERT_EQUAL(pool->backend_count, 3);
	check_change("pool.set", "'pool': 'a', 'settings': {'forwarding': 'gue', 'tunnel': "
				 "{'source': '192.0.2.1'}}");
	pool = &balancer_config(context.balancer)->pools[0];
	CU_ASSERT_EQUAL(pool->tunnel.port, CONFIG_GUE_PORT);
	check_change("pool.set", "'pool': 'a', 'settings': {'backends': [{'name': 'b1', 'address': "
				 "'10.0.0.1'}]}");
	CU_ASSERT_EQUAL(balancer_config(context.balancer)->pools[0].backend_count, 1);
	check_refused("pool.set", "'pool': 'a', 'settings': {'table_size': 509}", RPC_REFUSED,
		      "/settings/table_size", "cannot change while pool a exists");
	check_refused("pool.set",
		      "'pool': 'a', 'settings': {'backends': [{'name': 'b1', 'address': "
		      "'10.0.0.9'}]}",
		      RPC_REFUSED, "", "/services/0/addresses/0: ");
	check_refused("pool.set", "'pool': 'a', 'settings': {'health': {'intervl': '3s'}}",
		      RPC_INVALID_PARAMS, "/settings/health/intervl", "did you mean");
	stop();
}

static void test_pool_remove(void)
{
	start();
	check_refused("pool.remove", "'pool': 'a'", RPC_REFUSED, "/pool", "service \"s\" uses it");
	check_change("pool.remove", "'pool': 'spare'");
	check_done("service.remove", "'service': 's'", true);
	check_change("pool.remove", "'pool': 'a'");
	CU_ASSERT_EQUAL(balancer_config(context.balancer)->pool_count, 0);
	stop();
}

static void test_pool_show(void)
{
	json_t *result;

	start();
	result = result_of("pool.show", "'pool': 'a'");
	CU_ASSERT_EQUAL(number(json_object_get(result, "settings"), "table_size"), 251);
	CU_ASSERT_EQUAL(number(result, "slots_bytes"), (int64_t)mr_slots_bytes(251));
	CU_ASSERT_EQUAL(json_array_size(json_object_get(result, "backends")), 3);
	json_decref(result);
	stop();
}

static void test_backend_add(void)
{
	struct backend_status status;

	start();
	check_change("backend.add", "'pool': 'a', 'backend': {'name': 'b4', 'address': "
				    "'10.0.0.4', 'weight': 50}");
	balancer_backend_status(context.balancer, 0, 3, &status);
	CU_ASSERT(status.slots > 0);
	check_refused("backend.add",
		      "'pool': 'a', 'backend': {'name': 'b4', 'address': "
		      "'10.0.0.4'}",
		      RPC_REFUSED, "/backend/weight", "with 50 here");
	check_refused("backend.add",
		      "'pool': 'a', 'backend': {'name': 'b5', 'address': "
		      "'10.0.0.2'}",
		      RPC_REFUSED, "/backend/address", "is already at /pools/0/backends/1/address");
	check_refused("backend.add",
		      "'pool': 'a', 'backend': {'name': 'b5', 'address': "
		      "'10.0.0.9'}",
		      RPC_REFUSED, "", "/services/0/addresses/0: ");
	check_refused("backend.add",
		      "'pool': 'b', 'backend': {'name': 'b5', 'address': "
		      "'10.0.0.5'}",
		      RPC_NOT_FOUND, "/pool", "there is no pool");
	stop();
}

static void test_backend_set(void)
{
	start();
	check_change("backend.set", "'pool': 'a', 'backend': 'b1', 'weight': 1000");
	check_change("backend.set", "'pool': 'a', 'backend': 'b1', 'state': 'disabled'");
	CU_ASSERT_EQUAL(balancer_config(context.balancer)->pools[0].backends[0].weight, 1000);
	check_refused("backend.set", "'pool': 'a', 'backend': 'b1'", RPC_INVALID_PARAMS, "",
		      "nothing to set");
	check_refused("backend.set", "'pool': 'a', 'backend': 'x', 'weight': 1", RPC_NOT_FOUND,
		      "/backend", "has no backend");
	stop();
}

static void test_backend_remove(void)
{
	struct pool_status pool;

	start();
	check_change("backend.remove", "'pool': 'a', 'backend': 'b1'");
	balancer_pool_status(context.balancer, 0, &pool);
	CU_ASSERT_EQUAL(pool.leaving_backends, 1);
	CU_ASSERT(pool.moving_slots > 0);
	check_change("backend.remove", "'pool': 'a', 'backend': 'b2'");
	check_change("backend.remove", "'pool': 'a', 'backend': 'b3'");
	CU_ASSERT_EQUAL(balancer_config(context.balancer)->pools[0].backend_count, 0);
	check_done("backend.remove", "'pool': 'b', 'backend': 'b3'", false);
	stop();
}

static bool b1_has_left(const void *none)
{
	(void)none;
	return balancer_pool(context.balancer, 0)->member_count == 2;
}

/* Who was disabled has no session to wait for. */
static void test_backend_remove_by_force(void)
{
	start();
	check_done("backend.set", "'pool': 'a', 'backend': 'b1', 'state': 'disabled'", true);
	check_done("backend.remove", "'pool': 'a', 'backend': 'b1'", true);
	CU_ASSERT_EQUAL(balancer_pool(context.balancer, 0)->members[2].base_slots, 0);
	CU_ASSERT(await(idle.base, b1_has_left, NULL, 10000));
	stop();
}

static void test_backend_show(void)
{
	const json_t *row;
	json_t *result;

	start();
	result = result_of("backend.show", "'pool': 'a', 'backend': 'b1'");
	row = json_object_get(result, "backend");
	CU_ASSERT_STRING_EQUAL(word(row, "address"), "10.0.0.1");
	CU_ASSERT_EQUAL(number(row, "weight"), 100);
	CU_ASSERT(number(row, "slots") > 0);
	CU_ASSERT_STRING_EQUAL(word(result, "port"), "wan");
	CU_ASSERT_PTR_NULL(json_object_get(result, "source"));
	CU_ASSERT_PTR_NULL(json_object_get(result, "quiet_in_ms"));
	CU_ASSERT(json_is_false(json_object_get(result, "exact")));
	json_decref(result);
	result = result_of("backend.show", "'pool': 'a', 'backend': 'b2'");
	CU_ASSERT_PTR_NULL(json_object_get(result, "port")); /* no neighbour of that address */
	json_decref(result);
	check_refused("backend.show", "'pool': 'a', 'backend': 'b'", RPC_NOT_FOUND, "/backend",
		      "has no backend");
	stop();
}

static bool drains_are(const void *wanted)
{
	return events_count(context.events, EVENT_DRAIN_FINISHED) == *(const uint64_t *)wanted;
}

static bool is_swept(const void *since_s)
{
	return balancer_pool(context.balancer, 0)->swept_s > *(const uint32_t *)since_s;
}

/* A pass over the pins that began later finds out who has no session. */
static void await_pass(void)
{
	const uint32_t since_s = mr_dataplane_clock_s(idle.dp);

	CU_ASSERT(await(idle.base, is_swept, &since_s, 10000));
}

static void test_drain(void)
{
	json_t *result;

	start();
	/* Whoever never got a session is drained at once. */
	check_done("backend.drain", "'pool': 'a', 'backend': 'b3'", true);
	CU_ASSERT(await(idle.base, drains_are, &(uint64_t){1}, 10000));
	result = result_of("backend.drain", "'pool': 'a', 'backend': 'b1'");
	CU_ASSERT(json_is_true(json_object_get(result, "changed")));
	CU_ASSERT(number(result, "base_slots") > 0);
	CU_ASSERT_EQUAL(number(result, "pins"), 0);
	CU_ASSERT(number(result, "quiet_in_ms") >= 60000);
	json_decref(result);
	check_done("backend.drain", "'pool': 'a', 'backend': 'b1'", false);
	CU_ASSERT_EQUAL(balancer_config(context.balancer)->pools[0].backends[0].state,
			CONFIG_BACKEND_DRAIN);
	await_pass();
	CU_ASSERT(drains_are(&(uint64_t){1}));
	/* Once for each drain. */
	check_done("backend.set", "'pool': 'a', 'backend': 'b3', 'state': 'enabled'", true);
	check_done("backend.drain", "'pool': 'a', 'backend': 'b3'", true);
	CU_ASSERT(await(idle.base, drains_are, &(uint64_t){2}, 10000));
	stop();
}

static void test_stale_generation(void)
{
	static const struct {
		const char *method, *params;
	} rows[] = {
		{"service.add", SERVICE_T("'ports': [25], 'pool': 'spare'")},
		{"service.set", "'service': 's', 'settings': {'ports': [26]}"},
		{"service.remove", "'service': 's'"},
		{"pool.add", "'pool': {'name': 'c', 'backends': []}"},
		{"pool.set", "'pool': 'a', 'settings': {'mss': 1400}"},
		{"pool.remove", "'pool': 'spare'"},
		{"backend.add", "'pool': 'a', 'backend': {'name': 'b', 'address': '10.0.0.7'}"},
		{"backend.set", "'pool': 'a', 'backend': 'b1', 'weight': 1"},
		{"backend.drain", "'pool': 'a', 'backend': 'b1'"},
		{"backend.remove", "'pool': 'a', 'backend': 'b1'"},
	};
	char params[256];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		start();
		snprintf(params, sizeof(params), "%s, 'generation': 2", rows[i].params);
		check_refused(rows[i].method, params, RPC_STALE_GENERATION, "/generation",
			      "not in force");
		snprintf(params, sizeof(params), "%s, 'generation': 1", rows[i].params);
		check_done(rows[i].method, params, true);
		stop();
	}
}

/* What is known of b2 before and after others come, change and go. */
static void test_others_are_left_alone(void)
{
	static const char *const changes[][2] = {
		{"backend.add", "'pool': 'a', 'backend': {'name': 'b4', 'address': '10.0.0.4'}"},
		{"backend.set", "'pool': 'a', 'backend': 'b1', 'weight': 1"},
		{"backend.drain", "'pool': 'a', 'backend': 'b1'"},
		{"backend.remove", "'pool': 'a', 'backend': 'b1'"},
		{"pool.set", "'pool': 'a', 'settings': {'mss': 1400}"},
		{"pool.remove", "'pool': 'spare'"},
		{"service.add", SERVICE_T("'ports': [25], 'pool': 'a'")},
	};
	const struct mr_flow_counters *counted;
	struct backend_status before, after;
	struct member *member;

	start();
	check_done("pool.set", "'pool': 'a', 'settings': {'health': {'type': 'smtp'}}", true);
	/* As its probes and a worker would have it. */
	member = &balancer_pool(context.balancer, 0)->members[1];
	member->backend->verdict = HEALTH_DOWN;
	counted = &mr_dataplane_counters(idle.dp, 0)->backends[member->backend->id];
	((struct mr_flow_counters *)counted)->sessions += 7;
	balancer_backend_status(context.balancer, 0, 1, &before);
	CU_ASSERT_EQUAL(before.counters.sessions, 7);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		const int place = (int)(i < 3);

		check_done(changes[i][0], changes[i][1], true);
		balancer_backend_status(context.balancer, 0, (uint32_t)place, &after);
		CU_ASSERT_EQUAL(after.id, before.id);
		CU_ASSERT_EQUAL(after.counters.sessions, 7);
		CU_ASSERT_EQUAL(after.health.verdict, before.health.verdict);
		CU_ASSERT_EQUAL(after.health.changed_ms, before.health.changed_ms);
	}
	stop();
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_service_add),
		UNIT_TEST(test_service_set),
		UNIT_TEST(test_service_remove),
		UNIT_TEST(test_service_show),
		UNIT_TEST(test_pool_add),
		UNIT_TEST(test_pool_set),
		UNIT_TEST(test_pool_remove),
		UNIT_TEST(test_pool_show),
		UNIT_TEST(test_backend_add),
		UNIT_TEST(test_backend_set),
		UNIT_TEST(test_backend_remove),
		UNIT_TEST(test_backend_remove_by_force),
		UNIT_TEST(test_backend_show),
		UNIT_TEST(test_drain),
		UNIT_TEST(test_stale_generation),
		UNIT_TEST(test_others_are_left_alone),
		CU_TEST_INFO_NULL,
	};
	int status;

	idle_dataplane_init(&idle, "wan");
	status = unit_run("rpc_configure", tests);
	idle_dataplane_fini(&idle);
	return status;
}
