/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_views.h"

#include <inttypes.h>

#include "ctl_result.h"
#include "text_table.h"

void view_ports(const json_t *result, const struct ctl_output *out)
{
	static const char *const columns[] = {"PORT", "LINK",	 "DEVICE",  "MAC",
					      ">MTU", ">QUEUES", ">MBIT/S", NULL};
	struct text_table table = {.columns = columns, .colour = out->colour};
	size_t i;
	json_t *port;

	json_array_foreach (json_object_get(result, "ports"), i, port) {
		text_table_add(&table, "%s", text(port, "name"));
		text_table_add_state(&table, is_true(port, "link_up") ? "up" : "down");
		text_table_add(&table, "%s", text(port, "device"));
		text_table_add(&table, "%s", text(port, "mac"));
		text_table_add(&table, "%" PRIu64, number(port, "mtu_bytes"));
		text_table_add(&table, "%" PRIu64, number(port, "queues"));
		if (json_object_get(port, "speed_mbps"))
			text_table_add(&table, "%" PRIu64, number(port, "speed_mbps"));
		else
			text_table_add(&table, "-");
	}
	text_table_finish(&table, out->stream);
}
