/* SPDX-License-Identifier: BSD-3-Clause */
/* What probes say of backends, word for word if one asks, and probes out of their turn. */
#include <errno.h>
#include <string.h>

#include "balancer.h"
#include "config_tables.h"
#include "rpc_backend.h"
#include "rpc_change.h"
#include "rpc_find.h"
#include "rpc_methods.h"

struct health_row {
	char *pool;
	char *backend;
	char *reason;
	struct health_status status;
	bool probed; /* @good and @in_row mean something */
};

#define HEALTH_ROW_FIELDS(type, row)                                                              \
	{"pool", FIELD_NAME, FIELD_AT(type, row pool), .required = true,                          \
	 .text = "Pool that the backend belongs to"},                                             \
		{"backend", FIELD_NAME, FIELD_AT(type, row backend), .required = true,            \
		 .text = "Its name in that pool"},                                                \
		{"verdict",                                                                       \
		 FIELD_ENUM,                                                                      \
		 FIELD_AT(type, row status.verdict),                                              \
		 .required = true,                                                                \
		 .choices = rpc_health_verdicts,                                                  \
		 .text = "What its probes say"},                                                  \
		{"checked", FIELD_BOOL, FIELD_AT(type, row status.checked), .required = true,     \
		 .text = "Whether it is probed at all; not with health.type none, without a "     \
			 "service for the pool, or without a route"},                             \
		{"reason", FIELD_STRING, FIELD_AT(type, row reason), .required = true,            \
		 .text = "Outcome of the last probe; empty before it"},                           \
		{"changed_ms", FIELD_UINT, FIELD_AT(type, row status.changed_ms),                 \
		 .required = true,                                                                \
		 .text = "When the verdict changed last, in milliseconds since 1970 (UTC); "      \
			 "0: never"},                                                             \
		{"probes", FIELD_UINT, FIELD_AT(type, row status.probes), .required = true,       \
		 .text = "Probes made"},                                                          \
		{"failures", FIELD_UINT, FIELD_AT(type, row status.failures), .required = true,   \
		 .text = "Probes that failed"},                                                   \
		{"latency_ms", FIELD_UINT, FIELD_AT(type, row status.latency_ms),                 \
		 .required = true, .text = "How long the last good probe took, in milliseconds"}, \
		{"good", FIELD_BOOL, FIELD_AT(type, row status.good),                             \
		 FIELD_PRESENT(type, row probed),                                                 \
		 .text = "Whether the last probe was good; absent before it"},                    \
		{"in_row", FIELD_UINT, FIELD_AT(type, row status.streak),                         \
		 FIELD_PRESENT(type, row probed),                                                 \
		 .text = "Probes in a row that ended like the last one: from health.rise or "     \
			 "health.fall on they decide; absent before the first"},                  \
	{                                                                                         \
		"next_ms", FIELD_UINT, FIELD_AT(type, row status.next_ms),                        \
			FIELD_PRESENT(type, row status.checked),                                  \
			.text = "Milliseconds until the next probe; 0: it is under way"           \
	}

static const struct field row_fields[] = {HEALTH_ROW_FIELDS(struct health_row, )};
static const struct shape row_shape =
	SHAPE("health_row", struct health_row, row_fields, "What is known of a backend's health");

static bool fill_row(const struct balancer *balancer, uint32_t pool, uint32_t backend,
		     struct health_row *out)
{
	const struct config_pool *in_pool = &balancer_config(balancer)->pools[pool];
	struct backend_status status;

	balancer_backend_status(balancer, pool, backend, &status);
	out->status = status.health;
	out->probed = status.health.probes > 0;
	out->pool = strdup(in_pool->name);
	out->backend = strdup(in_pool->backends[backend].name);
	out->reason = strdup(status.health.reason);
	return out->pool && out->backend && out->reason;
}

struct health_list_params {
	char *pool;
	bool verdict_given;
	enum health_verdict verdict;
};

static const struct field list_params_fields[] = {
	{"pool", FIELD_NAME, FIELD_AT(struct health_list_params, pool),
	 .text = "Only the backends of this pool"},
	{"verdict", FIELD_ENUM, FIELD_AT(struct health_list_params, verdict),
	 FIELD_PRESENT(struct health_list_params, verdict_given), .choices = rpc_health_verdicts,
	 .text = "Only those of which probes say this"},
};
static const struct shape list_params = SHAPE("health_list_params", struct health_list_params,
					      list_params_fields, "Which backends to show");

struct health_list_result {
	uint64_t generation;
	struct health_row *backends;
	uint32_t backend_count;
};

enum { LIST_BACKENDS = 1 };

static const struct field list_result_fields[] = {
	RPC_GENERATION_RESULT(struct health_list_result),
	[LIST_BACKENDS] = {"backends", FIELD_OBJECT,
			   FIELD_LIST_AT(struct health_list_result, backends, backend_count),
			   .required = true, .shape = &row_shape,
			   .text = "In the order of the configuration"},
};
static const struct shape list_result = SHAPE("health_list_result", struct health_list_result,
					      list_result_fields, "Backends and their health");

static bool is_wanted(const struct balancer *balancer, const struct health_list_params *params,
		      uint32_t pool, uint32_t backend)
{
	struct backend_status status;

	if (!params->verdict_given)
		return true;
	balancer_backend_status(balancer, pool, backend, &status);
	return status.health.verdict == params->verdict;
}

/* Of the pool that @params names, which is there, or of all: the first and the one behind the last.
 */
static enum rpc_error find_pools(struct rpc_call *call, const char *pool, uint32_t *out_first,
				 uint32_t *out_end)
{
	enum rpc_error error;

	*out_first = 0;
	*out_end = balancer_config(call->context->balancer)->pool_count;
	if (!pool)
		return RPC_OK;
	error = rpc_find_pool(call, pool, out_first);
	*out_end = *out_first + 1;
	return error;
}

static enum rpc_error health_list(struct rpc_call *call)
{
	const struct health_list_params *params = call->params;
	const struct balancer *balancer = call->context->balancer;
	const struct config *config = balancer_config(balancer);
	struct health_list_result *result = call->result;
	uint32_t first, end, count = 0;
	enum rpc_error error = find_pools(call, params->pool, &first, &end);

	if (error != RPC_OK)
		return error;
	result->generation = balancer_generation(balancer);
	for (uint32_t i = first; i < end; i++)
		count += config->pools[i].backend_count;
	if (!field_list_alloc(&list_result_fields[LIST_BACKENDS], result, count))
		return RPC_INTERNAL_ERROR;
	result->backend_count = 0;
	for (uint32_t i = first; i < end; i++) {
		for (uint32_t j = 0; j < config->pools[i].backend_count; j++) {
			if (!is_wanted(balancer, params, i, j))
				continue;
			if (!fill_row(balancer, i, j, &result->backends[result->backend_count++]))
				return RPC_INTERNAL_ERROR;
		}
	}
	return RPC_OK;
}

static const char *const speakers[] = {
	[DIALOGUE_MAILRAIL] = "mailrail",
	[DIALOGUE_SERVER] = "server",
	[DIALOGUE_NOTE] = "note",
	NULL,
};

struct line_row {
	uint32_t offset_ms;
	enum dialogue_speaker speaker;
	char *text;
};

static const struct field line_fields[] = {
	{"offset_ms", FIELD_UINT, FIELD_AT(struct line_row, offset_ms), .required = true,
	 .text = "Milliseconds since the dialogue began"},
	{"from", FIELD_ENUM, FIELD_AT(struct line_row, speaker), .required = true,
	 .choices = speakers,
	 .text = "Who said it; note: what became of the connection, or is wrong with the reply"},
	{"text", FIELD_STRING, FIELD_AT(struct line_row, text), .required = true,
	 .text = "What, without the line's end; bytes that are not printable, and backslashes, "
		 "as \\xNN"},
};
static const struct shape line_shape =
	SHAPE("dialogue_line", struct line_row, line_fields, "A line of a dialogue");

struct dialogue_row {
	uint64_t began_ms;
	struct dialogue_outcome outcome;
	char *reason;
	bool cut;
	struct line_row *lines;
	uint32_t line_count;
};

enum { DIALOGUE_LINES = 5 };

static const struct field dialogue_fields[] = {
	{"began_ms", FIELD_UINT, FIELD_AT(struct dialogue_row, began_ms), .required = true,
	 .text = "When it began, in milliseconds since 1970 (UTC)"},
	{"good", FIELD_BOOL, FIELD_AT(struct dialogue_row, outcome.good),
	 FIELD_PRESENT(struct dialogue_row, outcome.judged),
	 .text = "Whether the probe was good; absent: it was given up before that was known"},
	{"reason", FIELD_STRING, FIELD_AT(struct dialogue_row, reason), .required = true,
	 .text = "Why it was, or was not"},
	{"latency_ms", FIELD_UINT, FIELD_AT(struct dialogue_row, outcome.latency_ms),
	 FIELD_PRESENT(struct dialogue_row, outcome.judged),
	 .text = "Milliseconds until that was known"},
	{"cut", FIELD_BOOL, FIELD_AT(struct dialogue_row, cut), .required = true,
	 .text = "Whether more was said than is shown"},
	[DIALOGUE_LINES] = {"lines", FIELD_OBJECT,
			    FIELD_LIST_AT(struct dialogue_row, lines, line_count), .required = true,
			    .shape = &line_shape, .text = "What was said, in its order"},
};
static const struct shape dialogue_shape =
	SHAPE("dialogue", struct dialogue_row, dialogue_fields, "What a probe and the server said");

struct health_show_params {
	char *pool;
	char *backend;
};

static const struct field show_params_fields[] = {
	{"pool", FIELD_NAME, FIELD_AT(struct health_show_params, pool), .required = true,
	 .text = "Pool that the backend belongs to"},
	{"backend", FIELD_NAME, FIELD_AT(struct health_show_params, backend), .required = true,
	 .text = "Its name in that pool"},
};
static const struct shape show_params =
	SHAPE("health_show_params", struct health_show_params, show_params_fields, "A backend");

struct health_show_result {
	uint64_t generation;
	struct health_row row;
	struct config_health check;
	struct mr_addr service;
	uint16_t service_port;
	struct mr_addr source;
	char *helo_name;
	struct dialogue_row *dialogues;
	uint32_t dialogue_count;
};

static const struct field show_result_fields[] = {
	RPC_GENERATION_RESULT(struct health_show_result),
	HEALTH_ROW_FIELDS(struct health_show_result, row.),
	{"health", FIELD_OBJECT, FIELD_AT(struct health_show_result, check), .required = true,
	 .shape = &config_health_shape, .text = "How the pool's backends are probed"},
	{"service", FIELD_ADDRESS, FIELD_AT(struct health_show_result, service),
	 FIELD_PRESENT(struct health_show_result, row.status.checked),
	 .text = "Address that probes go to"},
	{"service_port", FIELD_UINT, FIELD_AT(struct health_show_result, service_port),
	 FIELD_PRESENT(struct health_show_result, row.status.checked),
	 .text = "TCP port that they go to"},
	{"source", FIELD_ADDRESS, FIELD_AT(struct health_show_result, source),
	 FIELD_PRESENT(struct health_show_result, row.status.checked),
	 .text = "Address that they come from, as the backend sees it"},
	{"helo_name", FIELD_STRING, FIELD_AT(struct health_show_result, helo_name),
	 .text = "What they call themselves in EHLO"},
	{"dialogues", FIELD_OBJECT,
	 FIELD_LIST_AT(struct health_show_result, dialogues, dialogue_count), .required = true,
	 .shape = &dialogue_shape, .text = "The last of them, the newest first"},
};
static const struct shape show_result =
	SHAPE("health_show_result", struct health_show_result, show_result_fields,
	      "What is known of a backend's health, and how");
/* The last row. */
static const struct field *const dialogues_field =
	&show_result_fields[sizeof(show_result_fields) / sizeof(show_result_fields[0]) - 1];

static bool fill_lines(const struct dialogue *dialogue, struct dialogue_row *out)
{
	if (!field_list_alloc(&dialogue_fields[DIALOGUE_LINES], out, dialogue_lines(dialogue)))
		return false;
	for (uint32_t i = 0; i < out->line_count; i++) {
		struct dialogue_line line;

		dialogue_line(dialogue, i, &line);
		out->lines[i] = (struct line_row){line.offset_ms, line.speaker, strdup(line.text)};
		if (!out->lines[i].text)
			return false;
	}
	return true;
}

static bool fill_dialogue(const struct dialogue *dialogue, struct dialogue_row *out)
{
	out->began_ms = dialogue_began_ms(dialogue);
	out->outcome = dialogue_outcome(dialogue);
	out->cut = dialogue_is_cut(dialogue);
	out->reason = strdup(out->outcome.reason);
	return out->reason && fill_lines(dialogue, out);
}

static bool fill_dialogues(const struct dialogues *dialogues, struct health_show_result *result)
{
	uint32_t count = 0;

	while (dialogues && count < DIALOGUES_KEPT && dialogues->latest[count])
		count++;
	if (!field_list_alloc(dialogues_field, result, count))
		return false;
	for (uint32_t i = 0; i < count; i++) {
		if (!fill_dialogue(dialogues->latest[i], &result->dialogues[i]))
			return false;
	}
	return true;
}

static bool fill_target(const struct health_target *target, struct health_show_result *result)
{
	if (!target)
		return true;
	result->service = target->service;
	result->service_port = target->service_port;
	result->source = target->source;
	result->helo_name = strdup(target->helo_name);
	return result->helo_name;
}

static enum rpc_error health_show(struct rpc_call *call)
{
	const struct health_show_params *params = call->params;
	const struct balancer *balancer = call->context->balancer;
	const struct health *health = balancer_health(balancer);
	struct health_show_result *result = call->result;
	struct backend_status status;
	uint32_t pool, backend;
	enum rpc_error error =
		rpc_find_backend(call, params->pool, params->backend, &pool, &backend);

	if (error != RPC_OK)
		return error;
	balancer_backend_status(balancer, pool, backend, &status);
	result->generation = balancer_generation(balancer);
	if (shape_copy(&config_health_shape, &balancer_config(balancer)->pools[pool].health,
		       &result->check) < 0)
		return RPC_INTERNAL_ERROR;
	return fill_row(balancer, pool, backend, &result->row) &&
			       fill_target(health_get_target(health, status.id), result) &&
			       fill_dialogues(health_get_dialogues(health, status.id), result)
		       ? RPC_OK
		       : RPC_INTERNAL_ERROR;
}

struct health_check_params {
	char *pool;
	char *backend;
};

static const struct field check_params_fields[] = {
	{"pool", FIELD_NAME, FIELD_AT(struct health_check_params, pool), .required = true,
	 .text = "Pool whose backends are to be probed"},
	{"backend", FIELD_NAME, FIELD_AT(struct health_check_params, backend),
	 .text = "Only this one of them"},
};
static const struct shape check_params = SHAPE("health_check_params", struct health_check_params,
					       check_params_fields, "Which backends to probe");

struct health_check_result {
	uint32_t started;
	uint32_t pending;
	uint32_t unchecked;
};

static const struct field check_result_fields[] = {
	{"started", FIELD_UINT, FIELD_AT(struct health_check_result, started), .required = true,
	 .text = "Probes that begin now, as far as there is room for all at a time"},
	{"pending", FIELD_UINT, FIELD_AT(struct health_check_result, pending), .required = true,
	 .text = "Backends that were being probed already, or about to be"},
	{"unchecked", FIELD_UINT, FIELD_AT(struct health_check_result, unchecked), .required = true,
	 .text = "Backends that are not probed at all"},
};
static const struct shape check_result = SHAPE("health_check_result", struct health_check_result,
					       check_result_fields, "What has been set off");

static void check(struct balancer *balancer, uint32_t pool, uint32_t backend,
		  struct health_check_result *result)
{
	struct backend_status status;

	balancer_backend_status(balancer, pool, backend, &status);
	switch (health_check(balancer_health(balancer), status.id)) {
	case 0:
		result->started++;
		break;
	case -EALREADY:
		result->pending++;
		break;
	default:
		result->unchecked++;
		break;
	}
}

static enum rpc_error health_check_now(struct rpc_call *call)
{
	const struct health_check_params *params = call->params;
	struct balancer *balancer = call->context->balancer;
	uint32_t pool, first = 0, end;
	enum rpc_error error;

	if (params->backend) {
		error = rpc_find_backend(call, params->pool, params->backend, &pool, &first);
		end = first + 1;
	} else {
		error = rpc_find_pool(call, params->pool, &pool);
		end = error == RPC_OK ? balancer_config(balancer)->pools[pool].backend_count : 0;
	}
	if (error != RPC_OK)
		return error;
	for (uint32_t i = first; i < end; i++)
		check(balancer, pool, i, call->result);
	return RPC_OK;
}

#define EXAMPLE_ROW                                                                               \
	"\"pool\": \"hub-transport\", \"backend\": \"hub1\", \"verdict\": \"down\", "             \
	"\"checked\": true, \"reason\": \"greeting: 421 too busy\", \"changed_ms\": "             \
	"1795000000000, \"probes\": 4711, \"failures\": 3, \"latency_ms\": 12, \"good\": false, " \
	"\"in_row\": 3, \"next_ms\": 8100"

const struct rpc_method rpc_health_methods[] = {
	{
		.name = "health.list",
		.text = "Shows what probes say of backends",
		.handler = health_list,
		.role = RPC_ROLE_READ,
		.params = &list_params,
		.result = &list_result,
		.result_text = "Backends and their health",
		.example_params = "{\"verdict\": \"down\"}",
		.example_result = "{\"generation\": 7, \"backends\": [{" EXAMPLE_ROW "}]}",
	},
	{
		.name = "health.show",
		.text = "Shows how a backend is probed, what came of it, and what was said",
		.handler = health_show,
		.role = RPC_ROLE_READ,
		.params = &show_params,
		.result = &show_result,
		.result_text = "What is known of the backend's health, and how",
		.example_params = "{\"pool\": \"hub-transport\", \"backend\": \"hub1\"}",
		.example_result =
			"{\"generation\": 7, " EXAMPLE_ROW ", \"health\": {\"type\": \"smtp\", "
			"\"interval\": \"10s\", \"timeout\": \"10s\", \"rise\": 2, \"fall\": 3}, "
			"\"service\": \"10.0.0.10\", \"service_port\": 25, \"source\": "
			"\"10.0.0.2\", \"helo_name\": \"lb1\", \"dialogues\": [{\"began_ms\": "
			"1795000000000, \"good\": false, \"reason\": \"greeting: 421 too busy\", "
			"\"latency_ms\": 4, \"cut\": false, \"lines\": [{\"offset_ms\": 1, "
			"\"from\": \"note\", \"text\": \"connected\"}, {\"offset_ms\": 4, "
			"\"from\": \"server\", \"text\": \"421 too busy\"}, {\"offset_ms\": 4, "
			"\"from\": \"mailrail\", \"text\": \"QUIT\"}, {\"offset_ms\": 5, "
			"\"from\": \"server\", \"text\": \"221 Bye\"}]}]}",
	},
	{
		.name = "health.check",
		.text = "Probes backends now, instead of at their next turn",
		.handler = health_check_now,
		.role = RPC_ROLE_OPERATE,
		.params = &check_params,
		.result = &check_result,
		.result_text = "What has been set off; what came of it, health.show tells",
		.example_params = "{\"pool\": \"hub-transport\"}",
		.example_result = "{\"started\": 3, \"pending\": 1, \"unchecked\": 0}",
	},
	{.name = NULL},
};
