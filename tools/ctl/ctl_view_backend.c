/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_views.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl_result.h"
#include "text_table.h"
#include "text_wrap.h"

/* All slots that backends of @pool have; rows of a pool stand together. */
static uint64_t pool_slots(const json_t *backends, size_t first)
{
	const char *pool = text(json_array_get(backends, first), "pool");
	uint64_t slots = 0;

	for (size_t i = first; i < json_array_size(backends); i++) {
		const json_t *backend = json_array_get(backends, i);

		if (strcmp(text(backend, "pool"), pool) != 0)
			break;
		slots += number(backend, "slots");
	}
	return slots;
}

static void add_backend_row(struct text_table *table, const json_t *backend, uint64_t slots)
{
	text_table_add(table, "%s", text(backend, "pool"));
	text_table_add(table, "%s", text(backend, "name"));
	text_table_add(table, "%s", text(backend, "address"));
	text_table_add(table, "%" PRIu64, number(backend, "weight"));
	text_table_add_state(table, text(backend, "state"));
	text_table_add_state(table, text(backend, "health"));
	text_table_add(table, "%.1f%%",
		       slots > 0 ? 100.0 * (double)number(backend, "slots") / (double)slots : 0.0);
	text_table_add_count(table, number(backend, "sessions"));
	text_table_add_count(table, number(backend, "pins"));
}

/* What is wrong with backends stands below the table: it is longer than a column. */
static void print_reasons(const struct ctl_output *out, const json_t *backends)
{
	size_t i;
	json_t *backend;

	json_array_foreach (backends, i, backend) {
		const char *reason = text(backend, "reason");
		const char *pool = text(backend, "pool"), *name = text(backend, "name");

		if (strcmp(text(backend, "health"), "up") != 0 && reason[0] != '\0')
			text_wrap_format(out->stream, 4, "%s/%s: %s", pool, name, reason);
		else if (!json_object_get(backend, "next_hop"))
			text_wrap_format(out->stream, 4,
					 "%s/%s: its Ethernet address is not known yet", pool,
					 name);
		else if (!json_object_get(backend, "packet_max_bytes"))
			text_wrap_format(out->stream, 4,
					 "%s/%s: its path takes %" PRIu64 " bytes, too few for %s",
					 pool, name, number(backend, "path_mtu_bytes"),
					 text(backend, "forwarding"));
	}
}

void view_backends(const json_t *result, const struct ctl_output *out)
{
	static const char *const columns[] = {"POOL",	"NAME",	  "ADDRESS",   ">WEIGHT", "STATE",
					      "HEALTH", ">SHARE", ">SESSIONS", ">PINS",	  NULL};
	const json_t *backends = json_object_get(result, "backends");
	struct text_table table = {.columns = columns, .colour = out->colour};
	const char *pool = "";
	uint64_t slots = 0;
	size_t i;
	json_t *backend;

	json_array_foreach (backends, i, backend) {
		if (strcmp(pool, text(backend, "pool")) != 0) {
			pool = text(backend, "pool");
			slots = pool_slots(backends, i);
		}
		add_backend_row(&table, backend, slots);
	}
	text_table_finish(&table, out->stream);
	print_reasons(out, backends);
}

void view_backend_set(const json_t *result, const struct ctl_output *out)
{
	fprintf(out->stream, "weight %" PRIu64 ", state %s; generation %" PRIu64 " is in force\n",
		number(result, "weight"), text(result, "state"), number(result, "generation"));
}

void view_commands(const json_t *result, const struct ctl_output *out)
{
	size_t i;
	json_t *line;

	json_array_foreach (json_object_get(result, "commands"), i, line)
		fprintf(out->stream, "%s\n", json_string_value(line));
}
