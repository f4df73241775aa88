/* SPDX-License-Identifier: BSD-3-Clause */
/* The configuration as a whole: shown, replaced, read again. */
#include "balancer.h"
#include "config_tables.h"
#include "reload.h"
#include "rpc_change.h"
#include "rpc_methods.h"
#include "rpc_source.h"

/* Longer than anybody watches a change. */
#define CONFIRM_WITHIN_MAX_MS (24 * 3600 * 1000)

struct config_get_params {
	bool source_given;
	uint32_t source;
	bool generation_given;
	uint64_t generation;
};

static const struct field get_params_fields[] = {
	{"source", FIELD_ENUM, FIELD_AT(struct config_get_params, source),
	 FIELD_PRESENT(struct config_get_params, source_given), .choices = rpc_sources,
	 .text = "running: the configuration in force, which is also shown unless source or "
		 "generation is given; file: what its file holds now"},
	{"generation", FIELD_UINT, FIELD_AT(struct config_get_params, generation),
	 FIELD_PRESENT(struct config_get_params, generation_given), .min = 1,
	 .text = "Generation to show, one that config.history knows"},
};
static const struct shape get_params = SHAPE("config_get_params", struct config_get_params,
					     get_params_fields, "Which configuration to show");

struct config_get_result {
	uint64_t generation;
	bool unconfirmed;
	uint64_t unconfirmed_ms;
	json_t *config;
};

static const struct field get_result_fields[] = {
	RPC_GENERATION_RESULT(struct config_get_result),
	{"unconfirmed_ms", FIELD_UINT, FIELD_AT(struct config_get_result, unconfirmed_ms),
	 FIELD_PRESENT(struct config_get_result, unconfirmed),
	 .text = "Milliseconds after which that generation is taken back unless it is confirmed; "
		 "absent: it needs not be"},
	{"config", FIELD_JSON, FIELD_AT(struct config_get_result, config), .required = true,
	 .shape = &config_shape,
	 .text = "The configuration with all defaults written out; \"unchanged\" stands for "
		 "secrets, and config.apply takes it for the secret in force"},
};
static const struct shape get_result =
	SHAPE("config_get_result", struct config_get_result, get_result_fields, "A configuration");

static enum rpc_error config_get(struct rpc_call *call)
{
	const struct config_get_params *params = call->params;
	const struct balancer *balancer = call->context->balancer;
	struct config_get_result *result = call->result;
	struct unconfirmed waiting;
	struct config *config;
	enum rpc_error error;

	if (params->source_given && params->generation_given) {
		field_errors_add(&call->errors, NULL, "either source or generation, not both");
		return RPC_INVALID_PARAMS;
	}
	error = params->generation_given
			? rpc_source_read(call, "generation", params->generation, &config)
			: rpc_source_read(call, "source", FIELD_WORD(params->source), &config);
	if (error != RPC_OK)
		return error;
	result->generation = balancer_generation(balancer);
	result->unconfirmed = ledger_unconfirmed(balancer_ledger(balancer), &waiting);
	result->unconfirmed_ms = result->unconfirmed ? waiting.left_ms : 0;
	result->config = shape_encode(&config_shape, config, SHAPE_REDACT);
	config_free(config);
	return result->config ? RPC_OK : RPC_INTERNAL_ERROR;
}

struct config_apply_params {
	json_t *config;
	bool generation_given;
	uint64_t generation;
	bool confirm_within_given;
	uint32_t confirm_within_ms;
};

static const struct field apply_fields[] = {
	{"config", FIELD_JSON, FIELD_AT(struct config_apply_params, config), .required = true,
	 .shape = &config_shape, .text = "The whole configuration as it shall be"},
	RPC_GENERATION_FIELD(struct config_apply_params),
	{"confirm_within", FIELD_DURATION, FIELD_AT(struct config_apply_params, confirm_within_ms),
	 FIELD_PRESENT(struct config_apply_params, confirm_within_given), .min = 1000,
	 .max = CONFIRM_WITHIN_MAX_MS,
	 .text = "Time within which config.confirm has to follow: else the configuration before "
		 "it is in force again. Until then the file keeps that one",
	 .example = "\"60s\""},
};
static const struct shape apply_params = SHAPE("config_apply_params", struct config_apply_params,
					       apply_fields, "A configuration to apply");

static enum rpc_error config_apply(struct rpc_call *call)
{
	struct config_apply_params *params = call->params;
	const struct change change = {
		.author = rpc_author(call),
		.kind = CHANGE_APPLY,
		.confirm_within_ms = params->confirm_within_given ? params->confirm_within_ms : 0,
	};
	enum rpc_error error;
	struct config *next;

	error = rpc_check_generation(call, params->generation_given, params->generation);
	if (error != RPC_OK)
		return error;
	error = rpc_decode_config(call, params->config, &next);
	if (error != RPC_OK)
		return error;
	return rpc_apply_change(call, next, &change, call->result);
}

struct config_reload_params {
	bool generation_given;
	uint64_t generation;
};

static const struct field reload_fields[] = {
	RPC_GENERATION_FIELD(struct config_reload_params),
};
static const struct shape reload_params = SHAPE("config_reload_params", struct config_reload_params,
						reload_fields, "What the file is read for");

static enum rpc_error config_reload_file(struct rpc_call *call)
{
	const struct config_reload_params *params = call->params;
	const struct balancer *balancer = call->context->balancer;
	const uint64_t before = balancer_generation(balancer);
	const struct author author = rpc_author(call);
	struct rpc_changed *result = call->result;
	enum rpc_error error;

	error = rpc_check_generation(call, params->generation_given, params->generation);
	if (error != RPC_OK)
		return error;
	if (reload(call->context, &author, &call->errors) < 0)
		return RPC_REFUSED;
	result->generation = balancer_generation(balancer);
	result->changed = result->generation != before;
	return RPC_OK;
}

static enum rpc_error schema(struct rpc_call *call)
{
	call->document = config_schema();
	return call->document ? RPC_OK : RPC_INTERNAL_ERROR;
}

const struct rpc_method rpc_config_methods[] = {
	{
		.name = "config.get",
		.text = "Shows a configuration: the one in force, the file's, or a former one",
		.handler = config_get,
		.params = &get_params,
		.result = &get_result,
		.result_text = "The configuration, and the generation in force",
		.example_params = "{\"source\": \"running\"}",
	},
	{
		.name = "config.apply",
		.text = "Makes a configuration the one in force and saves it, whole or not at all; "
			"one that is in force already changes nothing",
		.handler = config_apply,
		.role = RPC_ROLE_ADMIN,
		.changes_state = true,
		.params = &apply_params,
		.result = &rpc_changed_result,
		.result_text = "The generation that the change has made",
		.example_params = "{\"config\": {\"node\": {\"name\": \"lb1\", \"key\": "
				  "\"unchanged\"}, \"ports\": [{\"name\": \"wan\", \"device\": "
				  "\"af_xdp:eth0\"}]}, \"generation\": 7, \"confirm_within\": "
				  "\"60s\"}",
		.example_result = "{\"generation\": 8, \"changed\": true}",
	},
	{
		.name = "config.reload",
		.text = "Reads the configuration's file and the certificates again, as SIGHUP "
			"does; a file with errors changes nothing",
		.handler = config_reload_file,
		.role = RPC_ROLE_ADMIN,
		.changes_state = true,
		.params = &reload_params,
		.result = &rpc_changed_result,
		.result_text = "The generation that the file has made",
		.example_params = "{}",
		.example_result = "{\"generation\": 8, \"changed\": true}",
	},
	{
		.name = "config.schema",
		.text = "Shows the JSON Schema (draft 2020-12) of configurations",
		.handler = schema,
		.result_text = "The schema itself",
		.example_params = "{}",
	},
	{.name = NULL},
};
