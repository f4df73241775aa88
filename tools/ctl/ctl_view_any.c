/* SPDX-License-Identifier: BSD-3-Clause */
/* Views of results that have no form of their own. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl_result.h"
#include "ctl_views.h"
#include "text_wrap.h"

#define INDENT 2

void view_json(const json_t *result, const struct ctl_output *out)
{
	json_dumpf(result, out->stream, JSON_INDENT(2) | JSON_ENCODE_ANY);
	fputc('\n', out->stream);
}

void view_changed(const json_t *result, const struct ctl_output *out)
{
	const json_t *changed = json_object_get(result, "changed");

	if (json_is_false(changed))
		fprintf(out->stream, "nothing to change: generation %" PRIu64 " is in force\n",
			number(result, "generation"));
	else
		fprintf(out->stream, "generation %" PRIu64 " is in force\n",
			number(result, "generation"));
	if (json_object_get(result, "edited"))
		fprintf(out->stream, "the file had been edited; what it said is kept in %s\n",
			text(result, "edited"));
}

/* @column: where the line is. */
static void print_value(const struct ctl_output *out, const json_t *value, int depth, int column);

static size_t longest_name(const json_t *object)
{
	const char *name;
	json_t *value;
	size_t longest = 0;

	json_object_foreach ((json_t *)object, name, value)
		if (strlen(name) > longest)
			longest = strlen(name);
	return longest;
}

static bool holds_objects(const json_t *value)
{
	return (json_is_object(value) && json_object_size(value) > 0) ||
	       (json_is_array(value) && json_is_object(json_array_get(value, 0)));
}

static void print_members(const struct ctl_output *out, const json_t *object, int depth)
{
	const size_t width = longest_name(object);
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)object, name, value) {
		if (holds_objects(value)) {
			fprintf(out->stream, "%*s%s:\n", depth * INDENT, "", name);
			print_value(out, value, depth + 1, 0);
			continue;
		}
		fprintf(out->stream, "%*s%-*s  ", depth * INDENT, "", (int)width, name);
		print_value(out, value, depth + 1, depth * INDENT + (int)width + 2);
	}
}

/* Words one behind the other, objects one below the other with a blank line between. */
static void print_list(const struct ctl_output *out, const json_t *list, int depth)
{
	size_t i;
	json_t *item;

	if (holds_objects(list)) {
		json_array_foreach (list, i, item) {
			if (i > 0)
				fputc('\n', out->stream);
			print_value(out, item, depth, 0);
		}
		return;
	}
	json_array_foreach (list, i, item) {
		if (i > 0)
			fputc(' ', out->stream);
		if (json_is_string(item))
			fputs(json_string_value(item), out->stream);
		else
			json_dumpf(item, out->stream, JSON_ENCODE_ANY | JSON_COMPACT);
	}
	fputs(i == 0 ? "-\n" : "\n", out->stream);
}

static void print_value(const struct ctl_output *out, const json_t *value, int depth, int column)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		print_members(out, value, depth);
		break;
	case JSON_ARRAY:
		print_list(out, value, depth);
		break;
	case JSON_STRING:
		text_wrap_from(out->stream, column, column, json_string_value(value));
		break;
	case JSON_TRUE:
		fputs("yes\n", out->stream);
		break;
	case JSON_FALSE:
		fputs("no\n", out->stream);
		break;
	case JSON_NULL:
		fputs("-\n", out->stream);
		break;
	case JSON_INTEGER:
	case JSON_REAL:
		json_dumpf(value, out->stream, JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));
		fputc('\n', out->stream);
		break;
	}
}

void view_members(const json_t *result, const struct ctl_output *out)
{
	print_value(out, result, 0, 0);
}
