/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_complete.h"

#include <string.h>

#include "config_tables.h"
#include "field_access.h"

static bool has_secrets(const struct shape *shape)
{
	for (uint32_t i = 0; i < shape->field_count; i++) {
		const struct field *field = &shape->fields[i];

		if (field->secret || (field->kind == FIELD_OBJECT && has_secrets(field->shape)))
			return true;
	}
	return false;
}

static bool complete_object(const struct shape *shape, json_t *json, const void *running);

/* Whether @json is the element of that name, or would be if it were right. */
static bool is_named_as(const struct shape *shape, const json_t *json, const void *element)
{
	for (uint32_t i = 0; i < shape->field_count; i++) {
		const struct field *field = &shape->fields[i];
		json_t *name;
		bool equal;

		if (!field->key)
			continue;
		name = field_value_encode(field, field_at(element, field->offset));
		equal = json_equal(json_object_get(json, field->name), name);
		json_decref(name);
		return equal;
	}
	return false;
}

static bool complete_list(const struct field *field, json_t *list, const void *running)
{
	const uint32_t count = field_list_count(field, running);
	json_t *json;
	size_t i;

	json_array_foreach (list, i, json) {
		for (uint32_t j = 0; j < count; j++) {
			const void *element = field_list_element(field, running, j);

			if (is_named_as(field->shape, json, element) &&
			    !complete_object(field->shape, json, element))
				return false;
		}
	}
	return true;
}

static bool complete_member(const struct field *field, json_t *object, const void *running)
{
	json_t *json = json_object_get(object, field->name);
	const char *text = json_string_value(json);

	if (field->secret && text && strcmp(text, FIELD_UNCHANGED) == 0)
		return json_object_set_new(
			       object, field->name,
			       field_value_encode(field, field_at(running, field->offset))) == 0;
	if (field->kind != FIELD_OBJECT || !has_secrets(field->shape))
		return true;
	if (field->list)
		return complete_list(field, json, running);
	return complete_object(field->shape, json, field_at(running, field->offset));
}

static bool complete_object(const struct shape *shape, json_t *json, const void *running)
{
	for (uint32_t i = 0; i < shape->field_count; i++)
		if (!complete_member(&shape->fields[i], json, running))
			return false;
	return true;
}

bool config_complete_secrets(json_t *json, const struct config *running)
{
	return complete_object(&config_shape, json, running);
}

static json_t *encode_cores(const struct config_workers *workers)
{
	json_t *cores = json_array();

	for (uint32_t i = 0; i < workers->core_count; i++)
		json_array_append_new(cores, json_integer(workers->cores[i]));
	return cores;
}

bool config_complete_cores(json_t *json, const struct config *running)
{
	json_t *workers = json_object_get(json, "workers");

	if (!json_is_object(json))
		return true;
	if (!workers) {
		workers = json_object();
		if (json_object_set_new(json, "workers", workers) < 0)
			return false;
	}
	if (!json_is_object(workers) || json_object_get(workers, "cores"))
		return true;
	return json_object_set_new(workers, "cores", encode_cores(&running->workers)) == 0;
}
