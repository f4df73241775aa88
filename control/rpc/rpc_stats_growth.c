/* SPDX-License-Identifier: BSD-3-Clause */
#include "rpc_stats_growth.h"

#include <string.h>

#define FLOW_GROWTH_FIELD(type, member, json_name, sentence)                             \
	{                                                                                \
		(json_name), FIELD_UINT, FIELD_AT(type, flow.member), .required = true,  \
								      .text = (sentence) \
	}
/* Rows for a struct @type with a struct flow_growth flow. */
#define FLOW_GROWTH_FIELDS(type)                                                           \
	FLOW_GROWTH_FIELD(type, counters.packets, "packets", "Packets received for it"),   \
		FLOW_GROWTH_FIELD(type, counters.bytes, "bytes", "Bytes of their frames"), \
		FLOW_GROWTH_FIELD(type, counters.sessions, "sessions", "SYNs"),            \
		FLOW_GROWTH_FIELD(type, per_s.packets, "packets_per_s",                    \
				  "Packets received for it, each second"),                 \
		FLOW_GROWTH_FIELD(type, per_s.bytes, "bytes_per_s",                        \
				  "Bytes of their frames, each second"),                   \
		FLOW_GROWTH_FIELD(type, per_s.sessions, "sessions_per_s", "SYNs, each second")

static const struct field service_fields[] = {
	{"name", FIELD_NAME, FIELD_AT(struct service_growth, name), .required = true,
	 .text = "Name of the service"},
	FLOW_GROWTH_FIELDS(struct service_growth),
};
static const struct shape service_shape = SHAPE("service_growth", struct service_growth,
						service_fields, "What has come for one service");

static const struct field backend_fields[] = {
	{"pool", FIELD_NAME, FIELD_AT(struct backend_growth, pool), .required = true,
	 .text = "Pool that the backend belongs to"},
	{"name", FIELD_NAME, FIELD_AT(struct backend_growth, name), .required = true,
	 .text = "Its name in that pool"},
	FLOW_GROWTH_FIELDS(struct backend_growth),
};
static const struct shape backend_shape = SHAPE("backend_growth", struct backend_growth,
						backend_fields, "What one backend was given");

static const struct field port_fields[] = {
	{"name", FIELD_NAME, FIELD_AT(struct port_growth, name), .required = true,
	 .text = "Name of the port"},
	PORT_COUNTER_FIELDS(struct port_growth, counters., "", ""),
	PORT_COUNTER_FIELDS(struct port_growth, per_s., "_per_s", ", each second"),
};
static const struct shape port_shape =
	SHAPE("port_growth", struct port_growth, port_fields, "What went through one port");

enum { GROWTH_WORKERS = 4, GROWTH_SERVICES, GROWTH_BACKENDS, GROWTH_PORTS };

static const struct field growth_fields[] = {
	{"since", FIELD_UINT, FIELD_AT(struct stats_growth, since), .required = true,
	 .text = "The sample that it is the growth since"},
	{"elapsed_ms", FIELD_UINT, FIELD_AT(struct stats_growth, elapsed_ms), .required = true,
	 .text = "Milliseconds between the two"},
	{"total", FIELD_OBJECT, FIELD_AT(struct stats_growth, total), .required = true,
	 .shape = &stats_worker_total_shape, .text = "All workers together"},
	{"total_per_s", FIELD_OBJECT, FIELD_AT(struct stats_growth, total_per_s), .required = true,
	 .shape = &stats_worker_total_shape, .text = "All workers together, each second"},
	[GROWTH_WORKERS] = {"workers", FIELD_OBJECT,
			    FIELD_LIST_AT(struct stats_growth, workers, worker_count),
			    .required = true, .shape = &stats_worker_shape, .text = "Each worker"},
	[GROWTH_SERVICES] = {"services", FIELD_OBJECT,
			     FIELD_LIST_AT(struct stats_growth, services, service_count),
			     .required = true, .shape = &service_shape, .text = "Each service"},
	[GROWTH_BACKENDS] = {"backends", FIELD_OBJECT,
			     FIELD_LIST_AT(struct stats_growth, backends, backend_count),
			     .required = true, .shape = &backend_shape, .text = "Each backend"},
	[GROWTH_PORTS] = {"ports", FIELD_OBJECT,
			  FIELD_LIST_AT(struct stats_growth, ports, port_count), .required = true,
			  .shape = &port_shape, .text = "Each port"},
};
const struct shape rpc_stats_growth_shape = SHAPE("stats_growth", struct stats_growth,
						  growth_fields, "By how much counters have grown");

static bool grow_workers(const struct stats_rows *rows, const struct stats_sample *earlier,
			 struct stats_growth *out)
{
	if (!field_list_alloc(&growth_fields[GROWTH_WORKERS], out, rows->worker_count))
		return false;
	for (uint32_t i = 0; i < rows->worker_count; i++) {
		stats_worker_growth(&rows->workers[i],
				    i < earlier->worker_count ? &earlier->workers[i] : NULL,
				    &out->workers[i]);
		stats_add_worker(&out->total, &out->workers[i]);
	}
	stats_worker_per_s(&out->total, out->elapsed_ms, &out->total_per_s);
	return true;
}

static void grow_flow(const struct mr_flow_counters *now, const struct mr_flow_counters *earlier,
		      uint64_t elapsed_ms, struct flow_growth *out)
{
	stats_flow_growth(now, earlier, &out->counters);
	stats_flow_per_s(&out->counters, elapsed_ms, &out->per_s);
}

static bool grow_services(const struct stats_rows *rows, const struct stats_sample *earlier,
			  struct stats_growth *out)
{
	if (!field_list_alloc(&growth_fields[GROWTH_SERVICES], out, rows->service_count))
		return false;
	for (uint32_t i = 0; i < rows->service_count; i++) {
		const struct service_stats *row = &rows->services[i];
		struct service_growth *growth = &out->services[i];

		growth->name = strdup(row->name);
		if (!growth->name)
			return false;
		grow_flow(&row->counters,
			  stats_flow_find(earlier->services, earlier->service_count,
					  stats_flow_key("", row->name)),
			  out->elapsed_ms, &growth->flow);
	}
	return true;
}

static bool grow_backends(const struct stats_rows *rows, const struct stats_sample *earlier,
			  struct stats_growth *out)
{
	if (!field_list_alloc(&growth_fields[GROWTH_BACKENDS], out, rows->backend_count))
		return false;
	for (uint32_t i = 0; i < rows->backend_count; i++) {
		const struct backend_stats *row = &rows->backends[i];
		struct backend_growth *growth = &out->backends[i];

		growth->pool = strdup(row->pool);
		growth->name = strdup(row->name);
		if (!growth->pool || !growth->name)
			return false;
		grow_flow(&row->counters,
			  stats_flow_find(earlier->backends, earlier->backend_count,
					  stats_flow_key(row->pool, row->name)),
			  out->elapsed_ms, &growth->flow);
	}
	return true;
}

static bool grow_ports(const struct stats_rows *rows, const struct stats_sample *earlier,
		       struct stats_growth *out)
{
	if (!field_list_alloc(&growth_fields[GROWTH_PORTS], out, rows->port_count))
		return false;
	for (uint32_t i = 0; i < rows->port_count; i++) {
		struct port_growth *growth = &out->ports[i];

		growth->name = strdup(rows->ports[i].name);
		if (!growth->name)
			return false;
		stats_port_growth(&rows->ports[i].counters,
				  i < earlier->port_count ? &earlier->ports[i] : NULL,
				  &growth->counters);
		stats_port_per_s(&growth->counters, out->elapsed_ms, &growth->per_s);
	}
	return true;
}

bool rpc_stats_growth(const struct stats_rows *rows, const struct stats_sample *now,
		      const struct stats_sample *earlier, struct stats_growth *out)
{
	out->since = earlier->number;
	out->elapsed_ms = now->time_ms - earlier->time_ms;
	return grow_workers(rows, earlier, out) && grow_services(rows, earlier, out) &&
	       grow_backends(rows, earlier, out) && grow_ports(rows, earlier, out);
}
