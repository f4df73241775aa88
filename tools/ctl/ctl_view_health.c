/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_views.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl_result.h"
#include "text_table.h"
#include "text_wrap.h"

static void add_next_cell(struct text_table *table, const json_t *backend)
{
	if (json_object_get(backend, "next_ms"))
		text_table_add(table, "%s", time_text(number(backend, "next_ms")).text);
	else
		text_table_add(table, "-");
}

void view_health_list(const json_t *result, const struct ctl_output *out)
{
	static const char *const columns[] = {"BACKEND", "VERDICT",  ">PROBES",	  ">FAILED",
					      ">MS",	 ">NEXT IN", "LAST SAID", NULL};
	struct text_table table = {.columns = columns, .colour = out->colour};
	size_t i;
	json_t *backend;

	json_array_foreach (json_object_get(result, "backends"), i, backend) {
		text_table_add(&table, "%s/%s", text(backend, "pool"), text(backend, "backend"));
		text_table_add_state(&table, text(backend, "verdict"));
		text_table_add_count(&table, number(backend, "probes"));
		text_table_add_count(&table, number(backend, "failures"));
		text_table_add_count(&table, number(backend, "latency_ms"));
		add_next_cell(&table, backend);
		text_table_add(&table, "%s", text(backend, "reason"));
	}
	text_table_finish(&table, out->stream);
}

static void print_dialogue(const struct ctl_output *out, const json_t *dialogue)
{
	char line[2048];
	size_t i;
	json_t *said;

	fprintf(out->stream, "\n%s  %s", moment_text(number(dialogue, "began_ms")).text,
		!json_object_get(dialogue, "good") ? "given up"
		: is_true(dialogue, "good")	   ? "good"
						   : "bad");
	snprintf(line, sizeof(line), ": %s", text(dialogue, "reason"));
	text_wrap_from(out->stream, 25, 2, line);
	json_array_foreach (json_object_get(dialogue, "lines"), i, said) {
		const char *from = text(said, "from");

		snprintf(line, sizeof(line), "%6" PRIu64 " ms  %-6s  %s", number(said, "offset_ms"),
			 from, text(said, "text"));
		text_wrap(out->stream, 19, line);
	}
	if (is_true(dialogue, "cut"))
		fputs("            more was said than is kept\n", out->stream);
}

void view_health(const json_t *result, const struct ctl_output *out)
{
	char line[1024];
	size_t i;
	json_t *dialogue;

	fprintf(out->stream, "backend   %s/%s\n", text(result, "pool"), text(result, "backend"));
	fprintf(out->stream, "verdict   %s since %s\n", text(result, "verdict"),
		number(result, "changed_ms") ? moment_text(number(result, "changed_ms")).text
					     : "the start");
	snprintf(line, sizeof(line), "reason    %s", text(result, "reason"));
	text_wrap(out->stream, 10, line);
	if (json_object_get(result, "service"))
		fprintf(out->stream, "probed    at %s port %" PRIu64 ", from %s, as %s\n",
			text(result, "service"), number(result, "service_port"),
			text(result, "source"), text(result, "helo_name"));
	fprintf(out->stream, "probes    %" PRIu64 ", %" PRIu64 " failed\n",
		number(result, "probes"), number(result, "failures"));
	json_array_foreach (json_object_get(result, "dialogues"), i, dialogue)
		print_dialogue(out, dialogue);
}
