/* SPDX-License-Identifier: BSD-3-Clause */
#include "field_schema.h"

#include <stdio.h>

#include "duration.h"
#include "field_value.h"
#include "name.h"
#include "size.h"

static json_t *integer(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *enum_schema(const struct field *field)
{
	json_t *names = json_array();

	for (size_t i = 0; field->choices[i]; i++)
		json_array_append_new(names, json_string(field->choices[i]));
	return json_pack("{s:s, s:o}", "type", "string", "enum", names);
}

static json_t *uint_schema(const struct field *field)
{
	json_t *number = json_pack("{s:s, s:o, s:o}", "type", "integer", "minimum",
				   integer(field->min), "maximum", integer(field_max(field)));

	return field->choices ? json_pack("{s:[o, o]}", "anyOf", number, enum_schema(field))
			      : number;
}

static json_t *hex_schema(const struct field *field, enum field_schema_flags flags)
{
	char pattern[48];

	snprintf(pattern, sizeof(pattern), "^[0-9A-Fa-f]{%u}$%s", 2 * field->size,
		 field->secret && (flags & FIELD_SCHEMA_REDACTED) ? "|^" FIELD_UNCHANGED "$" : "");
	return json_pack("{s:s, s:s}", "type", "string", "pattern", pattern);
}

static json_t *address_schema(void)
{
	return json_pack("{s:s, s:[{s:s}, {s:s}]}", "type", "string", "anyOf", "format", "ipv4",
			 "format", "ipv6");
}

static json_t *reference_schema(const struct field *field)
{
	char reference[128];

	if (field->any)
		return json_object(); /* whatever it is */
	if (!field->shape)
		return json_pack("{s:s}", "type", "object");
	snprintf(reference, sizeof(reference), "%s%s", FIELD_SCHEMA_REFERENCE, field->shape->name);
	return json_pack("{s:s}", "$ref", reference);
}

static json_t *string_schema(const struct field *field)
{
	json_t *schema = json_pack("{s:s}", "type", "string");

	if (field->min > 0)
		json_object_set_new(schema, "minLength", integer(field->min));
	if (field->max > 0)
		json_object_set_new(schema, "maxLength", integer(field->max));
	return schema;
}

/* The schema of the value alone; of one element for a list. */
static json_t *value_schema(const struct field *field, enum field_schema_flags flags)
{
	switch (field->kind) {
	case FIELD_NAME:
		return json_pack("{s:s, s:s}", "type", "string", "pattern", NAME_PATTERN);
	case FIELD_FQDN:
		return json_pack("{s:s, s:s, s:i}", "type", "string", "pattern", FQDN_PATTERN,
				 "maxLength", 253);
	case FIELD_STRING:
		return string_schema(field);
	case FIELD_UINT:
		return uint_schema(field);
	case FIELD_BOOL:
		return json_pack("{s:s}", "type", "boolean");
	case FIELD_ENUM:
		return enum_schema(field);
	case FIELD_DURATION:
		return json_pack("{s:s, s:s}", "type", "string", "pattern", DURATION_PATTERN);
	case FIELD_SIZE:
		return json_pack("{s:s, s:s}", "type", "string", "pattern", SIZE_PATTERN);
	case FIELD_ADDRESS:
		return address_schema();
	case FIELD_PREFIX:
		return json_pack("{s:s, s:s}", "type", "string", "pattern",
				 "^[0-9A-Fa-f.:]+(/[0-9]{1,3})?$");
	case FIELD_MAC:
		return json_pack("{s:s, s:s}", "type", "string", "pattern",
				 "^([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}$");
	case FIELD_HEX:
		return hex_schema(field, flags);
	case FIELD_JSON:
		return field->partial ? shape_schema(field->shape, flags | FIELD_SCHEMA_PARTIAL)
				      : reference_schema(field);
	case FIELD_OBJECT:
		return shape_schema(field->shape, flags);
	}
	return NULL;
}

static json_t *list_schema(const struct field *field, enum field_schema_flags flags)
{
	json_t *element = value_schema(field, flags & ~FIELD_SCHEMA_PARTIAL);
	json_t *schema = json_pack("{s:s, s:o}", "type", "array", "items", element);

	if (field->list_min > 0)
		json_object_set_new(schema, "minItems", integer(field->list_min));
	if (field->list_max > 0)
		json_object_set_new(schema, "maxItems", integer(field->list_max));
	if (field->unique)
		json_object_set_new(schema, "uniqueItems", json_true());
	return schema;
}

/* What stands in for an absent member; NULL: nothing that a schema can say. */
static json_t *fallback_schema(const struct field *field)
{
	uint64_t value = 0;
	json_t *json;

	if (field->required || field->tracked || field->list || field->fallback_note)
		return NULL;
	if (field_kind_is_string(field->kind) || field->kind == FIELD_ADDRESS)
		return json_string(field->fallback_text);
	if (field->kind != FIELD_UINT && field->kind != FIELD_BOOL && field->kind != FIELD_ENUM &&
	    field->kind != FIELD_DURATION && field->kind != FIELD_SIZE)
		return NULL;
	field_value_fallback(field, &value);
	json = field_value_encode(field, &value);
	return json;
}

/* The sentence for people, with the limits and defaults that schema keywords do not tell. */
static json_t *description(const struct field *field)
{
	char text[512], from[DURATION_TEXT_MAX], to[DURATION_TEXT_MAX];
	int used = snprintf(text, sizeof(text), "%s.", field->text);

	if (field->kind == FIELD_DURATION && field->max > 0) {
		duration_format(field->min, from);
		duration_format(field->max, to);
		used += snprintf(text + used, sizeof(text) - (size_t)used,
				 " From \"%s\" to \"%s\".", from, to);
	}
	if (field->kind == FIELD_SIZE && field->max > 0) {
		size_format(field->min, from);
		size_format(field->max, to);
		used += snprintf(text + used, sizeof(text) - (size_t)used,
				 " From \"%s\" to \"%s\".", from, to);
	}
	if (field->fallback_note)
		snprintf(text + used, sizeof(text) - (size_t)used, " Default: %s.",
			 field->fallback_note);
	return json_string(text);
}

json_t *field_schema(const struct field *field, enum field_schema_flags flags)
{
	json_t *schema = field->list ? list_schema(field, flags) : value_schema(field, flags);
	json_t *fallback = flags & FIELD_SCHEMA_PARTIAL ? NULL : fallback_schema(field);

	if (!schema)
		return NULL;
	if (field->text)
		json_object_set_new(schema, "description", description(field));
	if (fallback)
		json_object_set_new(schema, "default", fallback);
	if (field->example)
		json_object_set_new(
			schema, "examples",
			json_pack("[o]", json_loads(field->example, JSON_DECODE_ANY, NULL)));
	return schema;
}

static json_t *required_members(const struct shape *shape, enum field_schema_flags flags)
{
	json_t *names = json_array();

	for (uint32_t i = 0; i < shape->field_count; i++)
		if (shape->fields[i].required && !(flags & FIELD_SCHEMA_PARTIAL))
			json_array_append_new(names, json_string(shape->fields[i].name));
	return names;
}

json_t *shape_schema(const struct shape *shape, enum field_schema_flags flags)
{
	json_t *properties = json_object();
	json_t *schema;

	for (uint32_t i = 0; i < shape->field_count; i++) {
		const struct field *field = &shape->fields[i];

		if (field->key && (flags & FIELD_SCHEMA_PARTIAL))
			continue;
		if (json_object_set_new(properties, field->name, field_schema(field, flags)) < 0) {
			json_decref(properties);
			return NULL;
		}
	}
	schema = json_pack("{s:s, s:o, s:o, s:b}", "type", "object", "properties", properties,
			   "required", required_members(shape, flags), "additionalProperties", 0);
	if (schema && shape->text)
		json_object_set_new(schema, "description", json_sprintf("%s.", shape->text));
	return schema;
}
