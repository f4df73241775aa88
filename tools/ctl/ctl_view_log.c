/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_views.h"

#include "ctl_result.h"
#include "text_table.h"

void view_log(const json_t *result, const struct ctl_output *out)
{
	static const char *const columns[] = {"TOPIC", "FROM ON", "WHAT IT IS ABOUT", NULL};
	struct text_table table = {.columns = columns, .colour = out->colour};
	size_t i;
	json_t *topic;

	json_array_foreach (json_object_get(result, "topics"), i, topic) {
		text_table_add(&table, "%s", text(topic, "topic"));
		text_table_add(&table, "%s", text(topic, "level"));
		text_table_add(&table, "%s", text(topic, "text"));
	}
	text_table_finish(&table, out->stream);
	fprintf(out->stream, "format  %s\n", text(result, "format"));
}
