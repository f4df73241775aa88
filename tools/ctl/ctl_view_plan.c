/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_views.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl_result.h"
#include "text_table.h"
#include "text_wrap.h"

static void add_plan_row(struct text_table *table, const json_t *pool, const json_t *backend)
{
	const bool stays = strcmp(text(backend, "change"), "stays") == 0;

	text_table_add(table, "%s", text(pool, "name"));
	text_table_add(table, "%s", text(backend, "name"));
	text_table_add(table, "%s", text(backend, "address"));
	text_table_add(table, "%" PRIu64, number(backend, "slots_before"));
	text_table_add(table, "%" PRIu64, number(backend, "slots_after"));
	text_table_add_share(table, number(backend, "share_before_ppm"));
	text_table_add_share(table, number(backend, "share_after_ppm"));
	text_table_add(table, "%s", stays ? "-" : text(backend, "change"));
}

static void print_plan_table(const struct ctl_output *out, const json_t *pools)
{
	static const char *const columns[] = {"POOL",	"BACKEND", "ADDRESS", ">SLOTS", ">AFTER",
					      ">SHARE", ">AFTER",  "CHANGE",  NULL};
	struct text_table table = {.columns = columns, .colour = out->colour};
	size_t i, j;
	json_t *pool, *backend;

	json_array_foreach (pools, i, pool)
		json_array_foreach (json_object_get(pool, "backends"), j, backend)
			add_plan_row(&table, pool, backend);
	text_table_finish(&table, out->stream);
}

static void print_planned_pool(const struct ctl_output *out, const json_t *pool)
{
	const char *name = text(pool, "name");
	size_t i;
	json_t *backend;

	if (strcmp(text(pool, "change"), "stays") == 0) {
		text_wrap_format(out->stream, 2,
				 "%s: %" PRIu64 " of %" PRIu64 " slots would move, %" PRIu64
				 " are moving now;",
				 name, number(pool, "slots_to_move"), number(pool, "slots"),
				 number(pool, "moving_slots"));
		fprintf(out->stream, "  about %" PRIu64 " open sessions would be pinned\n",
			number(pool, "sessions_pinned"));
	} else {
		text_wrap_format(out->stream, 2, "%s: the pool %s", name, text(pool, "change"));
	}
	json_array_foreach (json_object_get(pool, "backends"), i, backend) {
		if (is_true(backend, "awaits_probe"))
			text_wrap_format(
				out->stream, 2,
				"%s/%s: gets no session before its first probe has found it up",
				name, text(backend, "name"));
	}
}

static void print_break(const struct ctl_output *out, const json_t *cause)
{
	const bool running = strcmp(text(cause, "configuration"), "running") == 0;

	fprintf(out->stream, "  %s%s", text(cause, "pointer"), running ? " (in force)" : "");
	if (json_object_get(cause, "sessions"))
		fprintf(out->stream, ": about %" PRIu64, number(cause, "sessions"));
	fputs("\n    ", out->stream);
	text_wrap_from(out->stream, 4, 4, text(cause, "message"));
}

static void print_breaks(const struct ctl_output *out, const json_t *result)
{
	const json_t *breaks = json_object_get(result, "breaks");
	bool all_known = true;
	size_t i;
	json_t *cause;

	if (json_array_size(breaks) == 0) {
		fputs("0 sessions would break\n", out->stream);
		return;
	}
	json_array_foreach (breaks, i, cause)
		all_known &= json_object_get(cause, "sessions") != NULL;
	fprintf(out->stream, "about %" PRIu64 " sessions would break%s:\n",
		number(result, "sessions_broken"),
		all_known ? "" : ", and some that nobody can count");
	json_array_foreach (breaks, i, cause)
		print_break(out, cause);
}

void view_plan(const json_t *result, const struct ctl_output *out)
{
	const json_t *pools = json_object_get(result, "pools");
	size_t i;
	json_t *pool;

	print_plan_table(out, pools);
	fputc('\n', out->stream);
	json_array_foreach (pools, i, pool)
		print_planned_pool(out, pool);
	print_breaks(out, result);
}
