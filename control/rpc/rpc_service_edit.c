/* SPDX-License-Identifier: BSD-3-Clause */
#include "balancer.h"
#include "config_tables.h"
#include "rpc_edit.h"
#include "rpc_find.h"
#include "rpc_methods.h"

struct service_add_params {
	struct config_service service;
	bool generation_given;
	uint64_t generation;
};

static const struct field add_fields[] = {
	{"service", FIELD_OBJECT, FIELD_AT(struct service_add_params, service), .required = true,
	 .shape = &config_service_shape, .text = "The service, as in the configuration"},
	RPC_GENERATION_FIELD(struct service_add_params),
};
static const struct shape add_params =
	SHAPE("service_add_params", struct service_add_params, add_fields, "A new service");

static enum rpc_error service_add(struct rpc_call *call)
{
	const struct service_add_params *params = call->params;
	const struct rpc_edit edit = {.call = call, .noun = RPC_SERVICE};
	enum rpc_error error;

	error = rpc_check_generation(call, params->generation_given, params->generation);
	return error == RPC_OK ? rpc_edit_add(&edit, &params->service, call->result) : error;
}

struct service_set_params {
	char *service;
	json_t *settings;
	bool generation_given;
	uint64_t generation;
};

static const struct field set_fields[] = {
	{"service", FIELD_NAME, FIELD_AT(struct service_set_params, service), .required = true,
	 .text = "Name of the service"},
	RPC_SETTINGS_FIELD(struct service_set_params, &config_service_shape),
	RPC_GENERATION_FIELD(struct service_set_params),
};
static const struct shape set_params = SHAPE("service_set_params", struct service_set_params,
					     set_fields, "What shall change about a service");

static enum rpc_error service_set(struct rpc_call *call)
{
	const struct service_set_params *params = call->params;
	const struct rpc_edit edit = {.call = call, .noun = RPC_SERVICE};
	enum rpc_error error;
	uint32_t index;

	error = rpc_check_generation(call, params->generation_given, params->generation);
	if (error == RPC_OK)
		error = rpc_find_service(call, params->service, &index);
	if (error == RPC_OK)
		error = rpc_edit_set(&edit, index, params->settings, call->result);
	return error;
}

struct service_remove_params {
	char *service;
	bool generation_given;
	uint64_t generation;
};

static const struct field remove_fields[] = {
	{"service", FIELD_NAME, FIELD_AT(struct service_remove_params, service), .required = true,
	 .text = "Name of the service"},
	RPC_GENERATION_FIELD(struct service_remove_params),
};
static const struct shape remove_params =
	SHAPE("service_remove_params", struct service_remove_params, remove_fields,
	      "Which service to remove");

static enum rpc_error service_remove(struct rpc_call *call)
{
	const struct service_remove_params *params = call->params;
	const struct rpc_edit edit = {.call = call, .noun = RPC_SERVICE};
	enum rpc_error error;

	error = rpc_check_generation(call, params->generation_given, params->generation);
	return error == RPC_OK ? rpc_edit_remove(&edit, params->service, call->result) : error;
}

const struct rpc_method rpc_service_edit_methods[] = {
	{
		.name = "service.add",
		.text = "Adds a service; one that is there already, and the same, is left alone",
		.handler = service_add,
		.role = RPC_ROLE_ADMIN,
		.changes_state = true,
		.params = &add_params,
		.result = &rpc_changed_result,
		.result_text = "The generation that has the service",
		.example_params = "{\"service\": {\"name\": \"submission\", \"namespace\": "
				  "\"mail.example.com\", \"addresses\": [\"10.0.0.10\"], "
				  "\"ports\": [465], \"pool\": \"hub-transport\"}}",
		.example_result = "{\"generation\": 8, \"changed\": true}",
	},
	{
		.name = "service.set",
		.text = "Changes settings of a service; sessions end at addresses and ports that "
			"it no longer has, and when it gets another pool",
		.handler = service_set,
		.role = RPC_ROLE_ADMIN,
		.changes_state = true,
		.params = &set_params,
		.result = &rpc_changed_result,
		.result_text = "The generation that has the settings",
		.example_params = "{\"service\": \"smtp\", \"settings\": {\"ports\": [25, 587]}, "
				  "\"generation\": 7}",
		.example_result = "{\"generation\": 8, \"changed\": true}",
	},
	{
		.name = "service.remove",
		.text = "Removes a service, with its sessions; one that is not there is no error",
		.handler = service_remove,
		.role = RPC_ROLE_ADMIN,
		.changes_state = true,
		.params = &remove_params,
		.result = &rpc_changed_result,
		.result_text = "The generation that has no such service",
		.example_params = "{\"service\": \"submission\"}",
		.example_result = "{\"generation\": 9, \"changed\": true}",
	},
	{.name = NULL},
};
