/* SPDX-License-Identifier: BSD-3-Clause */
/* By how much counters have grown between two answers of stats.get. */
#ifndef MAILRAIL_CONTROL_RPC_STATS_GROWTH_H
#define MAILRAIL_CONTROL_RPC_STATS_GROWTH_H

#include <stdbool.h>
#include <stdint.h>

#include "rpc_stats.h"
#include "stats_samples.h"

/* A growth, and the same as one in a second. */
struct flow_growth {
	struct mr_flow_counters counters;
	struct mr_flow_counters per_s;
};

struct service_growth {
	char *name;
	struct flow_growth flow;
};

struct backend_growth {
	char *pool;
	char *name;
	struct flow_growth flow;
};

struct port_growth {
	char *name;
	struct port_counters counters;
	struct port_counters per_s;
};

struct stats_growth {
	uint64_t since;
	uint64_t elapsed_ms;
	struct worker_stats total;
	struct worker_stats total_per_s;
	struct worker_stats *workers;
	uint32_t worker_count;
	struct service_growth *services;
	uint32_t service_count;
	struct backend_growth *backends;
	uint32_t backend_count;
	struct port_growth *ports;
	uint32_t port_count;
};

extern const struct shape rpc_stats_growth_shape;

/*
 * From @earlier to @rows, taken when @now was. What was not there then has grown from 0.
 * False: no memory; what @out holds is freed with it.
 */
bool rpc_stats_growth(const struct stats_rows *rows, const struct stats_sample *now,
		      const struct stats_sample *earlier, struct stats_growth *out);

#endif
