/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_diff.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_tables.h"
#include "field_access.h"

static const struct field change_fields[] = {
	{"pointer", FIELD_STRING, FIELD_AT(struct config_change, pointer), .required = true,
	 .text = "JSON Pointer into the later configuration, or into the earlier one when what it "
		 "names has been removed"},
	{"path", FIELD_STRING, FIELD_AT(struct config_change, path), .required = true,
	 .text = "The same with names in place of indices",
	 .example = "\"/pools/hub-transport/backends/hub1/weight\""},
	{"from", FIELD_JSON, FIELD_AT(struct config_change, from), .any = true,
	 .text = "The earlier value; absent: there was none"},
	{"to", FIELD_JSON, FIELD_AT(struct config_change, to), .any = true,
	 .text = "The later value; absent: there is none any more"},
};
const struct shape config_change_shape = SHAPE("config_change", struct config_change, change_fields,
					       "A difference between two configurations");

/* Where the comparison is: two chains on the stack that say the same. */
struct place {
	const struct field_path *pointer;
	const struct field_path *path;
};

struct comparison {
	struct config_diff *out; /* NULL: only whether there is a difference is asked */
	bool differs;
	bool failed; /* no memory */
};

static bool is_done(const struct comparison *comparison)
{
	return comparison->failed || (!comparison->out && comparison->differs);
}

/* RFC 6901, section 3. */
static void put_token(FILE *stream, const char *token)
{
	for (; *token; token++) {
		if (*token == '~' || *token == '/')
			fputs(*token == '~' ? "~0" : "~1", stream);
		else
			fputc(*token, stream);
	}
}

static void put_path(FILE *stream, const struct field_path *path)
{
	if (!path)
		return;
	put_path(stream, path->parent);
	fputc('/', stream);
	if (path->key)
		put_token(stream, path->key);
	else
		fprintf(stream, "%zu", path->index);
}

/* In full, unlike field_path_format(): what is shortened does not lead back. NULL: no memory. */
static char *format_path(const struct field_path *path)
{
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		return NULL;
	put_path(stream, path);
	if (fclose(stream) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* Takes @from and @to. */
static void add_change(struct comparison *comparison, const struct place *place, json_t *from,
		       json_t *to)
{
	struct config_diff *diff = comparison->out;
	struct config_change *change;
	struct config_change *list = diff->list;

	if ((diff->count & (diff->count - 1)) == 0) /* full: it doubles */
		list = realloc(list, (diff->count ? 2 * diff->count : 1) * sizeof(*list));
	if (!list) {
		json_decref(from);
		json_decref(to);
		comparison->failed = true;
		return;
	}
	diff->list = list;
	change = &list[diff->count++];
	*change = (struct config_change){
		.pointer = format_path(place->pointer),
		.path = format_path(place->path),
		.from = from,
		.to = to,
	};
	comparison->failed |= !change->pointer || !change->path;
}

/* A value of @field, or one element of its list; NULL where there is none. */
static json_t *encode_redacted(const struct field *field, const void *value)
{
	if (field->secret)
		return json_string(FIELD_UNCHANGED);
	if (field->kind == FIELD_OBJECT)
		return shape_encode(field->shape, value, SHAPE_REDACT);
	return field_value_encode(field, value);
}

static json_t *encode_list(const struct field *field, const void *in)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < field_list_count(field, in); i++)
		json_array_append_new(list,
				      encode_redacted(field, field_list_element(field, in, i)));
	return list;
}

static json_t *encode_member(const struct field *field, const void *in)
{
	if (field_is_absent(field, in))
		return NULL;
	return field->list ? encode_list(field, in)
			   : encode_redacted(field, field_at(in, field->offset));
}

static void differ(struct comparison *comparison, const struct field *field,
		   const struct place *place, const void *from, const void *to)
{
	comparison->differs = true;
	if (comparison->out)
		add_change(comparison, place, encode_member(field, from), encode_member(field, to));
}

/* Elements of lists, of which one side may be NULL. */
static void differ_in_element(struct comparison *comparison, const struct field *field,
			      const struct place *place, const void *from, const void *to)
{
	comparison->differs = true;
	if (comparison->out)
		add_change(comparison, place, from ? encode_redacted(field, from) : NULL,
			   to ? encode_redacted(field, to) : NULL);
}

/* Of the fields of an element, the one that it is known by; NULL: it has no name. */
static const struct field *find_key(const struct field *list)
{
	if (!list->list || list->kind != FIELD_OBJECT)
		return NULL;
	for (uint32_t i = 0; i < list->shape->field_count; i++)
		if (list->shape->fields[i].key)
			return &list->shape->fields[i];
	return NULL;
}

static int compare_plain(const struct field *field, const void *a, const void *b)
{
	if (field_kind_is_string(field->kind))
		return strcmp(*(char *const *)a, *(char *const *)b);
	return memcmp(a, b, field->size);
}

static void compare_members(struct comparison *comparison, const struct shape *shape,
			    const struct place *place, const void *from, const void *to);

/* Objects without names, and plain values. */
static bool elements_equal(const struct field *field, const void *from, const void *to)
{
	struct comparison comparison = {0};

	if (field->kind != FIELD_OBJECT)
		return compare_plain(field, from, to) == 0;
	compare_members(&comparison, field->shape, &(struct place){0}, from, to);
	return !comparison.differs;
}

static bool lists_equal(const struct field *field, const void *from, const void *to)
{
	const uint32_t count = field_list_count(field, from);

	if (count != field_list_count(field, to))
		return false;
	for (uint32_t i = 0; i < count; i++)
		if (!elements_equal(field, field_list_element(field, from, i),
				    field_list_element(field, to, i)))
			return false;
	return true;
}

/* A list of objects with names, in the order of these. */
struct by_name {
	const struct field *field; /* the list */
	const struct field *key;
	const void *in;
	uint32_t *order; /* NULL: not sorted yet */
};

static const void *key_of(const struct by_name *list, uint32_t index)
{
	return field_at(field_list_element(list->field, list->in, index), list->key->offset);
}

static int compare_by_name(const void *a, const void *b, void *context)
{
	const struct by_name *list = context;

	return compare_plain(list->key, key_of(list, *(const uint32_t *)a),
			     key_of(list, *(const uint32_t *)b));
}

static bool sort_by_name(struct by_name *list)
{
	const uint32_t count = field_list_count(list->field, list->in);

	if (list->order)
		return true;
	list->order = malloc((count + 1) * sizeof(*list->order));
	if (!list->order)
		return false;
	for (uint32_t i = 0; i < count; i++)
		list->order[i] = i;
	qsort_r(list->order, count, sizeof(*list->order), compare_by_name, list);
	return true;
}

#define NOT_FOUND UINT32_MAX

/* @guess: where it probably is, as lists mostly keep their order. */
static uint32_t find_by_name(struct by_name *list, const void *key, uint32_t guess,
			     struct comparison *comparison)
{
	const uint32_t count = field_list_count(list->field, list->in);
	uint32_t low = 0, high = count;

	if (guess < count && compare_plain(list->key, key_of(list, guess), key) == 0)
		return guess;
	if (!sort_by_name(list)) {
		comparison->failed = true;
		return NOT_FOUND;
	}
	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;
		const int order = compare_plain(list->key, key_of(list, list->order[middle]), key);

		if (order == 0)
			return list->order[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NOT_FOUND;
}

/* Compares the element @index of @list, which has a name, with @other: NULL where it is new. */
static void compare_element(struct comparison *comparison, const struct by_name *list,
			    uint32_t index, const struct place *place, const void *from,
			    const void *to)
{
	json_t *name = comparison->out ? field_value_encode(list->key, key_of(list, index)) : NULL;
	const struct field_path pointer = {place->pointer, NULL, index};
	const struct field_path path = {place->path, name ? json_string_value(name) : "", 0};
	const struct place element = {&pointer, &path};

	if (from && to)
		compare_members(comparison, list->field->shape, &element, from, to);
	else
		differ_in_element(comparison, list->field, &element, from, to);
	json_decref(name);
}

static void compare_by_names(struct comparison *comparison, const struct field *field,
			     const struct place *place, const void *from, const void *to)
{
	struct by_name before = {.field = field, .key = find_key(field), .in = from};
	struct by_name after = {.field = field, .key = before.key, .in = to};

	for (uint32_t i = 0; i < field_list_count(field, to) && !is_done(comparison); i++) {
		const uint32_t found = find_by_name(&before, key_of(&after, i), i, comparison);

		compare_element(comparison, &after, i, place,
				found == NOT_FOUND ? NULL : field_list_element(field, from, found),
				field_list_element(field, to, i));
	}
	for (uint32_t i = 0; i < field_list_count(field, from) && !is_done(comparison); i++) {
		if (find_by_name(&after, key_of(&before, i), i, comparison) == NOT_FOUND)
			compare_element(comparison, &before, i, place,
					field_list_element(field, from, i), NULL);
	}
	free(before.order);
	free(after.order);
}

static bool values_equal(const struct field *field, const void *from, const void *to)
{
	if (field_is_absent(field, from) || field_is_absent(field, to))
		return field_is_absent(field, from) == field_is_absent(field, to);
	if (field->list)
		return lists_equal(field, from, to);
	return compare_plain(field, field_at(from, field->offset), field_at(to, field->offset)) ==
	       0;
}

static void compare_member(struct comparison *comparison, const struct field *field,
			   const struct place *place, const void *from, const void *to)
{
	const struct field_path pointer = {place->pointer, field->name, 0};
	const struct field_path path = {place->path, field->name, 0};
	const struct place member = {&pointer, &path};
	const bool there = !field_is_absent(field, from) && !field_is_absent(field, to);

	if (find_key(field))
		compare_by_names(comparison, field, &member, from, to);
	else if (there && field->kind == FIELD_OBJECT && !field->list)
		compare_members(comparison, field->shape, &member, field_at(from, field->offset),
				field_at(to, field->offset));
	else if (!values_equal(field, from, to))
		differ(comparison, field, &member, from, to);
}

static void compare_members(struct comparison *comparison, const struct shape *shape,
			    const struct place *place, const void *from, const void *to)
{
	for (uint32_t i = 0; i < shape->field_count && !is_done(comparison); i++)
		compare_member(comparison, &shape->fields[i], place, from, to);
}

int config_diff(const struct config *from, const struct config *to, struct config_diff *out)
{
	struct config_diff diff = {0};
	struct comparison comparison = {.out = &diff};

	compare_members(&comparison, &config_shape, &(struct place){0}, from, to);
	if (comparison.failed) {
		config_diff_fini(&diff);
		return -ENOMEM;
	}
	*out = diff;
	return 0;
}

void config_diff_fini(struct config_diff *diff)
{
	for (uint32_t i = 0; i < diff->count; i++)
		shape_fini(&config_change_shape, &diff->list[i]);
	free(diff->list);
	*diff = (struct config_diff){0};
}

bool config_equal(const struct config *a, const struct config *b)
{
	struct comparison comparison = {0};

	compare_members(&comparison, &config_shape, &(struct place){0}, a, b);
	return !comparison.differs && !comparison.failed;
}

bool config_part_equal(const struct config *a, const struct config *b, const char *part)
{
	struct comparison comparison = {0};

	compare_member(&comparison, shape_field(&config_shape, part), &(struct place){0}, a, b);
	return !comparison.differs && !comparison.failed;
}

void config_order_ports(struct config *config, const struct config *like)
{
	for (uint32_t i = 0; i < like->port_count && i < config->port_count; i++) {
		for (uint32_t j = i; j < config->port_count; j++) {
			const struct config_port port = config->ports[j];

			if (strcmp(port.name, like->ports[i].name) != 0)
				continue;
			config->ports[j] = config->ports[i];
			config->ports[i] = port;
		}
	}
}

/* The element of an encoded list with that name; the list's size: there is none. */
static size_t find_encoded(const json_t *list, const char *key, const char *name)
{
	size_t i = 0;

	for (; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_object_get(json_array_get(list, i), key));

		if (text && strcmp(text, name) == 0)
			break;
	}
	return i;
}

static int put_element(json_t *list, const char *key, const char *name, json_t *value)
{
	const size_t i = find_encoded(list, key, name);

	if (i < json_array_size(list))
		return value ? json_array_set(list, i, value) : json_array_remove(list, i);
	return value ? json_array_append(list, value) : -1;
}

/*
 * One step down a path: in an object by the field's name, in a list by the element's. @shape is
 * of the object, or of the elements with @key set.
 */
struct cursor {
	json_t *json;
	const struct shape *shape;
	const char *key;
};

static bool step_down(struct cursor *cursor, const char *token)
{
	const struct field *field, *key;

	if (cursor->key) {
		cursor->json = json_array_get(cursor->json,
					      find_encoded(cursor->json, cursor->key, token));
		cursor->key = NULL;
		return cursor->json != NULL;
	}
	field = shape_field(cursor->shape, token);
	if (!field || field->kind != FIELD_OBJECT)
		return false;
	key = find_key(field);
	cursor->json = json_object_get(cursor->json, token);
	cursor->shape = field->shape;
	cursor->key = key ? key->name : NULL;
	return cursor->json && (key ? json_is_array(cursor->json) : json_is_object(cursor->json));
}

static int put_last(const struct cursor *cursor, const char *token, json_t *value)
{
	if (cursor->key)
		return put_element(cursor->json, cursor->key, token, value);
	if (!shape_field(cursor->shape, token))
		return -1;
	return value ? json_object_set(cursor->json, token, value)
		     : json_object_del(cursor->json, token);
}

/* Undoes put_token(), in place. */
static const char *read_token(char *token)
{
	char *out = token;

	for (const char *in = token; *in; in++) {
		if (in[0] == '~' && (in[1] == '0' || in[1] == '1'))
			*out++ = *++in == '0' ? '~' : '/';
		else
			*out++ = *in;
	}
	*out = '\0';
	return token;
}

/* Puts @value, NULL being none, where @path leads. */
static int put_at(json_t *config, const char *path, json_t *value)
{
	struct cursor cursor = {config, &config_shape, NULL};
	char *copy = strdup(path), *rest = copy, *token;
	int rc = -EINVAL;

	if (!copy)
		return -ENOMEM;
	token = *rest == '/' ? strsep(&rest, "/") : NULL; /* nothing stands before the first */
	token = token ? strsep(&rest, "/") : NULL;
	while (token && rest && step_down(&cursor, read_token(token)))
		token = strsep(&rest, "/");
	if (token && !rest && put_last(&cursor, read_token(token), value) == 0)
		rc = 0;
	free(copy);
	return rc;
}

int config_diff_undo(json_t *config, const struct config_diff *diff)
{
	for (uint32_t i = diff->count; i-- > 0;) {
		json_t *value = json_deep_copy(diff->list[i].from);
		const int rc = put_at(config, diff->list[i].path, value);

		json_decref(value);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* As much of the value's text as has room in @size bytes. */
static void show(const json_t *json, char *out, size_t size)
{
	char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY | JSON_ENSURE_ASCII);

	if (!json)
		snprintf(out, size, "absent");
	else if (text && strlen(text) < size)
		strcpy(out, text);
	else
		snprintf(out, size, "%.*s...", (int)size - 4, text ? text : "");
	free(text);
}

void config_change_format(const struct config_change *change, char *out)
{
	char from[320], to[320];

	show(change->from, from, sizeof(from));
	show(change->to, to, sizeof(to));
	snprintf(out, CONFIG_CHANGE_LINE_MAX, "%s: %s, was %s", change->path, to, from);
}
