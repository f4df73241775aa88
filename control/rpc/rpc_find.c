/* SPDX-License-Identifier: BSD-3-Clause */
#include "rpc_find.h"

#include "balancer.h"
#include "suggestion.h"

static enum rpc_error refuse_pool(struct rpc_call *call, const char *name)
{
	const struct config *config = balancer_config(call->context->balancer);
	struct suggestion nearest = {.word = name};
	char hint[SUGGESTION_TEXT_MAX];

	for (uint32_t i = 0; i < config->pool_count; i++)
		suggestion_consider(&nearest, config->pools[i].name);
	suggestion_format(&nearest, hint);
	field_errors_add(&call->errors, &(struct field_path){NULL, "pool", 0},
			 "there is no pool \"%s\"%s", name, hint);
	return RPC_NOT_FOUND;
}

static enum rpc_error refuse_backend(struct rpc_call *call, const struct config_pool *pool,
				     const char *name)
{
	struct suggestion nearest = {.word = name};
	char hint[SUGGESTION_TEXT_MAX];

	for (uint32_t i = 0; i < pool->backend_count; i++)
		suggestion_consider(&nearest, pool->backends[i].name);
	suggestion_format(&nearest, hint);
	field_errors_add(&call->errors, &(struct field_path){NULL, "backend", 0},
			 "pool \"%s\" has no backend \"%s\"%s", pool->name, name, hint);
	return RPC_NOT_FOUND;
}

static enum rpc_error refuse_service(struct rpc_call *call, const char *name)
{
	const struct config *config = balancer_config(call->context->balancer);
	struct suggestion nearest = {.word = name};
	char hint[SUGGESTION_TEXT_MAX];

	for (uint32_t i = 0; i < config->service_count; i++)
		suggestion_consider(&nearest, config->services[i].name);
	suggestion_format(&nearest, hint);
	field_errors_add(&call->errors, &(struct field_path){NULL, "service", 0},
			 "there is no service \"%s\"%s", name, hint);
	return RPC_NOT_FOUND;
}

enum rpc_error rpc_find_service(struct rpc_call *call, const char *name, uint32_t *out_service)
{
	int service = config_find_service(balancer_config(call->context->balancer), name);

	if (service < 0)
		return refuse_service(call, name);
	*out_service = (uint32_t)service;
	return RPC_OK;
}

enum rpc_error rpc_find_pool(struct rpc_call *call, const char *name, uint32_t *out_pool)
{
	int pool = config_find_pool(balancer_config(call->context->balancer), name);

	if (pool < 0)
		return refuse_pool(call, name);
	*out_pool = (uint32_t)pool;
	return RPC_OK;
}

enum rpc_error rpc_find_backend(struct rpc_call *call, const char *pool, const char *backend,
				uint32_t *out_pool, uint32_t *out_backend)
{
	const struct config *config = balancer_config(call->context->balancer);
	enum rpc_error error = rpc_find_pool(call, pool, out_pool);
	int found;

	if (error != RPC_OK)
		return error;
	found = config_find_backend(&config->pools[*out_pool], backend);
	if (found < 0)
		return refuse_backend(call, &config->pools[*out_pool], backend);
	*out_backend = (uint32_t)found;
	return RPC_OK;
}
