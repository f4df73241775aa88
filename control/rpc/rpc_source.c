/* SPDX-License-Identifier: BSD-3-Clause */
#include "rpc_source.h"

#include <errno.h>
#include <inttypes.h>

#include "balancer.h"
#include "config_complete.h"
#include "config_file.h"

const char *const rpc_sources[] = {"running", "file", NULL};

static enum rpc_error read_running(const struct rpc_call *call, struct config **out)
{
	struct config *copy = config_copy(balancer_config(call->context->balancer));

	if (!copy)
		return RPC_INTERNAL_ERROR;
	*out = copy;
	return RPC_OK;
}

static enum rpc_error read_file(struct rpc_call *call, const struct field_path *path,
				struct config **out)
{
	const struct rpc_context *context = call->context;
	struct config *config;

	if (!context->config_path) {
		field_errors_add(&call->errors, path, "this node has no file");
		return RPC_NOT_FOUND;
	}
	config = config_reload(context->config_path, balancer_config(context->balancer), NULL,
			       &call->errors);
	if (!config)
		return RPC_NOT_FOUND;
	*out = config;
	return RPC_OK;
}

/* Secrets are not in the history: those in force take their places. */
static enum rpc_error decode_former(struct rpc_call *call, json_t *json, struct config **out)
{
	const struct config *running = balancer_config(call->context->balancer);

	if (!config_complete_secrets(json, running))
		return RPC_INTERNAL_ERROR;
	*out = config_decode(json, &call->errors);
	return *out ? RPC_OK : RPC_NOT_FOUND;
}

static enum rpc_error read_generation(struct rpc_call *call, const struct field_path *path,
				      uint64_t generation, struct config **out)
{
	const struct balancer *balancer = call->context->balancer;
	const struct history *history = ledger_history(balancer_ledger(balancer));
	enum rpc_error error;
	json_t *json;
	int rc;

	rc = history_config(history, generation, balancer_config(balancer), &json);
	if (rc == -ENOMEM)
		return RPC_INTERNAL_ERROR;
	if (rc < 0) {
		field_errors_add(&call->errors, path,
				 "generation %" PRIu64 " is not in the history: see config.history",
				 generation);
		return RPC_NOT_FOUND;
	}
	error = decode_former(call, json, out);
	json_decref(json);
	return error;
}

enum rpc_error rpc_source_read(struct rpc_call *call, const char *parameter, uint64_t source,
			       struct config **out)
{
	const struct field_path path = {NULL, parameter, 0};

	if (source == RPC_SOURCE_RUNNING)
		return read_running(call, out);
	if (source == RPC_SOURCE_FILE)
		return read_file(call, &path, out);
	return read_generation(call, &path, source, out);
}
