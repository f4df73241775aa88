/* SPDX-License-Identifier: BSD-3-Clause */
#include "field_write.h"

#include <stdlib.h>
#include <string.h>

#include "address_text.h"
#include "duration.h"
#include "field_access.h"

/* Grows as it must; once memory has run out it stays as it is. */
struct writer {
	char *text;
	size_t used, size;
	bool failed;
	enum shape_encode_flags flags;
	enum shape_layout layout;
	uint32_t depth;
};

static bool reserve(struct writer *writer, size_t more)
{
	size_t size = writer->size;
	char *grown;

	if (writer->failed)
		return false;
	while (size - writer->used < more)
		size = size > 0 ? 2 * size : 4096;
	if (size == writer->size)
		return true;
	grown = realloc(writer->text, size);
	if (!grown) {
		writer->failed = true;
		return false;
	}
	writer->text = grown;
	writer->size = size;
	return true;
}

static void put(struct writer *writer, const char *bytes, size_t length)
{
	if (!reserve(writer, length))
		return;
	memcpy(writer->text + writer->used, bytes, length);
	writer->used += length;
}

static void put_text(struct writer *writer, const char *text)
{
	put(writer, text, strlen(text));
}

/* Strings of fields have no control characters: two bytes only must be escaped. */
static void put_string(struct writer *writer, const char *text)
{
	put(writer, "\"", 1);
	while (*text) {
		const size_t plain = strcspn(text, "\"\\");

		put(writer, text, plain);
		text += plain;
		if (!*text)
			break;
		put(writer, "\\", 1);
		put(writer, text++, 1);
	}
	put(writer, "\"", 1);
}

static void put_line_break(struct writer *writer)
{
	const size_t indent = 2 * (size_t)writer->depth;

	if (writer->layout == SHAPE_ONE_LINE || !reserve(writer, 1 + indent))
		return;
	writer->text[writer->used] = '\n';
	memset(writer->text + writer->used + 1, ' ', indent);
	writer->used += 1 + indent;
}

/* @count: members or elements before this one. */
static void put_separator(struct writer *writer, uint32_t count)
{
	if (count > 0)
		put(writer, ",", 1);
	put_line_break(writer);
}

static void put_end(struct writer *writer, const char *bracket, uint32_t count)
{
	writer->depth--;
	if (count > 0)
		put_line_break(writer);
	put(writer, bracket, 1);
}

static void put_number(struct writer *writer, uint64_t number)
{
	char text[24];
	char *digit = text + sizeof(text);

	do {
		*--digit = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	put(writer, digit, (size_t)(text + sizeof(text) - digit));
}

/* What is rare, or long in itself: by way of jansson. */
static void put_encoded(struct writer *writer, const struct field *field, const void *in)
{
	json_t *json = field_value_encode(field, in);
	char *text = json ? json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

	if (text)
		put_text(writer, text);
	else
		writer->failed = true;
	free(text);
	json_decref(json);
}

static void put_shape(struct writer *writer, const struct shape *shape, const void *in);

static void put_one(struct writer *writer, const struct field *field, const void *in)
{
	char address[MR_ADDR_TEXT_MAX], duration[DURATION_TEXT_MAX];

	if (field->kind == FIELD_OBJECT) {
		put_shape(writer, field->shape, in);
	} else if (field_kind_is_string(field->kind)) {
		put_string(writer, *(char *const *)in);
	} else if (field->kind == FIELD_ENUM) {
		put_string(writer, field->choices[field_value_uint(field, in)]);
	} else if (field->kind == FIELD_UINT && !field->choices) {
		put_number(writer, field_value_uint(field, in));
	} else if (field->kind == FIELD_DURATION && !field->choices) {
		duration_format(field_value_uint(field, in), duration);
		put_string(writer, duration);
	} else if (field->kind == FIELD_ADDRESS) {
		address_format(in, address);
		put_string(writer, address);
	} else {
		put_encoded(writer, field, in);
	}
}

static void put_list(struct writer *writer, const struct field *field, const void *in)
{
	const uint32_t count = field_list_count(field, in);

	put(writer, "[", 1);
	writer->depth++;
	for (uint32_t i = 0; i < count; i++) {
		put_separator(writer, i);
		put_one(writer, field, field_list_element(field, in, i));
	}
	put_end(writer, "]", count);
}

static void put_member(struct writer *writer, const struct field *field, const void *in)
{
	put(writer, "\"", 1);
	put_text(writer, field->name);
	put_text(writer, writer->layout == SHAPE_INDENTED ? "\": " : "\":");
	if (field->secret && (writer->flags & SHAPE_REDACT))
		put_string(writer, FIELD_UNCHANGED);
	else if (field->list)
		put_list(writer, field, in);
	else
		put_one(writer, field, field_at(in, field->offset));
}

static void put_shape(struct writer *writer, const struct shape *shape, const void *in)
{
	uint32_t count = 0;

	put(writer, "{", 1);
	writer->depth++;
	for (uint32_t i = 0; i < shape->field_count; i++) {
		if (field_is_absent(&shape->fields[i], in))
			continue;
		put_separator(writer, count++);
		put_member(writer, &shape->fields[i], in);
	}
	put_end(writer, "}", count);
}

char *shape_write(const struct shape *shape, const void *in, enum shape_encode_flags flags,
		  enum shape_layout layout)
{
	struct writer writer = {.flags = flags, .layout = layout};

	put_shape(&writer, shape, in);
	put(&writer, "", 1);
	if (!writer.failed)
		return writer.text;
	free(writer.text);
	return NULL;
}
