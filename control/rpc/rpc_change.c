/* SPDX-License-Identifier: BSD-3-Clause */
#include "rpc_change.h"

#include <inttypes.h>
#include <string.h>

#include "balancer.h"
#include "config_complete.h"

enum rpc_error rpc_check_generation(struct rpc_call *call, bool given, uint64_t generation)
{
	uint64_t in_force = balancer_generation(call->context->balancer);

	if (!given || generation == in_force)
		return RPC_OK;
	field_errors_add(&call->errors, &(struct field_path){NULL, "generation", 0},
			 "%" PRIu64 " is not in force; %" PRIu64 " is", generation, in_force);
	return RPC_STALE_GENERATION;
}

enum rpc_error rpc_decode_config(struct rpc_call *call, json_t *config, struct config **out_next)
{
	const struct config *running = balancer_config(call->context->balancer);

	if (!config_complete_secrets(config, running) || !config_complete_cores(config, running))
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

struct author rpc_author(const struct rpc_call *call)
{
	return (struct author){
		.name = call->peer->name,
		.role = rpc_roles[call->peer->role],
		.reason = call->method->name,
	};
}

enum rpc_error rpc_refuse(struct rpc_call *call, const struct mr_error *error)
{
	field_errors_add(&call->errors, NULL, "%s", error->text);
	return RPC_REFUSED;
}

enum rpc_error rpc_tell_edited(const struct rpc_call *call, struct rpc_changed *out)
{
	const char *edited = ledger_edited(balancer_ledger(call->context->balancer));

	out->edited = edited ? strdup(edited) : NULL;
	return edited && !out->edited ? RPC_INTERNAL_ERROR : RPC_OK;
}

enum rpc_error rpc_apply_change(struct rpc_call *call, struct config *next,
				const struct change *change, struct rpc_changed *out)
{
	struct balancer *balancer = call->context->balancer;
	const uint64_t before = balancer_generation(balancer);
	struct mr_error error;

	if (balancer_apply(balancer, next, change, &error) < 0)
		return rpc_refuse(call, &error);
	out->generation = balancer_generation(balancer);
	out->changed = out->generation != before;
	return out->changed ? rpc_tell_edited(call, out) : RPC_OK;
}

enum rpc_error rpc_apply(struct rpc_call *call, struct config *next, struct rpc_changed *out)
{
	return rpc_apply_change(call, next,
				&(struct change){
					.author = rpc_author(call),
					.kind = CHANGE_APPLY,
				},
				out);
}
