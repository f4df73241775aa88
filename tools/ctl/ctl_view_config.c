/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_views.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl_result.h"
#include "text_table.h"
#include "text_wrap.h"

void view_config(const json_t *result, const struct ctl_output *out)
{
	view_json(json_object_get(result, "config"), out);
}

static void print_side(const struct ctl_output *out, char sign, const json_t *value)
{
	char *words = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
	char line[4096];

	if (!words)
		return;
	snprintf(line, sizeof(line), "  %c %s", sign, words);
	text_wrap(out->stream, 4, line);
	free(words);
}

void view_diff(const json_t *result, const struct ctl_output *out)
{
	const json_t *changes = json_object_get(result, "changes");
	size_t i;
	json_t *change;

	if (json_array_size(changes) == 0)
		fputs("they say the same\n", out->stream);
	json_array_foreach (changes, i, change) {
		fprintf(out->stream, "%s\n", text(change, "path"));
		print_side(out, '-', json_object_get(change, "from"));
		print_side(out, '+', json_object_get(change, "to"));
	}
}

void view_history(const json_t *result, const struct ctl_output *out)
{
	static const char *const columns[] = {">GENERATION", "WHEN",	 "AUTHOR",
					      "REASON",	     ">CHANGES", NULL};
	struct text_table table = {.columns = columns, .colour = out->colour};
	size_t i;
	json_t *entry;

	json_array_foreach (json_object_get(result, "generations"), i, entry) {
		text_table_add(&table, "%" PRIu64, number(entry, "generation"));
		text_table_add(&table, "%s", moment_text(number(entry, "time_ms")).text);
		text_table_add(&table, "%s", text(entry, "author"));
		text_table_add(&table, "%s", text(entry, "reason"));
		text_table_add(&table, "%zu", json_array_size(json_object_get(entry, "changes")));
	}
	text_table_finish(&table, out->stream);
	if (json_object_get(result, "unconfirmed_ms"))
		fprintf(out->stream,
			"generation %" PRIu64 " is taken back in %s unless confirmed\n",
			number(result, "generation"),
			time_text(number(result, "unconfirmed_ms")).text);
}
