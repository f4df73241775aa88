/* SPDX-License-Identifier: BSD-3-Clause */
#include "field.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "field_access.h"
#include "field_value.h"
#include "suggestion.h"

static void set_present(const struct field *field, void *value, bool present)
{
	if (field->tracked)
		*(bool *)field_at(value, field->present_offset) = present;
}

bool field_list_alloc(const struct field *field, void *value, uint32_t count)
{
	void *list = count > 0 ? calloc(count, field->size) : NULL;

	if (count > 0 && !list)
		return false;
	*(void **)field_at(value, field->offset) = list;
	*(uint32_t *)field_at(value, field->count_offset) = count;
	return true;
}

/* Sorting an index of the elements by one of their fields brings equal ones together. */
struct list_order {
	const char *list;
	size_t stride;
	const struct field *field;
};

static int list_order_values(const struct list_order *order, uint32_t a, uint32_t b)
{
	const void *left = order->list + a * order->stride + order->field->offset;
	const void *right = order->list + b * order->stride + order->field->offset;

	if (field_kind_is_string(order->field->kind))
		return strcmp(*(char *const *)left, *(char *const *)right);
	return memcmp(left, right, order->field->size);
}

static int list_order_compare(const void *a, const void *b, void *context)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
	int by_value = list_order_values(context, left, right);

	return by_value != 0 ? by_value : (left > right) - (left < right);
}

/* @indices: the elements that could be decoded. @key: NULL for a list of plain values. */
static bool check_no_twins(const struct list_order *order, uint32_t *indices, uint32_t count,
			   const char *key, const struct field_path *path,
			   struct field_errors *errors)
{
	bool ok = true;
	uint32_t first = 0;

	qsort_r(indices, count, sizeof(*indices), list_order_compare, (void *)order);
	for (uint32_t i = 1; i < count; i++) {
		struct field_path element = {path, NULL, indices[i]};
		struct field_path member = {&element, key, 0};
		struct field_path first_element = {path, NULL, indices[first]};
		struct field_path first_member = {&first_element, key, 0};
		char place[FIELD_POINTER_MAX], shown[FIELD_SHOWN_MAX];
		json_t *json;

		if (list_order_values(order, indices[first], indices[i]) != 0) {
			first = i;
			continue;
		}
		json = field_value_encode(order->field, order->list + indices[i] * order->stride +
								order->field->offset);
		field_value_show(json, shown);
		json_decref(json);
		field_path_format(key ? &first_member : &first_element, place);
		field_errors_add(errors, key ? &member : &element, "%s is already at %s", shown,
				 place);
		ok = false;
	}
	return ok;
}

static bool check_list_unique(const struct field *field, const void *value, uint32_t *indices,
			      uint32_t count, const struct field_path *path,
			      struct field_errors *errors)
{
	struct list_order order = {.list = field_list_element(field, value, 0),
				   .stride = field->size};
	bool ok = true;

	if (field->unique) {
		struct field plain = *field;

		plain.offset = 0;
		order.field = &plain;
		ok = check_no_twins(&order, indices, count, NULL, path, errors);
	}
	if (field->kind != FIELD_OBJECT)
		return ok;
	for (uint32_t i = 0; i < field->shape->field_count; i++) {
		order.field = &field->shape->fields[i];
		if (order.field->key)
			ok &= check_no_twins(&order, indices, count, order.field->name, path,
					     errors);
	}
	return ok;
}

static bool check_list_count(const struct field *field, size_t count, const struct field_path *path,
			     struct field_errors *errors)
{
	if (count < field->list_min) {
		field_errors_add(errors, path, "%zu elements; at least %" PRIu32 " wanted", count,
				 field->list_min);
		return false;
	}
	if (field->list_max > 0 && count > field->list_max) {
		field_errors_add(errors, path, "%zu elements; at most %" PRIu32 " allowed", count,
				 field->list_max);
		return false;
	}
	return true;
}

bool field_list_check(const struct field *field, const void *value, const struct field_path *path,
		      struct field_errors *errors)
{
	const uint32_t count = field_list_count(field, value);
	uint32_t *indices;
	bool ok;

	if (!check_list_count(field, count, path, errors))
		return false;
	if (count == 0)
		return true;
	indices = malloc(count * sizeof(*indices));
	if (!indices) {
		field_errors_add(errors, path, "out of memory");
		return false;
	}
	for (uint32_t i = 0; i < count; i++)
		indices[i] = i;
	ok = check_list_unique(field, value, indices, count, path, errors);
	free(indices);
	return ok;
}

static bool decode_one(const struct field *field, const json_t *json, const struct field_path *path,
		       void *out, struct field_errors *errors)
{
	if (field->kind == FIELD_OBJECT)
		return shape_decode(field->shape, json, path, out, errors);
	return field_value_decode(field, json, path, out, errors);
}

static bool check_list_size(const struct field *field, const json_t *json,
			    const struct field_path *path, struct field_errors *errors)
{
	char shown[FIELD_SHOWN_MAX];

	if (!json_is_array(json)) {
		field_value_show(json, shown);
		field_errors_add(errors, path, "expected an array, got %s",
				 field->secret ? "something else" : shown);
		return false;
	}
	return check_list_count(field, json_array_size(json), path, errors);
}

static bool decode_list(const struct field *field, const json_t *json,
			const struct field_path *path, void *out, struct field_errors *errors)
{
	uint32_t count = (uint32_t)json_array_size(json), decoded = 0;
	uint32_t *indices;
	bool ok;

	if (!check_list_size(field, json, path, errors))
		return false;
	if (count == 0)
		return true;
	indices = malloc(count * sizeof(*indices));
	if (!indices || !field_list_alloc(field, out, count)) {
		field_errors_add(errors, path, "out of memory");
		free(indices);
		return false;
	}
	for (uint32_t i = 0; i < count; i++) {
		struct field_path element = {path, NULL, i};

		if (decode_one(field, json_array_get(json, i), &element,
			       field_list_element(field, out, i), errors))
			indices[decoded++] = i;
	}
	ok = check_list_unique(field, out, indices, decoded, path, errors) && decoded == count;
	free(indices);
	return ok;
}

static bool decode_members(const struct shape *shape, const json_t *json,
			   const struct field_path *path, void *out, struct field_errors *errors);

static bool decode_absent(const struct field *field, const struct field_path *path, void *out,
			  struct field_errors *errors)
{
	if (field->required) {
		field_errors_add(errors, path, "missing");
		return false;
	}
	if (field->tracked || field->list)
		return true;
	if (field->kind == FIELD_OBJECT)
		return decode_members(field->shape, NULL, path, field_at(out, field->offset),
				      errors);
	if (!field_value_fallback(field, field_at(out, field->offset))) {
		field_errors_add(errors, path, "out of memory");
		return false;
	}
	return true;
}

static bool decode_field(const struct field *field, const json_t *json,
			 const struct field_path *path, void *out, struct field_errors *errors)
{
	bool ok;

	if (!json)
		return decode_absent(field, path, out, errors);
	if (field->list)
		ok = decode_list(field, json, path, out, errors);
	else
		ok = decode_one(field, json, path, field_at(out, field->offset), errors);
	set_present(field, out, ok);
	return ok;
}

/* @json NULL stands for an object without members. */
static bool decode_members(const struct shape *shape, const json_t *json,
			   const struct field_path *path, void *out, struct field_errors *errors)
{
	bool ok = true;

	for (uint32_t i = 0; i < shape->field_count; i++) {
		const struct field *field = &shape->fields[i];
		struct field_path member = {path, field->name, 0};

		ok &= decode_field(field, json_object_get(json, field->name), &member, out, errors);
	}
	return ok;
}

const struct field *shape_field(const struct shape *shape, const char *name)
{
	for (uint32_t i = 0; i < shape->field_count; i++)
		if (strcmp(shape->fields[i].name, name) == 0)
			return &shape->fields[i];
	return NULL;
}

static bool refuse_unknown(const struct shape *shape, const json_t *json,
			   const struct field_path *path, struct field_errors *errors)
{
	const char *name;
	json_t *member;
	bool ok = true;

	json_object_foreach ((json_t *)json, name, member) {
		struct suggestion nearest = {.word = name};
		struct field_path unknown = {path, name, 0};
		char hint[SUGGESTION_TEXT_MAX];

		if (shape_field(shape, name))
			continue;
		for (uint32_t i = 0; i < shape->field_count; i++)
			suggestion_consider(&nearest, shape->fields[i].name);
		suggestion_format(&nearest, hint);
		field_errors_add(errors, &unknown, "unknown field%s", hint);
		ok = false;
	}
	return ok;
}

bool shape_decode(const struct shape *shape, const json_t *json, const struct field_path *path,
		  void *out, struct field_errors *errors)
{
	char shown[FIELD_SHOWN_MAX];
	bool ok;

	memset(out, 0, shape->size);
	if (!json_is_object(json)) {
		field_value_show(json, shown);
		field_errors_add(errors, path, "expected an object, got %s", shown);
		return false;
	}
	ok = refuse_unknown(shape, json, path, errors);
	ok &= decode_members(shape, json, path, out, errors);
	return ok;
}

bool shape_decode_positional(const struct shape *shape, const json_t *json, void *out,
			     struct field_errors *errors)
{
	size_t count = json_array_size(json);
	bool ok = true;

	memset(out, 0, shape->size);
	if (count > shape->field_count) {
		struct field_path first = {NULL, NULL, shape->field_count};

		field_errors_add(errors, &first, "%zu parameters; at most %" PRIu32 " allowed",
				 count, shape->field_count);
		ok = false;
	}
	for (uint32_t i = 0; i < shape->field_count; i++) {
		const struct field *field = &shape->fields[i];
		struct field_path path = {NULL, i < count ? NULL : field->name, i};

		ok &= decode_field(field, json_array_get(json, i), &path, out, errors);
	}
	return ok;
}

/* Names are what a change finds its objects by: none goes with the rest. */
static bool refuse_keys(const struct shape *shape, const json_t *changes,
			const struct field_path *path, struct field_errors *errors)
{
	bool ok = true;

	for (uint32_t i = 0; i < shape->field_count; i++) {
		const struct field *field = &shape->fields[i];
		struct field_path member = {path, field->name, 0};

		if (!field->key || !json_object_get(changes, field->name))
			continue;
		field_errors_add(errors, &member, "cannot be changed");
		ok = false;
	}
	return ok;
}

bool shape_merge(const struct shape *shape, const void *in, const json_t *changes,
		 const struct field_path *path, void *out, struct field_errors *errors)
{
	json_t *merged = shape_encode(shape, in, SHAPE_PLAIN);
	bool ok = refuse_keys(shape, changes, path, errors);

	if (!merged || json_object_update_recursive(merged, (json_t *)changes) < 0) {
		memset(out, 0, shape->size);
		field_errors_add(errors, path, "out of memory");
		ok = false;
	} else {
		ok &= shape_decode(shape, merged, path, out, errors);
	}
	json_decref(merged);
	return ok;
}

static json_t *encode_one(const struct field *field, const void *in, enum shape_encode_flags flags)
{
	if (field->kind == FIELD_OBJECT)
		return shape_encode(field->shape, in, flags);
	return field_value_encode(field, in);
}

static json_t *encode_list(const struct field *field, const void *in, enum shape_encode_flags flags)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < field_list_count(field, in); i++) {
		json_t *element = encode_one(field, field_list_element(field, in, i), flags);

		if (!element || json_array_append_new(list, element) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *encode_field(const struct field *field, const void *in,
			    enum shape_encode_flags flags)
{
	if (field->secret && (flags & SHAPE_REDACT))
		return json_string(FIELD_UNCHANGED);
	if (field->list)
		return encode_list(field, in, flags);
	return encode_one(field, field_at(in, field->offset), flags);
}

json_t *shape_encode(const struct shape *shape, const void *in, enum shape_encode_flags flags)
{
	json_t *object = json_object();

	if (!object)
		return NULL;
	for (uint32_t i = 0; i < shape->field_count; i++) {
		const struct field *field = &shape->fields[i];

		if (field_is_absent(field, in))
			continue;
		if (json_object_set_new(object, field->name, encode_field(field, in, flags)) < 0) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

/* Lets go of everything that a plain copy of the struct shares with its original. */
static void forget_owned(const struct shape *shape, void *value)
{
	for (uint32_t i = 0; i < shape->field_count; i++) {
		const struct field *field = &shape->fields[i];

		if (field->list) {
			*(void **)field_at(value, field->offset) = NULL;
			*(uint32_t *)field_at(value, field->count_offset) = 0;
		} else if (field_kind_is_string(field->kind) || field->kind == FIELD_JSON) {
			*(void **)field_at(value, field->offset) = NULL;
		} else if (field->kind == FIELD_OBJECT) {
			forget_owned(field->shape, field_at(value, field->offset));
		}
	}
}

static bool copy_one(const struct field *field, const void *in, void *out)
{
	if (field->kind == FIELD_OBJECT)
		return shape_copy(field->shape, in, out) == 0;
	if (field->kind == FIELD_JSON) {
		json_t *json = *(json_t *const *)in;

		*(json_t **)out = json_deep_copy(json);
		return !json || *(json_t **)out;
	}
	if (field_kind_is_string(field->kind)) {
		const char *text = *(char *const *)in;

		*(char **)out = text ? strdup(text) : NULL;
		return !text || *(char **)out;
	}
	memcpy(out, in, field->size);
	return true;
}

static bool copy_field(const struct field *field, const void *in, void *out)
{
	if (!field->list)
		return copy_one(field, field_at(in, field->offset), field_at(out, field->offset));
	if (!field_list_alloc(field, out, field_list_count(field, in)))
		return false;
	for (uint32_t i = 0; i < field_list_count(field, in); i++)
		if (!copy_one(field, field_list_element(field, in, i),
			      field_list_element(field, out, i)))
			return false;
	return true;
}

int shape_copy(const struct shape *shape, const void *in, void *out)
{
	memcpy(out, in, shape->size);
	forget_owned(shape, out);
	for (uint32_t i = 0; i < shape->field_count; i++) {
		if (!copy_field(&shape->fields[i], in, out)) {
			shape_fini(shape, out);
			return -ENOMEM;
		}
	}
	return 0;
}

static void fini_one(const struct field *field, void *value)
{
	if (field->kind == FIELD_OBJECT)
		shape_fini(field->shape, value);
	else if (field->kind == FIELD_JSON)
		json_decref(*(json_t **)value);
	else if (field_kind_is_string(field->kind))
		free(*(char **)value);
}

void shape_fini(const struct shape *shape, void *value)
{
	for (uint32_t i = 0; i < shape->field_count; i++) {
		const struct field *field = &shape->fields[i];

		if (!field->list) {
			fini_one(field, field_at(value, field->offset));
			continue;
		}
		for (uint32_t j = 0; j < field_list_count(field, value); j++)
			fini_one(field, field_list_element(field, value, j));
		free(*(void **)field_at(value, field->offset));
	}
	memset(value, 0, shape->size);
}
