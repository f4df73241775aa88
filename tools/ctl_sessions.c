/* SPDX-License-Identifier: BSD-3-Clause */
/* What would become of sessions, and where one of them goes, for people. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "ctl_result.h"
#include "ctl_views.h"
#include "text_table.h"

static bool is_true(const json_t *object, const char *name)
{
	return json_is_true(json_object_get(object, name));
}

static void add_share(struct text_table *table, uint64_t ppm)
{
	text_table_add(table, "%.1f%%", (double)ppm / 10000.0);
}

static void add_plan_row(struct text_table *table, const json_t *pool, const json_t *backend)
{
	const bool stays = strcmp(text(backend, "change"), "stays") == 0;

	text_table_add(table, "%s", text(pool, "name"));
	text_table_add(table, "%s", text(backend, "name"));
	text_table_add(table, "%s", text(backend, "address"));
	text_table_add(table, "%" PRIu64, number(backend, "slots_before"));
	text_table_add(table, "%" PRIu64, number(backend, "slots_after"));
	add_share(table, number(backend, "share_before_ppm"));
	add_share(table, number(backend, "share_after_ppm"));
	text_table_add(table, "%s", stays ? "-" : text(backend, "change"));
}

static void print_plan_table(const json_t *pools)
{
	static const char *const columns[] = {"POOL",	"BACKEND", "ADDRESS", ">SLOTS", ">AFTER",
					      ">SHARE", ">AFTER",  "CHANGE",  NULL};
	struct text_table table = {.columns = columns};
	size_t i, j;
	json_t *pool, *backend;

	json_array_foreach (pools, i, pool)
		json_array_foreach (json_object_get(pool, "backends"), j, backend)
			add_plan_row(&table, pool, backend);
	text_table_finish(&table, stdout);
}

static void print_planned_pool(const json_t *pool)
{
	const char *name = text(pool, "name");
	size_t i;
	json_t *backend;

	if (strcmp(text(pool, "change"), "stays") == 0)
		printf("%s: %" PRIu64 " of %" PRIu64 " slots would move, %" PRIu64
		       " are moving now;\n  about %" PRIu64 " open sessions would be pinned\n",
		       name, number(pool, "slots_to_move"), number(pool, "slots"),
		       number(pool, "moving_slots"), number(pool, "sessions_pinned"));
	else
		printf("%s: the pool %s\n", name, text(pool, "change"));
	json_array_foreach (json_object_get(pool, "backends"), i, backend) {
		if (is_true(backend, "awaits_probe"))
			printf("%s/%s: gets no session before its first probe has found it up\n",
			       name, text(backend, "name"));
	}
}

static void print_break(const json_t *cause)
{
	const bool running = strcmp(text(cause, "configuration"), "running") == 0;

	printf("  %s%s", text(cause, "pointer"), running ? " (in force)" : "");
	if (json_object_get(cause, "sessions"))
		printf(": about %" PRIu64, number(cause, "sessions"));
	printf("\n    %s\n", text(cause, "message"));
}

static void print_breaks(const json_t *result)
{
	const json_t *breaks = json_object_get(result, "breaks");
	bool all_known = true;
	size_t i;
	json_t *cause;

	if (json_array_size(breaks) == 0) {
		puts("0 sessions would break");
		return;
	}
	json_array_foreach (breaks, i, cause)
		all_known &= json_object_get(cause, "sessions") != NULL;
	printf("about %" PRIu64 " sessions would break%s:\n", number(result, "sessions_broken"),
	       all_known ? "" : ", and some that nobody can count");
	json_array_foreach (breaks, i, cause)
		print_break(cause);
}

void view_plan(const json_t *result)
{
	const json_t *pools = json_object_get(result, "pools");
	size_t i;
	json_t *pool;

	print_plan_table(pools);
	putchar('\n');
	json_array_foreach (pools, i, pool)
		print_planned_pool(pool);
	print_breaks(result);
}

static const char *backend_or_nobody(const json_t *object, const char *name)
{
	return json_object_get(object, name) ? text(object, name) : "nobody";
}

static void print_access(const json_t *result)
{
	printf("access   %s", text(result, "access"));
	if (json_object_get(result, "exclusion"))
		printf(": the client is in the excluded %s; if it were not:",
		       text(result, "exclusion"));
	putchar('\n');
}

static void print_slot(const json_t *result)
{
	printf("slot     %" PRIu64 " of %" PRIu64 " of pool %s, hash %s\n", number(result, "slot"),
	       number(result, "slots"), text(result, "pool"), text(result, "hash"));
	if (is_true(result, "moving"))
		printf("table    moving: current %s, base %s\n",
		       backend_or_nobody(result, "current"), backend_or_nobody(result, "base"));
	else
		printf("table    steady: %s\n", backend_or_nobody(result, "current"));
}

static void print_pin(const json_t *result)
{
	const json_t *pin = json_object_get(result, "pin");

	if (pin)
		printf("pin      %s, %s, silent for %s\n", text(pin, "backend"), text(pin, "state"),
		       time_text(number(pin, "silent_ms")).text);
	else
		printf("pin      %s\n",
		       is_true(result, "moving") ? "none" : "not asked for on a steady slot");
}

static void print_pick(const char *packet, const json_t *pick)
{
	printf("%-7s  to %s: %s\n", packet, backend_or_nobody(pick, "backend"),
	       text(pick, "message"));
}

static void print_target(const json_t *target)
{
	printf("backend  %s: %s%s, %s; ", text(target, "name"), text(target, "state"),
	       is_true(target, "leaving") ? " before it was removed" : "", text(target, "health"));
	if (json_object_get(target, "next_hop"))
		printf("%s by port %s to %s, path MTU %" PRIu64, text(target, "forwarding"),
		       text(target, "port"), text(target, "next_hop"),
		       number(target, "path_mtu_bytes"));
	else
		fputs(text(target, "forwarding"), stdout);
	if (json_object_get(target, "problem"))
		printf("; dropped: %s", text(target, "problem"));
	putchar('\n');
}

void view_explanation(const json_t *result)
{
	size_t i;
	json_t *target;

	if (json_object_get(result, "service")) {
		printf("service  %s\n", text(result, "service"));
		print_access(result);
		print_slot(result);
		print_pin(result);
		print_pick("SYN", json_object_get(result, "syn"));
		print_pick("segment", json_object_get(result, "segment"));
		json_array_foreach (json_object_get(result, "backends"), i, target)
			print_target(target);
	}
	printf("outcome  %s\n", text(result, "outcome"));
}
