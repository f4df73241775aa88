/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "config_tables.h"
#include "events.h"
#include "field_schema.h"
#include "rpc_methods.h"

/* Makes @value the member @name; a value that is missing for want of memory is noticed. */
static bool put(json_t *object, const char *name, json_t *value)
{
	return json_object_set_new(object, name, value) == 0;
}

static bool append(json_t *array, json_t *value)
{
	return json_array_append_new(array, value) == 0;
}

/* A content descriptor (OpenRPC) of one parameter. */
static json_t *describe_param(const struct field *field)
{
	return json_pack("{s:s, s:s+, s:b, s:o}", "name", field->name, "description", field->text,
			 ".", "required", field->required, "schema",
			 field_schema(field, FIELD_SCHEMA_REDACTED));
}

static json_t *describe_params(const struct shape *shape)
{
	json_t *params = json_array();

	for (uint32_t i = 0; shape && i < shape->field_count; i++) {
		if (!append(params, describe_param(&shape->fields[i]))) {
			json_decref(params);
			return NULL;
		}
	}
	return params;
}

static json_t *describe_result(const struct rpc_method *method)
{
	json_t *schema = method->result ? shape_schema(method->result, FIELD_SCHEMA_REDACTED)
					: json_pack("{s:s}", "type", "object");

	return json_pack("{s:s, s:s+, s:o}", "name", "result", "description", method->result_text,
			 ".", "schema", schema);
}

/* The example's parameters in the order of the table, each with its name. */
static json_t *example_params(const struct rpc_method *method)
{
	json_t *values = json_loads(method->example_params, 0, NULL);
	json_t *params = json_array();
	const char *name;
	json_t *value;
	bool ok = values != NULL;

	json_object_foreach (values, name, value) {
		ok = ok && append(params, json_pack("{s:s, s:O}", "name", name, "value", value));
	}
	json_decref(values);
	if (!ok) {
		json_decref(params);
		return NULL;
	}
	return params;
}

static json_t *describe_examples(const struct rpc_method *method)
{
	json_t *result =
		method->example_result ? json_loads(method->example_result, 0, NULL) : NULL;

	if (!result) /* too long to show */
		return json_pack("[{s:s, s:o}]", "name", method->name, "params",
				 example_params(method));
	return json_pack("[{s:s, s:o, s:{s:s, s:o}}]", "name", method->name, "params",
			 example_params(method), "result", "name", "result", "value", result);
}

static json_t *describe_error(const char *id)
{
	return json_pack("{s:s+}", "$ref", "#/components/errors/", id);
}

/* What a method can answer beside what JSON-RPC itself prescribes. */
static json_t *describe_errors(const struct rpc_method *method)
{
	json_t *errors = json_array();
	bool ok = append(errors, describe_error("RPC_INVALID_PARAMS")) &&
		  append(errors, describe_error("RPC_INTERNAL_ERROR")) &&
		  append(errors, describe_error("RPC_LIMIT_EXCEEDED"));

	if (method->params)
		ok = ok && append(errors, describe_error("RPC_NOT_FOUND"));
	if (method->role > RPC_ROLE_READ)
		ok = ok && append(errors, describe_error("RPC_FORBIDDEN"));
	if (method->changes_state)
		ok = ok && append(errors, describe_error("RPC_REFUSED")) &&
		     append(errors, describe_error("RPC_STALE_GENERATION"));
	if (!ok) {
		json_decref(errors);
		return NULL;
	}
	return errors;
}

/* Its noun, and the role of those that may call it. */
static json_t *describe_tags(const struct rpc_method *method)
{
	return json_pack("[{s:o}, {s:s+}]", "name",
			 json_stringn(method->name, strcspn(method->name, ".")), "name",
			 "role: ", rpc_roles[method->role]);
}

static json_t *describe_method(const struct rpc_method *method)
{
	json_t *described =
		json_pack("{s:s, s:s, s:o, s:s, s:o, s:o, s:o, s:s, s:b}", "name", method->name,
			  "summary", method->text, "tags", describe_tags(method), "paramStructure",
			  "either", "params", describe_params(method->params), "result",
			  describe_result(method), "errors", describe_errors(method), "x-role",
			  rpc_roles[method->role], "x-changes-state", method->changes_state);

	if (described && method->example_params &&
	    !put(described, "examples", describe_examples(method))) {
		json_decref(described);
		return NULL;
	}
	return described;
}

static json_t *describe_methods(const struct rpc_method *const *methods)
{
	json_t *list = json_array();

	for (; *methods; methods++) {
		for (const struct rpc_method *method = *methods; method->name; method++) {
			if (!append(list, describe_method(method))) {
				json_decref(list);
				return NULL;
			}
		}
	}
	return list;
}

/* Every error that an answer can hold; the message is JSON-RPC's, the sentence is ours. */
static json_t *describe_all_errors(void)
{
	json_t *errors = json_object();
	bool ok = true;

#define DESCRIBE(id, code, message, text) \
	ok = ok &&                        \
	     put(errors, #id,             \
		 json_pack("{s:i, s:s, s:s}", "code", code, "message", message, "data", text));
	RPC_ERRORS(DESCRIBE)
#undef DESCRIBE
	if (!ok) {
		json_decref(errors);
		return NULL;
	}
	return errors;
}

/* What events.subscribe is about: OpenRPC has no place for notifications. */
static json_t *describe_events(void)
{
	json_t *events = json_object();
	bool ok = true;

#define DESCRIBE(id, name, text, details) \
	ok = ok && put(events, name, json_pack("{s:s, s:s}", "summary", text, "details", details));
	EVENT_KINDS(DESCRIBE)
#undef DESCRIBE
	if (!ok) {
		json_decref(events);
		return NULL;
	}
	return events;
}

json_t *rpc_openrpc(const struct rpc_method *const *methods)
{
	return json_pack(
		"{s:s, s:{s:s, s:s, s:s, s:{s:s}}, s:o, s:{s:{s:o}, s:o}, s:o}", "openrpc", "1.2.6",
		"info", "title", "mailrail", "version", MAILRAIL_VERSION, "description",
		"A layer-4 load balancer for SMTP. The data of every error is a list of objects "
		"with the members pointer (JSON Pointer into the parameters) and message.",
		"license", "name", "BSD-3-Clause", "methods", describe_methods(methods),
		"components", "schemas", config_shape.name,
		shape_schema(&config_shape, FIELD_SCHEMA_REDACTED), "errors", describe_all_errors(),
		"x-events", describe_events());
}

static enum rpc_error discover(struct rpc_call *call)
{
	call->document = rpc_openrpc(call->context->methods);
	return call->document ? RPC_OK : RPC_INTERNAL_ERROR;
}

const struct rpc_method rpc_discover_methods[] = {
	{
		.name = "rpc.discover",
		.text = "Describes every method: the OpenRPC document of this node",
		.handler = discover,
		.result_text = "The OpenRPC document itself",
		.example_params = "{}",
	},
	{.name = NULL},
};
