/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include <rte_common.h>

#include "balancer.h"
#include "pin_sweep.h"
#include "rpc_change.h"
#include "rpc_counters.h"
#include "rpc_methods.h"

/* X(member of struct mr_worker_counters, which is its name here too, sentence for people) */
#define WORKER_COUNTERS(X)                                                                         \
	X(rx_packets, "Packets received")                                                          \
	X(rx_bytes, "Bytes received")                                                              \
	X(tx_packets, "Packets sent")                                                              \
	X(tx_bytes, "Bytes sent")                                                                  \
	X(pins_created, "Sessions remembered from their SYN on")                                   \
	X(pins_adopted, "Older sessions met and remembered after a change")                        \
	X(pins_refused, "New sessions that there was no room to remember: they went to the "       \
			"backend of older ones")                                                   \
	X(pins_deferred, "Packets of older sessions that there was no room to remember for now")   \
	X(pins_evicted,                                                                            \
	  "New sessions, of which only the SYN was seen, that made room for older ones")           \
	X(pins_rehashed, "Sessions given to another backend because theirs is gone")               \
	X(pins_reused, "SYNs with the addresses and ports of a session that was still remembered") \
	X(pins_repeatable, "Of the sessions in pins_created, those that may have sent their SYN "  \
			   "before a change too")                                                  \
	X(fragments_kept, "Fragments that came before the first one of their datagram")            \
	X(fragments_released, "Of these, those whose first one came, or came too late")            \
	X(fragments_handed, "Fragments handed to the worker that follows their datagram")          \
	X(fragments_taken, "Of these, those that it has taken")                                    \
	X(cut_packets, "IPv4 packets sent in fragments, as the path is narrow")                    \
	X(mss_clamped, "SYNs whose maximum segment size was lowered")                              \
	X(cycles, "Time in which workers ran or slept, in cycles of the time stamp counter")       \
	X(busy_cycles, "Of these, those of rounds in which packets came")                          \
	X(busy_rounds, "Times that a worker asked all its queues and found packets")               \
	X(sleeps, "Times that a worker slept, as nothing had arrived; only with adaptive polling")

/* Counters of one worker, or of all. */
struct worker_stats {
	uint32_t core;
	uint64_t verdicts[MR_VERDICT_COUNT];
#define COUNTER_MEMBER(name, sentence) uint64_t name;
	WORKER_COUNTERS(COUNTER_MEMBER)
#undef COUNTER_MEMBER
};

#define VERDICT_FIELD(id, json_name, sentence) \
	{json_name,                            \
	 FIELD_UINT,                           \
	 .offset = MR_##id * sizeof(uint64_t), \
	 .size = sizeof(uint64_t),             \
	 .required = true,                     \
	 .text = sentence},
static const struct field verdict_fields[] = {MR_VERDICTS(VERDICT_FIELD)};
#undef VERDICT_FIELD
static const struct shape verdict_shape = {
	.name = "verdicts",
	.text = "Received packets by what became of them",
	.fields = verdict_fields,
	.field_count = MR_VERDICT_COUNT,
	.size = sizeof(uint64_t) * MR_VERDICT_COUNT,
};

#define COUNTER_FIELD(member, sentence)                                                \
	{#member, FIELD_UINT, FIELD_AT(struct worker_stats, member), .required = true, \
	 .text = (sentence)},
#define WORKER_FIELDS                                                                    \
	WORKER_COUNTERS(COUNTER_FIELD)                                                   \
	{                                                                                \
		"verdicts", FIELD_OBJECT, FIELD_AT(struct worker_stats, verdicts),       \
			.required = true, .shape = &verdict_shape,                       \
			.text = "The received packets by what became of them; over all " \
				"workers they add up to rx_packets, but for fragments "  \
				"that are kept, or on their way to another worker"       \
	}

/* What no single worker counts. */
struct total_stats {
	struct worker_stats workers; /* first: their fields are those of the whole */
	struct forgotten_sessions forgotten;
};

static const struct field total_fields[] = {
	{"pins_silent", FIELD_UINT, FIELD_AT(struct total_stats, forgotten.silent),
	 .required = true,
	 .text = "Established sessions that were forgotten, as they had been silent for longer "
		 "than their pool's session_idle"},
	{"sessions_at_risk", FIELD_UINT, FIELD_AT(struct total_stats, forgotten.at_risk),
	 .required = true,
	 .text = "New sessions that found no room to be remembered, or lost it to older ones, "
		 "within the last session_idle (the longest of any pool's)"},
	WORKER_FIELDS,
};
static const struct shape total_shape =
	SHAPE("total", struct total_stats, total_fields, "Counters of all workers");

static const struct field worker_fields[] = {
	{"core", FIELD_UINT, FIELD_AT(struct worker_stats, core), .required = true,
	 .text = "CPU core that the worker runs on"},
	WORKER_FIELDS,
};
static const struct shape worker_shape =
	SHAPE("worker", struct worker_stats, worker_fields, "Counters of one worker");
#undef WORKER_FIELDS
#undef COUNTER_FIELD

struct service_stats {
	char *name;
	struct mr_flow_counters counters;
};

static const struct field service_fields[] = {
	{"name", FIELD_NAME, FIELD_AT(struct service_stats, name), .required = true,
	 .text = "Name of the service"},
	RPC_FLOW_FIELDS(struct service_stats),
};
static const struct shape service_shape =
	SHAPE("service_stats", struct service_stats, service_fields, "Counters of one service");

struct backend_stats {
	char *pool;
	char *name;
	struct mr_flow_counters counters;
};

static const struct field backend_fields[] = {
	{"pool", FIELD_NAME, FIELD_AT(struct backend_stats, pool), .required = true,
	 .text = "Pool that the backend belongs to"},
	{"name", FIELD_NAME, FIELD_AT(struct backend_stats, name), .required = true,
	 .text = "Its name in that pool"},
	RPC_FLOW_FIELDS(struct backend_stats),
};
static const struct shape backend_shape =
	SHAPE("backend_stats", struct backend_stats, backend_fields, "Counters of one backend");

struct port_stats {
	char *name;
	struct mr_port_info info;
};

#define PORT_COUNTER(json_name, member, sentence)                                  \
	{                                                                          \
		(json_name), FIELD_UINT, FIELD_AT(struct port_stats, info.member), \
			.required = true, .text = (sentence)                       \
	}
static const struct field port_fields[] = {
	{"name", FIELD_NAME, FIELD_AT(struct port_stats, name), .required = true,
	 .text = "Name of the port"},
	{"mac", FIELD_MAC, FIELD_AT(struct port_stats, info.mac), .required = true,
	 .text = "Its Ethernet address"},
	{"link_up", FIELD_BOOL, FIELD_AT(struct port_stats, info.link_up), .required = true,
	 .text = "Whether its link is up"},
	PORT_COUNTER("mtu_bytes", mtu, "Largest IP packet that it takes"),
	PORT_COUNTER("queues", queues, "Receive queues"),
	PORT_COUNTER("rx_packets", rx_packets, "Packets received, as the driver counts"),
	PORT_COUNTER("rx_bytes", rx_bytes, "Bytes received, as the driver counts"),
	PORT_COUNTER("rx_missed", rx_missed, "Packets lost because no worker took them in time"),
	PORT_COUNTER("rx_errors", rx_errors, "Packets received in error"),
	PORT_COUNTER("tx_packets", tx_packets, "Packets sent, as the driver counts"),
	PORT_COUNTER("tx_bytes", tx_bytes, "Bytes sent, as the driver counts"),
	PORT_COUNTER("tx_errors", tx_errors, "Packets that could not be sent"),
};
#undef PORT_COUNTER
static const struct shape port_shape =
	SHAPE("port_stats", struct port_stats, port_fields, "A port and its counters");

struct pin_stats {
	uint32_t count;
	uint32_t budget;
	uint64_t bytes;
	uint64_t huge_page_bytes;
};

static const struct field pin_fields[] = {
	{"count", FIELD_UINT, FIELD_AT(struct pin_stats, count), .required = true,
	 .text = "Sessions remembered now"},
	{"budget", FIELD_UINT, FIELD_AT(struct pin_stats, budget), .required = true,
	 .text = "How many can be"},
	{"bytes", FIELD_UINT, FIELD_AT(struct pin_stats, bytes), .required = true,
	 .text = "Memory of their table"},
	{"huge_page_bytes", FIELD_UINT, FIELD_AT(struct pin_stats, huge_page_bytes),
	 .required = true,
	 .text = "How much of it lay in huge pages when mailrail started; small ones make each "
		 "packet of a remembered session slower"},
};
static const struct shape pin_shape =
	SHAPE("pins", struct pin_stats, pin_fields, "Remembered sessions");

struct limit_stats {
	char *name;
	bool is_counted;
	uint64_t used;
	uint64_t max;
};

static const struct field limit_fields[] = {
	{"name", FIELD_NAME, FIELD_AT(struct limit_stats, name), .required = true,
	 .text = "What is limited"},
	{"used", FIELD_UINT, FIELD_AT(struct limit_stats, used),
	 FIELD_PRESENT(struct limit_stats, is_counted),
	 .text = "How many there are; absent where nobody counts"},
	{"max", FIELD_UINT, FIELD_AT(struct limit_stats, max), .required = true,
	 .text = "How many there can be"},
};
static const struct shape limit_shape =
	SHAPE("limit", struct limit_stats, limit_fields, "A bound and its use");

struct stats_result {
	uint64_t generation;
	uint64_t uptime_s;
	struct total_stats total;
	struct worker_stats *workers;
	uint32_t worker_count;
	struct service_stats *services;
	uint32_t service_count;
	struct backend_stats *backends;
	uint32_t backend_count;
	struct port_stats *ports;
	uint32_t port_count;
	struct pin_stats pins;
	struct limit_stats *limits;
	uint32_t limit_count;
};

enum { STATS_WORKERS = 3, STATS_SERVICES, STATS_BACKENDS, STATS_PORTS, STATS_LIMITS = 8 };

static const struct field stats_fields[] = {
	RPC_GENERATION_RESULT(struct stats_result),
	{"uptime_s", FIELD_UINT, FIELD_AT(struct stats_result, uptime_s), .required = true,
	 .text = "Seconds since counting began"},
	{"total", FIELD_OBJECT, FIELD_AT(struct stats_result, total), .required = true,
	 .shape = &total_shape, .text = "All workers together"},
	[STATS_WORKERS] = {"workers", FIELD_OBJECT,
			   FIELD_LIST_AT(struct stats_result, workers, worker_count),
			   .required = true, .shape = &worker_shape, .text = "Each worker"},
	[STATS_SERVICES] = {"services", FIELD_OBJECT,
			    FIELD_LIST_AT(struct stats_result, services, service_count),
			    .required = true, .shape = &service_shape, .text = "Each service"},
	[STATS_BACKENDS] = {"backends", FIELD_OBJECT,
			    FIELD_LIST_AT(struct stats_result, backends, backend_count),
			    .required = true, .shape = &backend_shape, .text = "Each backend"},
	[STATS_PORTS] = {"ports", FIELD_OBJECT,
			 FIELD_LIST_AT(struct stats_result, ports, port_count), .required = true,
			 .shape = &port_shape, .text = "Each port"},
	{"pins", FIELD_OBJECT, FIELD_AT(struct stats_result, pins), .required = true,
	 .shape = &pin_shape, .text = "Remembered sessions"},
	[STATS_LIMITS] = {"limits", FIELD_OBJECT,
			  FIELD_LIST_AT(struct stats_result, limits, limit_count), .required = true,
			  .shape = &limit_shape, .text = "Fixed bounds and how far they are used"},
};
static const struct shape stats_result = SHAPE("stats_result", struct stats_result, stats_fields,
					       "Every counter, and how far limits are used");

static void read_worker(const struct mr_worker_counters *counters, struct worker_stats *out)
{
	for (uint32_t i = 0; i < MR_VERDICT_COUNT; i++)
		out->verdicts[i] = MR_COUNTER_READ(counters->verdicts[i]);
#define READ_COUNTER(name, sentence) out->name = MR_COUNTER_READ(counters->name);
	WORKER_COUNTERS(READ_COUNTER)
#undef READ_COUNTER
}

static void add_worker(struct worker_stats *total, const struct worker_stats *worker)
{
	for (uint32_t i = 0; i < MR_VERDICT_COUNT; i++)
		total->verdicts[i] += worker->verdicts[i];
#define ADD_COUNTER(name, sentence) total->name += worker->name;
	WORKER_COUNTERS(ADD_COUNTER)
#undef ADD_COUNTER
}

static bool fill_workers(const struct balancer *balancer, struct stats_result *result)
{
	const struct config_workers *workers = &balancer_config(balancer)->workers;
	const struct mr_dataplane *dp = balancer_dataplane(balancer);

	if (!field_list_alloc(&stats_fields[STATS_WORKERS], result, workers->core_count))
		return false;
	for (uint32_t i = 0; i < workers->core_count; i++) {
		result->workers[i].core = workers->cores[i];
		read_worker(mr_dataplane_counters(dp, i), &result->workers[i]);
		add_worker(&result->total.workers, &result->workers[i]);
	}
	return true;
}

static bool fill_services(const struct balancer *balancer, struct stats_result *result)
{
	const struct config *config = balancer_config(balancer);

	if (!field_list_alloc(&stats_fields[STATS_SERVICES], result, config->service_count))
		return false;
	for (uint32_t i = 0; i < config->service_count; i++) {
		result->services[i].name = strdup(config->services[i].name);
		if (!result->services[i].name)
			return false;
		balancer_service_counters(balancer, i, &result->services[i].counters);
	}
	return true;
}

static uint32_t count_backends(const struct config *config)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < config->pool_count; i++)
		count += config->pools[i].backend_count;
	return count;
}

static bool fill_backend(const struct balancer *balancer, uint32_t pool, uint32_t backend,
			 struct backend_stats *out)
{
	const struct config_pool *in_pool = &balancer_config(balancer)->pools[pool];
	struct backend_status status;

	balancer_backend_status(balancer, pool, backend, &status);
	out->counters = status.counters;
	out->pool = strdup(in_pool->name);
	out->name = strdup(in_pool->backends[backend].name);
	return out->pool && out->name;
}

static bool fill_backends(const struct balancer *balancer, struct stats_result *result)
{
	const struct config *config = balancer_config(balancer);
	struct backend_stats *row;

	if (!field_list_alloc(&stats_fields[STATS_BACKENDS], result, count_backends(config)))
		return false;
	row = result->backends;
	for (uint32_t i = 0; i < config->pool_count; i++)
		for (uint32_t j = 0; j < config->pools[i].backend_count; j++)
			if (!fill_backend(balancer, i, j, row++))
				return false;
	return true;
}

static bool fill_ports(const struct balancer *balancer, struct stats_result *result)
{
	const struct config *config = balancer_config(balancer);
	const struct mr_dataplane *dp = balancer_dataplane(balancer);

	if (!field_list_alloc(&stats_fields[STATS_PORTS], result, config->port_count))
		return false;
	for (uint32_t i = 0; i < config->port_count; i++) {
		result->ports[i].name = strdup(config->ports[i].name);
		if (!result->ports[i].name ||
		    mr_dataplane_port_info(dp, i, &result->ports[i].info) < 0)
			return false;
	}
	return true;
}

static uint64_t most_queues(const struct stats_result *result)
{
	uint64_t most = 0;

	for (uint32_t i = 0; i < result->port_count; i++)
		most = RTE_MAX(most, (uint64_t)result->ports[i].info.queues);
	return most;
}

/* The two counters are not read at once. */
static uint64_t most_fragments_kept(const struct stats_result *result)
{
	uint64_t most = 0;

	for (uint32_t i = 0; i < result->worker_count; i++) {
		const struct worker_stats *worker = &result->workers[i];

		if (worker->fragments_kept > worker->fragments_released)
			most = RTE_MAX(most, worker->fragments_kept - worker->fragments_released);
	}
	return most;
}

static bool fill_limits(const struct balancer *balancer, struct stats_result *result)
{
	const struct config *config = balancer_config(balancer);
	const struct balancer_use use = balancer_use(balancer);
	const struct {
		const char *name;
		bool is_counted;
		uint64_t used, max;
	} limits[] = {
		{"workers", true, config->workers.core_count, MR_WORKERS_MAX},
		{"ports", true, config->port_count, MR_PORTS_MAX},
		{"port_queues", true, most_queues(result), MR_QUEUES_MAX},
		{"pools", true, config->pool_count, MR_POOLS_MAX},
		{"backends", true, count_backends(config), MR_BACKENDS_MAX},
		{"services", true, config->service_count, MR_SERVICES_MAX},
		{"endpoints", true, config_count_endpoints(config), MR_ENDPOINTS_MAX},
		{"nat_sources", true, use.nat_sources, MR_NAT_SOURCES_MAX},
		{"probe_sources", true, use.probe_sources, MR_PROBE_SOURCES_MAX},
		{"pins", true, result->pins.count, result->pins.budget},
		{"embryonic_pin_s", false, 0, PIN_SWEEP_EMBRYONIC_S},
		{"closing_pin_s", false, 0, PIN_SWEEP_CLOSING_S},
		{"syn_repeat_s", false, 0, MR_SYN_REPEAT_S},
		{"fragments_kept_by_worker", true, most_fragments_kept(result),
		 MR_FRAGMENTS_KEPT_MAX},
		{"datagrams_by_worker", false, 0, MR_DATAGRAMS_MAX},
		{"fragment_timeout_s", false, 0, MR_FRAGMENT_TIMEOUT_S},
		{"too_big_by_worker_per_s", false, 0, MR_TOO_BIG_PER_S},
		{"worker_sleep_us", false, 0, MR_WORKER_SLEEP_US},
		{"session_idle_s", false, 0, MR_SESSION_IDLE_MAX_S},
		{"extension_headers", false, 0, MR_EXTENSIONS_MAX},
		{"extension_bytes", false, 0, MR_EXTENSION_BYTES_MAX},
		{"name_bytes", false, 0, MR_NAME_MAX - 1},
	};
	const uint32_t count = sizeof(limits) / sizeof(limits[0]);

	if (!field_list_alloc(&stats_fields[STATS_LIMITS], result, count))
		return false;
	for (uint32_t i = 0; i < count; i++) {
		result->limits[i] = (struct limit_stats){
			.name = strdup(limits[i].name),
			.is_counted = limits[i].is_counted,
			.used = limits[i].used,
			.max = limits[i].max,
		};
		if (!result->limits[i].name)
			return false;
	}
	return true;
}

static enum rpc_error stats_get(struct rpc_call *call)
{
	const struct balancer *balancer = call->context->balancer;
	struct mr_dataplane *dp = balancer_dataplane(balancer);
	struct stats_result *result = call->result;

	result->generation = balancer_generation(balancer);
	result->uptime_s = balancer_uptime_s(balancer);
	result->pins.count = mr_pin_table_count(mr_dataplane_pins(dp));
	result->pins.budget = mr_pin_table_budget(mr_dataplane_pins(dp));
	result->pins.bytes = mr_pin_table_bytes(mr_dataplane_pins(dp));
	result->pins.huge_page_bytes = mr_pin_table_huge_bytes(mr_dataplane_pins(dp));
	result->total.forgotten = balancer_forgotten_sessions(balancer);
	if (!fill_workers(balancer, result) || !fill_services(balancer, result) ||
	    !fill_backends(balancer, result) || !fill_ports(balancer, result) ||
	    !fill_limits(balancer, result))
		return RPC_INTERNAL_ERROR;
	return RPC_OK;
}

const struct rpc_method rpc_stats_methods[] = {
	{
		.name = "stats.get",
		.text = "Shows every counter: workers, services, backends, ports, pins, limits",
		.handler = stats_get,
		.result = &stats_result,
		.result_text = "Every counter, and how far limits are used",
	},
	{.name = NULL},
};
