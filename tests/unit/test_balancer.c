/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What configurations become: paths, sources of nat and limits, with a real dataplane whose one
 * port leads nowhere. In a network namespace of its own, for the prober's interface.
 */
#include "balancer.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/config_text.h"
#include "../lib/idle_dataplane.h"
#include "../lib/unit.h"
#include "address_text.h"
#include "compile.h"
#include "fleet.h"
#include "rpc.h"
#include "rpc_methods.h"

static const struct rpc_peer tester = {.name = "test", .role = RPC_ROLE_ADMIN};

static const struct change change = {.author = {.name = "test", .reason = "test"}};

static struct idle_dataplane idle;

static const char frame[] =
	"{\"node\": {\"name\": \"n\", \"key\": "
	"\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"}, "
	"\"ports\": [{\"name\": \"p\", \"device\": \"net_null0\", \"twin\": false, \"neighbours\": "
	"["
	"{\"address\": \"10.0.0.1\", \"mac\": \"02:00:00:00:00:01\"}, "
	"{\"address\": \"2001:db8::1\", \"mac\": \"02:00:00:00:00:01\"}]}], "
	"\"pools\": [%s], \"services\": [%s]}";

#define SERVICE(name, address, ports, pool)                                             \
	"{\"name\": \"" name "\", \"namespace\": \"x.org\", \"addresses\": [\"" address \
	"\"], \"ports\": [" ports "], \"pool\": \"" pool "\"}"
#define POOL(name, forwarding, more, backends)                               \
	"{\"name\": \"" name "\", \"forwarding\": \"" forwarding "\", " more \
	"\"table_size\": 251, \"health\": {\"type\": \"none\"}, \"backends\": [" backends "]}"
#define BACKEND(name, address) "{\"name\": \"" name "\", \"address\": \"" address "\"}"

static struct config *decode(const char *pools, const char *services)
{
	struct config *config = config_from_text(frame, pools, services);

	config->workers.cores[0] = idle.core;
	return config;
}

/* @state: NULL: nothing outlives the balancer. */
static struct balancer *start_with(struct session_state *state, const char *pools,
				   const char *services)
{
	struct balancer *balancer;
	struct mr_error error = {""};

	const struct balancer_setup setup = {
		.base = idle.base,
		.dp = idle.dp,
		.config = decode(pools, services),
		.state = state,
	};

	if (balancer_create(&setup, &balancer, &error) < 0) {
		puts(error.text);
		CU_FAIL_FATAL("no balancer");
	}
	return balancer;
}

static struct balancer *start(const char *pools, const char *services)
{
	return start_with(NULL, pools, services);
}

static const char plain_service[] = SERVICE("s", "10.0.0.9", "25", "a");

/* The same pool in every mode, one after the other; its backend keeps its id and its slots. */
static void test_modes(void)
{
	static const struct {
		const char *pool;
		uint16_t packet_max_bytes;
	} rows[] = {
		{POOL("a", "ipip", "\"tunnel\": {\"source\": \"192.0.2.1\"}, ",
		      BACKEND("b", "10.0.0.1")),
		 1500 - 20},
		{POOL("a", "gue", "\"tunnel\": {\"source\": \"192.0.2.0/24\"}, ",
		      BACKEND("b", "10.0.0.1")),
		 1500 - 28},
		{POOL("a", "nat", "", BACKEND("b", "10.0.0.1")), 1500},
		{POOL("a", "l2dsr", "", BACKEND("b", "10.0.0.1")), 1500},
	};
	struct balancer *balancer =
		start(POOL("a", "l2dsr", "", BACKEND("b", "10.0.0.1")), plain_service);
	struct backend_status first, status;
	struct mr_error error = {""};

	balancer_backend_status(balancer, 0, 0, &first);
	CU_ASSERT_EQUAL(first.slots, 251);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CU_ASSERT_EQUAL(balancer_apply(balancer, decode(rows[i].pool, plain_service),
					       &change, &error),
				0);
		balancer_backend_status(balancer, 0, 0, &status);
		CU_ASSERT_EQUAL(status.id, first.id);
		CU_ASSERT_EQUAL(status.slots, 251);
		CU_ASSERT_EQUAL(status.base_slots, 0);
		CU_ASSERT(status.path_set);
		CU_ASSERT_EQUAL(status.path_mtu_bytes, 1500);
		CU_ASSERT_EQUAL(status.packet_max_bytes, rows[i].packet_max_bytes);
	}
	balancer_destroy(balancer);
}

static void test_paths_in_ipv6(void)
{
	struct balancer *balancer = start(
		POOL("a", "ipip", "\"tunnel\": {\"source\": \"2001:db8::2\"}, ",
		     BACKEND("b",
			     "2001:db8::1")) ", " POOL("c", "gue",
						       "\"tunnel\": {\"source\": "
						       "\"2001:db8::2\"}, ",
						       BACKEND("b", "2001:db8::1") ", " BACKEND(
							       "d", "2001:db8::3")),
		SERVICE("s", "10.0.0.9", "25", "a"));
	struct backend_status status;

	balancer_backend_status(balancer, 0, 0, &status);
	CU_ASSERT_EQUAL(status.packet_max_bytes, 1500 - 40);
	balancer_backend_status(balancer, 1, 0, &status);
	CU_ASSERT_EQUAL(status.packet_max_bytes, 1500 - 48);
	balancer_backend_status(balancer, 1, 1, &status);
	CU_ASSERT_FALSE(status.next_hop_set); /* no neighbour of that address */
	CU_ASSERT_FALSE(status.path_set);
	balancer_destroy(balancer);
}

static const struct mr_nat_source *find(const struct mr_nat_source *sources, uint32_t count,
					const char *address, uint16_t port)
{
	struct mr_addr wanted;

	CU_ASSERT_FATAL(address_parse(address, &wanted));
	for (uint32_t i = 0; i < count; i++) {
		if (mr_addr_equal(&sources[i].address, &wanted) && sources[i].port == htons(port))
			return &sources[i];
	}
	return NULL;
}

/* Whether answers from there go on under @service, as backend @id's. */
static bool leads_to(const struct mr_nat_source *sources, uint32_t count, const char *address,
		     uint16_t port, const char *service, mr_backend_id id)
{
	const struct mr_nat_source *source = find(sources, count, address, port);
	struct mr_addr wanted;

	CU_ASSERT_FATAL(address_parse(service, &wanted));
	return source && mr_addr_equal(&source->service_address, &wanted) && source->backend == id;
}

static struct fleet *make_fleet(struct roster *roster, struct config *config,
				const struct fleet *previous)
{
	struct mr_error error = {""};
	struct fleet *fleet;

	CU_ASSERT_EQUAL_FATAL(fleet_create(roster, config, previous, &fleet, &error), 0);
	return fleet;
}

static struct mr_nat_source *sources_of(const struct fleet *fleet, uint32_t *out_count)
{
	struct mr_nat_source *sources = compile_nat_sources(fleet, out_count);

	CU_ASSERT_PTR_NOT_NULL_FATAL(sources);
	return sources;
}

static const char two_services[] = SERVICE("s", "10.0.0.9", "25, 587", "a") ", " SERVICE(
	"t", "10.0.0.8", "25", "c") ", " SERVICE("u", "10.0.0.7", "25", "d");

/* Answers of a backend that was removed, or has moved to another pool. */
static void test_nat_sources(void)
{
	struct roster *roster = calloc(1, sizeof(*roster));
	struct config *before = decode(
		POOL("a", "nat", "",
		     BACKEND("b", "10.0.0.1") ", " BACKEND(
			     "x", "10.0.0.2")) ", " POOL("c", "nat", "",
							 "") ", " POOL("d", "l2dsr", "",
								       BACKEND("b", "10.0.0.1")),
		two_services);
	struct config *after =
		decode(POOL("a", "nat", "", BACKEND("b", "10.0.0.1")) ", " POOL(
			       "c", "nat", "",
			       BACKEND("x", "10.0.0.2")) ", " POOL("d", "l2dsr", "",
								   BACKEND("b", "10.0.0.1")),
		       two_services);
	struct mr_nat_source *sources;
	struct fleet *first, *second;
	struct member *members;
	uint32_t count;

	roster->dp = idle.dp;
	first = make_fleet(roster, before, NULL);
	members = first->pools[0].members;
	sources = sources_of(first, &count);
	CU_ASSERT_EQUAL(count, 4);
	CU_ASSERT(leads_to(sources, count, "10.0.0.1", 25, "10.0.0.9", members[0].backend->id));
	CU_ASSERT(leads_to(sources, count, "10.0.0.1", 587, "10.0.0.9", members[0].backend->id));
	CU_ASSERT(leads_to(sources, count, "10.0.0.2", 25, "10.0.0.9", members[1].backend->id));
	free(sources);

	second = make_fleet(roster, after, first);
	members = second->pools[0].members;
	CU_ASSERT(members[1].leaving);
	sources = sources_of(second, &count);
	CU_ASSERT_EQUAL(count, 5);
	CU_ASSERT(leads_to(sources, count, "10.0.0.1", 25, "10.0.0.9", members[0].backend->id));
	CU_ASSERT(leads_to(sources, count, "10.0.0.2", 587, "10.0.0.9", members[1].backend->id));
	CU_ASSERT(leads_to(sources, count, "10.0.0.2", 25, "10.0.0.8",
			   second->pools[1].members[0].backend->id));
	free(sources);
	fleet_destroy(first);
	fleet_destroy(second);
	roster_fini(roster);
	free(roster);
	config_free(before);
	config_free(after);
}

static struct mr_snapshot *compile(const struct fleet *fleet, const struct mr_steering *steering)
{
	static const struct way_ports ports = {.list[0].mtu_bytes = 1500};
	struct way_neighbours neighbours;
	const struct way_facts facts = {.ports = &ports, .neighbours = &neighbours};
	struct mr_snapshot *snapshot;

	CU_ASSERT_EQUAL_FATAL(way_neighbours_init(fleet->config, &neighbours), 0);
	snapshot = compile_snapshot(fleet, &facts, steering, 2);
	way_neighbours_fini(&neighbours);
	CU_ASSERT_PTR_NOT_NULL_FATAL(snapshot);
	return snapshot;
}

/* An address that changed hands answers for its new service, and stops nothing. */
static void test_snapshot_with_shared_source(void)
{
	struct mr_steering steering = {0};
	struct mr_nat_source *sources;
	struct roster *roster = calloc(1, sizeof(*roster));
	const char *service = SERVICE("s", "10.0.0.9", "25", "a");
	struct config *before =
		decode(POOL("a", "nat", "\"mss\": 1360, ", BACKEND("b", "10.0.0.1")), service);
	struct config *after =
		decode(POOL("a", "nat", "\"mss\": 1360, ", BACKEND("z", "10.0.0.1")), service);
	struct fleet *first, *second;
	const struct mr_nat_source *source;
	struct mr_snapshot *snapshot;
	mr_backend_id id;

	roster->dp = idle.dp;
	first = make_fleet(roster, before, NULL);
	second = make_fleet(roster, after, first);
	sources = compile_nat_sources(second, &steering.nat_source_count);
	CU_ASSERT_PTR_NOT_NULL_FATAL(sources);
	steering.nat_sources = sources;
	snapshot = compile(second, &steering);
	free(sources);
	id = second->pools[0].members[0].backend->id;
	source = mr_snapshot_find_nat_source(
		snapshot, &second->pools[0].members[0].backend->address, htons(25));
	CU_ASSERT_PTR_NOT_NULL_FATAL(source);
	CU_ASSERT_EQUAL(source->backend, id);
	CU_ASSERT_EQUAL(snapshot->backends[id].forwarding, MR_FORWARDING_NAT);
	CU_ASSERT_EQUAL(snapshot->backends[id].mss_max_bytes, 1360);
	CU_ASSERT(snapshot->backends[id].way_set);
	mr_snapshot_destroy(snapshot);
	fleet_destroy(first);
	fleet_destroy(second);
	roster_fini(roster);
	free(roster);
	config_free(before);
	config_free(after);
}

static struct mr_snapshot *plain_snapshot(const struct fleet *fleet)
{
	static const struct mr_steering steering;

	return compile(fleet, &steering);
}

/* Snapshots share a list as long as it says the same: a long one takes its time to make. */
static void test_exclusions_are_shared(void)
{
	const char *pool =
		POOL("a", "l2dsr", "", BACKEND("b", "10.0.0.1") ", " BACKEND("c", "2001:db8::1"));
	struct roster *roster = calloc(1, sizeof(*roster));
	struct config *config = decode(pool, plain_service);
	struct mr_snapshot *first, *second, *third;
	struct mr_access_list *list;
	struct mr_range range;
	struct mr_addr leaver;
	struct fleet *fleet;

	roster->dp = idle.dp;
	fleet = make_fleet(roster, config, NULL);
	leaver = fleet->pools[0].members[1].backend->address;
	first = plain_snapshot(fleet);
	fleet->pools[0].members[0].backend->verdict = HEALTH_DOWN;
	second = plain_snapshot(fleet);
	list = first->services[fleet->service_ids[0]].exclude;
	CU_ASSERT_PTR_NOT_NULL_FATAL(list);
	CU_ASSERT_PTR_EQUAL(second->services[fleet->service_ids[0]].exclude, list);
	mr_snapshot_destroy(first);
	CU_ASSERT(mr_access_list_find(list, &leaver, &range));

	fleet_remove_member(&fleet->pools[0], &fleet->pools[0].members[1]);
	third = plain_snapshot(fleet);
	list = third->services[fleet->service_ids[0]].exclude;
	CU_ASSERT_PTR_NOT_EQUAL(second->services[fleet->service_ids[0]].exclude, list);
	CU_ASSERT_FALSE(mr_access_list_find(list, &leaver, &range));
	mr_snapshot_destroy(second);
	fleet_destroy(fleet);
	CU_ASSERT(mr_access_list_find(list, &config->pools[0].backends[0].address, &range));
	mr_snapshot_destroy(third);
	roster_fini(roster);
	free(roster);
	config_free(config);
}

static json_t *ask(struct balancer *balancer, const char *method)
{
	const struct rpc_context context = {.methods = rpc_methods, .balancer = balancer};
	char request[128], *answer = NULL;
	json_t *json, *result;
	int size = snprintf(request, sizeof(request),
			    "{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"%s\"}", method);

	CU_ASSERT_EQUAL_FATAL(rpc_answer(&context, &tester, request, (size_t)size, &answer), 0);
	json = json_loads(answer, 0, NULL);
	free(answer);
	result = json_incref(json_object_get(json, "result"));
	json_decref(json);
	CU_ASSERT_PTR_NOT_NULL_FATAL(result);
	return result;
}

static const json_t *find_limit(const json_t *stats, const char *name)
{
	size_t i;
	json_t *limit;

	json_array_foreach (json_object_get(stats, "limits"), i, limit) {
		if (strcmp(json_string_value(json_object_get(limit, "name")), name) == 0)
			return limit;
	}
	return NULL;
}

static int64_t number(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return json_is_integer(value) ? json_integer_value(value) : -1;
}

static uint32_t count_bounds(void)
{
	FILE *file = fopen(PROJECT_ROOT "/include/mailrail/limits.h", "r");
	uint32_t count = 0;
	char line[256];

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	while (fgets(line, sizeof(line), file))
		count += strncmp(line, "#define MR_", strlen("#define MR_")) == 0;
	fclose(file);
	return count;
}

/* Every bound of limits.h is shown; @used -1: not counted. */
static void test_limits(void)
{
	static const struct {
		const char *name;
		int64_t used, max;
	} rows[] = {
		{"workers", 1, MR_WORKERS_MAX},
		{"ports", 1, MR_PORTS_MAX},
		{"port_queues", 1, MR_QUEUES_MAX},
		{"pools", 2, MR_POOLS_MAX},
		{"services", 2, MR_SERVICES_MAX},
		{"endpoints", 3, MR_ENDPOINTS_MAX},
		{"backends", 3, MR_BACKENDS_MAX},
		{"probe_sources", 0, MR_PROBE_SOURCES_MAX},
		{"nat_sources", 4, MR_NAT_SOURCES_MAX},
		{"name_bytes", -1, MR_NAME_MAX - 1},
		{"extension_headers", -1, MR_EXTENSIONS_MAX},
		{"extension_bytes", -1, MR_EXTENSION_BYTES_MAX},
		{"datagrams_by_worker", -1, MR_DATAGRAMS_MAX},
		{"fragments_kept_by_worker", 0, MR_FRAGMENTS_KEPT_MAX},
		{"fragment_timeout_s", -1, MR_FRAGMENT_TIMEOUT_S},
		{"too_big_by_worker_per_s", -1, MR_TOO_BIG_PER_S},
		{"worker_sleep_us", -1, MR_WORKER_SLEEP_US},
		{"session_idle_s", -1, MR_SESSION_IDLE_MAX_S},
		{"syn_repeat_s", -1, MR_SYN_REPEAT_S},
	};
	struct balancer *balancer = start(
		POOL("a", "nat", "",
		     BACKEND("b", "10.0.0.1") ", " BACKEND(
			     "c", "10.0.0.2")) ", " POOL("d", "l2dsr", "",
							 BACKEND("b", "10.0.0.1")),
		SERVICE("s", "10.0.0.9", "25, 587", "a") ", " SERVICE("t", "10.0.0.8", "25", "d"));
	json_t *stats = ask(balancer, "stats.get");

	CU_ASSERT_EQUAL(count_bounds(), sizeof(rows) / sizeof(rows[0]));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const json_t *limit = find_limit(stats, rows[i].name);

		CU_ASSERT_EQUAL(number(limit, "used"), rows[i].used);
		CU_ASSERT_EQUAL(number(limit, "max"), rows[i].max);
	}
	json_decref(stats);
	balancer_destroy(balancer);
}

static void test_backend_list(void)
{
	struct balancer *balancer =
		start(POOL("a", "gue", "\"tunnel\": {\"source\": \"192.0.2.1\"}, ",
			   BACKEND("b", "10.0.0.1")),
		      plain_service);
	json_t *list = ask(balancer, "backend.list");
	const json_t *row = json_array_get(json_object_get(list, "backends"), 0);

	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(row, "forwarding")), "gue");
	CU_ASSERT_EQUAL(number(row, "path_mtu_bytes"), 1500);
	CU_ASSERT_EQUAL(number(row, "packet_max_bytes"), 1472);
	json_decref(list);
	balancer_destroy(balancer);
}

#define THREE(more)                                                                                \
	"{\"name\": \"a\", \"table_size\": 251, \"backends\": [" BACKEND(                          \
		"b", "10.0.0.1") ", " BACKEND("c", "10.0.0.2") ", {\"name\": \"d\", \"address\": " \
							       "\"10.0.0.3\"" more "}]}"

static struct session_state *open_state(const char *directory)
{
	struct config *config = decode("", "");
	struct session_state *state;
	struct mr_error error = {""};

	free(config->sessions.state);
	config->sessions.state = strdup(directory);
	if (session_state_open(config, &state, &error) < 0) {
		puts(error.text);
		CU_FAIL_FATAL("no state");
	}
	config_free(config);
	return state;
}

static void apply(struct balancer *balancer, const char *pools)
{
	struct mr_error error = {""};

	CU_ASSERT_EQUAL_FATAL(
		balancer_apply(balancer, decode(pools, plain_service), &change, &error), 0);
}

static void remove_directory(const char *directory)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s", directory);
	CU_ASSERT_EQUAL(system(command), 0);
}

/* Slots, ids and verdicts are those of before, without a probe. */
static void test_start_again(void)
{
	static const char draining[] = THREE(", \"state\": \"drain\"");
	char directory[] = "/tmp/mailrail-balancer.XXXXXX";
	struct session_state *state;
	struct balancer *balancer;
	struct backend_status before[3], after;
	mr_slot words[251];
	uint32_t lost_slots;

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(directory));
	state = open_state(directory);
	balancer = start_with(state, THREE(""), plain_service);
	balancer_pool(balancer, 0)->members[1].backend->verdict = HEALTH_DOWN;
	lost_slots = balancer_pool(balancer, 0)->members[1].slots;
	apply(balancer, draining);
	CU_ASSERT(lost_slots > 0);
	CU_ASSERT_EQUAL(balancer_pool(balancer, 0)->rehashed_slots, lost_slots);
	memcpy(words, balancer_pool(balancer, 0)->slots->words, sizeof(words));
	for (uint32_t i = 0; i < 3; i++)
		balancer_backend_status(balancer, 0, i, &before[i]);
	CU_ASSERT_EQUAL(before[0].slots, 251);
	CU_ASSERT(before[2].base_slots > 0);
	balancer_destroy(balancer);
	session_state_close(state);

	state = open_state(directory);
	balancer = start_with(state, draining, plain_service);
	CU_ASSERT_EQUAL(memcmp(words, balancer_pool(balancer, 0)->slots->words, sizeof(words)), 0);
	for (uint32_t i = 0; i < 3; i++) {
		balancer_backend_status(balancer, 0, i, &after);
		CU_ASSERT_EQUAL(after.id, before[i].id);
		CU_ASSERT_EQUAL(after.slots, before[i].slots);
		CU_ASSERT_EQUAL(after.base_slots, before[i].base_slots);
		CU_ASSERT_EQUAL(after.health.verdict, before[i].health.verdict);
	}
	CU_ASSERT_EQUAL(before[1].health.verdict, HEALTH_DOWN);
	balancer_destroy(balancer);
	session_state_close(state);
	remove_directory(directory);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_modes),
		UNIT_TEST(test_paths_in_ipv6),
		UNIT_TEST(test_nat_sources),
		UNIT_TEST(test_snapshot_with_shared_source),
		UNIT_TEST(test_exclusions_are_shared),
		UNIT_TEST(test_limits),
		UNIT_TEST(test_backend_list),
		UNIT_TEST(test_start_again),
		CU_TEST_INFO_NULL,
	};
	int status;

	idle_dataplane_init(&idle, "p");
	status = unit_run("balancer", tests);
	idle_dataplane_fini(&idle);
	return status;
}
