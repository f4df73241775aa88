/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_views.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl_result.h"
#include "text_table.h"

static void print_verdicts(const struct ctl_output *out, const json_t *verdicts)
{
	static const char *const columns[] = {"VERDICT", ">PACKETS", NULL};
	struct text_table table = {.columns = columns, .colour = out->colour};
	const char *name;
	json_t *count;

	json_object_foreach ((json_t *)verdicts, name, count) {
		if (json_integer_value(count) == 0)
			continue;
		text_table_add(&table, "%s", name);
		text_table_add(&table, "%" JSON_INTEGER_FORMAT, json_integer_value(count));
	}
	text_table_finish(&table, out->stream);
}

static void print_workers(const struct ctl_output *out, const json_t *workers)
{
	static const char *const columns[] = {">CORE",	     ">RX PACKETS", ">RX BYTES",
					      ">TX PACKETS", ">TX BYTES",   NULL};
	struct text_table table = {.columns = columns, .colour = out->colour};
	size_t i;
	json_t *worker;

	json_array_foreach (workers, i, worker) {
		text_table_add(&table, "%" PRIu64, number(worker, "core"));
		text_table_add_count(&table, number(worker, "rx_packets"));
		text_table_add_count(&table, number(worker, "rx_bytes"));
		text_table_add_count(&table, number(worker, "tx_packets"));
		text_table_add_count(&table, number(worker, "tx_bytes"));
	}
	text_table_finish(&table, out->stream);
}

static void print_ports(const struct ctl_output *out, const json_t *ports)
{
	static const char *const columns[] = {"PORT",	    "LINK",	   ">RX PACKETS", ">MISSED",
					      ">RX ERRORS", ">TX PACKETS", ">TX ERRORS",  NULL};
	struct text_table table = {.columns = columns, .colour = out->colour};
	size_t i;
	json_t *port;

	json_array_foreach (ports, i, port) {
		text_table_add(&table, "%s", text(port, "name"));
		text_table_add_state(&table, is_true(port, "link_up") ? "up" : "down");
		text_table_add_count(&table, number(port, "rx_packets"));
		text_table_add_count(&table, number(port, "rx_missed"));
		text_table_add_count(&table, number(port, "rx_errors"));
		text_table_add_count(&table, number(port, "tx_packets"));
		text_table_add_count(&table, number(port, "tx_errors"));
	}
	text_table_finish(&table, out->stream);
}

static void print_limits(const struct ctl_output *out, const json_t *limits)
{
	static const char *const columns[] = {"LIMIT", ">USED", ">OF", NULL};
	struct text_table table = {.columns = columns, .colour = out->colour};
	size_t i;
	json_t *limit;

	json_array_foreach (limits, i, limit) {
		text_table_add(&table, "%s", text(limit, "name"));
		if (json_object_get(limit, "used"))
			text_table_add(&table, "%" PRIu64, number(limit, "used"));
		else
			text_table_add(&table, "-");
		text_table_add(&table, "%" PRIu64, number(limit, "max"));
	}
	text_table_finish(&table, out->stream);
}

void view_stats(const json_t *result, const struct ctl_output *out)
{
	const json_t *total = json_object_get(result, "total");

	print_verdicts(out, json_object_get(total, "verdicts"));
	fputc('\n', out->stream);
	print_workers(out, json_object_get(result, "workers"));
	fputc('\n', out->stream);
	print_ports(out, json_object_get(result, "ports"));
	fputc('\n', out->stream);
	print_limits(out, json_object_get(result, "limits"));
	fprintf(out->stream,
		"\npins: %" PRIu64 " created, %" PRIu64 " adopted, %" PRIu64 " refused, %" PRIu64
		" deferred,\n      %" PRIu64 " evicted, %" PRIu64 " rehashed, %" PRIu64
		" reused, %" PRIu64 " repeatable, %" PRIu64 " silent\n",
		number(total, "pins_created"), number(total, "pins_adopted"),
		number(total, "pins_refused"), number(total, "pins_deferred"),
		number(total, "pins_evicted"), number(total, "pins_rehashed"),
		number(total, "pins_reused"), number(total, "pins_repeatable"),
		number(total, "pins_silent"));
	fprintf(out->stream, "sessions at risk: %" PRIu64 "\n", number(total, "sessions_at_risk"));
	fprintf(out->stream,
		"fragments: %" PRIu64 " kept, %" PRIu64 " released, %" PRIu64 " handed, %" PRIu64
		" taken\n",
		number(total, "fragments_kept"), number(total, "fragments_released"),
		number(total, "fragments_handed"), number(total, "fragments_taken"));
	fprintf(out->stream, "packets cut: %" PRIu64 ", segment sizes lowered: %" PRIu64 "\n",
		number(total, "cut_packets"), number(total, "mss_clamped"));
}
