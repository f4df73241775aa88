/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_views.h"

#include <inttypes.h>

#include "ctl_result.h"
#include "text_table.h"

void view_captures(const json_t *result, const struct ctl_output *out)
{
	static const char *const columns[] = {"CAPTURE", ">BYTES", "WRITTEN", NULL};
	struct text_table table = {.columns = columns, .colour = out->colour};
	size_t i;
	json_t *file;

	json_array_foreach (json_object_get(result, "files"), i, file) {
		text_table_add(&table, "%s", text(file, "name"));
		text_table_add_count(&table, number(file, "bytes"));
		text_table_add(&table, "%s", moment_text(number(file, "changed_ms")).text);
	}
	text_table_finish(&table, out->stream);
}
