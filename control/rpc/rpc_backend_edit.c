/* SPDX-License-Identifier: BSD-3-Clause */
#include "balancer.h"
#include "config_tables.h"
#include "pool_outlook.h"
#include "rpc_edit.h"
#include "rpc_find.h"
#include "rpc_methods.h"

struct backend_add_params {
	char *pool;
	struct config_backend backend;
	bool generation_given;
	uint64_t generation;
};

static const struct field add_fields[] = {
	{"pool", FIELD_NAME, FIELD_AT(struct backend_add_params, pool), .required = true,
	 .text = "Pool that it shall belong to"},
	{"backend", FIELD_OBJECT, FIELD_AT(struct backend_add_params, backend), .required = true,
	 .shape = &config_backend_shape, .text = "The backend, as in the configuration"},
	RPC_GENERATION_FIELD(struct backend_add_params),
};
static const struct shape add_params =
	SHAPE("backend_add_params", struct backend_add_params, add_fields, "A new backend");

static enum rpc_error backend_add(struct rpc_call *call)
{
	const struct backend_add_params *params = call->params;
	struct rpc_edit edit = {.call = call, .noun = RPC_BACKEND};
	enum rpc_error error;

	error = rpc_check_generation(call, params->generation_given, params->generation);
	if (error == RPC_OK)
		error = rpc_find_pool(call, params->pool, &edit.pool);
	return error == RPC_OK ? rpc_edit_add(&edit, &params->backend, call->result) : error;
}

/* Of methods that name a backend and nothing else. */
struct backend_params {
	char *pool;
	char *backend;
	bool generation_given;
	uint64_t generation;
};

static const struct field params_fields[] = {
	{"pool", FIELD_NAME, FIELD_AT(struct backend_params, pool), .required = true,
	 .text = "Pool that the backend belongs to"},
	{"backend", FIELD_NAME, FIELD_AT(struct backend_params, backend), .required = true,
	 .text = "Its name in that pool"},
	RPC_GENERATION_FIELD(struct backend_params),
};
static const struct shape backend_params =
	SHAPE("backend_params", struct backend_params, params_fields, "Which backend");

static enum rpc_error backend_remove(struct rpc_call *call)
{
	const struct config *config = balancer_config(call->context->balancer);
	const struct backend_params *params = call->params;
	const int pool = config_find_pool(config, params->pool);
	const struct rpc_edit edit = {.call = call, .noun = RPC_BACKEND, .pool = (uint32_t)pool};
	enum rpc_error error;

	error = rpc_check_generation(call, params->generation_given, params->generation);
	if (error != RPC_OK)
		return error;
	if (pool < 0)
		return rpc_edit_nothing(call, call->result);
	return rpc_edit_remove(&edit, params->backend, call->result);
}

/* What shall be of a backend, and where it is. */
struct backend_change {
	uint32_t pool, backend;
	uint32_t weight;
	enum config_backend_state state;
};

/* RPC_OK: *@out is the backend as it is. */
static enum rpc_error find(struct rpc_call *call, const char *pool, const char *backend,
			   struct backend_change *out)
{
	const struct config *config = balancer_config(call->context->balancer);
	const struct config_backend *found;

	if (rpc_find_backend(call, pool, backend, &out->pool, &out->backend) != RPC_OK)
		return RPC_NOT_FOUND;
	found = &config->pools[out->pool].backends[out->backend];
	out->weight = found->weight;
	out->state = found->state;
	return RPC_OK;
}

static enum rpc_error change(struct rpc_call *call, const struct backend_change *wanted,
			     struct rpc_changed *out)
{
	const struct config *config = balancer_config(call->context->balancer);
	const struct config_backend *before =
		&config->pools[wanted->pool].backends[wanted->backend];
	struct config_backend *after;
	struct config *next;

	if (before->weight == wanted->weight && before->state == wanted->state)
		return rpc_edit_nothing(call, out);
	next = config_copy(config);
	if (!next)
		return RPC_INTERNAL_ERROR;
	after = &next->pools[wanted->pool].backends[wanted->backend];
	after->weight = wanted->weight;
	after->state = wanted->state;
	return rpc_apply(call, next, out);
}

struct backend_set_params {
	char *pool;
	char *backend;
	bool weight_given;
	uint32_t weight;
	bool state_given;
	enum config_backend_state state;
	bool generation_given;
	uint64_t generation;
};

static const struct field set_params_fields[] = {
	{"pool", FIELD_NAME, FIELD_AT(struct backend_set_params, pool), .required = true,
	 .text = "Pool that the backend belongs to"},
	{"backend", FIELD_NAME, FIELD_AT(struct backend_set_params, backend), .required = true,
	 .text = "Its name in that pool"},
	{"weight", FIELD_UINT, FIELD_AT(struct backend_set_params, weight),
	 FIELD_PRESENT(struct backend_set_params, weight_given), .max = 1000,
	 .text = "Its new weight; absent: as it is"},
	{"state", FIELD_ENUM, FIELD_AT(struct backend_set_params, state),
	 FIELD_PRESENT(struct backend_set_params, state_given), .choices = config_backend_states,
	 .text = "Its new state; absent: as it is"},
	RPC_GENERATION_FIELD(struct backend_set_params),
};
static const struct shape set_params =
	SHAPE("backend_set_params", struct backend_set_params, set_params_fields,
	      "What shall change about a backend");

struct backend_set_result {
	struct rpc_changed change;
	uint32_t weight;
	enum config_backend_state state;
};

static const struct field set_result_fields[] = {
	RPC_CHANGED_RESULT(struct backend_set_result, change.),
	{"weight", FIELD_UINT, FIELD_AT(struct backend_set_result, weight), .required = true,
	 .text = "The backend's weight now"},
	{"state", FIELD_ENUM, FIELD_AT(struct backend_set_result, state), .required = true,
	 .choices = config_backend_states, .text = "Its state now"},
};
static const struct shape set_result = SHAPE("backend_set_result", struct backend_set_result,
					     set_result_fields, "What the change has led to");

static enum rpc_error backend_set(struct rpc_call *call)
{
	const struct backend_set_params *params = call->params;
	struct backend_set_result *result = call->result;
	struct backend_change wanted;
	enum rpc_error error;

	if (!params->weight_given && !params->state_given) {
		field_errors_add(&call->errors, NULL, "nothing to set: give weight, state or both");
		return RPC_INVALID_PARAMS;
	}
	error = rpc_check_generation(call, params->generation_given, params->generation);
	if (error == RPC_OK)
		error = find(call, params->pool, params->backend, &wanted);
	if (error != RPC_OK)
		return error;
	if (params->weight_given)
		wanted.weight = params->weight;
	if (params->state_given)
		wanted.state = params->state;
	result->weight = wanted.weight;
	result->state = wanted.state;
	return change(call, &wanted, &result->change);
}

struct backend_drain_result {
	struct backend_set_result set;
	uint32_t base_slots;
	uint32_t pins;
	bool exact;
	uint64_t quiet_in_ms;
};

static const struct field drain_result_fields[] = {
	RPC_CHANGED_RESULT(struct backend_drain_result, set.change.),
	{"weight", FIELD_UINT, FIELD_AT(struct backend_drain_result, set.weight), .required = true,
	 .text = "The backend's weight"},
	{"state", FIELD_ENUM, FIELD_AT(struct backend_drain_result, set.state), .required = true,
	 .choices = config_backend_states, .text = "Its state now: drain"},
	{"base_slots", FIELD_UINT, FIELD_AT(struct backend_drain_result, base_slots),
	 .required = true, .text = "Entries of the pool's table where it keeps older sessions"},
	{"pins", FIELD_UINT, FIELD_AT(struct backend_drain_result, pins), .required = true,
	 .text = "Sessions of its that are remembered so far"},
	{"exact", FIELD_BOOL, FIELD_AT(struct backend_drain_result, exact), .required = true,
	 .text = "Whether these are all its sessions"},
	{"quiet_in_ms", FIELD_UINT, FIELD_AT(struct backend_drain_result, quiet_in_ms),
	 .required = true,
	 .text = "Milliseconds until it is known to have no session, if nobody speaks any more; "
		 "0: it is known"},
};
static const struct shape drain_result =
	SHAPE("backend_drain_result", struct backend_drain_result, drain_result_fields,
	      "What the change has led to, and what is known of the sessions that are left");

static enum rpc_error look_at_sessions(const struct rpc_call *call,
				       const struct backend_change *drained,
				       struct backend_drain_result *result)
{
	const struct balancer *balancer = call->context->balancer;
	const struct pool *pool = balancer_pool(balancer, drained->pool);
	const struct member *member = &pool->members[drained->backend];
	const uint32_t now_s = mr_dataplane_clock_s(balancer_dataplane(balancer));
	const struct member_outlook *expected;
	struct pool_outlook outlook;

	if (pool_outlook_make(pool, now_s, &outlook) < 0)
		return RPC_INTERNAL_ERROR;
	expected = &outlook.members[drained->backend];
	result->base_slots = member->base_slots;
	result->pins = member->backend->pins;
	result->exact = expected->exact && balancer_forgotten_sessions(balancer).none_of_late;
	result->quiet_in_ms = (uint64_t)expected->quiet_in_s * 1000;
	pool_outlook_fini(&outlook);
	return RPC_OK;
}

static enum rpc_error backend_drain(struct rpc_call *call)
{
	const struct backend_params *params = call->params;
	struct backend_drain_result *result = call->result;
	struct backend_change wanted;
	enum rpc_error error;

	error = rpc_check_generation(call, params->generation_given, params->generation);
	if (error == RPC_OK)
		error = find(call, params->pool, params->backend, &wanted);
	if (error != RPC_OK)
		return error;
	wanted.state = CONFIG_BACKEND_DRAIN;
	result->set.weight = wanted.weight;
	result->set.state = wanted.state;
	error = change(call, &wanted, &result->set.change);
	return error == RPC_OK ? look_at_sessions(call, &wanted, result) : error;
}

const struct rpc_method rpc_backend_edit_methods[] = {
	{
		.name = "backend.add",
		.text = "Adds a backend to a pool, which gets sessions after its first good probe; "
			"one that is there already, and the same, is left alone",
		.handler = backend_add,
		.role = RPC_ROLE_ADMIN,
		.changes_state = true,
		.params = &add_params,
		.result = &rpc_changed_result,
		.result_text = "The generation that has the backend",
		.example_params = "{\"pool\": \"hub-transport\", \"backend\": {\"name\": \"hub3\", "
				  "\"address\": \"10.0.0.13\", \"weight\": 50}}",
		.example_result = "{\"generation\": 8, \"changed\": true}",
	},
	{
		.name = "backend.set",
		.text = "Changes weight or state of a backend; its open sessions stay with it "
			"unless it is disabled",
		.handler = backend_set,
		.role = RPC_ROLE_OPERATE,
		.changes_state = true,
		.params = &set_params,
		.result = &set_result,
		.result_text = "The backend's settings and the generation that has them",
		.example_params = "{\"pool\": \"hub-transport\", \"backend\": \"hub1\", "
				  "\"state\": \"drain\"}",
		.example_result = "{\"generation\": 8, \"changed\": true, \"weight\": 100, "
				  "\"state\": \"drain\"}",
	},
	{
		.name = "backend.drain",
		.text = "Gives a backend no new sessions; its open ones stay until they end, which "
			"the event drain.finished tells",
		.handler = backend_drain,
		.role = RPC_ROLE_OPERATE,
		.changes_state = true,
		.params = &backend_params,
		.result = &drain_result,
		.result_text = "What is known of its sessions at this moment",
		.example_params = "{\"pool\": \"hub-transport\", \"backend\": \"hub1\"}",
		.example_result = "{\"generation\": 8, \"changed\": true, \"weight\": 100, "
				  "\"state\": \"drain\", \"base_slots\": 32769, \"pins\": 17, "
				  "\"exact\": false, \"quiet_in_ms\": 901000}",
	},
	{
		.name = "backend.remove",
		.text = "Removes a backend; its open sessions stay with it until they end, unless "
			"it was disabled before; one that is not there is no error",
		.handler = backend_remove,
		.role = RPC_ROLE_ADMIN,
		.changes_state = true,
		.params = &backend_params,
		.result = &rpc_changed_result,
		.result_text = "The generation that has no such backend",
		.example_params = "{\"pool\": \"hub-transport\", \"backend\": \"hub3\"}",
		.example_result = "{\"generation\": 9, \"changed\": true}",
	},
	{.name = NULL},
};
