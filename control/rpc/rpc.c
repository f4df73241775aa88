/* SPDX-License-Identifier: BSD-3-Clause */
#define LOG_TOPIC LOG_TOPIC_RPC

#include "rpc.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "field_value.h"
#include "histogram.h"
#include "log.h"
#include "rpc_ids.h"
#include "suggestion.h"

const char *const rpc_roles[] = {
	[RPC_ROLE_READ] = "read",
	[RPC_ROLE_OPERATE] = "operate",
	[RPC_ROLE_ADMIN] = "admin",
	NULL,
};

static const char *error_message(enum rpc_error error)
{
	switch (error) {
	case RPC_OK:
		break;
#define RPC_ERROR_MESSAGE(id, code, message, text) \
	case id:                                   \
		return message;
		RPC_ERRORS(RPC_ERROR_MESSAGE)
#undef RPC_ERROR_MESSAGE
	}
	return "";
}

/* Takes @id and what @errors holds. NULL: no memory. */
static json_t *error_response(json_t *id, enum rpc_error error, struct field_errors *errors)
{
	json_t *data = errors->count > 0 ? field_errors_encode(errors) : NULL;

	field_errors_fini(errors);
	return json_pack("{s:s, s:{s:i, s:s, s:o*}, s:o}", "jsonrpc", "2.0", "error", "code",
			 (int)error, "message", error_message(error), "data", data, "id",
			 id ? id : json_null());
}

static json_t *result_response(json_t *id, json_t *result)
{
	return json_pack("{s:s, s:o, s:o}", "jsonrpc", "2.0", "result", result, "id", id);
}

const struct rpc_method *rpc_method_find(const struct rpc_method *const *methods, const char *name)
{
	for (; *methods; methods++)
		for (const struct rpc_method *method = *methods; method->name; method++)
			if (strcmp(method->name, name) == 0)
				return method;
	return NULL;
}

static void refuse_method(const struct rpc_method *const *methods, const char *name,
			  struct field_errors *errors)
{
	struct suggestion nearest = {.word = name};
	char hint[SUGGESTION_TEXT_MAX], shown[FIELD_SHOWN_MAX];
	json_t *json = json_string(name);

	for (; *methods; methods++)
		for (const struct rpc_method *method = *methods; method->name; method++)
			suggestion_consider(&nearest, method->name);
	suggestion_format(&nearest, hint);
	field_value_show(json, shown);
	json_decref(json);
	field_errors_add(errors, NULL, "there is no method %s%s", shown, hint);
}

static const struct shape no_params = {.name = "none", .size = 1};

static bool decode_params(const struct shape *shape, const json_t *params, struct rpc_call *call)
{
	json_t *none;
	bool ok;

	if (json_is_array(params))
		return shape_decode_positional(shape, params, call->params, &call->errors);
	if (params)
		return shape_decode(shape, params, NULL, call->params, &call->errors);
	none = json_object();
	ok = shape_decode(shape, none, NULL, call->params, &call->errors);
	json_decref(none);
	return ok;
}

static json_t *take_result(const struct rpc_method *method, struct rpc_call *call)
{
	json_t *result;

	if (!method->result) {
		result = call->document;
		call->document = NULL;
		return result;
	}
	return shape_encode(method->result, call->result, SHAPE_REDACT);
}

static void log_change(const struct rpc_method *method, const struct rpc_peer *peer,
		       enum rpc_error error, const struct field_errors *errors)
{
	char line[FIELD_ERROR_LINE_MAX] = "";

	if (errors->count > 0)
		field_errors_line(errors, 0, line, sizeof(line));
	log_write(LOG_NOTICE, "%s by %s: %s%s%s", method->name, peer->name,
		  error == RPC_OK ? "done" : error_message(error), line[0] ? ": " : "", line);
}

static enum rpc_error refuse_role(const struct rpc_method *method, const struct rpc_peer *peer,
				  struct field_errors *errors)
{
	log_write(LOG_WARNING, "%s by %s: forbidden to the role %s", method->name, peer->name,
		  rpc_roles[peer->role]);
	field_errors_add(errors, NULL, "%s wants the role %s; yours is %s", method->name,
			 rpc_roles[method->role], rpc_roles[peer->role]);
	return RPC_FORBIDDEN;
}

/* Decodes, calls, encodes. On RPC_OK *@out_result is a new reference. */
static enum rpc_error invoke(const struct rpc_method *method, const json_t *params,
			     const struct rpc_peer *peer, struct rpc_call *call,
			     json_t **out_result)
{
	const struct shape *shape = method->params ? method->params : &no_params;
	enum rpc_error error = RPC_INTERNAL_ERROR;

	if (peer->role < method->role)
		return refuse_role(method, peer, &call->errors);
	call->method = method;
	call->peer = peer;
	call->params = calloc(1, shape->size);
	call->result = calloc(1, method->result ? method->result->size : 1);
	if (!call->params || !call->result)
		goto out;
	error = RPC_INVALID_PARAMS;
	if (decode_params(shape, params, call))
		error = method->handler(call);
	if (method->changes_state)
		log_change(method, peer, error, &call->errors);
	if (error != RPC_OK)
		goto out;
	*out_result = take_result(method, call);
	if (!*out_result)
		error = RPC_INTERNAL_ERROR;
out:
	if (call->params)
		shape_fini(shape, call->params);
	if (call->result && method->result)
		shape_fini(method->result, call->result);
	json_decref(call->document);
	free(call->params);
	free(call->result);
	return error;
}

static bool id_is_valid(const json_t *id)
{
	return json_is_string(id) || json_is_number(id) || json_is_null(id);
}

/* Section 4 of the specification; members that it does not know are passed over. */
static bool check_request(const json_t *request, struct field_errors *errors)
{
	const json_t *version = json_object_get(request, "jsonrpc");
	const json_t *params = json_object_get(request, "params");
	const json_t *id = json_object_get(request, "id");
	const char *text = json_string_value(version);

	if (!json_is_object(request)) {
		field_errors_add(errors, NULL, "a request is an object");
		return false;
	}
	if (!text || strcmp(text, "2.0") != 0)
		field_errors_add(errors, &(struct field_path){NULL, "jsonrpc", 0},
				 "expected the string \"2.0\"");
	if (!json_is_string(json_object_get(request, "method")))
		field_errors_add(errors, &(struct field_path){NULL, "method", 0},
				 "expected a string");
	if (params && !json_is_object(params) && !json_is_array(params))
		field_errors_add(errors, &(struct field_path){NULL, "params", 0},
				 "expected an object or an array");
	if (id && !id_is_valid(id))
		field_errors_add(errors, &(struct field_path){NULL, "id", 0},
				 "expected a string, a number or null");
	return !field_errors_any(errors);
}

/* NULL with *@out_rc 0: a notification. */
static json_t *respond(const struct rpc_context *context, const struct rpc_peer *peer,
		       const json_t *request, int *out_rc)
{
	struct rpc_call call = {.context = context};
	json_t *id = json_object_get(request, "id");
	const struct rpc_method *method;
	enum rpc_error error;
	json_t *result = NULL;
	json_t *response;
	const char *name;

	if (!check_request(request, &call.errors)) {
		response = error_response(id && id_is_valid(id) ? json_incref(id) : NULL,
					  RPC_INVALID_REQUEST, &call.errors);
		*out_rc = response ? 0 : -ENOMEM;
		return response;
	}
	name = json_string_value(json_object_get(request, "method"));
	method = rpc_method_find(context->methods, name);
	if (method) {
		error = invoke(method, json_object_get(request, "params"), peer, &call, &result);
	} else {
		error = RPC_METHOD_NOT_FOUND;
		refuse_method(context->methods, name, &call.errors);
	}

	*out_rc = 0;
	if (!id) {
		field_errors_fini(&call.errors);
		json_decref(result);
		return NULL;
	}
	if (error == RPC_OK) {
		field_errors_fini(&call.errors);
		response = result_response(json_incref(id), result);
	} else {
		response = error_response(json_incref(id), error, &call.errors);
	}
	*out_rc = response ? 0 : -ENOMEM;
	return response;
}

/* With the time that it takes. */
static json_t *respond_timed(const struct rpc_context *context, const struct rpc_peer *peer,
			     const json_t *request, int *out_rc)
{
	const uint64_t began_us = clock_monotonic_us();
	json_t *response = respond(context, peer, request, out_rc);

	if (context->times)
		histogram_add(context->times, clock_monotonic_us() - began_us);
	return response;
}

/* Takes @response, whose last member is the id: @id, if the parser did not see it. */
static int dump(json_t *response, const struct rpc_id *id, char **out_answer)
{
	if (!response)
		return -ENOMEM;
	*out_answer = json_dumps(response, JSON_COMPACT);
	json_decref(response);
	if (*out_answer && id->text)
		*out_answer = rpc_id_restore(id, *out_answer);
	return *out_answer ? 0 : -ENOMEM;
}

int rpc_answer_error(enum rpc_error error, const char *reason, char **out_answer)
{
	static const struct rpc_id none;
	struct field_errors errors = {0};

	field_errors_add(&errors, NULL, "%s", reason);
	return dump(error_response(NULL, error, &errors), &none, out_answer);
}

/* Grows with every response of a batch, and is a JSON array in the end. */
struct batch_answer {
	char *text;
	size_t size;
};

static int batch_put(struct batch_answer *answer, const char *response)
{
	size_t length = strlen(response);
	char *grown = realloc(answer->text, answer->size + length + 3);

	if (!grown)
		return -ENOMEM;
	answer->text = grown;
	grown[answer->size] = answer->size == 0 ? '[' : ',';
	memcpy(grown + answer->size + 1, response, length);
	answer->size += length + 1;
	grown[answer->size] = '\0';
	return 0;
}

/* The request is not carried out: its answer would not fit. */
static json_t *respond_over_limit(const json_t *request)
{
	struct field_errors errors = {0};
	json_t *id = json_object_get(request, "id");

	field_errors_add(&errors, NULL, "the answers before this one fill %u bytes",
			 RPC_ANSWER_MAX);
	return error_response(id && id_is_valid(id) ? json_incref(id) : NULL, RPC_LIMIT_EXCEEDED,
			      &errors);
}

static int answer_batch_member(const struct rpc_context *context, const struct rpc_peer *peer,
			       const json_t *request, const struct rpc_id *id,
			       struct batch_answer *answer)
{
	json_t *response;
	char *text;
	int rc = 0;

	if (answer->size > RPC_ANSWER_MAX)
		response = respond_over_limit(request);
	else
		response = respond_timed(context, peer, request, &rc);
	if (!response)
		return rc;
	rc = dump(response, id, &text);
	if (rc < 0)
		return rc;
	rc = batch_put(answer, text);
	free(text);
	return rc;
}

static int answer_batch(const struct rpc_context *context, const struct rpc_peer *peer,
			const json_t *batch, const struct rpc_ids *ids, char **out_answer)
{
	struct batch_answer answer = {0};
	size_t count = json_array_size(batch);
	char reason[96];
	int rc = 0;

	if (count == 0)
		return rpc_answer_error(RPC_INVALID_REQUEST, "a batch has at least one request",
					out_answer);
	if (count > RPC_BATCH_MAX) {
		snprintf(reason, sizeof(reason), "%zu requests in a batch; at most %d allowed",
			 count, RPC_BATCH_MAX);
		return rpc_answer_error(RPC_LIMIT_EXCEEDED, reason, out_answer);
	}
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = answer_batch_member(context, peer, json_array_get(batch, i), &ids->of[i],
					 &answer);
	if (rc < 0) {
		free(answer.text);
		return rc;
	}
	/* batch_put() left room for the bracket where its NUL is, and for another NUL. */
	*out_answer = answer.text;
	if (answer.text)
		strcpy(answer.text + answer.size, "]");
	return 0;
}

int rpc_answer(const struct rpc_context *context, const struct rpc_peer *peer, const char *text,
	       size_t size, char **out_answer)
{
	char reason[JSON_ERROR_TEXT_LENGTH + 48];
	struct rpc_ids ids;
	char *masked;
	json_error_t error;
	json_t *response, *json;
	int rc = rpc_ids_find(text, size, &ids, &masked);

	*out_answer = NULL;
	if (rc < 0)
		return rc;
	json = json_loadb(masked ? masked : text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY,
			  &error);
	free(masked);
	if (!json) {
		snprintf(reason, sizeof(reason), "line %d, column %d: %s", error.line, error.column,
			 error.text);
		return rpc_answer_error(RPC_PARSE_ERROR, reason, out_answer);
	}
	if (json_is_array(json)) {
		rc = answer_batch(context, peer, json, &ids, out_answer);
	} else {
		response = respond_timed(context, peer, json, &rc);
		if (response)
			rc = dump(response, &ids.of[0], out_answer);
	}
	json_decref(json);
	return rc;
}
