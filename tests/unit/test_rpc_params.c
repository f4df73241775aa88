/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every method, called with every kind of wrong parameter that its tables of fields tell: each
 * call is answered by "Invalid params" with a pointer to the very member, and changes nothing.
 * Methods that come later are walked too. With a real balancer, whose one port leads nowhere, in
 * a network namespace of its own.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/config_text.h"
#include "../lib/idle_dataplane.h"
#include "../lib/unit.h"
#include "../lib/wrong_values.h"
#include "balancer.h"
#include "captures.h"
#include "config_tables.h"
#include "events.h"
#include "log.h"
#include "rpc_methods.h"

#define POINTER_MAX 512
/* Longer lists are not worth the time. */
#define LIST_MAX 4096

static struct idle_dataplane idle;
static struct rpc_context context = {.methods = rpc_methods};
static char directory[] = "/tmp/mailrail-rpc-params.XXXXXX"; /* of captures */
static unsigned int calls;

/* What the methods' examples speak of. */
static const char text[] =
	"{'node': {'name': 'lb1', 'key': "
	"'0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'}, "
	"'ports': [{'name': 'wan', 'device': 'net_null0', 'twin': false}], "
	"'pools': [{'name': 'hub-transport', 'table_size': 251, 'health': {'type': 'none'}, "
	"'backends': [{'name': 'hub1', 'address': '10.0.0.11'}, "
	"{'name': 'hub2', 'address': '10.0.0.12'}]}], "
	"'services': [{'name': 'smtp', 'namespace': 'mail.example.com', "
	"'addresses': ['10.0.0.10'], 'ports': [25], 'pool': 'hub-transport'}]}";

static void start(void)
{
	struct balancer_setup setup = {.base = idle.base, .dp = idle.dp};
	struct mr_error error = {""};

	CU_ASSERT_EQUAL_FATAL(events_create(idle.base, &context.events), 0);
	CU_ASSERT_EQUAL_FATAL(captures_create(idle.base, idle.dp, directory, &context.captures), 0);
	setup.events = context.events;
	setup.config = config_from_text(text);
	setup.config->workers.cores[0] = idle.core;
	if (balancer_create(&setup, &context.balancer, &error) < 0) {
		puts(error.text);
		CU_FAIL_FATAL("no balancer");
	}
}

static void stop(void)
{
	balancer_destroy(context.balancer);
	captures_destroy(context.captures);
	events_destroy(context.events);
}

static json_t *call(enum rpc_role role, const struct rpc_method *method, json_t *params)
{
	const struct rpc_peer peer = {.name = "test", .role = role};
	json_t *request = json_pack("{s:s, s:i, s:s, s:O}", "jsonrpc", "2.0", "id", 1, "method",
				    method->name, "params", params);
	char *out = NULL, *in = json_dumps(request, JSON_COMPACT);
	json_t *answer;

	calls++;
	CU_ASSERT_EQUAL_FATAL(rpc_answer(&context, &peer, in, strlen(in), &out), 0);
	answer = json_loads(out, 0, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(answer);
	json_decref(request);
	free(in);
	free(out);
	return answer;
}

/* RPC_OK: it is a result. */
static enum rpc_error code_of(const json_t *answer)
{
	const json_t *error = json_object_get(answer, "error");

	return error ? (enum rpc_error)json_integer_value(json_object_get(error, "code")) : RPC_OK;
}

/* One call that is being made wrong. */
struct walk {
	const struct rpc_method *method;
	json_t *params; /* right, but for what is wrong at the moment */
	/* Within a document, other errors may follow from the one. */
	bool document;
};

/* Whether an error is about @pointer; @out_others: about something else. */
static bool tells(const json_t *answer, const char *pointer, unsigned int *out_others)
{
	const json_t *data = json_object_get(json_object_get(answer, "error"), "data");
	bool told = false;
	size_t i;
	json_t *error;

	*out_others = 0;
	json_array_foreach (data, i, error) {
		const char *place = json_string_value(json_object_get(error, "pointer"));

		if (strcmp(place, pointer) == 0)
			told = true;
		else
			(*out_others)++;
	}
	return told;
}

static void show(const struct rpc_method *method, const json_t *params, const json_t *answer)
{
	char *in = json_dumps(params, JSON_COMPACT | JSON_ENSURE_ASCII);
	char *out = json_dumps(answer, JSON_COMPACT);

	printf("\n%s\n  %.2000s\n  %.2000s\n", method->name, in, out);
	free(in);
	free(out);
}

static void check_refused(const struct walk *walk, const char *pointer)
{
	const struct config *before = balancer_config(context.balancer);
	const uint64_t generation = balancer_generation(context.balancer);
	json_t *answer = call(RPC_ROLE_ADMIN, walk->method, walk->params);
	unsigned int others;
	bool ok = tells(answer, pointer, &others);

	ok = ok && code_of(answer) == RPC_INVALID_PARAMS && (others == 0 || walk->document);
	ok = ok && balancer_config(context.balancer) == before &&
	     balancer_generation(context.balancer) == generation;
	CU_ASSERT(ok);
	if (!ok) {
		printf("\nnot an error about \"%s\" alone:", pointer);
		show(walk->method, walk->params, answer);
	}
	json_decref(answer);
}

__attribute__((format(printf, 2, 3))) static void join(char *out, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(out, POINTER_MAX, format, arguments);
	va_end(arguments);
}

/* Puts @value, of which the reference is taken, where @name is, tries, and takes it out again. */
static void try_value(const struct walk *walk, json_t *object, const char *name, json_t *value,
		      const char *pointer)
{
	json_t *before = json_incref(json_object_get(object, name));

	json_object_set_new(object, name, value);
	check_refused(walk, pointer);
	if (before)
		json_object_set_new(object, name, before);
	else
		json_object_del(object, name);
}

static void walk_shape(const struct walk *walk, const struct shape *shape, json_t *object,
		       const char *pointer, bool partial);

static void walk_nested(const struct walk *walk, const struct field *field, json_t *value,
			const char *pointer, bool partial)
{
	struct walk inner = *walk;

	if (field->kind == FIELD_JSON && !field->partial)
		inner.document = true;
	if (field->shape)
		walk_shape(&inner, field->shape, value, pointer, partial || field->partial);
}

static void walk_value(const struct walk *walk, const struct field *field, json_t *object,
		       const char *pointer, bool partial)
{
	json_t *values = wrong_values(field);
	json_t *before = json_object_get(object, field->name);
	size_t i;
	json_t *value;

	json_array_foreach (values, i, value)
		try_value(walk, object, field->name, json_incref(value), pointer);
	json_decref(values);
	if (!field->shape)
		return;
	/* What is inside stays right, though it was absent. */
	value = before ? json_incref(before) : right_value(field);
	if (!before)
		json_object_set(object, field->name, value);
	walk_nested(walk, field, value, pointer, partial);
	if (!before)
		json_object_del(object, field->name);
	json_decref(value);
}

static json_t *list_of(size_t count, json_t *element)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append(list, element);
	json_decref(element);
	return list;
}

static void walk_twins(const struct walk *walk, const struct field *field, json_t *object,
		       const char *pointer)
{
	struct walk inner = *walk;
	char place[POINTER_MAX];

	inner.document = true; /* twins have more in common */
	join(place, "%s/1", pointer);
	if (field->unique)
		try_value(&inner, object, field->name, list_of(2, right_value(field)), place);
	for (uint32_t i = 0; field->kind == FIELD_OBJECT && i < field->shape->field_count; i++) {
		if (!field->shape->fields[i].key)
			continue;
		join(place, "%s/1/%s", pointer, field->shape->fields[i].name);
		try_value(&inner, object, field->name, list_of(2, right_value(field)), place);
	}
}

static void walk_list(const struct walk *walk, const struct field *field, json_t *object,
		      const char *pointer)
{
	json_t *lists = wrong_lists(), *values = wrong_values(field);
	char place[POINTER_MAX];
	size_t i;
	json_t *value;

	json_array_foreach (lists, i, value)
		try_value(walk, object, field->name, json_incref(value), pointer);
	json_decref(lists);
	if (field->list_min > 0)
		try_value(walk, object, field->name,
			  list_of(field->list_min - 1, right_value(field)), pointer);
	if (field->list_max > 0 && field->list_max <= LIST_MAX)
		try_value(walk, object, field->name, list_of(field->list_max + 1, json_null()),
			  pointer);
	join(place, "%s/0", pointer);
	json_array_foreach (values, i, value)
		try_value(walk, object, field->name, json_pack("[O]", value), place);
	json_decref(values);
	if (field->list_max != 1)
		walk_twins(walk, field, object, pointer);
	if (field->kind != FIELD_OBJECT)
		return;
	value = json_incref(json_object_get(object, field->name));
	json_object_set_new(object, field->name, json_pack("[o]", right_value(field)));
	walk_nested(walk, field, json_array_get(json_object_get(object, field->name), 0), place,
		    false);
	if (value)
		json_object_set_new(object, field->name, value);
	else
		json_object_del(object, field->name);
}

static void walk_missing(const struct walk *walk, const struct field *field, json_t *object,
			 const char *pointer)
{
	json_t *before = json_incref(json_object_get(object, field->name));

	json_object_del(object, field->name);
	check_refused(walk, pointer);
	json_object_set_new(object, field->name, before);
}

/* @partial: nothing is required, and no key may be there. */
static void walk_shape(const struct walk *walk, const struct shape *shape, json_t *object,
		       const char *pointer, bool partial)
{
	char place[POINTER_MAX];

	join(place, "%s/no such~1member", pointer);
	try_value(walk, object, "no such/member", json_integer(1), place);
	for (uint32_t i = 0; i < shape->field_count; i++) {
		const struct field *field = &shape->fields[i];

		join(place, "%s/%s", pointer, field->name);
		if (partial && field->key) {
			try_value(walk, object, field->name, right_value(field), place);
			continue;
		}
		if (field->required && !partial)
			walk_missing(walk, field, object, place);
		if (field->list)
			walk_list(walk, field, object, place);
		else
			walk_value(walk, field, object, place, partial);
	}
}

static void walk_positions(struct walk *walk, const struct shape *shape)
{
	json_t *named = walk->params;
	const uint32_t count = shape ? shape->field_count : 0;
	char place[POINTER_MAX];

	walk->document = true; /* others are wrong as well */
	walk->params = list_of(count + 1, json_null());
	join(place, "/%u", count);
	check_refused(walk, place);
	for (uint32_t i = 0; i < count; i++) {
		join(place, "/%u", i);
		check_refused(walk, place);
	}
	json_decref(walk->params);
	walk->document = false;
	walk->params = named;
}

/* Right parameters; the generation is left to the one in force. */
static json_t *right_params(const struct rpc_method *method)
{
	json_t *params;

	if (method->example_params)
		params = json_loads(method->example_params, 0, NULL);
	else
		params = method->params ? right_object(method->params) : json_object();
	json_object_del(params, "generation");
	return params;
}

/* A whole configuration that is right, for the methods that take one. */
static void complete_document(const struct rpc_method *method, json_t *params)
{
	for (uint32_t i = 0; method->params && i < method->params->field_count; i++) {
		const struct field *field = &method->params->fields[i];

		if (field->kind == FIELD_JSON && field->shape == &config_shape)
			json_object_set_new(params, field->name,
					    config_encode(balancer_config(context.balancer)));
	}
}

static void walk_method(const struct rpc_method *method)
{
	static const struct shape no_params = {.name = "none"};
	struct walk walk = {.method = method, .params = right_params(method)};

	complete_document(method, walk.params);
	walk_shape(&walk, method->params ? method->params : &no_params, walk.params, "", false);
	walk_positions(&walk, method->params);
	json_decref(walk.params);
}

static void for_each(void (*check)(const struct rpc_method *method))
{
	for (const struct rpc_method *const *table = rpc_methods; *table; table++)
		for (const struct rpc_method *method = *table; method->name; method++)
			check(method);
}

static void test_wrong_params(void)
{
	start();
	for_each(walk_method);
	printf("%u calls ", calls);
	stop();
}

/*
 * What an example asks for may be impossible here, but not because of its parameters. Changes
 * that can be made for a generation are made for one that is not in force.
 */
static void check_example(const struct rpc_method *method)
{
	const bool guarded = method->params && shape_field(method->params, "generation");
	json_t *params = right_params(method);
	enum rpc_error code;
	json_t *answer;

	complete_document(method, params);
	if (guarded && method->changes_state)
		json_object_set_new(params, "generation", json_integer(4711));
	answer = call(RPC_ROLE_ADMIN, method, params);
	code = code_of(answer);
	CU_ASSERT_NOT_EQUAL(code, RPC_INVALID_PARAMS);
	CU_ASSERT_NOT_EQUAL(code, RPC_INTERNAL_ERROR);
	CU_ASSERT(!guarded || !method->changes_state || code == RPC_STALE_GENERATION);
	if (code == RPC_INVALID_PARAMS || code == RPC_INTERNAL_ERROR)
		show(method, params, answer);
	json_decref(answer);
	json_decref(params);
}

static void test_examples(void)
{
	start();
	for_each(check_example);
	CU_ASSERT_EQUAL(balancer_generation(context.balancer), 1);
	stop();
}

static void check_role(const struct rpc_method *method)
{
	static const enum rpc_role roles[] = {RPC_ROLE_READ, RPC_ROLE_OPERATE};
	json_t *params = right_params(method), *wrong = json_pack("[n, n]");

	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		json_t *right_answer, *wrong_answer;

		if (roles[i] >= method->role)
			continue;
		right_answer = call(roles[i], method, params);
		wrong_answer = call(roles[i], method, wrong);
		CU_ASSERT_EQUAL(code_of(right_answer), RPC_FORBIDDEN);
		CU_ASSERT_EQUAL(code_of(wrong_answer), RPC_FORBIDDEN);
		json_decref(right_answer);
		json_decref(wrong_answer);
	}
	json_decref(params);
	json_decref(wrong);
	/* Whoever may only look, changes nothing. */
	CU_ASSERT(method->role > RPC_ROLE_READ || !method->changes_state);
}

static void test_roles(void)
{
	start();
	for_each(check_role);
	CU_ASSERT_EQUAL(balancer_generation(context.balancer), 1);
	stop();
}

static void remove_directory(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -r %s", directory);
	if (system(command) != 0)
		puts(command);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_wrong_params),
		UNIT_TEST(test_examples),
		UNIT_TEST(test_roles),
		CU_TEST_INFO_NULL,
	};
	int status;

	if (!mkdtemp(directory))
		return 2;
	idle_dataplane_init(&idle, "wan");
	status = unit_run("rpc_params", tests);
	idle_dataplane_fini(&idle);
	remove_directory();
	return status;
}
