/* SPDX-License-Identifier: BSD-3-Clause */
#include "json_duplicates.h"

#include <string.h>

#include <jansson.h>

/* What is left of the text, which is known to be valid. */
struct reader {
	const char *next, *end;
	int line;
	struct field_errors *errors;
};

static char peek(const struct reader *reader)
{
	return reader->next < reader->end ? *reader->next : '\0';
}

static void skip_space(struct reader *reader)
{
	for (; reader->next < reader->end; reader->next++) {
		const char c = *reader->next;

		if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
			return;
		reader->line += c == '\n';
	}
}

/* Passes over punctuation, and the space around it. */
static void skip_byte(struct reader *reader)
{
	reader->next++;
	skip_space(reader);
}

/* From quote to quote, both included. */
static size_t skip_string(struct reader *reader)
{
	const char *start = reader->next++;

	while (peek(reader) != '"' && reader->next < reader->end)
		reader->next += *reader->next == '\\' ? 2 : 1;
	reader->next++;
	return (size_t)(reader->next - start);
}

static void skip_word(struct reader *reader)
{
	while (reader->next < reader->end && !strchr(",]} \t\r\n", *reader->next))
		reader->next++;
}

/* Escapes are undone: "\u0061" and "a" are the same name. NULL: no memory. */
static json_t *read_name(struct reader *reader)
{
	const char *start = reader->next;
	const size_t size = skip_string(reader);

	return json_loadb(start, size, JSON_DECODE_ANY, NULL);
}

static void skip_value(struct reader *reader, const struct field_path *path);

/* @seen: names of the object so far, with their lines. */
static void read_member(struct reader *reader, const struct field_path *path, json_t *seen)
{
	const int line = reader->line;
	json_t *name = read_name(reader);
	const char *key = name ? json_string_value(name) : "";
	const struct field_path member = {path, key, 0};
	const json_t *first = json_object_get(seen, key);

	if (!name)
		field_errors_add(reader->errors, path, "out of memory");
	else if (first)
		field_errors_add(reader->errors, &member,
				 "is there twice: in line %" JSON_INTEGER_FORMAT
				 " and again in line %d",
				 json_integer_value(first), line);
	else
		json_object_set_new(seen, key, json_integer(line));
	skip_space(reader);
	skip_byte(reader); /* the colon */
	skip_value(reader, &member);
	json_decref(name);
}

static void skip_object(struct reader *reader, const struct field_path *path)
{
	json_t *seen = json_object();

	skip_byte(reader);
	while (peek(reader) == '"') {
		read_member(reader, path, seen);
		if (peek(reader) == ',')
			skip_byte(reader);
	}
	skip_byte(reader);
	json_decref(seen);
}

static void skip_array(struct reader *reader, const struct field_path *path)
{
	struct field_path element = {path, NULL, 0};

	skip_byte(reader);
	for (; reader->next < reader->end && peek(reader) != ']'; element.index++) {
		skip_value(reader, &element);
		if (peek(reader) == ',')
			skip_byte(reader);
	}
	skip_byte(reader);
}

/* A value and the space behind it. As deep as jansson lets it nest. */
static void skip_value(struct reader *reader, const struct field_path *path)
{
	switch (peek(reader)) {
	case '{':
		skip_object(reader, path);
		return;
	case '[':
		skip_array(reader, path);
		return;
	case '"':
		skip_string(reader);
		break;
	default:
		skip_word(reader);
		break;
	}
	skip_space(reader);
}

void json_duplicates_find(const char *text, size_t size, struct field_errors *errors)
{
	struct reader reader = {
		.next = text,
		.end = text + size,
		.line = 1,
		.errors = errors,
	};

	skip_space(&reader);
	skip_value(&reader, NULL);
}
