/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "balancer.h"
#include "config_tables.h"
#include "rpc_edit.h"
#include "rpc_find.h"
#include "rpc_methods.h"

struct pool_add_params {
	struct config_pool pool;
	bool generation_given;
	uint64_t generation;
};

static const struct field add_fields[] = {
	{"pool", FIELD_OBJECT, FIELD_AT(struct pool_add_params, pool), .required = true,
	 .shape = &config_pool_shape, .text = "The pool, as in the configuration"},
	RPC_GENERATION_FIELD(struct pool_add_params),
};
static const struct shape add_params =
	SHAPE("pool_add_params", struct pool_add_params, add_fields, "A new pool");

static enum rpc_error pool_add(struct rpc_call *call)
{
	const struct pool_add_params *params = call->params;
	const struct rpc_edit edit = {.call = call, .noun = RPC_POOL};
	enum rpc_error error;

	error = rpc_check_generation(call, params->generation_given, params->generation);
	return error == RPC_OK ? rpc_edit_add(&edit, &params->pool, call->result) : error;
}

struct pool_set_params {
	char *pool;
	json_t *settings;
	bool generation_given;
	uint64_t generation;
};

static const struct field set_fields[] = {
	{"pool", FIELD_NAME, FIELD_AT(struct pool_set_params, pool), .required = true,
	 .text = "Name of the pool"},
	RPC_SETTINGS_FIELD(struct pool_set_params, &config_pool_shape),
	RPC_GENERATION_FIELD(struct pool_set_params),
};
static const struct shape set_params = SHAPE("pool_set_params", struct pool_set_params, set_fields,
					     "What shall change about a pool");

static enum rpc_error pool_set(struct rpc_call *call)
{
	const struct pool_set_params *params = call->params;
	const struct rpc_edit edit = {.call = call, .noun = RPC_POOL};
	enum rpc_error error;
	uint32_t index;

	error = rpc_check_generation(call, params->generation_given, params->generation);
	if (error == RPC_OK)
		error = rpc_find_pool(call, params->pool, &index);
	if (error == RPC_OK)
		error = rpc_edit_set(&edit, index, params->settings, call->result);
	return error;
}

struct pool_remove_params {
	char *pool;
	bool generation_given;
	uint64_t generation;
};

static const struct field remove_fields[] = {
	{"pool", FIELD_NAME, FIELD_AT(struct pool_remove_params, pool), .required = true,
	 .text = "Name of the pool"},
	RPC_GENERATION_FIELD(struct pool_remove_params),
};
static const struct shape remove_params = SHAPE("pool_remove_params", struct pool_remove_params,
						remove_fields, "Which pool to remove");

/* Names every service that would be left without a pool. */
static enum rpc_error check_unused(struct rpc_call *call, const char *pool)
{
	const struct config *config = balancer_config(call->context->balancer);

	for (uint32_t i = 0; i < config->service_count; i++) {
		if (strcmp(config->services[i].pool, pool) == 0)
			field_errors_add(&call->errors, &(struct field_path){NULL, "pool", 0},
					 "service \"%s\" uses it", config->services[i].name);
	}
	return field_errors_any(&call->errors) ? RPC_REFUSED : RPC_OK;
}

static enum rpc_error pool_remove(struct rpc_call *call)
{
	const struct pool_remove_params *params = call->params;
	const struct rpc_edit edit = {.call = call, .noun = RPC_POOL};
	enum rpc_error error;

	error = rpc_check_generation(call, params->generation_given, params->generation);
	if (error == RPC_OK)
		error = check_unused(call, params->pool);
	return error == RPC_OK ? rpc_edit_remove(&edit, params->pool, call->result) : error;
}

const struct rpc_method rpc_pool_edit_methods[] = {
	{
		.name = "pool.add",
		.text = "Adds a pool; one that is there already, and the same, is left alone",
		.handler = pool_add,
		.role = RPC_ROLE_ADMIN,
		.changes_state = true,
		.params = &add_params,
		.result = &rpc_changed_result,
		.result_text = "The generation that has the pool",
		.example_params = "{\"pool\": {\"name\": \"edge-transport\", \"backends\": "
				  "[{\"name\": \"edge1\", \"address\": \"10.0.1.11\"}]}}",
		.example_result = "{\"generation\": 8, \"changed\": true}",
	},
	{
		.name = "pool.set",
		.text = "Changes settings of a pool; its open sessions stay where they are, unless "
			"it is taken to or from nat",
		.handler = pool_set,
		.role = RPC_ROLE_ADMIN,
		.changes_state = true,
		.params = &set_params,
		.result = &rpc_changed_result,
		.result_text = "The generation that has the settings",
		.example_params = "{\"pool\": \"hub-transport\", \"settings\": {\"health\": "
				  "{\"interval\": \"2s\"}}}",
		.example_result = "{\"generation\": 8, \"changed\": true}",
	},
	{
		.name = "pool.remove",
		.text = "Removes a pool that no service uses; one that is not there is no error",
		.handler = pool_remove,
		.role = RPC_ROLE_ADMIN,
		.changes_state = true,
		.params = &remove_params,
		.result = &rpc_changed_result,
		.result_text = "The generation that has no such pool",
		.example_params = "{\"pool\": \"edge-transport\"}",
		.example_result = "{\"generation\": 9, \"changed\": true}",
	},
	{.name = NULL},
};
