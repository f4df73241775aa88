/* SPDX-License-Identifier: BSD-3-Clause */
/* Walks every table of methods; what the methods do is tested end to end. */
#include <string.h>

#include "../lib/unit.h"
#include "rpc_methods.h"

static void for_each(void (*check)(const struct rpc_method *method))
{
	for (const struct rpc_method *const *table = rpc_methods; *table; table++)
		for (const struct rpc_method *method = *table; method->name; method++)
			check(method);
}

static void check_text(const char *text)
{
	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	CU_ASSERT(strlen(text) > 3);
	CU_ASSERT(text[strlen(text) - 1] != '.');
}

static void check_shape(const struct shape *shape)
{
	check_text(shape->text);
	for (uint32_t i = 0; i < shape->field_count; i++) {
		const struct field *field = &shape->fields[i];

		check_text(field->text);
		CU_ASSERT(field->offset + (field->list ? sizeof(void *) : field->size) <=
			  shape->size);
		CU_ASSERT(field->max == 0 || field->min <= field->max);
		CU_ASSERT(field->kind != FIELD_ENUM || field->choices != NULL);
		CU_ASSERT(field->kind == FIELD_ENUM || field->kind == FIELD_UINT ||
			  field->choices == NULL);
		CU_ASSERT_FALSE(field->required && field->tracked);
		for (uint32_t j = 0; j < i; j++)
			CU_ASSERT_STRING_NOT_EQUAL(field->name, shape->fields[j].name);
		if (field->kind != FIELD_OBJECT)
			continue;
		CU_ASSERT_EQUAL(field->size, field->shape->size);
		check_shape(field->shape);
	}
}

static bool has_field(const struct shape *shape, const char *name)
{
	for (uint32_t i = 0; shape && i < shape->field_count; i++)
		if (strcmp(shape->fields[i].name, name) == 0)
			return true;
	return false;
}

static void check_method(const struct rpc_method *method)
{
	CU_ASSERT_PTR_NOT_NULL(strchr(method->name, '.'));
	CU_ASSERT_PTR_EQUAL(rpc_method_find(rpc_methods, method->name), method); /* unique */
	CU_ASSERT_PTR_NOT_NULL(method->handler);
	check_text(method->text);
	check_text(method->result_text);
	if (method->params)
		check_shape(method->params);
	if (method->result)
		check_shape(method->result);
	/* One that changes the configuration can be told for which generation. */
	if (has_field(method->result, "generation") && has_field(method->result, "changed"))
		CU_ASSERT(has_field(method->params, "generation"));
	/* For documents and clients; a result may be too long to show. */
	CU_ASSERT_PTR_NOT_NULL(method->example_params);
}

static void test_tables(void)
{
	for_each(check_method);
}

static void check_example(const struct shape *shape, const char *text)
{
	json_t *json = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
	struct field_errors errors = {0};
	_Alignas(16) char value[4096];

	if (!text)
		return;
	CU_ASSERT_PTR_NOT_NULL_FATAL(json);
	if (!shape) {
		CU_ASSERT_EQUAL(json_object_size(json), 0);
		json_decref(json);
		return;
	}
	CU_ASSERT_FATAL(shape->size <= sizeof(value));
	CU_ASSERT(shape_decode(shape, json, NULL, value, &errors));
	field_errors_print(&errors, stdout);
	shape_fini(shape, value);
	field_errors_fini(&errors);
	json_decref(json);
}

static void check_examples(const struct rpc_method *method)
{
	check_example(method->params, method->example_params);
	check_example(method->result, method->example_result);
}

/* Examples are what the tables say, not what somebody once thought. */
static void test_examples(void)
{
	for_each(check_examples);
}

/* Every "$ref" inside @json points to something in @document. */
static void check_references(const json_t *json, const json_t *document)
{
	const char *key;
	json_t *member;
	size_t i;

	json_array_foreach (json, i, member)
		check_references(member, document);
	json_object_foreach ((json_t *)json, key, member) {
		char kind[16], name[64];

		check_references(member, document);
		if (strcmp(key, "$ref") != 0)
			continue;
		CU_ASSERT_EQUAL_FATAL(
			sscanf(json_string_value(member), "#/components/%15[^/]/%63s", kind, name),
			2);
		CU_ASSERT_PTR_NOT_NULL(json_object_get(
			json_object_get(json_object_get(document, "components"), kind), name));
	}
}

static unsigned int method_count;

static void count_method(const struct rpc_method *method)
{
	(void)method;
	method_count++;
}

static void test_openrpc(void)
{
	json_t *document = rpc_openrpc(rpc_methods);
	const json_t *methods = json_object_get(document, "methods");
	size_t i;
	json_t *method;

	CU_ASSERT_PTR_NOT_NULL_FATAL(document);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(document, "openrpc")), "1.2.6");
	for_each(count_method);
	CU_ASSERT_EQUAL(json_array_size(methods), method_count);
	json_array_foreach (methods, i, method) {
		CU_ASSERT(json_is_array(json_object_get(method, "params")));
		CU_ASSERT(json_is_object(
			json_object_get(json_object_get(method, "result"), "schema")));
		CU_ASSERT(json_array_size(json_object_get(method, "errors")) > 0);
	}
	check_references(document, document);
	json_decref(document);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_tables),
		UNIT_TEST(test_examples),
		UNIT_TEST(test_openrpc),
		CU_TEST_INFO_NULL,
	};

	return unit_run("rpc_methods", tests);
}
