/* SPDX-License-Identifier: BSD-3-Clause */
/* One pool: where its slots are on the way to, and who still has sessions. */
#include <string.h>

#include "balancer.h"
#include "config_tables.h"
#include "fingerprint.h"
#include "pool_outlook.h"
#include "rpc_backend.h"
#include "rpc_change.h"
#include "rpc_find.h"
#include "rpc_methods.h"

struct pool_params {
	char *pool;
};

static const struct field params_fields[] = {
	{"pool", FIELD_NAME, FIELD_AT(struct pool_params, pool), .required = true,
	 .text = "Name of the pool"},
};
static const struct shape pool_params =
	SHAPE("pool_params", struct pool_params, params_fields, "Which pool to show");

/* Those of enum config_backend_state, and of who is no longer configured. */
enum member_state {
	MEMBER_ENABLED = CONFIG_BACKEND_ENABLED,
	MEMBER_DRAIN = CONFIG_BACKEND_DRAIN,
	MEMBER_DISABLED = CONFIG_BACKEND_DISABLED,
	MEMBER_LEAVING,
};

static const char *const member_states[] = {
	[MEMBER_ENABLED] = "enabled",
	[MEMBER_DRAIN] = "drain",
	[MEMBER_DISABLED] = "disabled",
	[MEMBER_LEAVING] = "leaving",
	NULL,
};

struct member_row {
	char *name;
	struct mr_addr address;
	enum member_state state;
	enum health_verdict health;
	uint32_t slots;
	uint32_t base_slots;
	uint32_t pins;
	bool exact;
	bool closed;
	uint64_t quiet_in_ms;
};

static const struct field member_fields[] = {
	{"name", FIELD_NAME, FIELD_AT(struct member_row, name), .required = true,
	 .text = "Name of the backend"},
	{"address", FIELD_ADDRESS, FIELD_AT(struct member_row, address), .required = true,
	 .text = "The server's own address"},
	{"state", FIELD_ENUM, FIELD_AT(struct member_row, state), .required = true,
	 .choices = member_states,
	 .text = "What the administrator wants of it; leaving: it is no longer configured"},
	{"health", FIELD_ENUM, FIELD_AT(struct member_row, health), .required = true,
	 .choices = rpc_health_verdicts, .text = "What its probes say, or said last"},
	{"slots", FIELD_UINT, FIELD_AT(struct member_row, slots), .required = true,
	 .text = "Entries of the table that give it new sessions"},
	{"base_slots", FIELD_UINT, FIELD_AT(struct member_row, base_slots), .required = true,
	 .text = "Entries where it only keeps its older sessions"},
	{"pins", FIELD_UINT, FIELD_AT(struct member_row, pins), .required = true,
	 .text = "Sessions of its that are remembered"},
	{"exact", FIELD_BOOL, FIELD_AT(struct member_row, exact), .required = true,
	 .text = "Whether these are all its sessions: it gets no new ones, and every older one "
		 "that was not silent for session_idle_ms has been met"},
	{"quiet_in_ms", FIELD_UINT, FIELD_AT(struct member_row, quiet_in_ms),
	 FIELD_PRESENT(struct member_row, closed),
	 .text = "Milliseconds until it is known to have no session, if nobody speaks any more; "
		 "0: it is known; absent while it gets new sessions"},
};
static const struct shape member_shape = SHAPE("member_row", struct member_row, member_fields,
					       "A backend and what is known of its sessions");

struct pool_show_result {
	uint64_t generation;
	char *name;
	struct config_pool settings;
	uint32_t slots;
	uint64_t slots_bytes;
	uint32_t steady_slots;
	uint32_t moving_slots;
	uint64_t rehashed_slots;
	uint64_t session_idle_ms;
	uint64_t changed_ago_ms;
	bool moving;
	uint64_t oldest_base_ms;
	uint32_t pins;
	struct member_row *backends;
	uint32_t backend_count;
};

enum { SHOW_BACKENDS = 12 };

static const struct field show_fields[] = {
	RPC_GENERATION_RESULT(struct pool_show_result),
	{"name", FIELD_NAME, FIELD_AT(struct pool_show_result, name), .required = true,
	 .text = "Name of the pool"},
	{"settings", FIELD_OBJECT, FIELD_AT(struct pool_show_result, settings), .required = true,
	 .shape = &config_pool_shape, .text = "The pool, as in the configuration"},
	{"slots", FIELD_UINT, FIELD_AT(struct pool_show_result, slots), .required = true,
	 .text = "Entries of the Maglev table"},
	{"slots_bytes", FIELD_UINT, FIELD_AT(struct pool_show_result, slots_bytes),
	 .required = true, .text = "Memory that they take, in bytes"},
	{"steady_slots", FIELD_UINT, FIELD_AT(struct pool_show_result, steady_slots),
	 .required = true, .text = "Entries where all sessions have one backend"},
	{"moving_slots", FIELD_UINT, FIELD_AT(struct pool_show_result, moving_slots),
	 .required = true, .text = "Entries where sessions are remembered, after a change"},
	{"rehashed_slots", FIELD_UINT, FIELD_AT(struct pool_show_result, rehashed_slots),
	 .required = true,
	 .text = "Entries taken, with their sessions, from a backend that went down or was "
		 "disabled, since mailraild began"},
	{"session_idle_ms", FIELD_UINT, FIELD_AT(struct pool_show_result, session_idle_ms),
	 .required = true,
	 .text = "A session that is silent for longer may be forgotten; in milliseconds"},
	{"changed_ago_ms", FIELD_UINT, FIELD_AT(struct pool_show_result, changed_ago_ms),
	 .required = true,
	 .text = "Milliseconds since new sessions got another backend in any entry"},
	{"oldest_base_ms", FIELD_UINT, FIELD_AT(struct pool_show_result, oldest_base_ms),
	 FIELD_PRESENT(struct pool_show_result, moving),
	 .text = "For how many milliseconds the oldest of the moving entries has been moving; "
		 "absent when all are steady"},
	{"pins", FIELD_UINT, FIELD_AT(struct pool_show_result, pins), .required = true,
	 .text = "Sessions remembered on its backends"},
	[SHOW_BACKENDS] =
		{"backends", FIELD_OBJECT,
		 FIELD_LIST_AT(struct pool_show_result, backends, backend_count), .required = true,
		 .shape = &member_shape,
		 .text = "In the order of the configuration, then those that are leaving"},
};
static const struct shape show_result =
	SHAPE("pool_show_result", struct pool_show_result, show_fields,
	      "A pool's table, and the sessions that it keeps from moving");

static bool fill_member(const struct member *member, const struct member_outlook *outlook,
			bool all_remembered, struct member_row *row)
{
	*row = (struct member_row){
		.name = strdup(member->backend->name),
		.address = member->backend->address,
		.state = member->leaving ? MEMBER_LEAVING : (enum member_state)member->state,
		.health = member->backend->verdict,
		.slots = member->slots,
		.base_slots = member->base_slots,
		.pins = member->backend->pins,
		.exact = outlook->exact && all_remembered,
		.closed = outlook->closed,
		.quiet_in_ms = (uint64_t)outlook->quiet_in_s * 1000,
	};
	return row->name;
}

static bool fill_members(const struct balancer *balancer, const struct pool *pool,
			 const struct pool_outlook *outlook, struct pool_show_result *result)
{
	const bool all_remembered = balancer_forgotten_sessions(balancer).none_of_late;

	if (!field_list_alloc(&show_fields[SHOW_BACKENDS], result, pool->member_count))
		return false;
	for (uint32_t i = 0; i < pool->member_count; i++) {
		if (!fill_member(&pool->members[i], &outlook->members[i], all_remembered,
				 &result->backends[i]))
			return false;
		result->pins += result->backends[i].pins;
	}
	return true;
}

static enum rpc_error pool_show(struct rpc_call *call)
{
	const struct pool_params *params = call->params;
	const struct balancer *balancer = call->context->balancer;
	struct pool_show_result *result = call->result;
	const uint32_t now_s = mr_dataplane_clock_s(balancer_dataplane(balancer));
	struct pool_outlook outlook;
	const struct pool *pool;
	uint32_t index;
	bool ok;

	if (rpc_find_pool(call, params->pool, &index) != RPC_OK)
		return RPC_NOT_FOUND;
	pool = balancer_pool(balancer, index);
	if (pool_outlook_make(pool, now_s, &outlook) < 0)
		return RPC_INTERNAL_ERROR;
	result->generation = balancer_generation(balancer);
	result->name = strdup(pool->name);
	result->slots = pool->table_size;
	result->slots_bytes = mr_slots_bytes(pool->table_size);
	result->moving_slots = pool->moving_slots;
	result->steady_slots = pool->table_size - pool->moving_slots;
	result->rehashed_slots = pool->rehashed_slots;
	result->session_idle_ms = (uint64_t)pool->session_idle_s * 1000;
	result->changed_ago_ms = (uint64_t)outlook.changed_ago_s * 1000;
	result->moving = pool->moving_slots > 0;
	result->oldest_base_ms = (uint64_t)outlook.oldest_base_s * 1000;
	ok = fill_members(balancer, pool, &outlook, result) &&
	     shape_copy(&config_pool_shape, &balancer_config(balancer)->pools[index],
			&result->settings) == 0;
	pool_outlook_fini(&outlook);
	return ok && result->name ? RPC_OK : RPC_INTERNAL_ERROR;
}

struct fingerprint_result {
	uint64_t generation;
	uint32_t moving_slots;
	uint8_t fingerprint[FINGERPRINT_BYTES];
};

static const struct field fingerprint_fields[] = {
	RPC_GENERATION_RESULT(struct fingerprint_result),
	{"moving_slots", FIELD_UINT, FIELD_AT(struct fingerprint_result, moving_slots),
	 .required = true,
	 .text = "Entries where sessions from before a change may have another backend, about "
		 "which the fingerprint says nothing"},
	{"fingerprint", FIELD_HEX, FIELD_AT(struct fingerprint_result, fingerprint),
	 .required = true,
	 .text = "Follows from the key, the pool's name and the backend that each entry gives "
		 "new sessions to, by name and address, and from nothing else"},
};
static const struct shape fingerprint_result =
	SHAPE("pool_fingerprint_result", struct fingerprint_result, fingerprint_fields,
	      "A pool's table in 64 bits");

static enum rpc_error pool_fingerprint(struct rpc_call *call)
{
	const struct pool_params *params = call->params;
	const struct balancer *balancer = call->context->balancer;
	struct fingerprint_result *result = call->result;
	const struct pool *pool;
	uint32_t index;

	if (rpc_find_pool(call, params->pool, &index) != RPC_OK)
		return RPC_NOT_FOUND;
	pool = balancer_pool(balancer, index);
	result->generation = balancer_generation(balancer);
	result->moving_slots = pool->moving_slots;
	if (fingerprint_make(pool, balancer_config(balancer)->node.key, result->fingerprint) < 0)
		return RPC_INTERNAL_ERROR;
	return RPC_OK;
}

const struct rpc_method rpc_pool_show_methods[] = {
	{
		.name = "pool.show",
		.text = "Shows one pool's table and what is known of its backends' sessions",
		.handler = pool_show,
		.params = &pool_params,
		.result = &show_result,
		.result_text = "The pool",
		.example_params = "{\"pool\": \"hub-transport\"}",
		.example_result =
			"{\"generation\": 8, \"name\": \"hub-transport\", \"settings\": "
			"{\"name\": \"hub-transport\", \"forwarding\": \"l2dsr\", "
			"\"table_size\": 65537, \"backends\": [{\"name\": \"hub1\", "
			"\"address\": \"10.0.0.11\", \"state\": \"drain\"}, {\"name\": "
			"\"hub2\", \"address\": \"10.0.0.12\"}]}, \"slots\": 65537, "
			"\"slots_bytes\": 459904, "
			"\"steady_slots\": 32769, \"moving_slots\": 32768, \"rehashed_slots\": 0, "
			"\"session_idle_ms\": "
			"900000, \"changed_ago_ms\": 12000, \"oldest_base_ms\": 12000, \"pins\": "
			"41, \"backends\": [{\"name\": \"hub1\", \"address\": \"10.0.0.11\", "
			"\"state\": \"drain\", \"health\": \"up\", \"slots\": 0, \"base_slots\": "
			"32768, \"pins\": 17, \"exact\": false, \"quiet_in_ms\": 889000}, "
			"{\"name\": \"hub2\", \"address\": \"10.0.0.12\", \"state\": \"enabled\", "
			"\"health\": \"up\", \"slots\": 65537, \"base_slots\": 0, \"pins\": 24, "
			"\"exact\": false}]}",
	},
	{
		.name = "pool.fingerprint",
		.text = "Tells whether nodes agree: those with the same configuration, key and "
			"health have the same fingerprint",
		.handler = pool_fingerprint,
		.params = &pool_params,
		.result = &fingerprint_result,
		.result_text = "The fingerprint",
		.example_params = "{\"pool\": \"hub-transport\"}",
		.example_result = "{\"generation\": 8, \"moving_slots\": 32768, "
				  "\"fingerprint\": \"5fa3c09be1d27468\"}",
	},
	{.name = NULL},
};
