/* SPDX-License-Identifier: BSD-3-Clause */
#include "balancer.h"
#include "config_tables.h"
#include "plan.h"
#include "rpc_change.h"
#include "rpc_methods.h"

struct plan_params {
	json_t *config;
	bool generation_given;
	uint64_t generation;
	bool assume_up;
};

static const struct field params_fields[] = {
	{"config", FIELD_JSON, FIELD_AT(struct plan_params, config), .required = true,
	 .shape = &config_shape, .text = "The whole configuration as it would be"},
	RPC_GENERATION_FIELD(struct plan_params),
	{"assume_up", FIELD_BOOL, FIELD_AT(struct plan_params, assume_up), .fallback = true,
	 .text = "Backends whose first probe is still to come count as up; else they have no "
		 "slots, as in the first moments after the change"},
};
static const struct shape plan_params =
	SHAPE("config_plan_params", struct plan_params, params_fields, "A configuration to try");

static const char *const changes[] = {
	[PLAN_STAYS] = "stays",
	[PLAN_COMES] = "comes",
	[PLAN_GOES] = "goes",
	NULL,
};

static const struct field backend_fields[] = {
	{"name", FIELD_NAME, FIELD_AT(struct plan_backend, name), .required = true,
	 .text = "Name of the backend"},
	{"address", FIELD_ADDRESS, FIELD_AT(struct plan_backend, address), .required = true,
	 .text = "The server's own address; with another one it is another backend"},
	{"change", FIELD_ENUM, FIELD_AT(struct plan_backend, change), .required = true,
	 .choices = changes,
	 .text = "Whether it is in both configurations; one that goes keeps its open sessions"},
	{"awaits_probe", FIELD_BOOL, FIELD_AT(struct plan_backend, awaits_probe), .required = true,
	 .text = "Whether it gets no session before its first probe has found it up"},
	{"slots_before", FIELD_UINT, FIELD_AT(struct plan_backend, slots_before), .required = true,
	 .text = "Entries of the table that give it new sessions now"},
	{"slots_after", FIELD_UINT, FIELD_AT(struct plan_backend, slots_after), .required = true,
	 .text = "Entries that would"},
	{"share_before_ppm", FIELD_UINT, FIELD_AT(struct plan_backend, share_before_ppm),
	 .required = true, .text = "Its share of new sessions now, in millionths"},
	{"share_after_ppm", FIELD_UINT, FIELD_AT(struct plan_backend, share_after_ppm),
	 .required = true, .text = "Its share afterwards, in millionths"},
};
static const struct shape backend_shape =
	SHAPE("plan_backend", struct plan_backend, backend_fields, "A backend before and after");

static const struct field pool_fields[] = {
	{"name", FIELD_NAME, FIELD_AT(struct plan_pool, name), .required = true,
	 .text = "Name of the pool"},
	{"change", FIELD_ENUM, FIELD_AT(struct plan_pool, change), .required = true,
	 .choices = changes, .text = "Whether it is in both configurations"},
	{"slots", FIELD_UINT, FIELD_AT(struct plan_pool, slots), .required = true,
	 .text = "Entries of its Maglev table"},
	{"moving_slots", FIELD_UINT, FIELD_AT(struct plan_pool, moving_slots), .required = true,
	 .text = "Entries where older sessions belong to another backend than new ones now"},
	{"slots_to_move", FIELD_UINT, FIELD_AT(struct plan_pool, slots_to_move), .required = true,
	 .text = "Entries whose new sessions would go to another backend; 0 if the pool comes or "
		 "goes"},
	{"sessions_pinned", FIELD_UINT, FIELD_AT(struct plan_pool, sessions_pinned),
	 .required = true,
	 .text = "About how many open sessions would be remembered: those that are, and of the "
		 "SYNs of the last session_idle, which are more than the sessions still open, as "
		 "large a part as slots leave their backend"},
	{"backends", FIELD_OBJECT, FIELD_LIST_AT(struct plan_pool, backends, backend_count),
	 .required = true, .shape = &backend_shape,
	 .text = "In the order of the new configuration, then those that go"},
};
static const struct shape pool_shape =
	SHAPE("plan_pool", struct plan_pool, pool_fields, "A pool before and after");

static const char *const documents[] = {
	[PLAN_NEW] = "new",
	[PLAN_RUNNING] = "running",
	NULL,
};

static const struct field break_fields[] = {
	{"configuration", FIELD_ENUM, FIELD_AT(struct plan_break, document), .required = true,
	 .choices = documents,
	 .text = "Which configuration the pointer leads into; running: what it names is not in the "
		 "new one"},
	{"pointer", FIELD_STRING, FIELD_AT(struct plan_break, pointer), .required = true,
	 .text = "JSON Pointer to the cause"},
	{"message", FIELD_STRING, FIELD_AT(struct plan_break, message), .required = true,
	 .text = "What would happen"},
	{"sessions", FIELD_UINT, FIELD_AT(struct plan_break, sessions),
	 FIELD_PRESENT(struct plan_break, sessions_known),
	 .text = "About how many sessions would break for it; absent: nobody can tell"},
};
static const struct shape break_shape =
	SHAPE("plan_break", struct plan_break, break_fields, "Something that would break sessions");

struct plan_result {
	uint64_t generation;
	struct plan plan;
};

static const struct field result_fields[] = {
	RPC_GENERATION_RESULT(struct plan_result),
	{"pools", FIELD_OBJECT, FIELD_LIST_AT(struct plan_result, plan.pools, plan.pool_count),
	 .required = true, .shape = &pool_shape,
	 .text = "In the order of the new configuration, then those that go"},
	{"sessions_pinned", FIELD_UINT, FIELD_AT(struct plan_result, plan.sessions_pinned),
	 .required = true,
	 .text = "Sum over the pools, to compare with what pins remain of the budget; new "
		 "sessions on slots that move come on top"},
	{"sessions_broken", FIELD_UINT, FIELD_AT(struct plan_result, plan.sessions_broken),
	 .required = true,
	 .text = "About how many sessions would break: pins and SYNs of the last session_idle, "
		 "as if these sessions were open still; those of several causes count once, "
		 "those of causes that nobody can count do not"},
	{"breaks", FIELD_OBJECT, FIELD_LIST_AT(struct plan_result, plan.breaks, plan.break_count),
	 .required = true, .shape = &break_shape,
	 .text = "What would break sessions; empty: every open session stays where it is"},
};
static const struct shape plan_result =
	SHAPE("config_plan_result", struct plan_result, result_fields, "What a change would do");

static enum rpc_error config_plan(struct rpc_call *call)
{
	const struct plan_params *params = call->params;
	const struct balancer *balancer = call->context->balancer;
	struct plan_result *result = call->result;
	struct mr_error reason;
	struct config *next;
	enum rpc_error error;
	int rc;

	error = rpc_check_generation(call, params->generation_given, params->generation);
	if (error == RPC_OK)
		error = rpc_decode_config(call, params->config, &next);
	if (error != RPC_OK)
		return error;
	rc = balancer_plan(balancer, next, params->assume_up, &result->plan, &reason);
	config_free(next);
	if (rc < 0) {
		field_errors_add(&call->errors, NULL, "%s", reason.text);
		return RPC_REFUSED;
	}
	result->generation = balancer_generation(balancer);
	return RPC_OK;
}

const struct rpc_method rpc_plan_methods[] = {
	{
		.name = "config.plan",
		.text = "Tells what config.apply would do with a configuration, without doing it: "
			"slots that move, shares, sessions that are remembered or break",
		.handler = config_plan,
		.params = &plan_params,
		.result = &plan_result,
		.result_text = "What would happen",
		.example_params = "{\"config\": {\"node\": {\"name\": \"lb1\", \"key\": "
				  "\"unchanged\"}, \"ports\": [{\"name\": \"wan\", \"device\": "
				  "\"af_xdp:eth0\"}]}}",
		.example_result =
			"{\"generation\": 7, \"pools\": [{\"name\": \"hub-transport\", \"change\": "
			"\"stays\", \"slots\": 65537, \"moving_slots\": 0, \"slots_to_move\": "
			"32768, "
			"\"sessions_pinned\": 128, \"backends\": [{\"name\": \"hub1\", "
			"\"address\": \"10.0.0.11\", \"change\": \"stays\", \"awaits_probe\": "
			"false, "
			"\"slots_before\": 32769, \"slots_after\": 65537, \"share_before_ppm\": "
			"500007, \"share_after_ppm\": 1000000}, {\"name\": \"hub2\", \"address\": "
			"\"10.0.0.12\", \"change\": \"goes\", \"awaits_probe\": false, "
			"\"slots_before\": 32768, \"slots_after\": 0, \"share_before_ppm\": "
			"499992, "
			"\"share_after_ppm\": 0}]}], \"sessions_pinned\": 128, "
			"\"sessions_broken\": "
			"2, \"breaks\": [{\"configuration\": \"running\", \"pointer\": "
			"\"/services/0/ports/1\", \"message\": \"service smtp is no longer on port "
			"587\", \"sessions\": 2}]}",
	},
	{.name = NULL},
};
