/* SPDX-License-Identifier: BSD-3-Clause */
#include "rpc_backend.h"

#include <string.h>

#include "balancer.h"
#include "config_tables.h"
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

struct backend_set_params {
	char *pool;
	char *backend;
	bool weight_given;
	uint32_t weight;
	bool state_given;
	enum config_backend_state state;
	bool generation_given;
	uint64_t generation;
};

static const struct field set_params_fields[] = {
	{"pool", FIELD_NAME, FIELD_AT(struct backend_set_params, pool), .required = true,
	 .text = "Pool that the backend belongs to"},
	{"backend", FIELD_NAME, FIELD_AT(struct backend_set_params, backend), .required = true,
	 .text = "Its name in that pool"},
	{"weight", FIELD_UINT, FIELD_AT(struct backend_set_params, weight),
	 FIELD_PRESENT(struct backend_set_params, weight_given), .max = 1000,
	 .text = "Its new weight; absent: as it is"},
	{"state", FIELD_ENUM, FIELD_AT(struct backend_set_params, state),
	 FIELD_PRESENT(struct backend_set_params, state_given), .choices = config_backend_states,
	 .text = "Its new state; absent: as it is"},
	RPC_GENERATION_FIELD(struct backend_set_params),
};
static const struct shape set_params =
	SHAPE("backend_set_params", struct backend_set_params, set_params_fields,
	      "What shall change about a backend");

struct backend_set_result {
	struct rpc_changed change;
	uint32_t weight;
	enum config_backend_state state;
};

static const struct field set_result_fields[] = {
	RPC_CHANGED_RESULT(struct backend_set_result, change.),
	{"weight", FIELD_UINT, FIELD_AT(struct backend_set_result, weight), .required = true,
	 .text = "The backend's weight now"},
	{"state", FIELD_ENUM, FIELD_AT(struct backend_set_result, state), .required = true,
	 .choices = config_backend_states, .text = "Its state now"},
};
static const struct shape set_result = SHAPE("backend_set_result", struct backend_set_result,
					     set_result_fields, "What the change has led to");

/* *@out_next: a copy of the configuration with the change. */
static enum rpc_error edit(struct rpc_call *call, struct config **out_next)
{
	const struct backend_set_params *params = call->params;
	const struct config *config = balancer_config(call->context->balancer);
	struct backend_set_result *result = call->result;
	struct config_backend *target;
	struct config *next;
	uint32_t pool, backend;

	if (rpc_find_backend(call, params->pool, params->backend, &pool, &backend) != RPC_OK)
		return RPC_NOT_FOUND;
	next = config_copy(config);
	if (!next)
		return RPC_INTERNAL_ERROR;
	target = &next->pools[pool].backends[backend];
	if (params->weight_given)
		target->weight = params->weight;
	if (params->state_given)
		target->state = params->state;
	result->weight = target->weight;
	result->state = target->state;
	*out_next = next;
	return RPC_OK;
}

static enum rpc_error backend_set(struct rpc_call *call)
{
	const struct backend_set_params *params = call->params;
	struct backend_set_result *result = call->result;
	enum rpc_error error;
	struct config *next = NULL;

	if (!params->weight_given && !params->state_given) {
		field_errors_add(&call->errors, NULL, "nothing to set: give weight, state or both");
		return RPC_INVALID_PARAMS;
	}
	error = rpc_check_generation(call, params->generation_given, params->generation);
	if (error == RPC_OK)
		error = edit(call, &next);
	if (error != RPC_OK)
		return error;
	return rpc_apply(call, next, &result->change);
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
		.name = "backend.set",
		.text = "Changes weight or state of a backend; its open sessions stay with it "
			"unless it is disabled",
		.handler = backend_set,
		.role = RPC_ROLE_OPERATE,
		.changes_state = true,
		.params = &set_params,
		.result = &set_result,
		.result_text = "The backend's settings and the generation that has them",
		.example_params = "{\"pool\": \"hub-transport\", \"backend\": \"hub1\", "
				  "\"state\": \"drain\"}",
		.example_result = "{\"generation\": 8, \"changed\": true, \"weight\": 100, "
				  "\"state\": \"drain\"}",
	},
	{.name = NULL},
};
