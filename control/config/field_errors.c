/* SPDX-License-Identifier: BSD-3-Clause */
#include "field_errors.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Shortens @text to at most @max bytes without cutting a UTF-8 sequence in two. */
static void cut_utf8(char *text, size_t max)
{
	if (strlen(text) <= max)
		return;
	while (max > 0 && ((unsigned char)text[max] & 0xc0) == 0x80)
		max--;
	text[max] = '\0';
}

/* Room for one more byte than a pointer may have, so that a cut is seen and made cleanly. */
struct pointer_writer {
	char text[FIELD_POINTER_MAX + 1];
	size_t used;
};

static void pointer_put(struct pointer_writer *writer, const char *text)
{
	size_t length = strnlen(text, sizeof(writer->text) - 1 - writer->used);

	memcpy(writer->text + writer->used, text, length);
	writer->used += length;
	writer->text[writer->used] = '\0';
}

/* RFC 6901, section 3: "~" is written "~0", "/" is written "~1". */
static void pointer_put_key(struct pointer_writer *writer, const char *key)
{
	for (; *key; key++) {
		char one[2] = {*key, '\0'};

		pointer_put(writer, *key == '~' ? "~0" : *key == '/' ? "~1" : one);
	}
}

static void pointer_put_path(struct pointer_writer *writer, const struct field_path *path)
{
	char index[24];

	if (!path)
		return;
	pointer_put_path(writer, path->parent);
	pointer_put(writer, "/");
	if (path->key) {
		pointer_put_key(writer, path->key);
		return;
	}
	snprintf(index, sizeof(index), "%zu", path->index);
	pointer_put(writer, index);
}

void field_path_format(const struct field_path *path, char *out)
{
	struct pointer_writer writer = {.used = 0};

	pointer_put_path(&writer, path);
	cut_utf8(writer.text, FIELD_POINTER_MAX - 1);
	strcpy(out, writer.text);
}

static struct field_error *field_errors_grow(struct field_errors *errors)
{
	struct field_error *list;

	if (errors->count == FIELD_ERRORS_MAX)
		return NULL;
	list = realloc(errors->list, (errors->count + 1) * sizeof(*list));
	if (!list)
		return NULL;
	errors->list = list;
	return &list[errors->count++];
}

void field_errors_add(struct field_errors *errors, const struct field_path *path,
		      const char *format, ...)
{
	struct field_error *error = field_errors_grow(errors);
	char message[FIELD_MESSAGE_MAX + 1];
	va_list args;

	if (!error) {
		errors->omitted++;
		return;
	}
	field_path_format(path, error->pointer);
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	cut_utf8(message, FIELD_MESSAGE_MAX - 1);
	strcpy(error->message, message);
}

bool field_errors_any(const struct field_errors *errors)
{
	return errors->count > 0 || errors->omitted > 0;
}

void field_errors_prefix(struct field_errors *errors, const char *prefix)
{
	for (uint32_t i = 0; i < errors->count; i++) {
		struct pointer_writer writer = {.used = 0};

		pointer_put(&writer, prefix);
		pointer_put(&writer, errors->list[i].pointer);
		cut_utf8(writer.text, FIELD_POINTER_MAX - 1);
		strcpy(errors->list[i].pointer, writer.text);
	}
}

/* Appends @text to the line @out of @size bytes, of which @used are used; returns the new use. */
static size_t line_put(char *out, size_t size, size_t used, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		int length = snprintf(out + used, size - used,
				      c < ' ' || c == 0x7f ? "\\u%04x" : "%c", c);

		if ((size_t)length >= size - used)
			break;
		used += (size_t)length;
	}
	out[used] = '\0';
	return used;
}

void field_errors_line(const struct field_errors *errors, uint32_t index, char *out, size_t size)
{
	const struct field_error *error = &errors->list[index];
	size_t used = 0;

	if (errors->source) {
		used = line_put(out, size, used, errors->source);
		used = line_put(out, size, used, ": ");
	}
	if (error->pointer[0] != '\0') {
		used = line_put(out, size, used, error->pointer);
		used = line_put(out, size, used, ": ");
	}
	line_put(out, size, used, error->message);
}

void field_errors_print(const struct field_errors *errors, FILE *stream)
{
	char line[FIELD_ERROR_LINE_MAX];

	for (uint32_t i = 0; i < errors->count; i++) {
		field_errors_line(errors, i, line, sizeof(line));
		fprintf(stream, "%s\n", line);
	}
	if (errors->omitted > 0)
		fprintf(stream, "and %" PRIu32 " more\n", errors->omitted);
}

json_t *field_errors_encode(const struct field_errors *errors)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < errors->count; i++) {
		json_t *error = json_pack("{s:s, s:s}", "pointer", errors->list[i].pointer,
					  "message", errors->list[i].message);

		if (!error || json_array_append_new(list, error) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

void field_errors_fini(struct field_errors *errors)
{
	free(errors->source);
	free(errors->list);
	*errors = (struct field_errors){0};
}
