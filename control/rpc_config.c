/* SPDX-License-Identifier: BSD-3-Clause */
#include "balancer.h"
#include "config_tables.h"
#include "rpc_change.h"
#include "rpc_methods.h"

struct config_get_result {
	uint64_t generation;
	json_t *config;
};

static const struct field get_result_fields[] = {
	RPC_GENERATION_RESULT(struct config_get_result),
	{"config", FIELD_JSON, FIELD_AT(struct config_get_result, config), .required = true,
	 .shape = &config_shape,
	 .text = "The configuration with all defaults written out; \"unchanged\" stands for "
		 "secrets, and config.apply takes it for the secret in force"},
};
static const struct shape get_result =
	SHAPE("config_get_result", struct config_get_result, get_result_fields, "A configuration");

static enum rpc_error config_get(struct rpc_call *call)
{
	struct config_get_result *result = call->result;

	result->generation = balancer_generation(call->context->balancer);
	result->config =
		shape_encode(&config_shape, balancer_config(call->context->balancer), SHAPE_REDACT);
	return result->config ? RPC_OK : RPC_INTERNAL_ERROR;
}

struct config_apply_params {
	json_t *config;
	bool generation_given;
	uint64_t generation;
};

static const struct field apply_fields[] = {
	{"config", FIELD_JSON, FIELD_AT(struct config_apply_params, config), .required = true,
	 .shape = &config_shape, .text = "The whole configuration as it shall be"},
	RPC_GENERATION_FIELD(struct config_apply_params),
};
static const struct shape apply_params = SHAPE("config_apply_params", struct config_apply_params,
					       apply_fields, "A configuration to apply");

static enum rpc_error config_apply(struct rpc_call *call)
{
	struct config_apply_params *params = call->params;
	enum rpc_error error;
	struct config *next;

	error = rpc_check_generation(call, params->generation_given, params->generation);
	if (error != RPC_OK)
		return error;
	error = rpc_decode_config(call, params->config, &next);
	if (error != RPC_OK)
		return error;
	return rpc_apply(call, next, call->result);
}

static enum rpc_error schema(struct rpc_call *call)
{
	call->document = config_schema();
	return call->document ? RPC_OK : RPC_INTERNAL_ERROR;
}

const struct rpc_method rpc_config_methods[] = {
	{
		.name = "config.get",
		.text = "Shows the configuration in force",
		.handler = config_get,
		.result = &get_result,
		.result_text = "The configuration and its generation",
	},
	{
		.name = "config.apply",
		.text = "Makes a configuration the one in force and saves it, whole or not at all",
		.handler = config_apply,
		.role = RPC_ROLE_ADMIN,
		.changes_state = true,
		.params = &apply_params,
		.result = &rpc_changed_result,
		.result_text = "The generation that the change has made",
		.example_params = "{\"config\": {\"node\": {\"name\": \"lb1\", \"key\": "
				  "\"unchanged\"}, \"ports\": [{\"name\": \"wan\", \"device\": "
				  "\"af_xdp:eth0\"}]}, \"generation\": 7}",
		.example_result = "{\"generation\": 8, \"changed\": true}",
	},
	{
		.name = "config.schema",
		.text = "Shows the JSON Schema (draft 2020-12) of configurations",
		.handler = schema,
		.result_text = "The schema itself",
	},
	{.name = NULL},
};
