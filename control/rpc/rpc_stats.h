/* SPDX-License-Identifier: BSD-3-Clause */
/* Rows of the answer of stats.get. */
#ifndef MAILRAIL_CONTROL_RPC_STATS_H
#define MAILRAIL_CONTROL_RPC_STATS_H

#include <stdint.h>

#include "stats_counters.h"

struct service_stats {
	char *name;
	struct mr_flow_counters counters;
};

struct backend_stats {
	char *pool;
	char *name;
	struct mr_flow_counters counters;
};

struct port_stats {
	char *name;
	struct mr_port_info info;
	struct port_counters counters; /* those of @info */
};

/* All that counts, in the order of the configuration. */
struct stats_rows {
	struct worker_stats *workers;
	uint32_t worker_count;
	struct service_stats *services;
	uint32_t service_count;
	struct backend_stats *backends;
	uint32_t backend_count;
	struct port_stats *ports;
	uint32_t port_count;
};

#endif
