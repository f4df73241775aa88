/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_views.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl_result.h"
#include "text_table.h"

void view_json(const json_t *result)
{
	json_dumpf(result, stdout, JSON_INDENT(2));
	putchar('\n');
}

void view_config(const json_t *result)
{
	view_json(json_object_get(result, "config"));
}

void view_applied(const json_t *result)
{
	printf("generation %" PRIu64 " is in force\n", number(result, "generation"));
}

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

void view_services(const json_t *result)
{
	static const char *const columns[] = {"SERVICE",   "ADDRESS",  "POOL",	 ">SERVING",
					      ">SESSIONS", ">PACKETS", ">BYTES", NULL};
	struct text_table table = {.columns = columns};
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
	text_table_finish(&table, stdout);
}

void view_pools(const json_t *result)
{
	static const char *const columns[] = {"POOL",	   "MODE",   "HEALTH",	">UP",	 ">SERVING",
					      ">BACKENDS", ">SLOTS", ">MOVING", ">PINS", NULL};
	struct text_table table = {.columns = columns};
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
	text_table_finish(&table, stdout);
}

/* "17": these are all its sessions; "17+": those that are known. */
static void add_sessions_cell(struct text_table *table, const json_t *backend)
{
	text_table_add(table, "%" PRIu64 "%s", number(backend, "pins"),
		       json_is_true(json_object_get(backend, "exact")) ? "" : "+");
}

static void print_pool_backends(const json_t *backends)
{
	static const char *const columns[] = {"BACKEND",   "ADDRESS",	"STATE",
					      "HEALTH",	   ">SLOTS",	">BASE",
					      ">SESSIONS", ">QUIET IN", NULL};
	struct text_table table = {.columns = columns};
	size_t i;
	json_t *backend;

	json_array_foreach (backends, i, backend) {
		text_table_add(&table, "%s", text(backend, "name"));
		text_table_add(&table, "%s", text(backend, "address"));
		text_table_add(&table, "%s", text(backend, "state"));
		text_table_add(&table, "%s", text(backend, "health"));
		text_table_add_count(&table, number(backend, "slots"));
		text_table_add_count(&table, number(backend, "base_slots"));
		add_sessions_cell(&table, backend);
		if (json_object_get(backend, "quiet_in_ms"))
			text_table_add(&table, "%s",
				       time_text(number(backend, "quiet_in_ms")).text);
		else
			text_table_add(&table, "-");
	}
	text_table_finish(&table, stdout);
}

void view_pool(const json_t *result)
{
	printf("pool          %s\n", text(result, "name"));
	printf("slots         %" PRIu64 ": %" PRIu64 " steady, %" PRIu64 " moving\n",
	       number(result, "slots"), number(result, "steady_slots"),
	       number(result, "moving_slots"));
	printf("changed       %s ago\n", time_text(number(result, "changed_ago_ms")).text);
	if (json_object_get(result, "oldest_base_ms"))
		printf("oldest base   %s\n", time_text(number(result, "oldest_base_ms")).text);
	printf("session idle  %s\n", time_text(number(result, "session_idle_ms")).text);
	printf("rehashed      %" PRIu64 " slots, their backends were down or disabled\n",
	       number(result, "rehashed_slots"));
	printf("pins          %" PRIu64 "\n\n", number(result, "pins"));
	print_pool_backends(json_object_get(result, "backends"));
}

void view_fingerprint(const json_t *result)
{
	printf("fingerprint   %s\n", text(result, "fingerprint"));
	printf("generation    %" PRIu64 "\n", number(result, "generation"));
	printf("moving slots  %" PRIu64 "\n", number(result, "moving_slots"));
}

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
	text_table_add(table, "%s", text(backend, "state"));
	text_table_add(table, "%s", text(backend, "health"));
	text_table_add(table, "%.1f%%",
		       slots > 0 ? 100.0 * (double)number(backend, "slots") / (double)slots : 0.0);
	text_table_add_count(table, number(backend, "sessions"));
	text_table_add_count(table, number(backend, "pins"));
}

/* What is wrong with backends stands below the table: it is longer than a column. */
static void print_reasons(const json_t *backends)
{
	size_t i;
	json_t *backend;

	json_array_foreach (backends, i, backend) {
		const char *reason = text(backend, "reason");

		if (strcmp(text(backend, "health"), "up") != 0 && reason[0] != '\0')
			printf("%s/%s: %s\n", text(backend, "pool"), text(backend, "name"), reason);
		else if (!json_object_get(backend, "next_hop"))
			printf("%s/%s: its Ethernet address is not known yet\n",
			       text(backend, "pool"), text(backend, "name"));
		else if (!json_object_get(backend, "packet_max_bytes"))
			printf("%s/%s: its path takes %" PRIu64 " bytes, too few for %s\n",
			       text(backend, "pool"), text(backend, "name"),
			       number(backend, "path_mtu_bytes"), text(backend, "forwarding"));
	}
}

void view_backends(const json_t *result)
{
	static const char *const columns[] = {"POOL",	"NAME",	  "ADDRESS",   ">WEIGHT", "STATE",
					      "HEALTH", ">SHARE", ">SESSIONS", ">PINS",	  NULL};
	const json_t *backends = json_object_get(result, "backends");
	struct text_table table = {.columns = columns};
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
	text_table_finish(&table, stdout);
	print_reasons(backends);
}

void view_backend_set(const json_t *result)
{
	printf("weight %" PRIu64 ", state %s; generation %" PRIu64 " is in force\n",
	       number(result, "weight"), text(result, "state"), number(result, "generation"));
}

void view_commands(const json_t *result)
{
	size_t i;
	json_t *line;

	json_array_foreach (json_object_get(result, "commands"), i, line)
		puts(json_string_value(line));
}

static void print_verdicts(const json_t *verdicts)
{
	static const char *const columns[] = {"VERDICT", ">PACKETS", NULL};
	struct text_table table = {.columns = columns};
	const char *name;
	json_t *count;

	json_object_foreach ((json_t *)verdicts, name, count) {
		if (json_integer_value(count) == 0)
			continue;
		text_table_add(&table, "%s", name);
		text_table_add(&table, "%" JSON_INTEGER_FORMAT, json_integer_value(count));
	}
	text_table_finish(&table, stdout);
}

static void print_workers(const json_t *workers)
{
	static const char *const columns[] = {">CORE",	     ">RX PACKETS", ">RX BYTES",
					      ">TX PACKETS", ">TX BYTES",   NULL};
	struct text_table table = {.columns = columns};
	size_t i;
	json_t *worker;

	json_array_foreach (workers, i, worker) {
		text_table_add(&table, "%" PRIu64, number(worker, "core"));
		text_table_add_count(&table, number(worker, "rx_packets"));
		text_table_add_count(&table, number(worker, "rx_bytes"));
		text_table_add_count(&table, number(worker, "tx_packets"));
		text_table_add_count(&table, number(worker, "tx_bytes"));
	}
	text_table_finish(&table, stdout);
}

static void print_ports(const json_t *ports)
{
	static const char *const columns[] = {"PORT",	    "LINK",	   ">RX PACKETS", ">MISSED",
					      ">RX ERRORS", ">TX PACKETS", ">TX ERRORS",  NULL};
	struct text_table table = {.columns = columns};
	size_t i;
	json_t *port;

	json_array_foreach (ports, i, port) {
		text_table_add(&table, "%s", text(port, "name"));
		text_table_add(&table, "%s",
			       json_is_true(json_object_get(port, "link_up")) ? "up" : "down");
		text_table_add_count(&table, number(port, "rx_packets"));
		text_table_add_count(&table, number(port, "rx_missed"));
		text_table_add_count(&table, number(port, "rx_errors"));
		text_table_add_count(&table, number(port, "tx_packets"));
		text_table_add_count(&table, number(port, "tx_errors"));
	}
	text_table_finish(&table, stdout);
}

static void print_limits(const json_t *limits)
{
	static const char *const columns[] = {"LIMIT", ">USED", ">OF", NULL};
	struct text_table table = {.columns = columns};
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
	text_table_finish(&table, stdout);
}

void view_stats(const json_t *result)
{
	const json_t *total = json_object_get(result, "total");

	print_verdicts(json_object_get(total, "verdicts"));
	putchar('\n');
	print_workers(json_object_get(result, "workers"));
	putchar('\n');
	print_ports(json_object_get(result, "ports"));
	putchar('\n');
	print_limits(json_object_get(result, "limits"));
	printf("\npins: %" PRIu64 " created, %" PRIu64 " adopted, %" PRIu64 " refused, %" PRIu64
	       " deferred,\n      %" PRIu64 " evicted, %" PRIu64 " rehashed, %" PRIu64
	       " reused, %" PRIu64 " repeatable, %" PRIu64 " silent\n",
	       number(total, "pins_created"), number(total, "pins_adopted"),
	       number(total, "pins_refused"), number(total, "pins_deferred"),
	       number(total, "pins_evicted"), number(total, "pins_rehashed"),
	       number(total, "pins_reused"), number(total, "pins_repeatable"),
	       number(total, "pins_silent"));
	printf("sessions at risk: %" PRIu64 "\n", number(total, "sessions_at_risk"));
	printf("fragments: %" PRIu64 " kept, %" PRIu64 " released, %" PRIu64 " handed, %" PRIu64
	       " taken\n",
	       number(total, "fragments_kept"), number(total, "fragments_released"),
	       number(total, "fragments_handed"), number(total, "fragments_taken"));
	printf("packets cut: %" PRIu64 ", segment sizes lowered: %" PRIu64 "\n",
	       number(total, "cut_packets"), number(total, "mss_clamped"));
}

void view_node(const json_t *result)
{
	uint64_t uptime = number(result, "uptime_s");
	size_t i;
	json_t *core;

	printf("node        %s\n", text(result, "name"));
	printf("version     %s\n", text(result, "version"));
	printf("process     %" PRIu64 "\n", number(result, "pid"));
	printf("generation  %" PRIu64 "\n", number(result, "generation"));
	printf("up for      %" PRIu64 "d %02" PRIu64 ":%02" PRIu64 ":%02" PRIu64 "\n",
	       uptime / 86400, uptime / 3600 % 24, uptime / 60 % 60, uptime % 60);
	printf("hugepages   %" PRIu64 " MiB\n", number(result, "hugepage_bytes") >> 20);
	fputs("cores      ", stdout);
	json_array_foreach (json_object_get(result, "cores"), i, core)
		printf(" %" JSON_INTEGER_FORMAT, json_integer_value(core));
	printf("\nsaves to    %s\n", text(result, "config_path"));
}
