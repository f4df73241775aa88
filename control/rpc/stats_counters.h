/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The counters of workers, ports, services and backends as stats.get shows them: their structs,
 * tables of fields, differences, and rates. Control thread.
 */
#ifndef MAILRAIL_CONTROL_STATS_COUNTERS_H
#define MAILRAIL_CONTROL_STATS_COUNTERS_H

#include <stdint.h>

#include <mailrail/counters.h>
#include <mailrail/dataplane.h>

#include "field.h"
#include "worker_counters.h"

/* Counters of one worker, or of all; also by how much they have grown, or grow in a second. */
struct worker_stats {
	uint32_t core;
	uint64_t verdicts[MR_VERDICT_COUNT];
#define COUNTER_MEMBER(name, sentence) uint64_t name;
	WORKER_COUNTERS(COUNTER_MEMBER)
#undef COUNTER_MEMBER
};

extern const struct shape stats_verdict_shape;
extern const struct shape stats_worker_shape;	    /* with the core */
extern const struct shape stats_worker_total_shape; /* without */

#define WORKER_COUNTER_FIELD(member, sentence)                                         \
	{#member, FIELD_UINT, FIELD_AT(struct worker_stats, member), .required = true, \
	 .text = (sentence)},
/* Rows for a struct whose first member is a struct worker_stats. */
#define WORKER_STATS_FIELDS                                                              \
	WORKER_COUNTERS(WORKER_COUNTER_FIELD)                                            \
	{                                                                                \
		"verdicts", FIELD_OBJECT, FIELD_AT(struct worker_stats, verdicts),       \
			.required = true, .shape = &stats_verdict_shape,                 \
			.text = "The received packets by what became of them; over all " \
				"workers they add up to rx_packets, but for fragments "  \
				"that are kept, or on their way to another worker"       \
	}

/* As the driver counts. */
struct port_counters {
	uint64_t rx_packets, rx_bytes, rx_missed, rx_errors;
	uint64_t tx_packets, tx_bytes, tx_errors;
};

#define PORT_COUNTER_FIELD(type, member, json_name, sentence)                      \
	{                                                                          \
		(json_name), FIELD_UINT, FIELD_AT(type, member), .required = true, \
								 .text = sentence  \
	}
/*
 * Rows for a struct @type with a struct port_counters; @m: how its members are named there.
 * @suffix and @when are for rates: what comes behind the names and the sentences.
 */
#define PORT_COUNTER_FIELDS(type, m, suffix, when)                                           \
	PORT_COUNTER_FIELD(type, m rx_packets, "rx_packets" suffix,                          \
			   "Packets received, as the driver counts" when),                   \
		PORT_COUNTER_FIELD(type, m rx_bytes, "rx_bytes" suffix,                      \
				   "Bytes received, as the driver counts" when),             \
		PORT_COUNTER_FIELD(type, m rx_missed, "rx_missed" suffix,                    \
				   "Packets lost because no worker took them in time" when), \
		PORT_COUNTER_FIELD(type, m rx_errors, "rx_errors" suffix,                    \
				   "Packets received in error" when),                        \
		PORT_COUNTER_FIELD(type, m tx_packets, "tx_packets" suffix,                  \
				   "Packets sent, as the driver counts" when),               \
		PORT_COUNTER_FIELD(type, m tx_bytes, "tx_bytes" suffix,                      \
				   "Bytes sent, as the driver counts" when),                 \
		PORT_COUNTER_FIELD(type, m tx_errors, "tx_errors" suffix,                    \
				   "Packets that could not be sent" when)

void stats_read_worker(const struct mr_worker_counters *counters, struct worker_stats *out);
void stats_add_worker(struct worker_stats *total, const struct worker_stats *worker);
void stats_read_port(const struct mr_port_info *info, struct port_counters *out);

/*
 * @later - @earlier, which may be NULL: it was not there. What has begun to count anew meanwhile
 * counts whole.
 */
void stats_worker_growth(const struct worker_stats *later, const struct worker_stats *earlier,
			 struct worker_stats *out);
void stats_flow_growth(const struct mr_flow_counters *later, const struct mr_flow_counters *earlier,
		       struct mr_flow_counters *out);
void stats_port_growth(const struct port_counters *later, const struct port_counters *earlier,
		       struct port_counters *out);

/* A growth as one in a second, rounded. Within no millisecond: 0. */
void stats_worker_per_s(const struct worker_stats *growth, uint64_t elapsed_ms,
			struct worker_stats *out);
void stats_flow_per_s(const struct mr_flow_counters *growth, uint64_t elapsed_ms,
		      struct mr_flow_counters *out);
void stats_port_per_s(const struct port_counters *growth, uint64_t elapsed_ms,
		      struct port_counters *out);

#endif
