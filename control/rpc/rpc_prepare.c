/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "balancer.h"
#include "prepare.h"
#include "rpc_change.h"
#include "rpc_find.h"
#include "rpc_methods.h"

static const char *const systems[] = {
	[PREPARE_LINUX] = "linux",
	[PREPARE_FREEBSD] = "freebsd",
	[PREPARE_WINDOWS] = "windows",
	NULL,
};

struct prepare_params {
	char *pool;
	char *backend;
	enum prepare_os os;
	bool anonymous;
};

static const struct field params_fields[] = {
	{"pool", FIELD_NAME, FIELD_AT(struct prepare_params, pool), .required = true,
	 .text = "Pool that the backend belongs to"},
	{"backend", FIELD_NAME, FIELD_AT(struct prepare_params, backend), .required = true,
	 .text = "Its name in that pool"},
	{"os", FIELD_ENUM, FIELD_AT(struct prepare_params, os), .required = true,
	 .choices = systems, .text = "The server's operating system"},
	{"anonymous", FIELD_BOOL, FIELD_AT(struct prepare_params, anonymous),
	 .text = "Windows: Exchange takes mail from those who do not log in"},
};
static const struct shape params_shape = SHAPE("backend_prepare_params", struct prepare_params,
					       params_fields, "Which server shall be made ready");

struct prepare_result {
	uint64_t generation;
	struct prepare_script script;
};

static const struct field result_fields[] = {
	RPC_GENERATION_RESULT(struct prepare_result),
	{"commands", FIELD_STRING, FIELD_LIST_AT(struct prepare_result, script.lines, script.count),
	 .required = true, .text = "A script for the server, for sh or PowerShell, line by line"},
};
static const struct shape result_shape = SHAPE("backend_prepare_result", struct prepare_result,
					       result_fields, "How to make the server ready");

static enum rpc_error backend_prepare(struct rpc_call *call)
{
	const struct prepare_params *params = call->params;
	const struct balancer *balancer = call->context->balancer;
	struct prepare_result *result = call->result;
	struct prepare_request request = {
		.os = params->os,
		.anonymous = params->anonymous,
		.config = balancer_config(balancer),
	};
	struct backend_status status;
	struct mr_error error;
	int written;

	if (params->anonymous && params->os != PREPARE_WINDOWS) {
		field_errors_add(&call->errors, &(struct field_path){NULL, "anonymous", 0},
				 "only Exchange's Receive connector, hence \"windows\", has it");
		return RPC_INVALID_PARAMS;
	}
	if (rpc_find_backend(call, params->pool, params->backend, &request.pool,
			     &request.backend) != RPC_OK)
		return RPC_NOT_FOUND;
	balancer_backend_status(balancer, request.pool, request.backend, &status);
	request.from_known = status.source_set;
	request.from = status.source;
	request.gue_port = request.config->pools[request.pool].tunnel.port;
	request.packet_max_bytes = status.path_set ? status.packet_max_bytes : 0;
	result->generation = balancer_generation(balancer);
	written = prepare_write(&request, &result->script, &error);
	if (written == 0)
		return RPC_OK;
	field_errors_add(&call->errors, &(struct field_path){NULL, "os", 0}, "%s", error.text);
	return written == -EOPNOTSUPP ? RPC_INVALID_PARAMS : RPC_INTERNAL_ERROR;
}

const struct rpc_method rpc_prepare_methods[] = {
	{
		.name = "backend.prepare",
		.text = "Tells how to make a backend's server ready for its pool: a script for "
			"its operating system",
		.handler = backend_prepare,
		.params = &params_shape,
		.result = &result_shape,
		.result_text = "The script",
		.example_params = "{\"pool\": \"hub-transport\", \"backend\": \"hub1\", "
				  "\"os\": \"linux\"}",
		.example_result = "{\"generation\": 7, \"commands\": [\"#!/bin/sh\", \"set -e\", "
				  "\"sysctl -qw net/ipv4/conf/all/arp_ignore=1\", "
				  "\"sysctl -qw net/ipv4/conf/all/arp_announce=2\", "
				  "\"ip -4 address replace 10.0.0.10/32 dev lo\"]}",
	},
	{.name = NULL},
};
