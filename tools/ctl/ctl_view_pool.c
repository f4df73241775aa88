/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_views.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl_result.h"
#include "text_table.h"

void view_pools(const json_t *result, const struct ctl_output *out)
{
	static const char *const columns[] = {"POOL",	   "MODE",   "HEALTH",	">UP",	 ">SERVING",
					      ">BACKENDS", ">SLOTS", ">MOVING", ">PINS", NULL};
	struct text_table table = {.columns = columns, .colour = out->colour};
	size_t i;
	json_t *pool;

	json_array_foreach (json_object_get(result, "pools"), i, pool) {
		text_table_add(&table, "%s", text(pool, "name"));
		text_table_add(&table, "%s", text(pool, "forwarding"));
		text_table_add(&table, "%s", text(pool, "health"));
		text_table_add_count(&table, number(pool, "up"));
		text_table_add_count(&table, number(pool, "serving"));
		text_table_add_count(&table, number(pool, "backends"));
		text_table_add_count(&table, number(pool, "slots"));
		text_table_add_count(&table, number(pool, "moving_slots"));
		text_table_add_count(&table, number(pool, "pins"));
	}
	text_table_finish(&table, out->stream);
}

/* "17": these are all its sessions; "17+": those that are known. */
static void add_sessions_cell(struct text_table *table, const json_t *backend)
{
	text_table_add(table, "%" PRIu64 "%s", number(backend, "pins"),
		       json_is_true(json_object_get(backend, "exact")) ? "" : "+");
}

static void print_pool_backends(const struct ctl_output *out, const json_t *backends)
{
	static const char *const columns[] = {"BACKEND",   "ADDRESS",	"STATE",
					      "HEALTH",	   ">SLOTS",	">BASE",
					      ">SESSIONS", ">QUIET IN", NULL};
	struct text_table table = {.columns = columns, .colour = out->colour};
	size_t i;
	json_t *backend;

	json_array_foreach (backends, i, backend) {
		text_table_add(&table, "%s", text(backend, "name"));
		text_table_add(&table, "%s", text(backend, "address"));
		text_table_add_state(&table, text(backend, "state"));
		text_table_add_state(&table, text(backend, "health"));
		text_table_add_count(&table, number(backend, "slots"));
		text_table_add_count(&table, number(backend, "base_slots"));
		add_sessions_cell(&table, backend);
		if (json_object_get(backend, "quiet_in_ms"))
			text_table_add(&table, "%s",
				       time_text(number(backend, "quiet_in_ms")).text);
		else
			text_table_add(&table, "-");
	}
	text_table_finish(&table, out->stream);
}

void view_pool(const json_t *result, const struct ctl_output *out)
{
	fprintf(out->stream, "pool          %s\n", text(result, "name"));
	fprintf(out->stream, "slots         %" PRIu64 ": %" PRIu64 " steady, %" PRIu64 " moving\n",
		number(result, "slots"), number(result, "steady_slots"),
		number(result, "moving_slots"));
	fprintf(out->stream, "changed       %s ago\n",
		time_text(number(result, "changed_ago_ms")).text);
	if (json_object_get(result, "oldest_base_ms"))
		fprintf(out->stream, "oldest base   %s\n",
			time_text(number(result, "oldest_base_ms")).text);
	fprintf(out->stream, "session idle  %s\n",
		time_text(number(result, "session_idle_ms")).text);
	fprintf(out->stream,
		"rehashed      %" PRIu64 " slots, their backends were down or disabled\n",
		number(result, "rehashed_slots"));
	fprintf(out->stream, "pins          %" PRIu64 "\n\n", number(result, "pins"));
	print_pool_backends(out, json_object_get(result, "backends"));
}

void view_fingerprint(const json_t *result, const struct ctl_output *out)
{
	fprintf(out->stream, "fingerprint   %s\n", text(result, "fingerprint"));
	fprintf(out->stream, "generation    %" PRIu64 "\n", number(result, "generation"));
	fprintf(out->stream, "moving slots  %" PRIu64 "\n", number(result, "moving_slots"));
}
