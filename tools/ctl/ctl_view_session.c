/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_views.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl_result.h"
#include "text_table.h"
#include "text_wrap.h"

static const char *backend_or_nobody(const json_t *object, const char *name)
{
	return json_object_get(object, name) ? text(object, name) : "nobody";
}

/* A heading, and what goes behind it, in as many lines as it takes. */
#define BEHIND 9

static void print_access(const struct ctl_output *out, const json_t *result)
{
	if (json_object_get(result, "exclusion"))
		text_wrap_format(out->stream, BEHIND,
				 "access   %s: the client is in the excluded %s; if it were not:",
				 text(result, "access"), text(result, "exclusion"));
	else
		fprintf(out->stream, "access   %s\n", text(result, "access"));
}

static void print_slot(const struct ctl_output *out, const json_t *result)
{
	text_wrap_format(out->stream, BEHIND,
			 "slot     %" PRIu64 " of %" PRIu64 " of pool %s, hash %s",
			 number(result, "slot"), number(result, "slots"), text(result, "pool"),
			 text(result, "hash"));
	if (is_true(result, "moving"))
		text_wrap_format(out->stream, BEHIND, "table    moving: current %s, base %s",
				 backend_or_nobody(result, "current"),
				 backend_or_nobody(result, "base"));
	else
		text_wrap_format(out->stream, BEHIND, "table    steady: %s",
				 backend_or_nobody(result, "current"));
}

static void print_pin(const struct ctl_output *out, const json_t *result)
{
	const json_t *pin = json_object_get(result, "pin");

	if (pin)
		text_wrap_format(out->stream, BEHIND, "pin      %s, %s, silent for %s",
				 text(pin, "backend"), text(pin, "state"),
				 time_text(number(pin, "silent_ms")).text);
	else
		fprintf(out->stream, "pin      %s\n",
			is_true(result, "moving") ? "none" : "not asked for on a steady slot");
}

static void print_pick(const struct ctl_output *out, const char *packet, const json_t *pick)
{
	text_wrap_format(out->stream, BEHIND, "%-7s  to %s: %s", packet,
			 backend_or_nobody(pick, "backend"), text(pick, "message"));
}

static void print_target(const struct ctl_output *out, const json_t *target)
{
	char way[256] = "", problem[256] = "";

	if (json_object_get(target, "next_hop"))
		snprintf(way, sizeof(way), " by port %s to %s, path MTU %" PRIu64,
			 text(target, "port"), text(target, "next_hop"),
			 number(target, "path_mtu_bytes"));
	if (json_object_get(target, "problem"))
		snprintf(problem, sizeof(problem), "; dropped: %s", text(target, "problem"));
	text_wrap_format(out->stream, BEHIND, "backend  %s: %s%s, %s; %s%s%s", text(target, "name"),
			 text(target, "state"),
			 is_true(target, "leaving") ? " before it was removed" : "",
			 text(target, "health"), text(target, "forwarding"), way, problem);
}

void view_explanation(const json_t *result, const struct ctl_output *out)
{
	size_t i;
	json_t *target;

	if (json_object_get(result, "service")) {
		fprintf(out->stream, "service  %s\n", text(result, "service"));
		print_access(out, result);
		print_slot(out, result);
		print_pin(out, result);
		print_pick(out, "SYN", json_object_get(result, "syn"));
		print_pick(out, "segment", json_object_get(result, "segment"));
		json_array_foreach (json_object_get(result, "backends"), i, target)
			print_target(out, target);
	}
	text_wrap_format(out->stream, BEHIND, "outcome  %s", text(result, "outcome"));
}

/* "203.0.113.7:40213"; the hash where addresses were not asked for. */
static void add_client_cell(struct text_table *table, const json_t *session)
{
	const char *client = text(session, "client");

	if (!json_object_get(session, "client"))
		text_table_add(table, "%s", text(session, "hash"));
	else
		text_table_add(table, strchr(client, ':') ? "[%s]:%" PRIu64 : "%s:%" PRIu64, client,
			       number(session, "client_port"));
}

void view_sessions(const json_t *result, const struct ctl_output *out)
{
	static const char *const columns[] = {"CLIENT OR HASH", "SERVICE", "BACKEND",
					      "STATE",		">SILENT", NULL};
	struct text_table table = {.columns = columns, .colour = out->colour};
	size_t i;
	json_t *session;

	json_array_foreach (json_object_get(result, "sessions"), i, session) {
		add_client_cell(&table, session);
		text_table_add(&table, "%s", text(session, "service"));
		text_table_add(&table, "%s/%s", text(session, "pool"), text(session, "backend"));
		text_table_add(&table, "%s", text(session, "state"));
		text_table_add(&table, "%s", time_text(number(session, "silent_ms")).text);
	}
	text_table_finish(&table, out->stream);
	if (json_object_get(result, "cursor"))
		fprintf(out->stream, "there is more: cursor=%" PRIu64 "\n",
			number(result, "cursor"));
}
