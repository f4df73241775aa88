/* SPDX-License-Identifier: BSD-3-Clause */
#include "rpc_backend.h"

#include <string.h>

#include "balancer.h"
#include "config_tables.h"
#include "pool_outlook.h"
#include "rpc_change.h"
#include "rpc_counters.h"
#include "rpc_find.h"
#include "rpc_methods.h"

const char *const rpc_health_verdicts[] = {
	[HEALTH_UNKNOWN] = "unknown",
	[HEALTH_UP] = "up",
	[HEALTH_DOWN] = "down",
	NULL,
};

struct backend_row {
	char *pool;
	char *name;
	struct mr_addr address;
	enum mr_forwarding forwarding;
	uint32_t weight;
	enum config_backend_state state;
	char *reason;
	struct backend_status status;
	struct mr_flow_counters counters; /* those of @status */
};

static const struct field row_fields[] = {
	{"pool", FIELD_NAME, FIELD_AT(struct backend_row, pool), .required = true,
	 .text = "Pool that it belongs to"},
	{"name", FIELD_NAME, FIELD_AT(struct backend_row, name), .required = true,
	 .text = "Its name in that pool"},
	{"address", FIELD_ADDRESS, FIELD_AT(struct backend_row, address), .required = true,
	 .text = "The server's own address"},
	{"forwarding", FIELD_ENUM, FIELD_AT(struct backend_row, forwarding), .required = true,
	 .choices = config_forwardings, .text = "How packets reach it"},
	{"weight", FIELD_UINT, FIELD_AT(struct backend_row, weight), .required = true,
	 .text = "Its share of new sessions beside the others' weights"},
	{"state", FIELD_ENUM, FIELD_AT(struct backend_row, state), .required = true,
	 .choices = config_backend_states, .text = "What the administrator wants of it"},
	{"health", FIELD_ENUM, FIELD_AT(struct backend_row, status.health.verdict),
	 .required = true, .choices = rpc_health_verdicts, .text = "What its probes say"},
	{"reason", FIELD_STRING, FIELD_AT(struct backend_row, reason), .required = true,
	 .text = "Outcome of the last probe; empty before it"},
	{"probes", FIELD_UINT, FIELD_AT(struct backend_row, status.health.probes), .required = true,
	 .text = "Probes made"},
	{"failures", FIELD_UINT, FIELD_AT(struct backend_row, status.health.failures),
	 .required = true, .text = "Probes that failed"},
	{"changed_ms", FIELD_UINT, FIELD_AT(struct backend_row, status.health.changed_ms),
	 .required = true,
	 .text = "When its health changed last, in milliseconds since 1970 (UTC); 0: never"},
	{"latency_ms", FIELD_UINT, FIELD_AT(struct backend_row, status.health.latency_ms),
	 .required = true, .text = "How long the last good probe took, in milliseconds"},
	{"next_hop", FIELD_MAC, FIELD_AT(struct backend_row, status.next_hop),
	 FIELD_PRESENT(struct backend_row, status.next_hop_set),
	 .text = "Ethernet address that its packets are sent to; absent while it is not known"},
	{"path_mtu_bytes", FIELD_UINT, FIELD_AT(struct backend_row, status.path_mtu_bytes),
	 FIELD_PRESENT(struct backend_row, status.next_hop_set),
	 .text = "Largest IP packet that the path to it takes, outer headers included; absent "
		 "while the next hop is not known"},
	{"packet_max_bytes", FIELD_UINT, FIELD_AT(struct backend_row, status.packet_max_bytes),
	 FIELD_PRESENT(struct backend_row, status.path_set),
	 .text = "Largest packet of a session that it gets whole; absent while there is no path, "
		 "or none that is wide enough"},
	{"slots", FIELD_UINT, FIELD_AT(struct backend_row, status.slots), .required = true,
	 .text = "Entries of the pool's table that give it new sessions"},
	{"base_slots", FIELD_UINT, FIELD_AT(struct backend_row, status.base_slots),
	 .required = true, .text = "Entries where it only keeps its older sessions"},
	{"pins", FIELD_UINT, FIELD_AT(struct backend_row, status.pins), .required = true,
	 .text = "Sessions of its that are remembered"},
	RPC_FLOW_FIELDS(struct backend_row),
};
static const struct shape row_shape =
	SHAPE("backend_row", struct backend_row, row_fields, "A backend and its state");

struct backend_list_params {
	char *pool;
};

static const struct field list_params_fields[] = {
	{"pool", FIELD_NAME, FIELD_AT(struct backend_list_params, pool),
	 .text = "Only the backends of this pool"},
};
static const struct shape list_params = SHAPE("backend_list_params", struct backend_list_params,
					      list_params_fields, "Which backends to show");

struct backend_list_result {
	uint64_t generation;
	struct backend_row *backends;
	uint32_t backend_count;
};

enum { LIST_BACKENDS = 1 };

static const struct field list_result_fields[] = {
	RPC_GENERATION_RESULT(struct backend_list_result),
	[LIST_BACKENDS] = {"backends", FIELD_OBJECT,
			   FIELD_LIST_AT(struct backend_list_result, backends, backend_count),
			   .required = true, .shape = &row_shape,
			   .text = "In the order of the configuration"},
};
static const struct shape list_result =
	SHAPE("backend_list_result", struct backend_list_result, list_result_fields, "Backends");

static bool fill_row(const struct balancer *balancer, uint32_t pool, uint32_t backend,
		     struct backend_row *row)
{
	const struct config_pool *in_pool = &balancer_config(balancer)->pools[pool];
	const struct config_backend *config = &in_pool->backends[backend];

	row->pool = strdup(in_pool->name);
	row->name = strdup(config->name);
	row->address = config->address;
	row->forwarding = in_pool->forwarding;
	row->weight = config->weight;
	row->state = config->state;
	balancer_backend_status(balancer, pool, backend, &row->status);
	row->counters = row->status.counters;
	row->reason = strdup(row->status.health.reason);
	return row->pool && row->name && row->reason;
}

static bool fill_rows(const struct balancer *balancer, uint32_t first_pool, uint32_t end_pool,
		      struct backend_list_result *result)
{
	const struct config *config = balancer_config(balancer);
	uint32_t count = 0, row = 0;

	for (uint32_t i = first_pool; i < end_pool; i++)
		count += config->pools[i].backend_count;
	if (!field_list_alloc(&list_result_fields[LIST_BACKENDS], result, count))
		return false;
	for (uint32_t i = first_pool; i < end_pool; i++)
		for (uint32_t j = 0; j < config->pools[i].backend_count; j++)
			if (!fill_row(balancer, i, j, &result->backends[row++]))
				return false;
	return true;
}

static enum rpc_error backend_list(struct rpc_call *call)
{
	const struct backend_list_params *params = call->params;
	const struct balancer *balancer = call->context->balancer;
	struct backend_list_result *result = call->result;
	uint32_t first = 0, end = balancer_config(balancer)->pool_count;

	if (params->pool) {
		if (rpc_find_pool(call, params->pool, &first) != RPC_OK)
			return RPC_NOT_FOUND;
		end = first + 1;
	}
	result->generation = balancer_generation(balancer);
	return fill_rows(balancer, first, end, result) ? RPC_OK : RPC_INTERNAL_ERROR;
}

struct backend_show_params {
	char *pool;
	char *backend;
};

static const struct field show_params_fields[] = {
	{"pool", FIELD_NAME, FIELD_AT(struct backend_show_params, pool), .required = true,
	 .text = "Pool that the backend belongs to"},
	{"backend", FIELD_NAME, FIELD_AT(struct backend_show_params, backend), .required = true,
	 .text = "Its name in that pool"},
};
static const struct shape show_params = SHAPE("backend_show_params", struct backend_show_params,
					      show_params_fields, "Which backend to show");

struct backend_show_result {
	uint64_t generation;
	struct backend_row backend;
	char *port;
	bool exact;
	bool closed;
	uint64_t quiet_in_ms;
};

static const struct field show_result_fields[] = {
	RPC_GENERATION_RESULT(struct backend_show_result),
	{"backend", FIELD_OBJECT, FIELD_AT(struct backend_show_result, backend), .required = true,
	 .shape = &row_shape, .text = "The backend, as backend.list shows it"},
	{"port", FIELD_NAME, FIELD_AT(struct backend_show_result, port),
	 .text = "Port that its packets are sent on; absent while the next hop is not known"},
	{"source", FIELD_PREFIX, FIELD_AT(struct backend_show_result, backend.status.source),
	 FIELD_PRESENT(struct backend_show_result, backend.status.source_set),
	 .text = "Outer source address of tunnels to it, as configured or as the kernel would "
		 "choose it; absent while there is none"},
	{"exact", FIELD_BOOL, FIELD_AT(struct backend_show_result, exact), .required = true,
	 .text = "Whether its pins are all its sessions: it gets no new ones, and every older one "
		 "that was not silent for session_idle has been met"},
	{"quiet_in_ms", FIELD_UINT, FIELD_AT(struct backend_show_result, quiet_in_ms),
	 FIELD_PRESENT(struct backend_show_result, closed),
	 .text = "Milliseconds until it is known to have no session, if nobody speaks any more; "
		 "0: it is known; absent while it gets new sessions"},
};
static const struct shape show_result =
	SHAPE("backend_show_result", struct backend_show_result, show_result_fields,
	      "A backend and what is known of its sessions");

static bool fill_outlook(const struct balancer *balancer, uint32_t pool, uint32_t backend,
			 struct backend_show_result *result)
{
	const uint32_t now_s = mr_dataplane_clock_s(balancer_dataplane(balancer));
	const struct member_outlook *expected;
	struct pool_outlook outlook;

	if (pool_outlook_make(balancer_pool(balancer, pool), now_s, &outlook) < 0)
		return false;
	expected = &outlook.members[backend];
	result->exact = expected->exact && balancer_forgotten_sessions(balancer).none_of_late;
	result->closed = expected->closed;
	result->quiet_in_ms = (uint64_t)expected->quiet_in_s * 1000;
	pool_outlook_fini(&outlook);
	return true;
}

static enum rpc_error backend_show(struct rpc_call *call)
{
	const struct backend_show_params *params = call->params;
	const struct balancer *balancer = call->context->balancer;
	const struct config *config = balancer_config(balancer);
	struct backend_show_result *result = call->result;
	uint32_t pool, backend;

	if (rpc_find_backend(call, params->pool, params->backend, &pool, &backend) != RPC_OK)
		return RPC_NOT_FOUND;
	result->generation = balancer_generation(balancer);
	if (!fill_row(balancer, pool, backend, &result->backend) ||
	    !fill_outlook(balancer, pool, backend, result))
		return RPC_INTERNAL_ERROR;
	if (!result->backend.status.next_hop_set)
		return RPC_OK;
	result->port = strdup(config->ports[result->backend.status.port].name);
	return result->port ? RPC_OK : RPC_INTERNAL_ERROR;
}

const struct rpc_method rpc_backend_methods[] = {
	{
		.name = "backend.list",
		.text = "Shows backends with health, share and counters",
		.handler = backend_list,
		.params = &list_params,
		.result = &list_result,
		.result_text = "The backends",
		.example_params = "{\"pool\": \"hub-transport\"}",
		.example_result =
			"{\"generation\": 7, \"backends\": [{\"pool\": \"hub-transport\", "
			"\"name\": \"hub1\", \"address\": \"10.0.0.11\", \"forwarding\": "
			"\"l2dsr\", \"weight\": 100, \"state\": \"enabled\", \"health\": \"up\", "
			"\"reason\": \"250 mail.example.com\", \"probes\": 120, \"failures\": 0, "
			"\"changed_ms\": 1767225600000, \"latency_ms\": 3, \"next_hop\": "
			"\"02:00:00:00:00:11\", \"path_mtu_bytes\": 1500, \"packet_max_bytes\": "
			"1500, \"slots\": 32769, \"base_slots\": 0, \"pins\": 0, \"packets\": "
			"40617, \"bytes\": 30617283, \"sessions\": 256}]}",
	},
	{
		.name = "backend.show",
		.text = "Shows one backend, the way to it and what is known of its sessions",
		.handler = backend_show,
		.params = &show_params,
		.result = &show_result,
		.result_text = "The backend",
		.example_params = "{\"pool\": \"hub-transport\", \"backend\": \"hub1\"}",
		.example_result =
			"{\"generation\": 8, \"backend\": {\"pool\": \"hub-transport\", "
			"\"name\": \"hub1\", \"address\": \"10.0.0.11\", \"forwarding\": "
			"\"l2dsr\", \"weight\": 100, \"state\": \"drain\", \"health\": \"up\", "
			"\"reason\": \"250 mail.example.com\", \"probes\": 120, \"failures\": 0, "
			"\"changed_ms\": 1767225600000, \"latency_ms\": 3, \"next_hop\": "
			"\"02:00:00:00:00:11\", \"path_mtu_bytes\": 1500, \"packet_max_bytes\": "
			"1500, \"slots\": 0, \"base_slots\": 32769, \"pins\": 17, \"packets\": "
			"40617, \"bytes\": 30617283, \"sessions\": 256}, \"port\": \"wan\", "
			"\"exact\": false, \"quiet_in_ms\": 889000}",
	},
	{.name = NULL},
};
