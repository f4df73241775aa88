/* SPDX-License-Identifier: BSD-3-Clause */
#include "wrong_values.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "field_value.h"

static json_t *right_text(const struct field *field)
{
	const size_t size = field->min > 0 ? field->min : 1;
	char *text = malloc(size + 1);
	json_t *json;

	memset(text, 'a', size);
	text[size] = '\0';
	json = json_string(text);
	free(text);
	return json;
}

static json_t *right_example(const struct field *field)
{
	json_t *example = json_loads(field->example, JSON_DECODE_ANY, NULL);
	json_t *element;

	if (!field->list)
		return example;
	element = json_incref(json_array_get(example, 0));
	json_decref(example);
	return element;
}

json_t *right_value(const struct field *field)
{
	if (field->example)
		return right_example(field);
	switch (field->kind) {
	case FIELD_NAME:
		return json_string("hub-transport");
	case FIELD_FQDN:
		return json_string("mail.example.com");
	case FIELD_STRING:
		return field->fallback_text ? json_string(field->fallback_text) : right_text(field);
	case FIELD_UINT:
		return json_integer(
			(json_int_t)(field->fallback > 0 ? field->fallback : field->min));
	case FIELD_BOOL:
		return json_true();
	case FIELD_ENUM:
		return json_string(field->choices[0]);
	case FIELD_DURATION:
		return json_sprintf("%" PRIu64 "ms", field->min);
	case FIELD_SIZE:
		return json_sprintf("%" PRIu64 "B", field->min);
	case FIELD_ADDRESS:
	case FIELD_PREFIX:
		return json_string("10.0.0.77");
	case FIELD_MAC:
		return json_string("02:00:00:00:00:77");
	case FIELD_HEX:
		return json_sprintf("%0*d", 2 * (int)field->size, 0);
	case FIELD_JSON:
		return field->shape && !field->partial ? right_object(field->shape) : json_object();
	case FIELD_OBJECT:
		return right_object(field->shape);
	}
	return NULL;
}

json_t *right_object(const struct shape *shape)
{
	json_t *object = json_object();

	for (uint32_t i = 0; i < shape->field_count; i++) {
		const struct field *field = &shape->fields[i];
		json_t *value = field->required ? right_value(field) : NULL;

		if (value && field->list)
			value = json_pack("[o]", value);
		if (value)
			json_object_set_new(object, field->name, value);
	}
	return object;
}

static bool takes(enum field_kind kind, json_type type)
{
	switch (kind) {
	case FIELD_NAME:
	case FIELD_FQDN:
	case FIELD_STRING:
	case FIELD_ENUM:
	case FIELD_DURATION:
	case FIELD_SIZE:
	case FIELD_ADDRESS:
	case FIELD_PREFIX:
	case FIELD_MAC:
	case FIELD_HEX:
		return type == JSON_STRING;
	case FIELD_UINT:
		return type == JSON_INTEGER;
	case FIELD_BOOL:
		return type == JSON_TRUE || type == JSON_FALSE;
	case FIELD_JSON:
	case FIELD_OBJECT:
		return type == JSON_OBJECT;
	}
	return false;
}

static void add_types(json_t *values, const struct field *field)
{
	json_t *all = json_pack("[s, i, f, b, b, n, [], {}]", "1", 1, 1.0, 1, 0);
	size_t i;
	json_t *value;

	json_array_foreach (all, i, value) {
		if (!takes(field->kind, json_typeof(value)))
			json_array_append(values, value);
	}
	json_decref(all);
}

static void add_text(json_t *values, const char *text)
{
	json_array_append_new(values, json_string(text));
}

static void add_texts(json_t *values, const char *const *texts)
{
	for (; *texts; texts++)
		add_text(values, *texts);
}

static void add_long_text(json_t *values, size_t size)
{
	char *text = malloc(size + 1);

	memset(text, 'a', size);
	text[size] = '\0';
	add_text(values, text);
	free(text);
}

/* Numbers below and above, as @format makes text of them; NULL: as numbers. */
static void add_range(json_t *values, const struct field *field, const char *unit)
{
	const uint64_t bounds[] = {field->min - 1, field_max(field) + 1};
	const bool outside[] = {field->min > 0, field_max(field) < INT64_MAX};

	for (size_t i = 0; i < 2; i++) {
		if (!outside[i])
			continue;
		json_array_append_new(values, unit ? json_sprintf("%" PRIu64 "%s", bounds[i], unit)
						   : json_integer((json_int_t)bounds[i]));
	}
}

static void add_string(json_t *values, const struct field *field)
{
	add_text(values, "a\x01"
			 "b");
	add_text(values, "a\nb");
	if (field->min > 0)
		add_long_text(values, field->min - 1);
	if (field->max > 0)
		add_long_text(values, field->max + 1);
}

static void add_hex(json_t *values, const struct field *field)
{
	const int digits = 2 * (int)field->size;

	json_array_append_new(values, json_sprintf("%0*d", digits - 1, 0));
	json_array_append_new(values, json_sprintf("%0*d", digits + 2, 0));
	json_array_append_new(values, json_sprintf("%0*dg", digits - 1, 0));
	add_text(values, "");
}

json_t *wrong_values(const struct field *field)
{
	static const char *const names[] = {"", ".a", "-a", "a b", "a/b", "\xc3\xa4", NULL};
	static const char *const domains[] = {"",      ".",	 "a..b",    "-a.org", "a-.org",
					      "a_b.c", "a.org.", "1.2.3.4", NULL};
	static const char *const durations[] = {
		"", "1", "s", "-1s", "1.5s", "1d", "1 s", "1s ", "99999999999999999999ms", NULL};
	static const char *const sizes[] = {"",	   "1",	    "MiB",	    "-1B", "1.5KiB",
					    "1MB", "1 KiB", "99999999999B", NULL};
	static const char *const addresses[] = {"",	      "10.0.0.256", "10.0.0", "10.0.0.1/32",
						"0.0.0.0",    "224.0.0.1",  "::",     "::g",
						"fe80::1%lo", "localhost",  NULL};
	static const char *const prefixes[] = {
		"",	     "10.0.0.1/24", "10.0.0.0/33", "10.0.0.0/-1", "2001:db8::/129",
		"10.0.0.0/", "/8",	    "any",	   NULL};
	static const char *const macs[] = {
		"",  "02:00:00:00:00", "02:00:00:00:00:0g", "02:00:00:00:00:01:02", "020000000001",
		NULL};
	json_t *values = json_array();

	add_types(values, field);
	switch (field->kind) {
	case FIELD_NAME:
		add_texts(values, names);
		add_long_text(values, 64);
		break;
	case FIELD_FQDN:
		add_texts(values, domains);
		add_long_text(values, 64);
		break;
	case FIELD_STRING:
		add_string(values, field);
		break;
	case FIELD_UINT:
		add_range(values, field, NULL);
		json_array_append_new(values, json_integer(-1));
		break;
	case FIELD_ENUM:
		add_text(values, "");
		add_text(values, "no such choice");
		break;
	case FIELD_DURATION:
		add_texts(values, durations);
		add_range(values, field, "ms");
		break;
	case FIELD_SIZE:
		add_texts(values, sizes);
		if (field_max(field) < UINT64_C(9999999999))
			add_range(values, field, "B");
		break;
	case FIELD_ADDRESS:
		add_texts(values, addresses);
		break;
	case FIELD_PREFIX:
		add_texts(values, prefixes);
		break;
	case FIELD_MAC:
		add_texts(values, macs);
		break;
	case FIELD_HEX:
		add_hex(values, field);
		break;
	case FIELD_BOOL:
	case FIELD_JSON:
	case FIELD_OBJECT:
		break;
	}
	return values;
}

json_t *wrong_lists(void)
{
	return json_pack("[s, i, f, b, n, {}]", "1", 1, 1.0, 1);
}
