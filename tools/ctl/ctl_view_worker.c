/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_views.h"

#include <inttypes.h>

#include "ctl_result.h"
#include "text_table.h"

static void add_busy(struct text_table *table, const json_t *load)
{
	if (load)
		text_table_add(table, "%.1f%%", (double)number(load, "busy_permille") / 10);
	else
		text_table_add(table, "-");
}

/* "-": there were no packets to tell from. */
static void add_known(struct text_table *table, const json_t *load, const char *name)
{
	if (json_object_get(load, name))
		text_table_add_count(table, number(load, name));
	else
		text_table_add(table, "-");
}

void view_workers(const json_t *result, const struct ctl_output *out)
{
	static const char *const columns[] = {">CORE",	     ">NODE",	     "POLL",
					      ">BUSY NOW",   ">LAST MINUTE", ">PACKETS/S",
					      ">CYCLES/PKT", ">PKT/ROUND",   NULL};
	struct text_table table = {.columns = columns, .colour = out->colour};
	size_t i;
	json_t *worker;

	json_array_foreach (json_object_get(result, "workers"), i, worker) {
		const json_t *second = json_object_get(worker, "last_second");

		text_table_add(&table, "%" PRIu64, number(worker, "core"));
		add_known(&table, worker, "numa_node");
		text_table_add(&table, "%s", text(worker, "poll"));
		add_busy(&table, second);
		add_busy(&table, json_object_get(worker, "last_minute"));
		add_known(&table, second, "packets_per_s");
		add_known(&table, second, "packet_cycles");
		if (json_object_get(second, "packets_per_100_rounds"))
			text_table_add(&table, "%.1f",
				       (double)number(second, "packets_per_100_rounds") / 100);
		else
			text_table_add(&table, "-");
	}
	text_table_finish(&table, out->stream);
}
