/* SPDX-License-Identifier: BSD-3-Clause */
/* The workers, and how busy they are. */
#include "balancer.h"
#include "config_tables.h"
#include "load.h"
#include "rpc_change.h"
#include "rpc_methods.h"

struct load_row {
	bool known;
	uint32_t busy_permille;
	uint64_t packets_per_s;
	bool had_packets;
	uint64_t packet_cycles;
	uint64_t packets_per_100_rounds;
};

static const struct field load_fields[] = {
	{"busy_permille", FIELD_UINT, FIELD_AT(struct load_row, busy_permille), .required = true,
	 .text = "Share of the time that was spent on rounds with packets, in thousandths"},
	{"packets_per_s", FIELD_UINT, FIELD_AT(struct load_row, packets_per_s), .required = true,
	 .text = "Packets received in a second"},
	{"packet_cycles", FIELD_UINT, FIELD_AT(struct load_row, packet_cycles),
	 FIELD_PRESENT(struct load_row, had_packets),
	 .text = "Cycles of the time stamp counter that a packet took; absent when none came"},
	{"packets_per_100_rounds", FIELD_UINT, FIELD_AT(struct load_row, packets_per_100_rounds),
	 FIELD_PRESENT(struct load_row, had_packets),
	 .text = "Packets in a hundred rounds that had any: a full burst of every queue, where a "
		 "worker is at its limit; absent when none came"},
};
static const struct shape load_shape =
	SHAPE("load", struct load_row, load_fields, "How busy a worker was");

struct worker_row {
	uint32_t core;
	bool node_known;
	uint32_t numa_node;
	enum mr_poll poll;
	uint64_t generation;
	uint64_t longest_round_us;
	struct load_row second, minute;
};

static const struct field worker_fields[] = {
	{"core", FIELD_UINT, FIELD_AT(struct worker_row, core), .required = true,
	 .text = "CPU core that the worker runs on"},
	{"numa_node", FIELD_UINT, FIELD_AT(struct worker_row, numa_node),
	 FIELD_PRESENT(struct worker_row, node_known),
	 .text = "NUMA node of that core; absent where the machine does not tell"},
	{"poll", FIELD_ENUM, FIELD_AT(struct worker_row, poll), .required = true,
	 .choices = config_polls, .text = "What it does while nothing arrives"},
	{"generation", FIELD_UINT, FIELD_AT(struct worker_row, generation), .required = true,
	 .text = "Generation of the oldest configuration that it may still be reading"},
	{"longest_round_us", FIELD_UINT, FIELD_AT(struct worker_row, longest_round_us),
	 .required = true,
	 .text = "The longest time between two looks at its queues within the last seconds: "
		 "packets "
		 "waited for so long"},
	{"last_second", FIELD_OBJECT, FIELD_AT(struct worker_row, second),
	 FIELD_PRESENT(struct worker_row, second.known), .shape = &load_shape,
	 .text = "How busy it was in the last whole second; absent before there was one"},
	{"last_minute", FIELD_OBJECT, FIELD_AT(struct worker_row, minute),
	 FIELD_PRESENT(struct worker_row, minute.known), .shape = &load_shape,
	 .text = "The same over the last minute, or since the start"},
};
static const struct shape worker_shape =
	SHAPE("worker_row", struct worker_row, worker_fields, "A worker");

struct worker_list_result {
	uint64_t generation;
	struct worker_row *workers;
	uint32_t worker_count;
};

enum { LIST_WORKERS = 1 };

static const struct field list_fields[] = {
	RPC_GENERATION_RESULT(struct worker_list_result),
	[LIST_WORKERS] = {"workers", FIELD_OBJECT,
			  FIELD_LIST_AT(struct worker_list_result, workers, worker_count),
			  .required = true, .shape = &worker_shape,
			  .text = "In the order of the configuration"},
};
static const struct shape list_result =
	SHAPE("worker_list_result", struct worker_list_result, list_fields, "The workers");

static void fill_load(const struct load *load, uint32_t worker, uint32_t seconds,
		      struct load_row *out)
{
	struct load_figures figures;

	if (!load)
		return;
	figures = load_get(load, worker, seconds);
	*out = (struct load_row){
		.known = figures.known,
		.busy_permille = figures.busy_permille,
		.packets_per_s = figures.packets_per_s,
		.had_packets = figures.packets_per_100_rounds > 0,
		.packet_cycles = figures.packet_cycles,
		.packets_per_100_rounds = figures.packets_per_100_rounds,
	};
}

static uint64_t longest_round_us(const struct mr_dataplane *dp, uint32_t worker)
{
	const struct mr_worker_counters *counters = mr_dataplane_counters(dp, worker);
	uint64_t longest = 0;

	for (uint32_t i = 0; i < MR_ROUND_SECONDS; i++) {
		const uint64_t cycles = MR_COUNTER_READ(counters->longest_rounds[i]);

		longest = cycles > longest ? cycles : longest;
	}
	return longest * 1000000 / mr_dataplane_tsc_hz(dp);
}

static enum rpc_error worker_list(struct rpc_call *call)
{
	const struct balancer *balancer = call->context->balancer;
	const struct config_workers *workers = &balancer_config(balancer)->workers;
	struct worker_list_result *result = call->result;

	result->generation = balancer_generation(balancer);
	if (!field_list_alloc(&list_fields[LIST_WORKERS], result, workers->core_count))
		return RPC_INTERNAL_ERROR;
	for (uint32_t i = 0; i < workers->core_count; i++) {
		struct worker_row *row = &result->workers[i];
		struct mr_worker_info info;

		mr_dataplane_worker_info(balancer_dataplane(balancer), i, &info);
		row->core = workers->cores[i];
		row->node_known = info.numa_node >= 0;
		row->numa_node = (uint32_t)info.numa_node;
		row->poll = workers->poll;
		row->generation = info.generation;
		row->longest_round_us = longest_round_us(balancer_dataplane(balancer), i);
		fill_load(call->context->load, i, 1, &row->second);
		fill_load(call->context->load, i, LOAD_SECONDS, &row->minute);
	}
	return RPC_OK;
}

const struct rpc_method rpc_worker_methods[] = {
	{
		.name = "worker.list",
		.text = "Shows the workers, and how busy they are",
		.handler = worker_list,
		.role = RPC_ROLE_READ,
		.result = &list_result,
		.result_text = "The workers",
		.example_params = "{}",
		.example_result =
			"{\"generation\": 7, \"workers\": [{\"core\": 1, \"numa_node\": 0, "
			"\"poll\": \"busy\", \"generation\": 7, \"longest_round_us\": 58, "
			"\"last_second\": "
			"{\"busy_permille\": 312, \"packets_per_s\": 4120000, \"packet_cycles\": "
			"181, \"packets_per_100_rounds\": 740}, \"last_minute\": "
			"{\"busy_permille\": 297, \"packets_per_s\": 3980000, \"packet_cycles\": "
			"179, \"packets_per_100_rounds\": 722}}]}",
	},
	{.name = NULL},
};
