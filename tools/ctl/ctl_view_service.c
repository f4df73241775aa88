/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_views.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl_result.h"
#include "text_table.h"

/* "10.0.0.10:25,587", "[2001:db8::10]:25", and how many more addresses. */
static void add_endpoint_cell(struct text_table *table, const json_t *service)
{
	const json_t *addresses = json_object_get(service, "addresses");
	const json_t *ports = json_object_get(service, "ports");
	const char *address = json_string_value(json_array_get(addresses, 0));
	char list[64] = "", more[24] = "";
	size_t used = 0;

	for (size_t i = 0; i < json_array_size(ports) && used < sizeof(list); i++)
		used += (size_t)snprintf(list + used, sizeof(list) - used,
					 "%s%" JSON_INTEGER_FORMAT, i > 0 ? "," : "",
					 json_integer_value(json_array_get(ports, i)));
	if (json_array_size(addresses) > 1)
		snprintf(more, sizeof(more), " +%zu", json_array_size(addresses) - 1);
	if (!address)
		address = "-";
	text_table_add(table, strchr(address, ':') ? "[%s]:%s%s" : "%s:%s%s", address, list, more);
}

void view_services(const json_t *result, const struct ctl_output *out)
{
	static const char *const columns[] = {"SERVICE",   "ADDRESS",  "POOL",	 ">SERVING",
					      ">SESSIONS", ">PACKETS", ">BYTES", NULL};
	struct text_table table = {.columns = columns, .colour = out->colour};
	size_t i;
	json_t *service;

	json_array_foreach (json_object_get(result, "services"), i, service) {
		text_table_add(&table, "%s", text(service, "name"));
		add_endpoint_cell(&table, service);
		text_table_add(&table, "%s", text(service, "pool"));
		text_table_add(&table, "%" PRIu64 "/%" PRIu64, number(service, "serving"),
			       number(service, "backends"));
		text_table_add_count(&table, number(service, "sessions"));
		text_table_add_count(&table, number(service, "packets"));
		text_table_add_count(&table, number(service, "bytes"));
	}
	text_table_finish(&table, out->stream);
}
