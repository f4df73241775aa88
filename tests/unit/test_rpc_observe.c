/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Methods that observe, as a caller gets them, from a balancer with a real dataplane whose one
 * port leads nowhere: ports, workers, health, stats, sessions, log, node. In a network namespace
 * of its own, for the prober's interface.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/config_text.h"
#include "../lib/idle_dataplane.h"
#include "../lib/unit.h"
#include "address_text.h"
#include "balancer.h"
#include "clock.h"
#include "load.h"
#include "log.h"
#include "pin_table.h"
#include "rpc.h"
#include "rpc_methods.h"
#include "stats_samples.h"

static struct idle_dataplane idle;
static struct balancer *balancer;
static struct rpc_context context;
static enum rpc_role role;

#define KEY_TEXT "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const char text[] =
	"{'node': {'name': 'n', 'key': '" KEY_TEXT "'}, "
	"'ports': [{'name': 'wan', 'device': 'net_null0', 'twin': false, 'neighbours': ["
	"{'address': '10.0.0.1', 'mac': '02:00:00:00:00:01'}, "
	"{'address': '10.0.0.2', 'mac': '02:00:00:00:00:02'}, "
	"{'address': '10.0.0.3', 'mac': '02:00:00:00:00:01'}]}], "
	"'pools': [{'name': 'a', 'table_size': 251, 'health': {'type': 'none'}, 'backends': ["
	"{'name': 'a1', 'address': '10.0.0.1'}, {'name': 'a2', 'address': '10.0.0.2'}]}, "
	"{'name': 'b', 'table_size': 251, 'health': {'interval': '1h', 'rise': 7}, 'backends': ["
	"{'name': 'b1', 'address': '10.0.0.3'}]}], "
	"'services': [{'name': 's', 'namespace': 'x.org', 'addresses': ['10.0.0.9', "
	"'2001:db8::9'], 'ports': [25, 587], 'pool': 'a'}, "
	"{'name': 't', 'namespace': 'x.org', 'addresses': ['10.0.0.8'], 'ports': [25], 'pool': "
	"'b'}, {'name': 'u', 'namespace': 'x.org', 'addresses': ['10.0.0.7'], 'ports': [25], "
	"'pool': 'b'}]}";

static void start(void)
{
	struct mr_error error = {""};
	struct balancer_setup setup = {.base = idle.base, .dp = idle.dp};

	setup.config = config_from_text("%s", text);
	setup.config->workers.cores[0] = idle.core;
	if (balancer_create(&setup, &balancer, &error) < 0) {
		puts(error.text);
		CU_FAIL_FATAL("no balancer");
	}
	role = RPC_ROLE_ADMIN;
	context = (struct rpc_context){.methods = rpc_methods, .balancer = balancer};
}

static void finish(void)
{
	balancer_destroy(balancer);
	balancer = NULL;
}

/* The member @part of the answer: "result" or "error". @params: JSON in which ' stands for ". */
static json_t *ask(const char *method, const char *params, const char *part)
{
	const struct rpc_peer tester = {.name = "test", .role = role};
	char request[512], *answer = NULL;
	json_t *json, *member;

	snprintf(request, sizeof(request),
		 "{'jsonrpc': '2.0', 'id': 1, 'method': '%s', 'params': %s}", method, params);
	for (char *next = request; (next = strchr(next, '\'')) != NULL;)
		*next = '"';
	CU_ASSERT_EQUAL_FATAL(rpc_answer(&context, &tester, request, strlen(request), &answer), 0);
	json = json_loads(answer, 0, NULL);
	member = json_incref(json_object_get(json, part));
	if (member == NULL)
		puts(answer);
	free(answer);
	json_decref(json);
	CU_ASSERT_PTR_NOT_NULL_FATAL(member);
	return member;
}

static const char *word(const json_t *object, const char *name)
{
	const char *string = json_string_value(json_object_get(object, name));

	return string != NULL ? string : "";
}

static json_int_t number(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return json_is_integer(value) ? json_integer_value(value) : -1;
}

static const json_t *element(const json_t *object, const char *list, size_t index)
{
	const json_t *found = json_array_get(json_object_get(object, list), index);

	CU_ASSERT_PTR_NOT_NULL_FATAL(found);
	return found;
}

static size_t length(const json_t *object, const char *list)
{
	return json_array_size(json_object_get(object, list));
}

static void check_error(const char *method, const char *params, enum rpc_error code,
			const char *pointer)
{
	json_t *error = ask(method, params, "error");

	CU_ASSERT_EQUAL(number(error, "code"), code);
	CU_ASSERT_STRING_EQUAL(word(element(error, "data", 0), "pointer"), pointer);
	json_decref(error);
}

/* The worker, on a core that others use too, has had a round with packets since. */
static void await_round(void)
{
	const struct mr_worker_counters *counters = mr_dataplane_counters(idle.dp, 0);
	const uint64_t before = MR_COUNTER_READ(counters->busy_rounds);

	/* Two: the counters of a round are written as it goes on. */
	while (MR_COUNTER_READ(counters->busy_rounds) < before + 2)
		sched_yield();
}

static void test_ports(void)
{
	json_t *told;
	const json_t *port;

	start();
	told = ask("port.list", "{}", "result");
	CU_ASSERT_EQUAL(length(told, "ports"), 1);
	port = element(told, "ports", 0);
	CU_ASSERT_STRING_EQUAL(word(port, "name"), "wan");
	CU_ASSERT_STRING_EQUAL(word(port, "device"), "net_null0");
	CU_ASSERT_STRING_EQUAL(word(port, "kind"), "virtual");
	CU_ASSERT_STRING_EQUAL(word(port, "driver"), "net_null");
	CU_ASSERT_EQUAL(number(port, "mtu_bytes"), 1500);
	CU_ASSERT_EQUAL(number(port, "queues"), 1);
	CU_ASSERT_EQUAL(number(port, "neighbours"), 3);
	CU_ASSERT_EQUAL(number(port, "backends"), 3);
	CU_ASSERT(json_is_false(json_object_get(port, "twin")));
	json_decref(told);

	told = ask("port.show", "{'port': 'wan'}", "result");
	CU_ASSERT_STRING_EQUAL(word(told, "name"), "wan");
	CU_ASSERT(number(told, "rx_packets") >= 0);
	CU_ASSERT_EQUAL_FATAL(length(told, "next_hops"), 2);
	CU_ASSERT_STRING_EQUAL(word(element(told, "next_hops", 0), "mac"), "02:00:00:00:00:01");
	CU_ASSERT_EQUAL(number(element(told, "next_hops", 0), "backends"), 2);
	CU_ASSERT_EQUAL(number(element(told, "next_hops", 1), "backends"), 1);
	json_decref(told);

	await_round();
	told = ask("port.stats", "{}", "result");
	port = element(told, "ports", 0);
	CU_ASSERT_STRING_EQUAL(word(port, "name"), "wan");
	/* A null device receives as fast as it is asked. */
	CU_ASSERT(number(port, "rx_packets") > 0);
	CU_ASSERT_STRING_EQUAL(word(element(port, "extended", 0), "name"), "rx_good_packets");
	CU_ASSERT(number(element(port, "extended", 0), "value") > 0);
	json_decref(told);
	check_error("port.show", "{'port': 'van'}", RPC_NOT_FOUND, "/port");
	check_error("port.stats", "{'port': 'van'}", RPC_NOT_FOUND, "/port");
	finish();
}

/* Without anybody who measures, and with. */
static void test_workers(void)
{
	const json_t *worker;
	struct load *load;
	json_t *told;

	start();
	told = ask("worker.list", "{}", "result");
	CU_ASSERT_PTR_NULL(json_object_get(element(told, "workers", 0), "last_second"));
	json_decref(told);

	load = load_create(idle.base, idle.dp);
	context.load = load;
	while (!mr_dataplane_reclaim(idle.dp))
		;
	load_step(load, clock_monotonic_ms() + 1000);
	told = ask("worker.list", "{}", "result");
	CU_ASSERT_EQUAL(length(told, "workers"), 1);
	worker = element(told, "workers", 0);
	CU_ASSERT_EQUAL(number(worker, "core"), idle.core);
	CU_ASSERT_STRING_EQUAL(word(worker, "poll"), "busy");
	CU_ASSERT_EQUAL(number(worker, "generation"), number(told, "generation"));
	CU_ASSERT(number(json_object_get(worker, "last_second"), "busy_permille") >= 0);
	CU_ASSERT(number(json_object_get(worker, "last_minute"), "packets_per_s") >= 0);
	json_decref(told);
	load_destroy(load);
	finish();
}

static void test_log(void)
{
	json_t *told;

	start();
	told = ask("log.set", "{'topic': 'health', 'level': 'error'}", "result");
	CU_ASSERT_EQUAL(length(told, "topics"), LOG_TOPIC_COUNT);
	CU_ASSERT_STRING_EQUAL(word(element(told, "topics", LOG_TOPIC_HEALTH), "topic"), "health");
	CU_ASSERT_STRING_EQUAL(word(element(told, "topics", LOG_TOPIC_HEALTH), "level"), "error");
	CU_ASSERT_STRING_EQUAL(word(element(told, "topics", LOG_TOPIC_WAYS), "level"), "notice");
	CU_ASSERT_EQUAL(log_get_topic_level(LOG_TOPIC_HEALTH), LOG_ERR);
	json_decref(told);
	json_decref(ask("log.set", "{'level': 'warning'}", "result"));
	told = ask("log.get", "{}", "result");
	CU_ASSERT_STRING_EQUAL(word(told, "format"), "auto");
	CU_ASSERT_STRING_EQUAL(word(element(told, "topics", LOG_TOPIC_HEALTH), "level"), "warning");
	CU_ASSERT_EQUAL(log_get_topic_level(LOG_TOPIC_NODE), LOG_WARNING);
	json_decref(told);
	check_error("log.set", "{'topic': 'helth', 'level': 'info'}", RPC_INVALID_PARAMS, "/topic");
	role = RPC_ROLE_OPERATE;
	log_set_level(LOG_EMERG); /* the refusal is no news here */
	check_error("log.set", "{'level': 'debug'}", RPC_FORBIDDEN, "");
	log_set_level(LOG_NOTICE);
	finish();
}

/* While it runs: the configuration's level, when it changes, is that of all topics. */
static void test_log_configured(void)
{
	const struct change change = {.author = {.name = "test", .reason = "test"}};
	struct config *next;
	struct mr_error error = {""};

	start();
	log_set_level(LOG_EMERG);
	next = config_copy(balancer_config(balancer));
	next->log.level = LOG_LEVEL_ERROR;
	CU_ASSERT_EQUAL(balancer_apply(balancer, next, &change, &error), 0);
	CU_ASSERT_EQUAL(log_get_topic_level(LOG_TOPIC_HEALTH), LOG_ERR);
	log_follow(&(struct log_settings){LOG_FORMAT_AUTO, LOG_LEVEL_NOTICE});
	finish();
}

static bool has_limit(const json_t *told, const char *name)
{
	const json_t *limits = json_object_get(told, "limits");

	for (size_t i = 0; i < json_array_size(limits); i++) {
		if (strcmp(word(json_array_get(limits, i), "name"), name) == 0)
			return number(json_array_get(limits, i), "max") > 0;
	}
	return false;
}

static void test_stats(void)
{
	json_t *first, *second;
	const json_t *growth;
	char params[64];

	start();
	first = ask("stats.get", "{}", "result");
	CU_ASSERT_PTR_NULL(json_object_get(first, "sample")); /* nobody keeps any */
	CU_ASSERT(has_limit(first, "pins"));
	CU_ASSERT(has_limit(first, "stats_samples"));
	CU_ASSERT(has_limit(first, "events_kept"));
	json_decref(first);
	check_error("stats.get", "{'since': 1}", RPC_NOT_FOUND, "/since");

	context.samples = stats_samples_create();
	check_error("stats.get", "{'since': 1}", RPC_NOT_FOUND, "/since");
	first = ask("stats.get", "{}", "result");
	CU_ASSERT(number(first, "sample") > 0);
	CU_ASSERT_PTR_NULL(json_object_get(first, "growth"));
	await_round();
	snprintf(params, sizeof(params), "{'since': %lld}", (long long)number(first, "sample"));
	second = ask("stats.get", params, "result");
	growth = json_object_get(second, "growth");
	CU_ASSERT_PTR_NOT_NULL_FATAL(growth);
	CU_ASSERT(number(second, "sample") > number(first, "sample"));
	CU_ASSERT_EQUAL(number(growth, "since"), number(first, "sample"));
	CU_ASSERT_EQUAL(number(json_object_get(growth, "total"), "rx_packets"),
			number(json_object_get(second, "total"), "rx_packets") -
				number(json_object_get(first, "total"), "rx_packets"));
	CU_ASSERT(number(json_object_get(growth, "total"), "cycles") > 0);
	CU_ASSERT_EQUAL(length(growth, "backends"), 3);
	CU_ASSERT_STRING_EQUAL(word(element(growth, "backends", 2), "name"), "b1");
	CU_ASSERT_EQUAL(number(element(growth, "backends", 2), "packets_per_s"), 0);
	CU_ASSERT_EQUAL(length(growth, "services"), 3);
	CU_ASSERT_EQUAL(length(growth, "ports"), 1);
	json_decref(first);
	json_decref(second);
	check_error("stats.get", "{'since': 1}", RPC_NOT_FOUND, "/since");
	stats_samples_destroy(context.samples);
	finish();
}

/* A session from 192.0.2.@host to @service, port 25, pinned to a backend, is remembered. */
static void remember(uint8_t host, uint16_t port, const char *service, uint32_t pool,
		     uint32_t backend)
{
	const uint8_t client[] = {192, 0, 2, host};
	struct mr_tuple tuple = {.client = mr_addr_from_v4(client),
				 .client_port = rte_cpu_to_be_16(port),
				 .service_port = rte_cpu_to_be_16(25)};
	struct backend_status status;
	struct mr_hash_key key;

	CU_ASSERT_FATAL(address_parse(service, &tuple.service));
	mr_hash_key_init(&key, balancer_config(balancer)->node.key);
	balancer_backend_status(balancer, pool, backend, &status);
	CU_ASSERT_FATAL(pin_table_add(idle.pins, mr_session_hash(&key, &tuple),
				      &(struct mr_pin){.backend = status.id,
						       .state = MR_PIN_ESTABLISHED,
						       .seen_s = mr_dataplane_clock_s(idle.dp)}));
}

static bool keep_none(void *nothing, uint64_t hash, const struct mr_pin *pin)
{
	(void)nothing, (void)hash, (void)pin;
	return false;
}

static void forget_all(void)
{
	uint32_t cursor = 0;

	CU_ASSERT(mr_pin_table_sweep(idle.pins, &cursor, UINT32_MAX, keep_none, NULL));
}

static size_t count_sessions(const char *params)
{
	json_t *told = ask("session.list", params, "result");
	const size_t count = length(told, "sessions");

	json_decref(told);
	return count;
}

static void remember_some(void)
{
	remember(1, 40000, "10.0.0.9", 0, 0);
	remember(1, 40001, "10.0.0.9", 0, 1);
	remember(2, 40000, "10.0.0.9", 0, 1);
	remember(1, 40000, "10.0.0.8", 1, 0);
	remember(200, 1, "10.0.0.7", 1, 0);
}

static void test_sessions_by_table(void)
{
	const json_t *row;
	json_t *told;

	start();
	remember_some();
	told = ask("session.list", "{'pool': 'a', 'backend': 'a1'}", "result");
	CU_ASSERT_EQUAL(number(told, "pins"), 5);
	CU_ASSERT_EQUAL_FATAL(length(told, "sessions"), 1);
	CU_ASSERT_PTR_NULL(json_object_get(told, "cursor"));
	row = element(told, "sessions", 0);
	CU_ASSERT_STRING_EQUAL(word(row, "pool"), "a");
	CU_ASSERT_STRING_EQUAL(word(row, "backend"), "a1");
	CU_ASSERT_STRING_EQUAL(word(row, "service"), "s");
	CU_ASSERT_STRING_EQUAL(word(row, "state"), "established");
	CU_ASSERT_EQUAL(strlen(word(row, "hash")), 16);
	CU_ASSERT(number(row, "silent_ms") >= 0);
	CU_ASSERT_PTR_NULL(json_object_get(row, "client"));
	json_decref(told);

	told = ask("session.list", "{'pool': 'b'}", "result");
	CU_ASSERT_EQUAL(length(told, "sessions"), 2);
	/* Of two services that share a pool. */
	CU_ASSERT_PTR_NULL(json_object_get(element(told, "sessions", 0), "service"));
	json_decref(told);
	CU_ASSERT_EQUAL(count_sessions("{}"), 5);
	CU_ASSERT_EQUAL(count_sessions("{'service': 's'}"), 3);
	CU_ASSERT_EQUAL(count_sessions("{'service': 't'}"), 2);
	CU_ASSERT_EQUAL(count_sessions("{'service': 't', 'pool': 'a'}"), 0);
	forget_all();
	CU_ASSERT_EQUAL(count_sessions("{}"), 0);
	finish();
}

static void test_sessions_by_client(void)
{
	const json_t *row;
	json_t *told;

	start();
	remember_some();
	told = ask("session.list", "{'client': '192.0.2.1', 'client_port': 40000, 'service': 't'}",
		   "result");
	CU_ASSERT_EQUAL_FATAL(length(told, "sessions"), 1);
	row = element(told, "sessions", 0);
	CU_ASSERT_STRING_EQUAL(word(row, "client"), "192.0.2.1");
	CU_ASSERT_EQUAL(number(row, "client_port"), 40000);
	CU_ASSERT_STRING_EQUAL(word(row, "service"), "t");
	CU_ASSERT_STRING_EQUAL(word(row, "service_address"), "10.0.0.8");
	CU_ASSERT_EQUAL(number(row, "service_port"), 25);
	json_decref(told);
	CU_ASSERT_EQUAL(count_sessions("{'client': '192.0.2.1', 'service': 's'}"), 2);
	CU_ASSERT_EQUAL(count_sessions("{'client': '192.0.2.0/24', 'client_port': 40000}"), 3);
	CU_ASSERT_EQUAL(count_sessions("{'client': '192.0.2.0/24', 'client_port': 1}"), 1);
	CU_ASSERT_EQUAL(
		count_sessions("{'client': '192.0.2.1', 'client_port': 40000, 'pool': 'a'}"), 1);
	CU_ASSERT_EQUAL(count_sessions("{'client': '2001:db8::1', 'client_port': 40000}"), 0);
	forget_all();
	finish();
}

/* Every session once, on pages of @limit, whatever the pages. */
static void check_pages(unsigned int limit, const char *more, size_t expected)
{
	json_int_t cursor = 0;
	char seen[4096] = "", params[256];
	size_t count = 0;

	while (cursor >= 0) {
		json_t *told;

		snprintf(params, sizeof(params), "{'limit': %u, 'cursor': %lld%s}", limit,
			 (long long)cursor, more);
		told = ask("session.list", params, "result");
		CU_ASSERT(length(told, "sessions") <= limit);
		for (size_t i = 0; i < length(told, "sessions"); i++) {
			const char *hash = word(element(told, "sessions", i), "hash");

			CU_ASSERT_PTR_NULL(strstr(seen, hash));
			strncat(seen, hash, sizeof(seen) - strlen(seen) - 1);
			count++;
		}
		cursor = number(told, "cursor");
		json_decref(told);
	}
	CU_ASSERT_EQUAL(count, expected);
}

static void test_pages(void)
{
	start();
	for (uint16_t i = 0; i < 100; i++)
		remember((uint8_t)(i / 50), (uint16_t)(1 + i % 50), "10.0.0.9", 0, i % 2);
	check_pages(1, "", 100);
	check_pages(7, "", 100);
	check_pages(1000, "", 100);
	check_pages(3, ", 'backend': 'a2', 'pool': 'a'", 50);
	check_pages(7, ", 'client': '192.0.2.0', 'service': 's'", 50);
	/* From behind the end there is nothing. */
	CU_ASSERT_EQUAL(count_sessions("{'cursor': 9007199254740991}"), 0);
	forget_all();
	finish();
}

static void test_sessions_refused(void)
{
	start();
	check_error("session.list", "{'pool': 'c'}", RPC_NOT_FOUND, "/pool");
	check_error("session.list", "{'pool': 'a', 'backend': 'b1'}", RPC_NOT_FOUND, "/backend");
	check_error("session.list", "{'service': 'x'}", RPC_NOT_FOUND, "/service");
	check_error("session.list", "{'backend': 'a1'}", RPC_INVALID_PARAMS, "/backend");
	check_error("session.list", "{'client_port': 1}", RPC_INVALID_PARAMS, "/client_port");
	check_error("session.list", "{'client': '192.0.0.0/23'}", RPC_INVALID_PARAMS, "/client");
	check_error("session.list", "{'limit': 1001}", RPC_INVALID_PARAMS, "/limit");
	finish();
}

static void test_health(void)
{
	json_t *told;

	start();
	told = ask("health.list", "{}", "result");
	CU_ASSERT_EQUAL_FATAL(length(told, "backends"), 3);
	CU_ASSERT_STRING_EQUAL(word(element(told, "backends", 0), "verdict"), "up");
	CU_ASSERT(json_is_false(json_object_get(element(told, "backends", 0), "checked")));
	CU_ASSERT_STRING_EQUAL(word(element(told, "backends", 2), "verdict"), "unknown");
	json_decref(told);
	told = ask("health.list", "{'verdict': 'unknown'}", "result");
	CU_ASSERT_EQUAL(length(told, "backends"), 1);
	CU_ASSERT_STRING_EQUAL(word(element(told, "backends", 0), "backend"), "b1");
	json_decref(told);
	told = ask("health.show", "{'pool': 'b', 'backend': 'b1'}", "result");
	CU_ASSERT_EQUAL(number(json_object_get(told, "health"), "rise"), 7);
	CU_ASSERT_EQUAL(length(told, "dialogues"), 0);
	json_decref(told);
	told = ask("health.check", "{'pool': 'a'}", "result");
	CU_ASSERT_EQUAL(number(told, "unchecked"), 2);
	CU_ASSERT_EQUAL(number(told, "started"), 0);
	json_decref(told);
	check_error("health.list", "{'pool': 'c'}", RPC_NOT_FOUND, "/pool");
	check_error("health.show", "{'pool': 'a', 'backend': 'b1'}", RPC_NOT_FOUND, "/backend");
	check_error("health.check", "{'pool': 'c'}", RPC_NOT_FOUND, "/pool");
	finish();
}

static unsigned int stops, holds;

static void stop(void *stop_context, bool hold_sessions)
{
	CU_ASSERT_PTR_EQUAL(stop_context, &idle);
	stops++;
	holds += hold_sessions;
}

static void test_node(void)
{
	char fingerprint[17];
	json_t *told;

	start();
	told = ask("node.info", "{}", "result");
	CU_ASSERT_EQUAL(strncmp(word(told, "dpdk"), "DPDK ", 5), 0);
	CU_ASSERT(strlen(word(told, "kernel")) > 0);
	CU_ASSERT(number(told, "memory_bytes") > 1000000);
	CU_ASSERT(number(told, "tsc_hz") > 1000000);
	CU_ASSERT(number(told, "started_ms") > 1500000000000);
	CU_ASSERT_PTR_NULL(json_object_get(told, "unconfirmed"));
	json_decref(told);

	told = ask("node.fingerprint", "{}", "result");
	snprintf(fingerprint, sizeof(fingerprint), "%s", word(told, "fingerprint"));
	CU_ASSERT_EQUAL(strlen(fingerprint), 16);
	CU_ASSERT_STRING_NOT_EQUAL(fingerprint, word(told, "configuration"));
	CU_ASSERT_EQUAL(length(told, "pools"), 2);
	CU_ASSERT_STRING_EQUAL(word(element(told, "pools", 1), "name"), "b");
	json_decref(told);
	finish();
	start();
	told = ask("node.fingerprint", "{}", "result");
	CU_ASSERT_STRING_EQUAL(fingerprint, word(told, "fingerprint"));
	json_decref(told);
	finish();
}

static void test_shutdown(void)
{
	json_t *told;

	start();
	check_error("node.shutdown", "{}", RPC_REFUSED, "");
	context.stop = stop;
	context.stop_context = &idle;
	role = RPC_ROLE_OPERATE;
	log_set_level(LOG_EMERG);
	check_error("node.shutdown", "{}", RPC_FORBIDDEN, "");
	role = RPC_ROLE_ADMIN;
	told = ask("node.shutdown", "{}", "result");
	CU_ASSERT(json_is_true(json_object_get(told, "stopping")));
	CU_ASSERT_EQUAL(stops, 1);
	CU_ASSERT_EQUAL(holds, 0);
	json_decref(told);
	json_decref(ask("node.shutdown", "{'hold_sessions': true}", "result"));
	CU_ASSERT_EQUAL(stops, 2);
	CU_ASSERT_EQUAL(holds, 1);
	log_set_level(LOG_NOTICE);
	finish();
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_ports),
		UNIT_TEST(test_workers),
		UNIT_TEST(test_log),
		UNIT_TEST(test_log_configured),
		UNIT_TEST(test_stats),
		UNIT_TEST(test_sessions_by_table),
		UNIT_TEST(test_sessions_by_client),
		UNIT_TEST(test_pages),
		UNIT_TEST(test_sessions_refused),
		UNIT_TEST(test_health),
		UNIT_TEST(test_node),
		UNIT_TEST(test_shutdown),
		CU_TEST_INFO_NULL,
	};
	int status;

	idle_dataplane_init(&idle, "wan");
	status = unit_run("rpc_observe", tests);
	idle_dataplane_fini(&idle);
	return status;
}
