/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Changes of the configuration as clients see them: what is confirmed and what is not, what is
 * brought back, what is read again, and that a change leaves alone what it does not name. With a
 * real dataplane whose one port leads nowhere.
 */
#include "ledger.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/await.h"
#include "../lib/config_text.h"
#include "../lib/idle_dataplane.h"
#include "../lib/unit.h"
#include "balancer.h"
#include "rpc.h"
#include "rpc_methods.h"

static struct idle_dataplane idle;
static char directory[] = "/tmp/mailrail-ledger-XXXXXX";
static char path[128];

/* A node, and those who talk to it. */
struct node {
	struct events *events;
	struct balancer *balancer;
	struct rpc_context rpc;
};

static const char frame[] =
	"{'node': {'name': 'n', 'key': "
	"'0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'}, 'ports': [{'name': "
	"'p', 'device': 'net_null0', 'twin': false, 'neighbours': [{'address': '10.0.0.1', 'mac': "
	"'02:00:00:00:00:01'}]}], 'pools': [{'name': 'x', 'table_size': 251, 'health': "
	"{'interval': "
	"'100ms', 'timeout': '100ms', 'fall': 1}, 'backends': [{'name': 'a', 'address': "
	"'10.0.0.1'}, "
	"{'name': 'b', 'address': '10.0.0.2', 'weight': %d}]}], 'services': [{'name': 's', "
	"'namespace': 'x.org', 'addresses': ['10.0.0.9'], 'ports': [25], 'pool': 'x'}]}";

static struct config *with_weight(int weight)
{
	struct config *config = config_from_text(frame, weight);

	config->workers.cores[0] = idle.core;
	return config;
}

/* As a process that reads the file at its start, or one that writes it for the first time. */
static struct node start(struct config *config)
{
	struct mr_error error = {""};
	struct node node = {.events = NULL};

	CU_ASSERT_EQUAL_FATAL(events_create(idle.base, &node.events), 0);
	const struct balancer_setup setup = {
		.base = idle.base,
		.dp = idle.dp,
		.config = config,
		.path = path,
		.events = node.events,
	};
	if (balancer_create(&setup, &node.balancer, &error) < 0) {
		puts(error.text);
		CU_FAIL_FATAL("no balancer");
	}
	node.rpc = (struct rpc_context){
		.methods = rpc_methods,
		.balancer = node.balancer,
		.events = node.events,
		.config_path = path,
	};
	return node;
}

static void save(int weight)
{
	struct config *config = with_weight(weight);
	struct mr_error error;

	CU_ASSERT_EQUAL_FATAL(config_save(path, config, &error), 0);
	config_free(config);
}

static struct config *load(void)
{
	struct field_errors errors = {0};
	struct config *config = config_load(path, &errors);

	field_errors_print(&errors, stdout);
	field_errors_fini(&errors);
	CU_ASSERT_PTR_NOT_NULL_FATAL(config);
	return config;
}

static struct node start_from_file(int weight)
{
	save(weight);
	return start(load());
}

static void stop(struct node *node)
{
	balancer_destroy(node->balancer);
	events_destroy(node->events);
}

static void forget_files(void)
{
	static const char *const endings[] = {"", ".history", ".edited"};
	char name[160];

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		snprintf(name, sizeof(name), "%s%s", path, endings[i]);
		unlink(name);
	}
}

static int weight_in(const struct config *config)
{
	return (int)config->pools[0].backends[1].weight;
}

static int weight_of(const struct node *node)
{
	return weight_in(balancer_config(node->balancer));
}

static int weight_in_file(void)
{
	struct config *config = load();
	const int weight = weight_in(config);

	config_free(config);
	return weight;
}

/* The whole answer to a request. @params: as by printf(3), ' standing for ". */
__attribute__((format(printf, 4, 5))) static json_t *call(const struct node *node, const char *who,
							  const char *method, const char *params,
							  ...)
{
	const struct rpc_peer peer = {.name = who, .role = RPC_ROLE_ADMIN};
	char request[4096], *answer;
	json_t *json;
	va_list args;
	int size = snprintf(request, sizeof(request),
			    "{'jsonrpc':'2.0','id':1,'method':'%s','params':", method);

	va_start(args, params);
	size += vsnprintf(request + size, sizeof(request) - (size_t)size, params, args);
	va_end(args);
	size += snprintf(request + size, sizeof(request) - (size_t)size, "}");
	for (char *c = request; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	CU_ASSERT_EQUAL_FATAL(rpc_answer(&node->rpc, &peer, request, (size_t)size, &answer), 0);
	json = json_loads(answer, 0, NULL);
	free(answer);
	CU_ASSERT_PTR_NOT_NULL_FATAL(json);
	return json;
}

/* Takes @answer; its result's member as a number. -1: no such result. */
static json_int_t number_in(json_t *answer, const char *member)
{
	const json_t *value = json_object_get(json_object_get(answer, "result"), member);
	const json_int_t number = json_is_integer(value)   ? json_integer_value(value)
				  : json_is_boolean(value) ? json_is_true(value)
							   : -1;

	json_decref(answer);
	return number;
}

/* Takes @answer; 0: a result. */
static json_int_t code_of(json_t *answer, const char *part)
{
	const json_t *error = json_object_get(answer, "error");
	const json_int_t code = json_integer_value(json_object_get(error, "code"));
	char *dumped = json_dumps(answer, 0);

	if (!strstr(dumped, part)) {
		printf("\n%s\n", dumped);
		CU_FAIL("another answer");
	}
	free(dumped);
	json_decref(answer);
	return code;
}

static json_t *set_weight(const struct node *node, int weight)
{
	return call(node, "bob", "backend.set", "{'pool':'x','backend':'b','weight':%d}", weight);
}

/* config.apply of what is in force but for a weight. @more: further parameters. */
static json_t *apply_weight(const struct node *node, int weight, const char *more)
{
	struct config *config = with_weight(weight);
	json_t *json = config_encode(config);
	char *dumped = json_dumps(json, JSON_COMPACT);
	json_t *answer = call(node, "alice", "config.apply", "{'config':%s%s}", dumped, more);

	free(dumped);
	json_decref(json);
	config_free(config);
	return answer;
}

static void test_the_same_again_changes_nothing(void)
{
	struct node node = start_from_file(1);
	json_t *answer;

	CU_ASSERT_EQUAL(number_in(set_weight(&node, 2), "changed"), 1);
	CU_ASSERT_EQUAL(number_in(set_weight(&node, 2), "changed"), 0);
	CU_ASSERT_EQUAL(number_in(set_weight(&node, 2), "generation"), 2);
	CU_ASSERT_EQUAL(number_in(apply_weight(&node, 2, ""), "changed"), 0);
	CU_ASSERT_EQUAL(number_in(apply_weight(&node, 2, ",'confirm_within':'5s'"), "changed"), 0);
	CU_ASSERT_EQUAL(balancer_generation(node.balancer), 2);
	CU_ASSERT_EQUAL(events_count(node.events, EVENT_CONFIG_APPLIED), 1);
	answer = call(&node, "bob", "config.history", "{}");
	CU_ASSERT_EQUAL(
		json_array_size(json_object_get(json_object_get(answer, "result"), "generations")),
		2);
	json_decref(answer);
	stop(&node);
	forget_files();
}

/* Other backends come, go and change; this one does not notice. (Probes: test_health.c, rpc.sh.) */
static void test_a_backend_left_alone_stays_as_it_is(void)
{
	struct node node = start_from_file(1);
	struct mr_worker_counters *counters;
	struct backend_status before, after;

	balancer_backend_status(node.balancer, 0, 0, &before);
	/* As if its worker had counted. */
	counters = (struct mr_worker_counters *)mr_dataplane_counters(idle.dp, 0);
	counters->backends[before.id].sessions += 5;
	counters->backends[before.id].packets += 7;

	CU_ASSERT_EQUAL(number_in(set_weight(&node, 50), "changed"), 1);
	CU_ASSERT_EQUAL(number_in(call(&node, "bob", "backend.add",
				       "{'pool':'x','backend':{'name':'c','address':'10.0.0.3'}}"),
				  "changed"),
			1);
	CU_ASSERT_EQUAL(
		number_in(call(&node, "bob", "backend.remove", "{'pool':'x','backend':'b'}"),
			  "changed"),
		1);
	balancer_backend_status(node.balancer, 0, 0, &after);
	CU_ASSERT_EQUAL(after.id, before.id);
	CU_ASSERT_EQUAL(after.health.verdict, before.health.verdict);
	CU_ASSERT_EQUAL(after.counters.sessions, before.counters.sessions + 5);
	CU_ASSERT_EQUAL(after.counters.packets, before.counters.packets + 7);
	CU_ASSERT_EQUAL(after.pins, before.pins);
	counters->backends[before.id].sessions -= 5;
	counters->backends[before.id].packets -= 7;
	stop(&node);
	forget_files();
}

static void test_a_confirmed_change_is_saved(void)
{
	struct node node = start_from_file(1);
	struct unconfirmed waiting;

	CU_ASSERT_EQUAL(number_in(apply_weight(&node, 2, ",'confirm_within':'60s'"), "generation"),
			2);
	CU_ASSERT_EQUAL(weight_of(&node), 2);
	CU_ASSERT_EQUAL(weight_in_file(), 1);
	CU_ASSERT_FATAL(ledger_unconfirmed(balancer_ledger(node.balancer), &waiting));
	CU_ASSERT_EQUAL(waiting.generation, 2);
	CU_ASSERT(waiting.left_ms > 50000 && waiting.left_ms <= 60000);
	CU_ASSERT(number_in(call(&node, "bob", "config.get", "{}"), "unconfirmed_ms") > 50000);

	/* Nobody else gets between. */
	CU_ASSERT_EQUAL(code_of(set_weight(&node, 3), "generation 2 waits for config.confirm"),
			RPC_REFUSED);
	CU_ASSERT_EQUAL(code_of(apply_weight(&node, 2, ""), "generation 2 waits"), RPC_REFUSED);
	CU_ASSERT_EQUAL(code_of(call(&node, "bob", "config.reload", "{}"), "generation 2 waits"),
			RPC_REFUSED);
	CU_ASSERT_EQUAL(code_of(call(&node, "bob", "config.confirm", "{'generation':1}"),
				"1 is not in force"),
			RPC_STALE_GENERATION);
	CU_ASSERT_EQUAL(weight_of(&node), 2);

	CU_ASSERT_EQUAL(
		number_in(call(&node, "bob", "config.confirm", "{'generation':2}"), "changed"), 1);
	CU_ASSERT_FALSE(ledger_unconfirmed(balancer_ledger(node.balancer), &waiting));
	CU_ASSERT_EQUAL(weight_in_file(), 2);
	CU_ASSERT_EQUAL(number_in(call(&node, "bob", "config.confirm", "{}"), "changed"), 0);
	CU_ASSERT_EQUAL(number_in(set_weight(&node, 3), "generation"), 3);
	stop(&node);

	node = start(load());
	CU_ASSERT_EQUAL(balancer_generation(node.balancer), 3);
	stop(&node);
	forget_files();
}

static bool is_taken_back(const void *context)
{
	const struct node *node = context;

	return events_count(node->events, EVENT_CONFIG_UNCONFIRMED) > 0;
}

static void test_an_unconfirmed_change_is_taken_back(void)
{
	struct node node = start_from_file(1);
	const struct history_entry *entry;
	struct unconfirmed waiting;

	CU_ASSERT_EQUAL(number_in(apply_weight(&node, 2, ",'confirm_within':'1s'"), "generation"),
			2);
	CU_ASSERT(await(idle.base, is_taken_back, &node, 5000));
	CU_ASSERT_EQUAL(weight_of(&node), 1);
	CU_ASSERT_EQUAL(weight_in_file(), 1);
	CU_ASSERT_EQUAL(balancer_generation(node.balancer), 3);
	CU_ASSERT_FALSE(ledger_unconfirmed(balancer_ledger(node.balancer), &waiting));
	entry = history_get(ledger_history(balancer_ledger(node.balancer)), 0);
	CU_ASSERT_STRING_EQUAL(entry->author, "mailraild");
	CU_ASSERT_STRING_EQUAL(entry->reason, "not confirmed in time");
	CU_ASSERT(history_get(ledger_history(balancer_ledger(node.balancer)), 1)->unconfirmed);
	CU_ASSERT_EQUAL(number_in(set_weight(&node, 3), "generation"), 4);
	CU_ASSERT_EQUAL(weight_in_file(), 3);
	CU_ASSERT_EQUAL(events_count(node.events, EVENT_CONFIG_UNCONFIRMED), 1);
	stop(&node);
	forget_files();
}

static void test_a_restart_before_confirmation(void)
{
	struct node node = start_from_file(1);

	CU_ASSERT_EQUAL(number_in(apply_weight(&node, 2, ",'confirm_within':'60s'"), "generation"),
			2);
	stop(&node);
	node = start(load());
	CU_ASSERT_EQUAL(weight_of(&node), 1);
	CU_ASSERT_EQUAL(balancer_generation(node.balancer), 3);
	stop(&node);
	forget_files();
}

static void test_rollback(void)
{
	struct node node = start_from_file(1);

	CU_ASSERT_EQUAL(
		code_of(call(&node, "bob", "config.rollback", "{}"), "no generation before"),
		RPC_NOT_FOUND);
	for (int weight = 2; weight <= 4; weight++)
		CU_ASSERT_EQUAL(number_in(set_weight(&node, weight), "generation"), weight);
	CU_ASSERT_EQUAL(number_in(call(&node, "bob", "config.rollback", "{}"), "generation"), 5);
	CU_ASSERT_EQUAL(weight_of(&node), 3);
	CU_ASSERT_EQUAL(weight_in_file(), 3);
	CU_ASSERT_EQUAL(number_in(call(&node, "bob", "config.rollback", "{'to':1}"), "generation"),
			6);
	CU_ASSERT_EQUAL(weight_of(&node), 1);
	CU_ASSERT_STRING_EQUAL(
		history_get(ledger_history(balancer_ledger(node.balancer)), 0)->reason,
		"config.rollback to 1");
	CU_ASSERT_EQUAL(code_of(call(&node, "bob", "config.rollback", "{'to':9}"), "/to"),
			RPC_NOT_FOUND);
	CU_ASSERT_EQUAL(
		code_of(call(&node, "bob", "config.rollback", "{'to':2,'generation':5}"), "5"),
		RPC_STALE_GENERATION);

	/* It ends what waits, at once. */
	CU_ASSERT_EQUAL(number_in(apply_weight(&node, 8, ",'confirm_within':'60s'"), "generation"),
			7);
	CU_ASSERT_EQUAL(number_in(call(&node, "bob", "config.rollback", "{}"), "generation"), 8);
	CU_ASSERT_EQUAL(weight_of(&node), 1);
	CU_ASSERT_PTR_NULL(ledger_former(balancer_ledger(node.balancer)));
	CU_ASSERT_EQUAL(number_in(set_weight(&node, 9), "generation"), 9);
	stop(&node);
	forget_files();
}

static json_int_t change_count(json_t *answer)
{
	const json_t *changes = json_object_get(json_object_get(answer, "result"), "changes");
	const json_int_t count = json_is_array(changes) ? (json_int_t)json_array_size(changes) : -1;

	json_decref(answer);
	return count;
}

static void test_diff_and_get(void)
{
	struct node node = start_from_file(1);

	CU_ASSERT_EQUAL(number_in(set_weight(&node, 2), "generation"), 2);
	CU_ASSERT_EQUAL(change_count(call(&node, "bob", "config.diff", "{}")), 0);
	CU_ASSERT_EQUAL(change_count(call(&node, "bob", "config.diff", "{'from':1}")), 1);
	CU_ASSERT_EQUAL(change_count(call(&node, "bob", "config.diff", "{'from':1,'to':'file'}")),
			1);
	CU_ASSERT_EQUAL(code_of(call(&node, "bob", "config.diff", "{'from':3}"), "/from"),
			RPC_NOT_FOUND);
	CU_ASSERT_EQUAL(code_of(call(&node, "bob", "config.diff", "{'from':'filee'}"), "/from"),
			RPC_INVALID_PARAMS);
	CU_ASSERT_EQUAL(
		code_of(call(&node, "bob", "config.get", "{'generation':1}"), "\"weight\": 1,"), 0);
	CU_ASSERT_EQUAL(
		code_of(call(&node, "bob", "config.get", "{'generation':1,'source':'file'}"),
			"not both"),
		RPC_INVALID_PARAMS);
	save(7);
	CU_ASSERT_EQUAL(
		code_of(call(&node, "bob", "config.get", "{'source':'file'}"), "\"weight\": 7,"),
		0);
	CU_ASSERT_EQUAL(
		code_of(call(&node, "bob", "config.diff", "{}"), "/pools/x/backends/b/weight"), 0);
	stop(&node);
	forget_files();
}

static void put_file(const char *content)
{
	FILE *file = fopen(path, "w");

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	fputs(content, file);
	fclose(file);
}

static void test_reload(void)
{
	struct node node = start_from_file(1);

	CU_ASSERT_EQUAL(number_in(call(&node, "bob", "config.reload", "{}"), "changed"), 0);
	CU_ASSERT_EQUAL(number_in(set_weight(&node, 2), "generation"), 2);
	save(7);
	CU_ASSERT_EQUAL(number_in(call(&node, "bob", "config.reload", "{}"), "generation"), 3);
	CU_ASSERT_EQUAL(weight_of(&node), 7);
	CU_ASSERT_EQUAL(history_get(ledger_history(balancer_ledger(node.balancer)), 0)->diff.count,
			1);
	put_file("{\"node\": {}, \"node\": {}}");
	CU_ASSERT_EQUAL(code_of(call(&node, "bob", "config.reload", "{}"), "/ports"), RPC_REFUSED);
	CU_ASSERT_EQUAL(code_of(call(&node, "bob", "config.reload", "{}"), "/node/key"),
			RPC_REFUSED);
	CU_ASSERT_EQUAL(balancer_generation(node.balancer), 3);
	CU_ASSERT_EQUAL(weight_of(&node), 7);
	stop(&node);
	forget_files();
}

/* What somebody has written is not lost, and somebody is told. */
static void test_an_edited_file_is_kept(void)
{
	struct node node = start_from_file(1);
	char edited[160];

	snprintf(edited, sizeof(edited), "%s.edited", path);
	CU_ASSERT_EQUAL(number_in(set_weight(&node, 2), "generation"), 2);
	CU_ASSERT_NOT_EQUAL(access(edited, F_OK), 0);
	put_file("{\"half\": ");
	CU_ASSERT_EQUAL(code_of(set_weight(&node, 3), "mailrail.json.edited"), 0);
	CU_ASSERT_EQUAL(weight_in_file(), 3);
	CU_ASSERT_EQUAL(access(edited, F_OK), 0);
	unlink(edited);
	CU_ASSERT_EQUAL(number_in(set_weight(&node, 4), "edited"), -1);
	CU_ASSERT_NOT_EQUAL(access(edited, F_OK), 0);

	/* Read again, it is known. */
	save(7);
	CU_ASSERT_EQUAL(number_in(call(&node, "bob", "config.reload", "{}"), "changed"), 1);
	CU_ASSERT_EQUAL(number_in(set_weight(&node, 8), "changed"), 1);
	CU_ASSERT_NOT_EQUAL(access(edited, F_OK), 0);

	/* It cannot be kept: then nothing is written over it. */
	CU_ASSERT_EQUAL(mkdir(edited, 0700), 0);
	save(9);
	CU_ASSERT_EQUAL(code_of(set_weight(&node, 10), "cannot be kept"), RPC_REFUSED);
	CU_ASSERT_EQUAL(weight_in_file(), 9);
	CU_ASSERT_EQUAL(weight_of(&node), 8);
	rmdir(edited);
	stop(&node);
	forget_files();
}

#define INCREMENTS 20

/* Reads, adds one, writes: false when somebody was faster. @generation: as it was read. */
static bool increment(const struct node *node, json_int_t generation, int weight)
{
	json_t *answer =
		call(node, "racer", "backend.set",
		     "{'pool':'x','backend':'b','weight':%d,'generation':%" JSON_INTEGER_FORMAT "}",
		     weight + 1, generation);
	const bool done = json_object_get(answer, "result") != NULL;

	if (!done)
		CU_ASSERT_EQUAL(json_integer_value(
					json_object_get(json_object_get(answer, "error"), "code")),
				RPC_STALE_GENERATION);
	json_decref(answer);
	return done;
}

/* Two clients, whose steps fall in any order: no increment is lost. */
static void test_a_race(void)
{
	struct node node = start_from_file(1);
	struct client {
		int left;
		bool has_read;
		int weight;
		json_int_t generation;
	} clients[2] = {{.left = INCREMENTS}, {.left = INCREMENTS}};
	int refused = 0;

	srand(unit_seed());
	while (clients[0].left > 0 || clients[1].left > 0) {
		struct client *client = &clients[rand() % 2];

		if (client->left == 0)
			continue;
		if (!client->has_read) {
			client->weight = weight_of(&node);
			client->generation =
				number_in(call(&node, "racer", "config.get", "{}"), "generation");
			client->has_read = true;
			continue;
		}
		client->has_read = false;
		if (increment(&node, client->generation, client->weight))
			client->left--;
		else
			refused++;
	}
	CU_ASSERT(refused > 0);
	CU_ASSERT_EQUAL(weight_of(&node), 1 + 2 * INCREMENTS);
	CU_ASSERT_EQUAL(weight_in_file(), 1 + 2 * INCREMENTS);
	CU_ASSERT_EQUAL(balancer_generation(node.balancer), 1 + 2 * INCREMENTS);
	stop(&node);
	forget_files();
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_the_same_again_changes_nothing),
		UNIT_TEST(test_a_backend_left_alone_stays_as_it_is),
		UNIT_TEST(test_a_confirmed_change_is_saved),
		UNIT_TEST(test_an_unconfirmed_change_is_taken_back),
		UNIT_TEST(test_a_restart_before_confirmation),
		UNIT_TEST(test_rollback),
		UNIT_TEST(test_diff_and_get),
		UNIT_TEST(test_reload),
		UNIT_TEST(test_an_edited_file_is_kept),
		UNIT_TEST(test_a_race),
		CU_TEST_INFO_NULL,
	};
	int status;

	if (!mkdtemp(directory))
		return 2;
	snprintf(path, sizeof(path), "%s/mailrail.json", directory);
	idle_dataplane_init(&idle, "p");
	status = unit_run("ledger", tests);
	idle_dataplane_fini(&idle);
	rmdir(directory);
	return status;
}
