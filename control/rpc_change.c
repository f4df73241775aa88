/* SPDX-License-Identifier: BSD-3-Clause */
#include "rpc_change.h"

#include <inttypes.h>
#include <string.h>

#include "balancer.h"

enum rpc_error rpc_check_generation(struct rpc_call *call, bool given, uint64_t generation)
{
	uint64_t in_force = balancer_generation(call->context->balancer);

	if (!given || generation == in_force)
		return RPC_OK;
	field_errors_add(&call->errors, &(struct field_path){NULL, "generation", 0},
			 "%" PRIu64 " is not in force; %" PRIu64 " is", generation, in_force);
	return RPC_STALE_GENERATION;
}

static json_t *member_or_new(json_t *object, const char *name)
{
	json_t *member = json_object_get(object, name);

	if (member)
		return member;
	json_object_set_new(object, name, json_object());
	return json_object_get(object, name);
}

/*
 * Puts in what the sender leaves to this node: the key, when the sender was shown "unchanged"
 * for it, and the cores that were chosen when the node came up without being told. (Asking
 * again would get another answer: the workers have cores of their own by now.)
 */
static bool complete(json_t *config, const struct config *running)
{
	json_t *encoded = config_encode(running);
	json_t *node = json_object_get(config, "node");
	const char *key = json_string_value(json_object_get(node, "key"));
	json_t *workers;

	if (!encoded)
		return false;
	if (key && strcmp(key, FIELD_UNCHANGED) == 0)
		json_object_set(node, "key",
				json_object_get(json_object_get(encoded, "node"), "key"));
	workers = member_or_new(config, "workers");
	if (json_is_object(workers) && !json_object_get(workers, "cores"))
		json_object_set(workers, "cores",
				json_object_get(json_object_get(encoded, "workers"), "cores"));
	json_decref(encoded);
	return true;
}

enum rpc_error rpc_decode_config(struct rpc_call *call, json_t *config, struct config **out_next)
{
	if (!complete(config, balancer_config(call->context->balancer)))
		return RPC_INTERNAL_ERROR;
	*out_next = config_decode(config, &call->errors);
	if (*out_next)
		return RPC_OK;
	field_errors_prefix(&call->errors, "/config");
	return RPC_INVALID_PARAMS;
}

static const struct field changed_fields[] = {
	RPC_CHANGED_RESULT(struct rpc_changed, ),
};
const struct shape rpc_changed_result =
	SHAPE("changed", struct rpc_changed, changed_fields, "What a change has led to");

enum rpc_error rpc_apply(struct rpc_call *call, struct config *next, struct rpc_changed *out)
{
	const uint64_t before = balancer_generation(call->context->balancer);
	struct mr_error error;

	if (balancer_apply(call->context->balancer, next, &error) < 0) {
		field_errors_add(&call->errors, NULL, "%s", error.text);
		return RPC_REFUSED;
	}
	out->generation = balancer_generation(call->context->balancer);
	out->changed = out->generation != before;
	return RPC_OK;
}
