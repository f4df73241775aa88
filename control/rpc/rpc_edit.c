/* SPDX-License-Identifier: BSD-3-Clause */
#include "rpc_edit.h"

#include <stdlib.h>
#include <string.h>

#include "balancer.h"
#include "config_check.h"
#include "config_tables.h"
#include "field_access.h"
#include "field_list.h"
#include "field_value.h"

/* What nouns are called, as a parameter and as a list of the configuration. */
static const struct {
	const char *name;
	const char *list;
} nouns[] = {
	[RPC_SERVICE] = {"service", "services"},
	[RPC_POOL] = {"pool", "pools"},
	[RPC_BACKEND] = {"backend", "backends"},
};

/* The list of a configuration that an edit is about, and its place there. */
struct place {
	const struct field *list;
	void *owner; /* the struct that has the list */
	struct field_path pools, pool, path;
};

/* @out is a chain of paths: it stays where it is. */
static void find_place(const struct rpc_edit *edit, const struct config *config, struct place *out)
{
	const bool in_pool = edit->noun == RPC_BACKEND;
	const char *list = nouns[edit->noun].list;

	out->list = shape_field(in_pool ? &config_pool_shape : &config_shape, list);
	out->owner = in_pool ? (void *)&config->pools[edit->pool] : (void *)config;
	out->pools = (struct field_path){NULL, nouns[RPC_POOL].list, 0};
	out->pool = (struct field_path){&out->pools, NULL, edit->pool};
	out->path = (struct field_path){in_pool ? &out->pool : NULL, list, 0};
}

static const char *name_of(const struct place *place, const void *element)
{
	const struct field *name = shape_field(place->list->shape, "name");

	return *(char *const *)((const char *)element + name->offset);
}

static bool find_element(const struct place *place, const char *name, uint32_t *out_index)
{
	const uint32_t count = field_list_count(place->list, place->owner);

	for (uint32_t i = 0; i < count; i++) {
		const void *element = field_list_element(place->list, place->owner, i);

		if (strcmp(name_of(place, element), name) == 0) {
			*out_index = i;
			return true;
		}
	}
	return false;
}

enum rpc_error rpc_edit_nothing(const struct rpc_call *call, struct rpc_changed *out)
{
	out->generation = balancer_generation(call->context->balancer);
	out->changed = false;
	return RPC_OK;
}

/* The balancer's errors begin with their place: "/pools/0/table_size: cannot change". */
static void split_place(struct field_error *error)
{
	const size_t length = strcspn(error->message, ":");
	char message[FIELD_MESSAGE_MAX];

	if (error->pointer[0] != '\0' || error->message[0] != '/' ||
	    length >= sizeof(error->pointer) || strncmp(error->message + length, ": ", 2) != 0)
		return;
	memcpy(error->pointer, error->message, length);
	error->pointer[length] = '\0';
	strcpy(message, error->message + length + 2);
	strcpy(error->message, message);
}

/* Rewrites an error about the configuration as one about the parameters; see rpc_edit.h. */
static void relate(struct field_error *error, const struct field_path *element,
		   const char *parameter)
{
	char place[FIELD_POINTER_MAX], text[FIELD_POINTER_MAX + FIELD_MESSAGE_MAX + 2];
	size_t length;

	split_place(error);
	field_path_format(element, place);
	length = strlen(place);
	if (error->pointer[0] == '\0')
		return;
	if (parameter && strncmp(error->pointer, place, length) == 0 &&
	    (error->pointer[length] == '/' || error->pointer[length] == '\0')) {
		snprintf(text, sizeof(text), "/%s%s", parameter, error->pointer + length);
		snprintf(error->pointer, sizeof(error->pointer), "%.*s", FIELD_POINTER_MAX - 1,
			 text);
		return;
	}
	snprintf(text, sizeof(text), "%s: %s", error->pointer, error->message);
	snprintf(error->message, sizeof(error->message), "%.*s", FIELD_MESSAGE_MAX - 1, text);
	error->pointer[0] = '\0';
}

/*
 * Takes @next, whose element @index in @place is what @parameter says; NULL: what no parameter
 * says, since it was removed.
 */
static enum rpc_error apply(const struct rpc_edit *edit, struct config *next,
			    const struct place *place, uint32_t index, const char *parameter,
			    struct rpc_changed *out)
{
	const struct field_path element = {&place->path, NULL, index};
	struct field_errors *errors = &edit->call->errors;
	enum rpc_error error = RPC_REFUSED;

	config_derive(next);
	if (field_list_check(place->list, place->owner, &place->path, errors) &&
	    config_check(next, errors))
		error = rpc_apply(edit->call, next, out);
	else
		config_free(next);
	for (uint32_t i = 0; i < errors->count; i++)
		relate(&errors->list[i], &element, parameter);
	return error;
}

/* @before: NULL: it is not there. */
static void refuse_member(const struct rpc_edit *edit, const char *name, const json_t *before)
{
	const struct field_path object = {NULL, nouns[edit->noun].name, 0};
	const struct field_path member = {&object, name, 0};
	char shown[FIELD_SHOWN_MAX] = "nothing";

	if (before)
		field_value_show(before, shown);
	field_errors_add(&edit->call->errors, &member,
			 "there is a %s of that name already, with %s here", nouns[edit->noun].name,
			 json_is_object(before) || json_is_array(before) ? "another value" : shown);
}

/* Whether the object that is there is the one that shall be added. */
static enum rpc_error compare(const struct rpc_edit *edit, const struct shape *shape,
			      const void *before, const void *wanted, struct rpc_changed *out)
{
	json_t *old = shape_encode(shape, before, SHAPE_PLAIN);
	json_t *new = shape_encode(shape, wanted, SHAPE_PLAIN);
	enum rpc_error error = RPC_INTERNAL_ERROR;

	if (!old || !new)
		goto out;
	error = json_equal(old, new) ? rpc_edit_nothing(edit->call, out) : RPC_REFUSED;
	for (uint32_t i = 0; error == RPC_REFUSED && i < shape->field_count; i++) {
		const char *name = shape->fields[i].name;
		const json_t *before_it = json_object_get(old, name);
		const json_t *wanted_it = json_object_get(new, name);

		if (before_it != wanted_it && !json_equal(before_it, wanted_it))
			refuse_member(edit, name, before_it);
	}
out:
	json_decref(old);
	json_decref(new);
	return error;
}

enum rpc_error rpc_edit_add(const struct rpc_edit *edit, const void *object,
			    struct rpc_changed *out)
{
	const struct config *config = balancer_config(edit->call->context->balancer);
	struct config *next;
	struct place place;
	uint32_t index;

	find_place(edit, config, &place);
	if (find_element(&place, name_of(&place, object), &index))
		return compare(edit, place.list->shape,
			       field_list_element(place.list, place.owner, index), object, out);
	next = config_copy(config);
	if (!next)
		return RPC_INTERNAL_ERROR;
	find_place(edit, next, &place);
	index = field_list_count(place.list, place.owner);
	if (field_list_append(place.list, place.owner, object) < 0) {
		config_free(next);
		return RPC_INTERNAL_ERROR;
	}
	return apply(edit, next, &place, index, nouns[edit->noun].name, out);
}

/* Takes what @value, a struct of the list's shape, owns. */
static enum rpc_error replace(const struct rpc_edit *edit, uint32_t index, void *value,
			      struct rpc_changed *out)
{
	struct config *next = config_copy(balancer_config(edit->call->context->balancer));
	struct place place;
	void *element;

	if (!next)
		return RPC_INTERNAL_ERROR;
	find_place(edit, next, &place);
	element = field_list_element(place.list, place.owner, index);
	shape_fini(place.list->shape, element);
	memcpy(element, value, place.list->shape->size);
	memset(value, 0, place.list->shape->size);
	return apply(edit, next, &place, index, "settings", out);
}

static bool is_same(const struct shape *shape, const void *a, const void *b)
{
	json_t *left = shape_encode(shape, a, SHAPE_PLAIN);
	json_t *right = shape_encode(shape, b, SHAPE_PLAIN);
	const bool same = left && json_equal(left, right);

	json_decref(left);
	json_decref(right);
	return same;
}

enum rpc_error rpc_edit_set(const struct rpc_edit *edit, uint32_t index, const json_t *settings,
			    struct rpc_changed *out)
{
	static const struct field_path path = {NULL, "settings", 0};
	enum rpc_error error = RPC_INVALID_PARAMS;
	struct place place;
	const void *before;
	void *merged;

	find_place(edit, balancer_config(edit->call->context->balancer), &place);
	before = field_list_element(place.list, place.owner, index);
	merged = malloc(place.list->shape->size);
	if (!merged)
		return RPC_INTERNAL_ERROR;
	if (shape_merge(place.list->shape, before, settings, &path, merged, &edit->call->errors))
		error = is_same(place.list->shape, before, merged)
				? rpc_edit_nothing(edit->call, out)
				: replace(edit, index, merged, out);
	shape_fini(place.list->shape, merged);
	free(merged);
	return error;
}

enum rpc_error rpc_edit_remove(const struct rpc_edit *edit, const char *name,
			       struct rpc_changed *out)
{
	const struct config *config = balancer_config(edit->call->context->balancer);
	struct config *next;
	struct place place;
	uint32_t index;

	find_place(edit, config, &place);
	if (!find_element(&place, name, &index))
		return rpc_edit_nothing(edit->call, out);
	next = config_copy(config);
	if (!next)
		return RPC_INTERNAL_ERROR;
	find_place(edit, next, &place);
	field_list_remove(place.list, place.owner, index);
	return apply(edit, next, &place, index, NULL, out);
}
