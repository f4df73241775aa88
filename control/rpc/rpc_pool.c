/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "balancer.h"
#include "config_tables.h"
#include "rpc_change.h"
#include "rpc_methods.h"

struct pool_row {
	char *name;
	enum mr_forwarding forwarding;
	enum config_health_type health;
	uint32_t backends;
	uint32_t up;
	uint32_t serving;
	struct pool_status status;
	uint32_t pins;
};

static const struct field row_fields[] = {
	{"name", FIELD_NAME, FIELD_AT(struct pool_row, name), .required = true,
	 .text = "Name of the pool"},
	{"forwarding", FIELD_ENUM, FIELD_AT(struct pool_row, forwarding), .required = true,
	 .choices = config_forwardings, .text = "How packets reach its backends"},
	{"health", FIELD_ENUM, FIELD_AT(struct pool_row, health), .required = true,
	 .choices = config_health_types, .text = "How they are probed"},
	{"backends", FIELD_UINT, FIELD_AT(struct pool_row, backends), .required = true,
	 .text = "How many they are"},
	{"up", FIELD_UINT, FIELD_AT(struct pool_row, up), .required = true,
	 .text = "How many of them are up"},
	{"serving", FIELD_UINT, FIELD_AT(struct pool_row, serving), .required = true,
	 .text = "How many of them get new sessions"},
	{"slots", FIELD_UINT, FIELD_AT(struct pool_row, status.slots), .required = true,
	 .text = "Entries of the Maglev table"},
	{"moving_slots", FIELD_UINT, FIELD_AT(struct pool_row, status.moving_slots),
	 .required = true,
	 .text = "Entries where older sessions still belong to another backend than new ones"},
	{"leaving_backends", FIELD_UINT, FIELD_AT(struct pool_row, status.leaving_backends),
	 .required = true,
	 .text = "Backends that were removed while sessions of theirs may be open"},
	{"pins", FIELD_UINT, FIELD_AT(struct pool_row, pins), .required = true,
	 .text = "Sessions remembered on its backends"},
};
static const struct shape row_shape =
	SHAPE("pool_row", struct pool_row, row_fields, "A pool and its state");

struct pool_list_result {
	uint64_t generation;
	struct pool_row *pools;
	uint32_t pool_count;
};

enum { LIST_POOLS = 1 };

static const struct field list_fields[] = {
	RPC_GENERATION_RESULT(struct pool_list_result),
	[LIST_POOLS] = {"pools", FIELD_OBJECT,
			FIELD_LIST_AT(struct pool_list_result, pools, pool_count), .required = true,
			.shape = &row_shape, .text = "In the order of the configuration"},
};
static const struct shape list_result =
	SHAPE("pool_list_result", struct pool_list_result, list_fields, "All pools");

static bool fill_row(const struct balancer *balancer, uint32_t index, struct pool_row *row)
{
	const struct config_pool *pool = &balancer_config(balancer)->pools[index];
	struct backend_status backend;

	row->name = strdup(pool->name);
	row->forwarding = pool->forwarding;
	row->health = pool->health.type;
	row->backends = pool->backend_count;
	balancer_pool_status(balancer, index, &row->status);
	for (uint32_t i = 0; i < pool->backend_count; i++) {
		balancer_backend_status(balancer, index, i, &backend);
		row->up += backend.health.verdict == HEALTH_UP;
		row->serving += backend.slots > 0;
		row->pins += backend.pins;
	}
	return row->name;
}

static enum rpc_error pool_list(struct rpc_call *call)
{
	const struct balancer *balancer = call->context->balancer;
	uint32_t count = balancer_config(balancer)->pool_count;
	struct pool_list_result *result = call->result;
	bool ok = field_list_alloc(&list_fields[LIST_POOLS], result, count);

	result->generation = balancer_generation(balancer);
	for (uint32_t i = 0; ok && i < count; i++)
		ok = fill_row(balancer, i, &result->pools[i]);
	return ok ? RPC_OK : RPC_INTERNAL_ERROR;
}

const struct rpc_method rpc_pool_methods[] = {
	{
		.name = "pool.list",
		.text = "Shows all pools with the state of their tables",
		.handler = pool_list,
		.result = &list_result,
		.result_text = "All pools",
		.example_params = "{}",
		.example_result =
			"{\"generation\": 7, \"pools\": [{\"name\": \"hub-transport\", "
			"\"forwarding\": \"l2dsr\", \"health\": \"smtp\", \"backends\": 2, "
			"\"up\": 2, \"serving\": 1, \"slots\": 65537, \"moving_slots\": 32768, "
			"\"leaving_backends\": 0, \"pins\": 17}]}",
	},
	{.name = NULL},
};
