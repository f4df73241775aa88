/* SPDX-License-Identifier: BSD-3-Clause */
#include "rpc_change.h"

#include <inttypes.h>

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

enum rpc_error rpc_apply(struct rpc_call *call, struct config *next, uint64_t *out_generation)
{
	struct mr_error error;

	if (balancer_apply(call->context->balancer, next, &error) < 0) {
		field_errors_add(&call->errors, NULL, "%s", error.text);
		return RPC_REFUSED;
	}
	*out_generation = balancer_generation(call->context->balancer);
	return RPC_OK;
}
