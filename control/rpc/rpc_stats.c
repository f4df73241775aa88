/* SPDX-License-Identifier: BSD-3-Clause */
#include "rpc_stats.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "balancer.h"
#include "rpc_change.h"
#include "rpc_counters.h"
#include "rpc_limits.h"
#include "rpc_methods.h"
#include "rpc_stats_growth.h"
#include "stats_samples.h"

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
	WORKER_STATS_FIELDS,
};
static const struct shape total_shape =
	SHAPE("total", struct total_stats, total_fields, "Counters of all workers");

static const struct field service_fields[] = {
	{"name", FIELD_NAME, FIELD_AT(struct service_stats, name), .required = true,
	 .text = "Name of the service"},
	RPC_FLOW_FIELDS(struct service_stats),
};
static const struct shape service_shape =
	SHAPE("service_stats", struct service_stats, service_fields, "Counters of one service");

static const struct field backend_fields[] = {
	{"pool", FIELD_NAME, FIELD_AT(struct backend_stats, pool), .required = true,
	 .text = "Pool that the backend belongs to"},
	{"name", FIELD_NAME, FIELD_AT(struct backend_stats, name), .required = true,
	 .text = "Its name in that pool"},
	RPC_FLOW_FIELDS(struct backend_stats),
};
static const struct shape backend_shape =
	SHAPE("backend_stats", struct backend_stats, backend_fields, "Counters of one backend");

static const struct field port_fields[] = {
	{"name", FIELD_NAME, FIELD_AT(struct port_stats, name), .required = true,
	 .text = "Name of the port"},
	{"mac", FIELD_MAC, FIELD_AT(struct port_stats, info.mac), .required = true,
	 .text = "Its Ethernet address"},
	{"link_up", FIELD_BOOL, FIELD_AT(struct port_stats, info.link_up), .required = true,
	 .text = "Whether its link is up"},
	{"mtu_bytes", FIELD_UINT, FIELD_AT(struct port_stats, info.mtu), .required = true,
	 .text = "Largest IP packet that it takes"},
	{"queues", FIELD_UINT, FIELD_AT(struct port_stats, info.queues), .required = true,
	 .text = "Receive queues"},
	PORT_COUNTER_FIELDS(struct port_stats, counters., "", ""),
};
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

struct stats_get_params {
	bool since_given;
	uint64_t since;
};

static const struct field params_fields[] = {
	{"since", FIELD_UINT, FIELD_AT(struct stats_get_params, since),
	 FIELD_PRESENT(struct stats_get_params, since_given),
	 .text = "The sample of an earlier answer: growth tells what has come since then"},
};
static const struct shape stats_params = SHAPE("stats_get_params", struct stats_get_params,
					       params_fields, "From when on growth is reckoned");

struct stats_result {
	uint64_t generation;
	uint64_t uptime_s;
	struct total_stats total;
	struct stats_rows rows;
	struct pin_stats pins;
	struct limit_row *limits;
	uint32_t limit_count;
	bool sample_given;
	uint64_t sample;
	bool growth_given;
	struct stats_growth growth;
};

enum { STATS_WORKERS = 3, STATS_SERVICES, STATS_BACKENDS, STATS_PORTS };

static const struct field stats_fields[] = {
	RPC_GENERATION_RESULT(struct stats_result),
	{"uptime_s", FIELD_UINT, FIELD_AT(struct stats_result, uptime_s), .required = true,
	 .text = "Seconds since counting began"},
	{"total", FIELD_OBJECT, FIELD_AT(struct stats_result, total), .required = true,
	 .shape = &total_shape, .text = "All workers together"},
	[STATS_WORKERS] = {"workers", FIELD_OBJECT,
			   FIELD_LIST_AT(struct stats_result, rows.workers, rows.worker_count),
			   .required = true, .shape = &stats_worker_shape, .text = "Each worker"},
	[STATS_SERVICES] = {"services", FIELD_OBJECT,
			    FIELD_LIST_AT(struct stats_result, rows.services, rows.service_count),
			    .required = true, .shape = &service_shape, .text = "Each service"},
	[STATS_BACKENDS] = {"backends", FIELD_OBJECT,
			    FIELD_LIST_AT(struct stats_result, rows.backends, rows.backend_count),
			    .required = true, .shape = &backend_shape, .text = "Each backend"},
	[STATS_PORTS] = {"ports", FIELD_OBJECT,
			 FIELD_LIST_AT(struct stats_result, rows.ports, rows.port_count),
			 .required = true, .shape = &port_shape, .text = "Each port"},
	{"pins", FIELD_OBJECT, FIELD_AT(struct stats_result, pins), .required = true,
	 .shape = &pin_shape, .text = "Remembered sessions"},
	{"limits", FIELD_OBJECT, FIELD_LIST_AT(struct stats_result, limits, limit_count),
	 .required = true, .shape = &rpc_limit_shape, .text = "Bounds and how far they are used"},
	{"sample", FIELD_UINT, FIELD_AT(struct stats_result, sample),
	 FIELD_PRESENT(struct stats_result, sample_given),
	 .text = "Names this answer for the parameter since of a later call, as long as it is "
		 "kept; about its time, in milliseconds since 1970 (UTC)"},
	{"growth", FIELD_OBJECT, FIELD_AT(struct stats_result, growth),
	 FIELD_PRESENT(struct stats_result, growth_given), .shape = &rpc_stats_growth_shape,
	 .text = "By how much the counters have grown since the sample that was asked for"},
};
static const struct shape stats_result = SHAPE("stats_result", struct stats_result, stats_fields,
					       "Every counter, and how far limits are used");

static bool fill_workers(const struct balancer *balancer, struct stats_result *result)
{
	const struct config_workers *workers = &balancer_config(balancer)->workers;
	const struct mr_dataplane *dp = balancer_dataplane(balancer);

	if (!field_list_alloc(&stats_fields[STATS_WORKERS], result, workers->core_count))
		return false;
	for (uint32_t i = 0; i < workers->core_count; i++) {
		result->rows.workers[i].core = workers->cores[i];
		stats_read_worker(mr_dataplane_counters(dp, i), &result->rows.workers[i]);
		stats_add_worker(&result->total.workers, &result->rows.workers[i]);
	}
	return true;
}

static bool fill_services(const struct balancer *balancer, struct stats_result *result)
{
	const struct config *config = balancer_config(balancer);

	if (!field_list_alloc(&stats_fields[STATS_SERVICES], result, config->service_count))
		return false;
	for (uint32_t i = 0; i < config->service_count; i++) {
		struct service_stats *row = &result->rows.services[i];

		row->name = strdup(config->services[i].name);
		if (!row->name)
			return false;
		balancer_service_counters(balancer, i, &row->counters);
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
	row = result->rows.backends;
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
		struct port_stats *row = &result->rows.ports[i];

		row->name = strdup(config->ports[i].name);
		if (!row->name || mr_dataplane_port_info(dp, i, &row->info) < 0)
			return false;
		stats_read_port(&row->info, &row->counters);
	}
	return true;
}

static void fill_pins(const struct mr_pin_table *pins, struct pin_stats *out)
{
	*out = (struct pin_stats){
		.count = mr_pin_table_count(pins),
		.budget = mr_pin_table_budget(pins),
		.bytes = mr_pin_table_bytes(pins),
		.huge_page_bytes = mr_pin_table_huge_bytes(pins),
	};
}

static bool fill_limits(const struct rpc_context *context, struct stats_result *result)
{
	struct limits limits;

	if (!rpc_limits_collect(context, &limits))
		return false;
	result->limits = limits.rows;
	result->limit_count = limits.count;
	return true;
}

static struct stats_sample *sample_of(const struct stats_rows *rows)
{
	struct stats_sample *sample = stats_sample_create(&(struct stats_sample_sizes){
		rows->worker_count, rows->port_count, rows->service_count, rows->backend_count});

	if (!sample)
		return NULL;
	memcpy(sample->workers, rows->workers, rows->worker_count * sizeof(*rows->workers));
	for (uint32_t i = 0; i < rows->port_count; i++)
		sample->ports[i] = rows->ports[i].counters;
	for (uint32_t i = 0; i < rows->service_count; i++)
		sample->services[i] = (struct flow_sample){
			stats_flow_key("", rows->services[i].name), rows->services[i].counters};
	for (uint32_t i = 0; i < rows->backend_count; i++)
		sample->backends[i] = (struct flow_sample){
			stats_flow_key(rows->backends[i].pool, rows->backends[i].name),
			rows->backends[i].counters};
	return sample;
}

/* @earlier: NULL: growth is not asked for. */
static bool fill_sample(struct stats_samples *samples, const struct stats_sample *earlier,
			struct stats_result *result)
{
	struct stats_sample *now = sample_of(&result->rows);
	bool ok = true;

	if (!now)
		return false;
	stats_samples_stamp(samples, now);
	result->sample_given = true;
	result->sample = now->number;
	if (earlier) {
		result->growth_given = true;
		ok = rpc_stats_growth(&result->rows, now, earlier, &result->growth);
	}
	/* From here on @earlier may be gone. */
	stats_samples_keep(samples, now);
	return ok;
}

static enum rpc_error refuse_since(struct rpc_call *call, uint64_t since, uint64_t oldest)
{
	const struct field_path path = {NULL, "since", 0};

	if (oldest == 0)
		field_errors_add(&call->errors, &path,
				 "sample %" PRIu64 " is not kept, nor is any other", since);
	else
		field_errors_add(&call->errors, &path,
				 "sample %" PRIu64 " is not kept, or never was; the oldest that "
				 "is kept is %" PRIu64,
				 since, oldest);
	return RPC_NOT_FOUND;
}

static enum rpc_error stats_get(struct rpc_call *call)
{
	const struct stats_get_params *params = call->params;
	const struct balancer *balancer = call->context->balancer;
	struct stats_samples *samples = call->context->samples;
	const struct stats_sample *earlier = NULL;
	struct stats_result *result = call->result;

	if (params->since_given) {
		earlier = samples ? stats_samples_find(samples, params->since) : NULL;
		if (!earlier)
			return refuse_since(call, params->since,
					    samples ? stats_samples_oldest(samples) : 0);
	}
	result->generation = balancer_generation(balancer);
	result->uptime_s = balancer_uptime_s(balancer);
	result->total.forgotten = balancer_forgotten_sessions(balancer);
	fill_pins(mr_dataplane_pins(balancer_dataplane(balancer)), &result->pins);
	if (!fill_workers(balancer, result) || !fill_services(balancer, result) ||
	    !fill_backends(balancer, result) || !fill_ports(balancer, result) ||
	    !fill_limits(call->context, result) ||
	    (samples && !fill_sample(samples, earlier, result)))
		return RPC_INTERNAL_ERROR;
	return RPC_OK;
}

const struct rpc_method rpc_stats_methods[] = {
	{
		.name = "stats.get",
		.text = "Shows every counter: workers, services, backends, ports, pins, limits; "
			"and "
			"by how much they have grown since an earlier answer",
		.handler = stats_get,
		.role = RPC_ROLE_READ,
		.params = &stats_params,
		.result = &stats_result,
		.result_text = "Every counter, and how far limits are used",
		.example_params = "{}",
	},
	{.name = NULL},
};
