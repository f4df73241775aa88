/* SPDX-License-Identifier: BSD-3-Clause */
#include "stats_counters.h"

#include <stddef.h>

#define VERDICT_FIELD(id, json_name, sentence) \
	{json_name,                            \
	 FIELD_UINT,                           \
	 .offset = MR_##id * sizeof(uint64_t), \
	 .size = sizeof(uint64_t),             \
	 .required = true,                     \
	 .text = sentence},
static const struct field verdict_fields[] = {MR_VERDICTS(VERDICT_FIELD)};
#undef VERDICT_FIELD
const struct shape stats_verdict_shape = {
	.name = "verdicts",
	.text = "Received packets by what became of them",
	.fields = verdict_fields,
	.field_count = MR_VERDICT_COUNT,
	.size = sizeof(uint64_t) * MR_VERDICT_COUNT,
};

static const struct field worker_fields[] = {
	{"core", FIELD_UINT, FIELD_AT(struct worker_stats, core), .required = true,
	 .text = "CPU core that the worker runs on"},
	WORKER_STATS_FIELDS,
};
const struct shape stats_worker_shape =
	SHAPE("worker", struct worker_stats, worker_fields, "Counters of one worker");

static const struct field worker_total_fields[] = {WORKER_STATS_FIELDS};
const struct shape stats_worker_total_shape =
	SHAPE("workers", struct worker_stats, worker_total_fields, "Counters of all workers");

void stats_read_worker(const struct mr_worker_counters *counters, struct worker_stats *out)
{
	for (uint32_t i = 0; i < MR_VERDICT_COUNT; i++)
		out->verdicts[i] = MR_COUNTER_READ(counters->verdicts[i]);
#define READ_COUNTER(name, sentence) out->name = MR_COUNTER_READ(counters->name);
	WORKER_COUNTERS(READ_COUNTER)
#undef READ_COUNTER
}

void stats_add_worker(struct worker_stats *total, const struct worker_stats *worker)
{
	for (uint32_t i = 0; i < MR_VERDICT_COUNT; i++)
		total->verdicts[i] += worker->verdicts[i];
#define ADD_COUNTER(name, sentence) total->name += worker->name;
	WORKER_COUNTERS(ADD_COUNTER)
#undef ADD_COUNTER
}

void stats_read_port(const struct mr_port_info *info, struct port_counters *out)
{
	*out = (struct port_counters){
		.rx_packets = info->rx_packets,
		.rx_bytes = info->rx_bytes,
		.rx_missed = info->rx_missed,
		.rx_errors = info->rx_errors,
		.tx_packets = info->tx_packets,
		.tx_bytes = info->tx_bytes,
		.tx_errors = info->tx_errors,
	};
}

static uint64_t growth_of(uint64_t later, uint64_t earlier)
{
	return later >= earlier ? later - earlier : later;
}

void stats_worker_growth(const struct worker_stats *later, const struct worker_stats *earlier,
			 struct worker_stats *out)
{
	static const struct worker_stats nothing = {0};
	const struct worker_stats *from = earlier != NULL ? earlier : &nothing;

	out->core = later->core;
	for (uint32_t i = 0; i < MR_VERDICT_COUNT; i++)
		out->verdicts[i] = growth_of(later->verdicts[i], from->verdicts[i]);
#define SUBTRACT_COUNTER(name, sentence) out->name = growth_of(later->name, from->name);
	WORKER_COUNTERS(SUBTRACT_COUNTER)
#undef SUBTRACT_COUNTER
}

void stats_flow_growth(const struct mr_flow_counters *later, const struct mr_flow_counters *earlier,
		       struct mr_flow_counters *out)
{
	static const struct mr_flow_counters nothing = {0};
	const struct mr_flow_counters *from = earlier != NULL ? earlier : &nothing;

	/* Together: they all belong to the same one. */
	if (later->packets < from->packets || later->sessions < from->sessions)
		from = &nothing;
	*out = (struct mr_flow_counters){
		.packets = growth_of(later->packets, from->packets),
		.bytes = growth_of(later->bytes, from->bytes),
		.sessions = growth_of(later->sessions, from->sessions),
	};
}

void stats_port_growth(const struct port_counters *later, const struct port_counters *earlier,
		       struct port_counters *out)
{
	static const struct port_counters nothing = {0};
	const struct port_counters *from = earlier != NULL ? earlier : &nothing;

	*out = (struct port_counters){
		.rx_packets = growth_of(later->rx_packets, from->rx_packets),
		.rx_bytes = growth_of(later->rx_bytes, from->rx_bytes),
		.rx_missed = growth_of(later->rx_missed, from->rx_missed),
		.rx_errors = growth_of(later->rx_errors, from->rx_errors),
		.tx_packets = growth_of(later->tx_packets, from->tx_packets),
		.tx_bytes = growth_of(later->tx_bytes, from->tx_bytes),
		.tx_errors = growth_of(later->tx_errors, from->tx_errors),
	};
}

/* In 128 bits: cycles of a quarter of an hour, times 1000, are more than 64. */
static uint64_t per_s(uint64_t growth, uint64_t elapsed_ms)
{
	if (elapsed_ms == 0)
		return 0;
	return (uint64_t)(((unsigned __int128)growth * 1000 + elapsed_ms / 2) / elapsed_ms);
}

void stats_worker_per_s(const struct worker_stats *growth, uint64_t elapsed_ms,
			struct worker_stats *out)
{
	out->core = growth->core;
	for (uint32_t i = 0; i < MR_VERDICT_COUNT; i++)
		out->verdicts[i] = per_s(growth->verdicts[i], elapsed_ms);
#define RATE_COUNTER(name, sentence) out->name = per_s(growth->name, elapsed_ms);
	WORKER_COUNTERS(RATE_COUNTER)
#undef RATE_COUNTER
}

void stats_flow_per_s(const struct mr_flow_counters *growth, uint64_t elapsed_ms,
		      struct mr_flow_counters *out)
{
	*out = (struct mr_flow_counters){
		.packets = per_s(growth->packets, elapsed_ms),
		.bytes = per_s(growth->bytes, elapsed_ms),
		.sessions = per_s(growth->sessions, elapsed_ms),
	};
}

void stats_port_per_s(const struct port_counters *growth, uint64_t elapsed_ms,
		      struct port_counters *out)
{
	*out = (struct port_counters){
		.rx_packets = per_s(growth->rx_packets, elapsed_ms),
		.rx_bytes = per_s(growth->rx_bytes, elapsed_ms),
		.rx_missed = per_s(growth->rx_missed, elapsed_ms),
		.rx_errors = per_s(growth->rx_errors, elapsed_ms),
		.tx_packets = per_s(growth->tx_packets, elapsed_ms),
		.tx_bytes = per_s(growth->tx_bytes, elapsed_ms),
		.tx_errors = per_s(growth->tx_errors, elapsed_ms),
	};
}
