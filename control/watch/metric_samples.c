/* SPDX-License-Identifier: BSD-3-Clause */
#include "metric_samples.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "balancer.h"
#include "config_tables.h"
#include "events.h"
#include "load.h"
#include "process_stats.h"
#include "rpc_limits.h"
#include "rpc_server.h"
#include "worker_counters.h"

/* Over which workers tell how busy they are. */
#define BUSY_SECONDS 15

#define FAMILY(family_type, sample, member, family_name, sentence)        \
	.name = (family_name), .type = (family_type), .help = (sentence), \
	.offset = offsetof(struct sample, member)
#define COUNTER(sample, member, name, sentence)                        \
	{                                                              \
		FAMILY(METRIC_COUNTER, sample, member, name, sentence) \
	}
#define GAUGE(sample, member, name, sentence)                        \
	{                                                            \
		FAMILY(METRIC_GAUGE, sample, member, name, sentence) \
	}
#define HISTOGRAM(sample, member, name, sentence)                        \
	{                                                                \
		FAMILY(METRIC_HISTOGRAM, sample, member, name, sentence) \
	}
#define THOUSANDTHS(type, sample, member, name, sentence)                     \
	{                                                                     \
		FAMILY(type, sample, member, name, sentence), .divisor = 1000 \
	}
#define TEXT(sample, member, label_name, name, sentence)                                    \
	{                                                                                   \
		FAMILY(METRIC_TEXT, sample, member, name, sentence), .label = (label_name), \
	}

struct node_sample {
	struct metric_subject subject;
	const char *version, *name;
	uint64_t generation, unconfirmed;
	uint64_t uptime_s;
	uint64_t hugepage_bytes;
	uint64_t pins, pins_budget, pins_bytes;
	uint64_t pins_silent, sessions_at_risk;
	uint64_t pools, backends, services;
	uint64_t events_kept, event_subscribers;
	uint64_t certificate_end_s;
	const struct histogram *apply_times;
	const struct histogram *rpc_times;
};

static const struct metric_family node_families[] = {
	TEXT(node_sample, version, "version", "mailrail_build_info", "Version of mailraild"),
	TEXT(node_sample, name, "node", "mailrail_node_info", "Name of the node"),
	GAUGE(node_sample, uptime_s, "mailrail_uptime_seconds", "Time since mailraild came up"),
	GAUGE(node_sample, generation, "mailrail_config_generation",
	      "Generation of the configuration in force"),
	GAUGE(node_sample, unconfirmed, "mailrail_config_unconfirmed",
	      "Whether that generation waits for config.confirm"),
	HISTOGRAM(node_sample, apply_times, "mailrail_config_apply_duration_seconds",
		  "Time that changes of the configuration took, those that took effect"),
	GAUGE(node_sample, services, "mailrail_services", "Services of the configuration"),
	GAUGE(node_sample, pools, "mailrail_pools", "Pools of the configuration"),
	GAUGE(node_sample, backends, "mailrail_backends", "Backends of the configuration"),
	GAUGE(node_sample, pins, "mailrail_pins", "Sessions remembered now"),
	GAUGE(node_sample, pins_budget, "mailrail_pins_budget",
	      "Sessions that can be remembered at a time"),
	GAUGE(node_sample, pins_bytes, "mailrail_pins_memory_bytes",
	      "Memory of the table of remembered sessions"),
	COUNTER(node_sample, pins_silent, "mailrail_pins_silent_total",
		"Established sessions that were forgotten, as they had been silent for longer than "
		"their pool's session_idle"),
	GAUGE(node_sample, sessions_at_risk, "mailrail_sessions_at_risk",
	      "New sessions that found no room to be remembered, or lost it to older ones, within "
	      "the last session_idle (the longest of any pool's)"),
	GAUGE(node_sample, hugepage_bytes, "mailrail_hugepages_bytes",
	      "Memory on hugepages; 0: ordinary pages are used"),
	GAUGE(node_sample, events_kept, "mailrail_events_kept",
	      "Events that are kept for those who subscribe to them"),
	GAUGE(node_sample, event_subscribers, "mailrail_events_subscribers",
	      "Connections that get events"),
	GAUGE(node_sample, certificate_end_s, "mailrail_certificate_expiry_timestamp_seconds",
	      "When the certificate of the control interface ends, since the epoch"),
	HISTOGRAM(node_sample, rpc_times, "mailrail_rpc_request_duration_seconds",
		  "Time that JSON-RPC requests took, from their text to that of the answer"),
};

struct process_sample {
	struct metric_subject subject;
	struct process_stats stats;
};

/* Names that every program has in common, without a prefix of ours. */
static const struct metric_family process_families[] = {
	THOUSANDTHS(METRIC_COUNTER, process_sample, stats.cpu_ms, "process_cpu_seconds_total",
		    "Processor time of all threads; a worker that polls takes a whole core"),
	THOUSANDTHS(METRIC_GAUGE, process_sample, stats.start_ms, "process_start_time_seconds",
		    "When mailraild was started, since the epoch"),
	GAUGE(process_sample, stats.resident_bytes, "process_resident_memory_bytes",
	      "Memory in use, without hugepages"),
	GAUGE(process_sample, stats.virtual_bytes, "process_virtual_memory_bytes",
	      "Address space in use"),
	GAUGE(process_sample, stats.threads, "process_threads", "Threads of mailraild"),
	GAUGE(process_sample, stats.open_fds, "process_open_fds", "Open file descriptors"),
	GAUGE(process_sample, stats.max_fds, "process_max_fds",
	      "File descriptors that can be open"),
};

struct door_sample {
	struct metric_subject subject;
	uint64_t connections;
};

static const struct metric_family door_families[] = {
	GAUGE(door_sample, connections, "mailrail_rpc_connections",
	      "Open connections of JSON-RPC clients"),
};

struct event_sample {
	struct metric_subject subject;
	uint64_t count;
};

static const struct metric_family event_families[] = {
	COUNTER(event_sample, count, "mailrail_events_total",
		"Events by their kind, as events.subscribe sends them"),
};

#define LIMIT_NAME_MAX 48

struct limit_sample {
	struct metric_subject subject;
	char name[LIMIT_NAME_MAX];
	uint64_t used, max;
};

static const struct metric_family limit_families[] = {
	GAUGE(limit_sample, used, "mailrail_limit_used",
	      "How far a bound is used; absent where nobody counts"),
	GAUGE(limit_sample, max, "mailrail_limit", "How many there can be of what is bounded"),
};

#define NUMBER_TEXT_MAX 12

struct worker_sample {
	struct metric_subject subject;
	char index_text[NUMBER_TEXT_MAX], core_text[NUMBER_TEXT_MAX];
	uint64_t busy_permille;
#define COUNTER_MEMBER(name, sentence) uint64_t name;
	WORKER_COUNTERS(COUNTER_MEMBER)
#undef COUNTER_MEMBER
};

#define COUNTER_FAMILY(name, sentence) \
	COUNTER(worker_sample, name, "mailrail_worker_" #name "_total", sentence),
static const struct metric_family worker_families[] = {
	THOUSANDTHS(METRIC_GAUGE, worker_sample, busy_permille, "mailrail_worker_busy_ratio",
		    "Share of the last 15 seconds that the worker spent on rounds in which packets "
		    "came"),
	WORKER_COUNTERS(COUNTER_FAMILY)};
#undef COUNTER_FAMILY

struct verdict_sample {
	struct metric_subject subject;
	char index_text[NUMBER_TEXT_MAX];
	uint64_t count;
};

static const struct metric_family verdict_families[] = {
	COUNTER(verdict_sample, count, "mailrail_worker_verdicts_total",
		"Received packets by what became of them; drop_* are lost, reset_* are answered "
		"with a TCP reset"),
};

struct port_sample {
	struct metric_subject subject;
	uint64_t up, mtu_bytes, queues;
	struct mr_port_info info;
};

static const struct metric_family port_families[] = {
	GAUGE(port_sample, up, "mailrail_port_up", "Whether the port has link"),
	GAUGE(port_sample, mtu_bytes, "mailrail_port_mtu_bytes",
	      "Largest IP packet that the port takes"),
	GAUGE(port_sample, queues, "mailrail_port_queues", "Receive queues of the port"),
	COUNTER(port_sample, info.rx_packets, "mailrail_port_receive_packets_total",
		"Packets received, as the driver counts"),
	COUNTER(port_sample, info.rx_bytes, "mailrail_port_receive_bytes_total",
		"Bytes received, as the driver counts"),
	COUNTER(port_sample, info.rx_missed, "mailrail_port_receive_missed_total",
		"Packets lost because no worker took them in time"),
	COUNTER(port_sample, info.rx_errors, "mailrail_port_receive_errors_total",
		"Packets received in error"),
	COUNTER(port_sample, info.tx_packets, "mailrail_port_transmit_packets_total",
		"Packets sent, as the driver counts"),
	COUNTER(port_sample, info.tx_bytes, "mailrail_port_transmit_bytes_total",
		"Bytes sent, as the driver counts"),
	COUNTER(port_sample, info.tx_errors, "mailrail_port_transmit_errors_total",
		"Packets that could not be sent"),
};

struct service_sample {
	struct metric_subject subject;
	const char *pool;
	uint64_t up;
	struct mr_flow_counters flow;
};

static const struct metric_family service_families[] = {
	TEXT(service_sample, pool, "pool", "mailrail_service_info", "Pool of the service"),
	GAUGE(service_sample, up, "mailrail_service_up",
	      "Whether the service has a backend for new sessions"),
	COUNTER(service_sample, flow.packets, "mailrail_service_packets_total",
		"Packets received for the service"),
	COUNTER(service_sample, flow.bytes, "mailrail_service_bytes_total",
		"Bytes of their frames, without the frame check sequence"),
	COUNTER(service_sample, flow.sessions, "mailrail_service_sessions_total",
		"SYNs for the service; a repeated one counts again"),
};

struct pool_sample {
	struct metric_subject subject;
	const char *forwarding;
	uint64_t backends, serving, leaving;
	uint64_t slots, moving_slots, rehashed_slots;
	const struct histogram *probe_times;
};

static const struct metric_family pool_families[] = {
	TEXT(pool_sample, forwarding, "forwarding", "mailrail_pool_info",
	     "How packets reach the pool's backends"),
	GAUGE(pool_sample, backends, "mailrail_pool_backends", "Backends of the pool"),
	GAUGE(pool_sample, serving, "mailrail_pool_backends_serving",
	      "Backends of the pool that get new sessions"),
	GAUGE(pool_sample, leaving, "mailrail_pool_backends_leaving",
	      "Removed backends of the pool that may still have sessions"),
	GAUGE(pool_sample, slots, "mailrail_pool_slots", "Slots of the pool's table"),
	GAUGE(pool_sample, moving_slots, "mailrail_pool_moving_slots",
	      "Slots on which sessions from before a change may still be open"),
	COUNTER(pool_sample, rehashed_slots, "mailrail_pool_rehashed_slots_total",
		"Slots taken from a backend that was down or disabled, with their sessions"),
	HISTOGRAM(pool_sample, probe_times, "mailrail_pool_probe_duration_seconds",
		  "Time that good health probes of the pool's backends took"),
};

struct backend_sample {
	struct metric_subject subject;
	const char *state, *health;
	uint64_t up, serving, way_known;
	uint64_t weight, slots, base_slots, pins;
	uint64_t probes, probe_failures, latency_ms;
	struct mr_flow_counters flow;
};

static const struct metric_family backend_families[] = {
	TEXT(backend_sample, state, "state", "mailrail_backend_state",
	     "What the administrator wants of the backend"),
	TEXT(backend_sample, health, "health", "mailrail_backend_health",
	     "Verdict of the backend's health check"),
	GAUGE(backend_sample, up, "mailrail_backend_up",
	      "Whether the backend is taken for healthy"),
	GAUGE(backend_sample, serving, "mailrail_backend_serving",
	      "Whether the backend gets new sessions"),
	GAUGE(backend_sample, way_known, "mailrail_backend_next_hop_up",
	      "Whether the link-layer address of the next hop to the backend is known"),
	GAUGE(backend_sample, weight, "mailrail_backend_weight", "Weight of the backend"),
	GAUGE(backend_sample, slots, "mailrail_backend_slots",
	      "Slots whose new sessions are the backend's"),
	GAUGE(backend_sample, base_slots, "mailrail_backend_base_slots",
	      "Moving slots whose older sessions the backend still holds"),
	GAUGE(backend_sample, pins, "mailrail_backend_pins",
	      "Sessions remembered as the backend's"),
	COUNTER(backend_sample, flow.packets, "mailrail_backend_packets_total",
		"Packets received for the backend"),
	COUNTER(backend_sample, flow.bytes, "mailrail_backend_bytes_total",
		"Bytes of their frames, without the frame check sequence"),
	COUNTER(backend_sample, flow.sessions, "mailrail_backend_sessions_total",
		"SYNs for the backend; a repeated one counts again"),
	COUNTER(backend_sample, probes, "mailrail_backend_probes_total",
		"Health probes of the backend"),
	COUNTER(backend_sample, probe_failures, "mailrail_backend_probe_failures_total",
		"Health probes that found the backend unable to serve"),
	THOUSANDTHS(METRIC_GAUGE, backend_sample, latency_ms,
		    "mailrail_backend_probe_latency_seconds",
		    "Time that the last good probe took, from connecting to the last reply"),
};

#define GROUP(table, type, ...)                                                          \
	{                                                                                \
		.families = (table), .family_count = sizeof(table) / sizeof((table)[0]), \
		.labels = {__VA_ARGS__}, .sample_size = sizeof(struct type)              \
	}

const struct metric_group metric_groups[METRICS_GROUP_COUNT] = {
	[METRICS_OF_NODE] = GROUP(node_families, node_sample, NULL),
	[METRICS_OF_PROCESS] = GROUP(process_families, process_sample, NULL),
	[METRICS_OF_DOORS] = GROUP(door_families, door_sample, "transport"),
	[METRICS_OF_EVENTS] = GROUP(event_families, event_sample, "kind"),
	[METRICS_OF_LIMITS] = GROUP(limit_families, limit_sample, "limit"),
	[METRICS_OF_WORKERS] = GROUP(worker_families, worker_sample, "worker", "core"),
	[METRICS_OF_VERDICTS] = GROUP(verdict_families, verdict_sample, "worker", "verdict"),
	[METRICS_OF_PORTS] = GROUP(port_families, port_sample, "port"),
	[METRICS_OF_SERVICES] = GROUP(service_families, service_sample, "service"),
	[METRICS_OF_POOLS] = GROUP(pool_families, pool_sample, "pool"),
	[METRICS_OF_BACKENDS] = GROUP(backend_families, backend_sample, "pool", "backend"),
};

/* Zeroed. NULL: no memory. */
static void *set_alloc(struct metric_samples *samples, enum metric_group_id group, uint32_t count)
{
	struct metric_set *set = &samples->sets[group];

	set->samples = calloc(count + 1, metric_groups[group].sample_size);
	set->count = set->samples != NULL ? count : 0;
	return set->samples;
}

static uint32_t count_backends(const struct config *config)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < config->pool_count; i++)
		count += config->pools[i].backend_count;
	return count;
}

static bool take_node(const struct rpc_context *context, struct metric_samples *out)
{
	const struct balancer *balancer = context->balancer;
	const struct config *config = balancer_config(balancer);
	struct mr_dataplane *dp = balancer_dataplane(balancer);
	const struct mr_pin_table *pins = mr_dataplane_pins(dp);
	const struct forgotten_sessions forgotten = balancer_forgotten_sessions(balancer);
	struct node_sample *node = set_alloc(out, METRICS_OF_NODE, 1);
	struct unconfirmed unconfirmed;

	if (node == NULL)
		return false;
	*node = (struct node_sample){
		.version = MAILRAIL_VERSION,
		.name = config->node.name,
		.generation = balancer_generation(balancer),
		.unconfirmed = ledger_unconfirmed(balancer_ledger(balancer), &unconfirmed),
		.uptime_s = balancer_uptime_s(balancer),
		.hugepage_bytes = mr_dataplane_hugepage_bytes(dp),
		.pins = mr_pin_table_count(pins),
		.pins_budget = mr_pin_table_budget(pins),
		.pins_bytes = mr_pin_table_bytes(pins),
		.pins_silent = forgotten.silent,
		.sessions_at_risk = forgotten.at_risk,
		.pools = config->pool_count,
		.backends = count_backends(config),
		.services = config->service_count,
		.apply_times = balancer_apply_times(balancer),
		.rpc_times = context->times,
	};
	return true;
}

static bool take_process(struct metric_samples *out)
{
	struct process_sample *process = set_alloc(out, METRICS_OF_PROCESS, 1);

	if (process != NULL)
		process_stats_read(&process->stats);
	return process != NULL;
}

static bool take_events(const struct events *events, struct metric_samples *out)
{
	struct node_sample *node = (struct node_sample *)out->sets[METRICS_OF_NODE].samples;
	struct event_sample *samples;

	if (events == NULL)
		return true;
	node->events_kept = events_sequence(events) - events_oldest(events) + 1;
	node->event_subscribers = events_subscribers(events);
	samples = set_alloc(out, METRICS_OF_EVENTS, EVENT_KIND_COUNT);
	for (uint32_t i = 0; samples != NULL && i < EVENT_KIND_COUNT; i++) {
		samples[i].subject.labels[0] = events_kind_name(i);
		samples[i].count = events_count(events, i);
	}
	return samples != NULL;
}

static bool take_doors(const struct rpc_server *server, struct metric_samples *out)
{
	struct node_sample *node = (struct node_sample *)out->sets[METRICS_OF_NODE].samples;
	struct door_sample *doors;
	uint64_t end_s;

	node->certificate_end_s = METRIC_ABSENT;
	if (server == NULL)
		return true;
	end_s = rpc_server_certificate_end_s(server);
	if (end_s > 0)
		node->certificate_end_s = end_s;
	doors = set_alloc(out, METRICS_OF_DOORS, 2);
	if (doors == NULL)
		return false;
	doors[0].subject.labels[0] = "unix";
	doors[0].connections = rpc_server_local_connections(server);
	doors[1].subject.labels[0] = "http";
	doors[1].connections = rpc_server_http_connections(server);
	return true;
}

static void take_limit(const struct limit_row *row, struct limit_sample *out)
{
	snprintf(out->name, sizeof(out->name), "%s", row->name);
	out->subject.labels[0] = out->name;
	out->used = row->is_counted ? row->used : METRIC_ABSENT;
	out->max = row->max;
}

static bool take_limits(const struct rpc_context *context, struct metric_samples *out)
{
	struct limit_sample *samples;
	struct limits limits;

	if (!rpc_limits_collect(context, &limits))
		return false;
	samples = set_alloc(out, METRICS_OF_LIMITS, limits.count);
	for (uint32_t i = 0; i < limits.count; i++) {
		if (samples != NULL)
			take_limit(&limits.rows[i], &samples[i]);
		free(limits.rows[i].name);
	}
	free(limits.rows);
	return samples != NULL;
}

static void take_worker(const struct mr_worker_counters *counters, struct worker_sample *out)
{
#define READ_COUNTER(name, sentence) out->name = MR_COUNTER_READ(counters->name);
	WORKER_COUNTERS(READ_COUNTER)
#undef READ_COUNTER
}

static void take_verdicts(const struct mr_worker_counters *counters, uint32_t worker,
			  struct verdict_sample *out)
{
	for (uint32_t i = 0; i < MR_VERDICT_COUNT; i++) {
		snprintf(out[i].index_text, sizeof(out[i].index_text), "%u", worker);
		out[i].subject.labels[0] = out[i].index_text;
		out[i].subject.labels[1] = mr_verdict_name(i);
		out[i].count = MR_COUNTER_READ(counters->verdicts[i]);
	}
}

static uint64_t busy_permille(const struct load *load, uint32_t worker)
{
	struct load_figures figures;

	if (load == NULL)
		return METRIC_ABSENT;
	figures = load_get(load, worker, BUSY_SECONDS);
	return figures.known ? figures.busy_permille : METRIC_ABSENT;
}

static bool take_workers(const struct rpc_context *context, struct metric_samples *out)
{
	const struct balancer *balancer = context->balancer;
	const struct config_workers *config = &balancer_config(balancer)->workers;
	const struct mr_dataplane *dp = balancer_dataplane(balancer);
	const uint32_t count = mr_dataplane_worker_count(dp);
	struct worker_sample *workers = set_alloc(out, METRICS_OF_WORKERS, count);
	struct verdict_sample *verdicts =
		set_alloc(out, METRICS_OF_VERDICTS, count * MR_VERDICT_COUNT);

	if (workers == NULL || verdicts == NULL)
		return false;
	for (uint32_t i = 0; i < count; i++) {
		const struct mr_worker_counters *counters = mr_dataplane_counters(dp, i);
		struct worker_sample *worker = &workers[i];

		snprintf(worker->index_text, sizeof(worker->index_text), "%u", i);
		snprintf(worker->core_text, sizeof(worker->core_text), "%u", config->cores[i]);
		worker->subject.labels[0] = worker->index_text;
		worker->subject.labels[1] = worker->core_text;
		worker->busy_permille = busy_permille(context->load, i);
		take_worker(counters, worker);
		take_verdicts(counters, i, &verdicts[i * MR_VERDICT_COUNT]);
	}
	return true;
}

static bool take_ports(const struct balancer *balancer, struct metric_samples *out)
{
	const struct config *config = balancer_config(balancer);
	const struct mr_dataplane *dp = balancer_dataplane(balancer);
	struct port_sample *ports = set_alloc(out, METRICS_OF_PORTS, config->port_count);

	for (uint32_t i = 0; ports != NULL && i < config->port_count; i++) {
		struct mr_port_info *info = &ports[i].info;

		ports[i].subject.labels[0] = config->ports[i].name;
		if (mr_dataplane_port_info(dp, i, info) < 0)
			continue;
		ports[i].up = info->link_up;
		ports[i].mtu_bytes = info->mtu;
		ports[i].queues = info->queues;
	}
	return ports != NULL;
}

static void take_backend(const struct balancer *balancer, uint32_t pool, uint32_t index,
			 struct backend_sample *out)
{
	const struct config_pool *config = &balancer_config(balancer)->pools[pool];
	const struct member *member = &balancer_pool(balancer, pool)->members[index];
	struct backend_status status;

	balancer_backend_status(balancer, pool, index, &status);
	*out = (struct backend_sample){
		.subject.labels = {config->name, config->backends[index].name},
		.state = config_backend_states[config->backends[index].state],
		.health = health_verdict_name(status.health.verdict),
		.up = status.health.verdict == HEALTH_UP ||
		      (status.health.verdict == HEALTH_UNKNOWN && member->backend->trusted),
		.serving = status.slots > 0,
		.way_known = status.next_hop_set,
		.weight = config->backends[index].weight,
		.slots = status.slots,
		.base_slots = status.base_slots,
		.pins = status.pins,
		.probes = status.health.probes,
		.probe_failures = status.health.failures,
		.latency_ms = status.health.probes > status.health.failures
				      ? status.health.latency_ms
				      : METRIC_ABSENT,
		.flow = status.counters,
	};
}

static void take_pool(const struct balancer *balancer, uint32_t index,
		      const struct backend_sample *backends, struct pool_sample *out)
{
	const struct config_pool *config = &balancer_config(balancer)->pools[index];
	struct pool_status status;

	balancer_pool_status(balancer, index, &status);
	*out = (struct pool_sample){
		.subject.labels[0] = config->name,
		.forwarding = config_forwardings[config->forwarding],
		.backends = config->backend_count,
		.leaving = status.leaving_backends,
		.slots = status.slots,
		.moving_slots = status.moving_slots,
		.rehashed_slots = balancer_pool(balancer, index)->rehashed_slots,
		.probe_times = balancer_probe_times(balancer, config->name),
	};
	for (uint32_t i = 0; i < config->backend_count; i++)
		out->serving += backends[i].serving;
}

static bool take_pools(const struct balancer *balancer, struct metric_samples *out)
{
	const struct config *config = balancer_config(balancer);
	struct pool_sample *pools = set_alloc(out, METRICS_OF_POOLS, config->pool_count);
	struct backend_sample *backend =
		set_alloc(out, METRICS_OF_BACKENDS, count_backends(config));

	if (pools == NULL || backend == NULL)
		return false;
	for (uint32_t i = 0; i < config->pool_count; i++) {
		const uint32_t count = config->pools[i].backend_count;

		for (uint32_t j = 0; j < count; j++)
			take_backend(balancer, i, j, &backend[j]);
		take_pool(balancer, i, backend, &pools[i]);
		backend += count;
	}
	return true;
}

static bool take_services(const struct balancer *balancer, struct metric_samples *out)
{
	const struct config *config = balancer_config(balancer);
	const struct pool_sample *pools =
		(const struct pool_sample *)out->sets[METRICS_OF_POOLS].samples;
	struct service_sample *services =
		set_alloc(out, METRICS_OF_SERVICES, config->service_count);

	for (uint32_t i = 0; services != NULL && i < config->service_count; i++) {
		const int pool = config_find_pool(config, config->services[i].pool);

		services[i].subject.labels[0] = config->services[i].name;
		services[i].pool = config->services[i].pool;
		services[i].up = pool >= 0 && pools[pool].serving > 0;
		balancer_service_counters(balancer, i, &services[i].flow);
	}
	return services != NULL;
}

int metric_samples_take(const struct rpc_context *context, struct metric_samples *out)
{
	const struct balancer *balancer = context->balancer;
	struct metric_samples samples = {0};

	if (!take_node(context, &samples) || !take_process(&samples) ||
	    !take_doors(context->server, &samples) || !take_events(context->events, &samples) ||
	    !take_limits(context, &samples) || !take_workers(context, &samples) ||
	    !take_ports(balancer, &samples) || !take_pools(balancer, &samples) ||
	    !take_services(balancer, &samples)) {
		metric_samples_fini(&samples);
		return -ENOMEM;
	}
	*out = samples;
	return 0;
}

void metric_samples_fini(struct metric_samples *samples)
{
	for (uint32_t i = 0; i < METRICS_GROUP_COUNT; i++)
		free(samples->sets[i].samples);
}

const struct metric_subject *metric_subject_of(const struct metric_samples *samples,
					       enum metric_group_id group, uint32_t index)
{
	return (const struct metric_subject *)(samples->sets[group].samples +
					       index * metric_groups[group].sample_size);
}

static const void *value_of(const struct metric_subject *subject,
			    const struct metric_family *family)
{
	return (const char *)subject + family->offset;
}

uint64_t metric_number(const struct metric_subject *subject, const struct metric_family *family)
{
	return *(const uint64_t *)value_of(subject, family);
}

const char *metric_text(const struct metric_subject *subject, const struct metric_family *family)
{
	return *(const char *const *)value_of(subject, family);
}

const struct histogram *metric_histogram(const struct metric_subject *subject,
					 const struct metric_family *family)
{
	return *(const struct histogram *const *)value_of(subject, family);
}
