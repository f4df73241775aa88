/* SPDX-License-Identifier: BSD-3-Clause */
#include "rpc_limits.h"

#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "balancer.h"
#include "captures.h"
#include "dialogue.h"
#include "history.h"
#include "log.h"
#include "pin_sweep.h"
#include "rpc_server.h"
#include "stats_samples.h"

static const struct field limit_fields[] = {
	{"name", FIELD_NAME, FIELD_AT(struct limit_row, name), .required = true,
	 .text = "What is limited"},
	{"used", FIELD_UINT, FIELD_AT(struct limit_row, used),
	 FIELD_PRESENT(struct limit_row, is_counted),
	 .text = "How many there are; absent where nobody counts"},
	{"max", FIELD_UINT, FIELD_AT(struct limit_row, max), .required = true,
	 .text = "How many there can be"},
};
const struct shape rpc_limit_shape =
	SHAPE("limit", struct limit_row, limit_fields, "A bound and its use");

static void add(struct limits *limits, const struct limit_row *row)
{
	struct limit_row *rows = realloc(limits->rows, (limits->count + 1) * sizeof(*rows));

	if (rows == NULL) {
		limits->failed = true;
		return;
	}
	limits->rows = rows;
	rows[limits->count] = *row;
	rows[limits->count].name = strdup(row->name);
	limits->failed |= rows[limits->count].name == NULL;
	limits->count++;
}

void limits_add(struct limits *limits, const char *name, uint64_t used, uint64_t max)
{
	add(limits, &(struct limit_row){(char *)name, true, used, max});
}

void limits_add_bound(struct limits *limits, const char *name, uint64_t max)
{
	add(limits, &(struct limit_row){(char *)name, false, 0, max});
}

static uint32_t count_backends(const struct config *config)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < config->pool_count; i++)
		count += config->pools[i].backend_count;
	return count;
}

static uint64_t most_queues(const struct balancer *balancer)
{
	const struct mr_dataplane *dp = balancer_dataplane(balancer);
	struct mr_port_info info;
	uint64_t most = 0;

	for (uint32_t i = 0; mr_dataplane_port_info(dp, i, &info) == 0; i++)
		most = RTE_MAX(most, (uint64_t)info.queues);
	return most;
}

/* The two counters are not read at once. */
static uint64_t most_fragments_kept(const struct mr_dataplane *dp)
{
	uint64_t most = 0;

	for (uint32_t i = 0; i < mr_dataplane_worker_count(dp); i++) {
		const struct mr_worker_counters *counters = mr_dataplane_counters(dp, i);
		const uint64_t released = MR_COUNTER_READ(counters->fragments_released);
		const uint64_t kept = MR_COUNTER_READ(counters->fragments_kept);

		if (kept > released)
			most = RTE_MAX(most, kept - released);
	}
	return most;
}

static void add_configured(const struct rpc_context *context, struct limits *out)
{
	const struct config *config = balancer_config(context->balancer);
	const struct balancer_use use = balancer_use(context->balancer);

	limits_add(out, "workers", config->workers.core_count, MR_WORKERS_MAX);
	limits_add(out, "ports", config->port_count, MR_PORTS_MAX);
	limits_add(out, "port_queues", most_queues(context->balancer), MR_QUEUES_MAX);
	limits_add(out, "pools", config->pool_count, MR_POOLS_MAX);
	limits_add(out, "backends", count_backends(config), MR_BACKENDS_MAX);
	limits_add(out, "services", config->service_count, MR_SERVICES_MAX);
	limits_add(out, "endpoints", config_count_endpoints(config), MR_ENDPOINTS_MAX);
	limits_add(out, "nat_sources", use.nat_sources, MR_NAT_SOURCES_MAX);
	limits_add(out, "probe_sources", use.probe_sources, MR_PROBE_SOURCES_MAX);
	limits_add_bound(out, "session_idle_s", MR_SESSION_IDLE_MAX_S);
	limits_add_bound(out, "name_bytes", MR_NAME_MAX - 1);
}

static void add_dataplane(const struct rpc_context *context, struct limits *out)
{
	struct mr_dataplane *dp = balancer_dataplane(context->balancer);
	const struct mr_pin_table *pins = mr_dataplane_pins(dp);

	limits_add(out, "pins", mr_pin_table_count(pins), mr_pin_table_budget(pins));
	limits_add_bound(out, "embryonic_pin_s", PIN_SWEEP_EMBRYONIC_S);
	limits_add_bound(out, "closing_pin_s", PIN_SWEEP_CLOSING_S);
	limits_add_bound(out, "syn_repeat_s", MR_SYN_REPEAT_S);
	limits_add(out, "fragments_kept_by_worker", most_fragments_kept(dp), MR_FRAGMENTS_KEPT_MAX);
	limits_add_bound(out, "datagrams_by_worker", MR_DATAGRAMS_MAX);
	limits_add_bound(out, "fragment_timeout_s", MR_FRAGMENT_TIMEOUT_S);
	limits_add_bound(out, "too_big_by_worker_per_s", MR_TOO_BIG_PER_S);
	limits_add_bound(out, "worker_sleep_us", MR_WORKER_SLEEP_US);
	limits_add_bound(out, "extension_headers", MR_EXTENSIONS_MAX);
	limits_add_bound(out, "extension_bytes", MR_EXTENSION_BYTES_MAX);
}

static void add_memories(const struct rpc_context *context, struct limits *out)
{
	struct stats_samples_use use = {0};

	if (context->samples != NULL)
		use = stats_samples_use(context->samples);
	limits_add(out, "stats_samples", use.samples, STATS_SAMPLES_MAX);
	limits_add(out, "stats_sample_bytes", use.bytes, STATS_SAMPLES_BYTES_MAX);
	limits_add_bound(out, "stats_sample_s", STATS_SAMPLE_AGE_MS / 1000);
	limits_add_bound(out, "dialogues_by_backend", DIALOGUES_KEPT);
	limits_add_bound(out, "dialogue_bytes", DIALOGUE_BYTES_MAX);
	limits_add_bound(out, "similar_log_lines", LOG_SITE_LINES);
	limits_add_bound(out, "similar_log_lines_s", LOG_SITE_WINDOW_MS / 1000);
}

static void add_events(const struct rpc_context *context, struct limits *out)
{
	uint64_t kept = 0;

	if (context->events != NULL)
		kept = events_sequence(context->events) + 1 - events_oldest(context->events);
	limits_add(out, "events_kept", kept, EVENTS_KEPT);
	limits_add(out, "history_generations",
		   history_count(ledger_history(balancer_ledger(context->balancer))),
		   HISTORY_GENERATIONS);
	limits_add_bound(out, "captures", CAPTURES_MAX);
}

static void add_requests(const struct rpc_context *context, struct limits *out)
{
	const struct config_control_limits *limits =
		&balancer_config(context->balancer)->control.limits;
	const struct rpc_server *server = context->server;

	limits_add(out, "local_connections", server ? rpc_server_local_connections(server) : 0,
		   limits->connections);
	limits_add(out, "http_connections", server ? rpc_server_http_connections(server) : 0,
		   limits->connections);
	limits_add_bound(out, "request_bytes", limits->request_bytes);
	limits_add_bound(out, "request_depth", limits->depth);
	limits_add_bound(out, "requests_in_flight", limits->requests_in_flight);
	limits_add_bound(out, "send_buffer_bytes", limits->send_buffer_bytes);
	limits_add_bound(out, "batch_requests", RPC_BATCH_MAX);
	limits_add_bound(out, "answer_bytes", RPC_ANSWER_MAX);
}

typedef void limits_fn(const struct rpc_context *context, struct limits *out);

static limits_fn *const sources[] = {
	add_configured, add_dataplane, add_memories, add_events, add_requests,
};

bool rpc_limits_collect(const struct rpc_context *context, struct limits *out)
{
	*out = (struct limits){NULL};
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
		sources[i](context, out);
	if (!out->failed)
		return true;
	for (uint32_t i = 0; i < out->count; i++)
		free(out->rows[i].name);
	free(out->rows);
	*out = (struct limits){NULL};
	return false;
}
