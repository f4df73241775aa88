/* SPDX-License-Identifier: BSD-3-Clause */
/* Former configurations: listed, compared, brought back; and what still has to be confirmed. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "balancer.h"
#include "config_diff.h"
#include "rpc_change.h"
#include "rpc_methods.h"
#include "rpc_source.h"

struct history_params {
	uint32_t limit;
};

static const struct field history_params_fields[] = {
	{"limit", FIELD_UINT, FIELD_AT(struct history_params, limit), .min = 1,
	 .max = HISTORY_GENERATIONS, .fallback = HISTORY_GENERATIONS,
	 .text = "How many generations to show at most"},
};
static const struct shape history_params = SHAPE("config_history_params", struct history_params,
						 history_params_fields, "How much to show");

struct history_result {
	uint64_t generation;
	bool unconfirmed;
	uint64_t unconfirmed_ms;
	struct history_entry *entries;
	uint32_t count;
};

enum { HISTORY_ENTRIES = 2 };

static const struct field history_result_fields[] = {
	RPC_GENERATION_RESULT(struct history_result),
	{"unconfirmed_ms", FIELD_UINT, FIELD_AT(struct history_result, unconfirmed_ms),
	 FIELD_PRESENT(struct history_result, unconfirmed),
	 .text = "Milliseconds after which that generation is taken back unless it is confirmed; "
		 "absent: it needs not be"},
	[HISTORY_ENTRIES] = {"generations", FIELD_OBJECT,
			     FIELD_LIST_AT(struct history_result, entries, count), .required = true,
			     .shape = &history_entry_shape, .text = "The newest first"},
};
static const struct shape history_result = SHAPE("config_history_result", struct history_result,
						 history_result_fields, "Former configurations");

static enum rpc_error config_history(struct rpc_call *call)
{
	const struct history_params *params = call->params;
	const struct balancer *balancer = call->context->balancer;
	const struct history *history = ledger_history(balancer_ledger(balancer));
	const uint32_t known = history_count(history);
	const uint32_t count = params->limit < known ? params->limit : known;
	struct history_result *result = call->result;
	struct unconfirmed waiting;

	result->generation = balancer_generation(balancer);
	result->unconfirmed = ledger_unconfirmed(balancer_ledger(balancer), &waiting);
	result->unconfirmed_ms = result->unconfirmed ? waiting.left_ms : 0;
	if (!field_list_alloc(&history_result_fields[HISTORY_ENTRIES], result, count))
		return RPC_INTERNAL_ERROR;
	for (uint32_t i = 0; i < count; i++)
		if (shape_copy(&history_entry_shape, history_get(history, i), &result->entries[i]) <
		    0)
			return RPC_INTERNAL_ERROR;
	return RPC_OK;
}

struct diff_params {
	uint64_t from, to;
};

static const struct field diff_params_fields[] = {
	{"from", FIELD_UINT, FIELD_AT(struct diff_params, from), .min = 1, .choices = rpc_sources,
	 .fallback = RPC_SOURCE_FILE,
	 .text = "The earlier one: running, file, or the number of a generation"},
	{"to", FIELD_UINT, FIELD_AT(struct diff_params, to), .min = 1, .choices = rpc_sources,
	 .fallback = RPC_SOURCE_RUNNING, .text = "The later one, named likewise"},
};
static const struct shape diff_params = SHAPE("config_diff_params", struct diff_params,
					      diff_params_fields, "Two configurations to compare");

struct diff_result {
	uint64_t generation;
	struct config_diff diff;
};

static const struct field diff_result_fields[] = {
	RPC_GENERATION_RESULT(struct diff_result),
	{"changes", FIELD_OBJECT, FIELD_LIST_AT(struct diff_result, diff.list, diff.count),
	 .required = true, .shape = &config_change_shape,
	 .text = "What leads from the one to the other; pools, backends, services and ports are "
		 "matched by name, whatever their order"},
};
static const struct shape diff_result =
	SHAPE("config_diff_result", struct diff_result, diff_result_fields,
	      "What two configurations differ in");

static enum rpc_error compare(const struct config *from, const struct config *to,
			      struct diff_result *result)
{
	return config_diff(from, to, &result->diff) < 0 ? RPC_INTERNAL_ERROR : RPC_OK;
}

static enum rpc_error config_diff_show(struct rpc_call *call)
{
	const struct diff_params *params = call->params;
	struct diff_result *result = call->result;
	struct config *from, *to;
	enum rpc_error error;

	result->generation = balancer_generation(call->context->balancer);
	error = rpc_source_read(call, "from", params->from, &from);
	if (error != RPC_OK)
		return error;
	error = rpc_source_read(call, "to", params->to, &to);
	if (error == RPC_OK) {
		error = compare(from, to, result);
		config_free(to);
	}
	config_free(from);
	return error;
}

struct confirm_params {
	bool generation_given;
	uint64_t generation;
};

static const struct field confirm_fields[] = {
	RPC_GENERATION_FIELD(struct confirm_params),
};
static const struct shape confirm_params =
	SHAPE("config_confirm_params", struct confirm_params, confirm_fields, "What to confirm");

static enum rpc_error config_confirm(struct rpc_call *call)
{
	const struct confirm_params *params = call->params;
	struct balancer *balancer = call->context->balancer;
	struct rpc_changed *result = call->result;
	enum rpc_error error;
	struct mr_error why;
	int rc;

	error = rpc_check_generation(call, params->generation_given, params->generation);
	if (error != RPC_OK)
		return error;
	rc = balancer_confirm(balancer, &why);
	if (rc < 0 && rc != -ENOENT)
		return rpc_refuse(call, &why);
	result->generation = balancer_generation(balancer);
	result->changed = rc == 0;
	return result->changed ? rpc_tell_edited(call, result) : RPC_OK;
}

struct rollback_params {
	bool to_given;
	uint64_t to;
	bool generation_given;
	uint64_t generation;
};

static const struct field rollback_fields[] = {
	{"to", FIELD_UINT, FIELD_AT(struct rollback_params, to),
	 FIELD_PRESENT(struct rollback_params, to_given), .min = 1,
	 .text = "Generation to return to, one that config.history knows; unless given, the one "
		 "before the generation in force"},
	RPC_GENERATION_FIELD(struct rollback_params),
};
static const struct shape rollback_params = SHAPE("config_rollback_params", struct rollback_params,
						  rollback_fields, "Where to return to");

static enum rpc_error find_target(struct rpc_call *call, uint64_t *out)
{
	const struct rollback_params *params = call->params;
	const struct history *history = ledger_history(balancer_ledger(call->context->balancer));

	if (!params->to_given && history_count(history) < 2) {
		field_errors_add(&call->errors, NULL,
				 "the history knows no generation before this one");
		return RPC_NOT_FOUND;
	}
	*out = params->to_given ? params->to : history_get(history, 1)->generation;
	return RPC_OK;
}

static enum rpc_error config_rollback(struct rpc_call *call)
{
	const struct rollback_params *params = call->params;
	struct change change = {.author = rpc_author(call), .kind = CHANGE_ROLLBACK};
	enum rpc_error error;
	struct config *next;
	uint64_t target;
	char reason[64];

	error = rpc_check_generation(call, params->generation_given, params->generation);
	if (error == RPC_OK)
		error = find_target(call, &target);
	if (error == RPC_OK)
		error = rpc_source_read(call, "to", target, &next);
	if (error != RPC_OK)
		return error;
	snprintf(reason, sizeof(reason), "%s to %" PRIu64, call->method->name, target);
	change.author.reason = reason;
	return rpc_apply_change(call, next, &change, call->result);
}

const struct rpc_method rpc_history_methods[] = {
	{
		.name = "config.history",
		.text = "Shows the latest generations of the configuration: when they came, who "
			"brought them, what they changed",
		.handler = config_history,
		.params = &history_params,
		.result = &history_result,
		.result_text = "The generations",
		.example_params = "{\"limit\": 1}",
		.example_result =
			"{\"generation\": 8, \"generations\": [{\"generation\": 8, \"time_ms\": "
			"1767225600000, \"author\": \"uid 0, pid 4711\", \"role\": \"admin\", "
			"\"reason\": \"backend.set\", \"unconfirmed\": false, \"changes\": "
			"[{\"pointer\": \"/pools/0/backends/1/weight\", \"path\": "
			"\"/pools/hub-transport/backends/hub2/weight\", \"from\": 100, \"to\": "
			"50}]}]}",
	},
	{
		.name = "config.diff",
		.text = "Shows what tells one configuration from another; unless told otherwise, "
			"what is in force and not in the file",
		.handler = config_diff_show,
		.params = &diff_params,
		.result = &diff_result,
		.result_text = "The differences",
		.example_params = "{\"from\": 7, \"to\": \"running\"}",
		.example_result = "{\"generation\": 8, \"changes\": [{\"pointer\": "
				  "\"/pools/0/backends/1/weight\", \"path\": "
				  "\"/pools/hub-transport/backends/hub2/weight\", \"from\": 100, "
				  "\"to\": 50}]}",
	},
	{
		.name = "config.confirm",
		.text = "Keeps and saves a configuration that was applied with confirm_within",
		.handler = config_confirm,
		.role = RPC_ROLE_ADMIN,
		.changes_state = true,
		.params = &confirm_params,
		.result = &rpc_changed_result,
		.result_text = "The generation in force; changed is false when nothing waited",
		.example_params = "{\"generation\": 8}",
		.example_result = "{\"generation\": 8, \"changed\": true}",
	},
	{
		.name = "config.rollback",
		.text = "Brings a former configuration back, as a new generation; secrets stay as "
			"they are",
		.handler = config_rollback,
		.role = RPC_ROLE_ADMIN,
		.changes_state = true,
		.params = &rollback_params,
		.result = &rpc_changed_result,
		.result_text = "The generation that it has become",
		.example_params = "{\"to\": 7}",
		.example_result = "{\"generation\": 9, \"changed\": true}",
	},
	{.name = NULL},
};
