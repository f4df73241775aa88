/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_views.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl_result.h"
#include "text_table.h"

void view_node(const json_t *result, const struct ctl_output *out)
{
	uint64_t uptime = number(result, "uptime_s");
	size_t i;
	json_t *core;

	fprintf(out->stream, "node        %s\n", text(result, "name"));
	fprintf(out->stream, "version     %s\n", text(result, "version"));
	fprintf(out->stream, "process     %" PRIu64 "\n", number(result, "pid"));
	fprintf(out->stream, "generation  %" PRIu64 "\n", number(result, "generation"));
	fprintf(out->stream, "up for      %" PRIu64 "d %02" PRIu64 ":%02" PRIu64 ":%02" PRIu64 "\n",
		uptime / 86400, uptime / 3600 % 24, uptime / 60 % 60, uptime % 60);
	fprintf(out->stream, "hugepages   %" PRIu64 " MiB\n",
		number(result, "hugepage_bytes") >> 20);
	fputs("cores      ", out->stream);
	json_array_foreach (json_object_get(result, "cores"), i, core)
		fprintf(out->stream, " %" JSON_INTEGER_FORMAT, json_integer_value(core));
	fprintf(out->stream, "\nsaves to    %s\n", text(result, "config_path"));
}
