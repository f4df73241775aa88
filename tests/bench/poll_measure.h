/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the bench `poll` measures of a worker in a thread of its own, on another core than the
 * one that sends. Ports are rings.
 */
#ifndef MAILRAIL_BENCH_POLL_MEASURE_H
#define MAILRAIL_BENCH_POLL_MEASURE_H

#include <stdbool.h>

#include <jansson.h>

#include "../lib/rig.h"
#include "path_traffic.h"

/* As many as a ring holds: whatever the worker does, none is lost. */
#define POLL_MBUFS (RIG_RING_SIZE - 1)

struct poll_measure {
	struct rig *rig;
	struct path_traffic *traffic;
	struct rte_mbuf *mbufs[POLL_MBUFS]; /* those that are with the sender */
	uint32_t mbuf_count;
};

struct poll_extent {
	unsigned int idle_ms;
	uint32_t wake_ups;
	uint32_t starts;
};

/* On the rig's mbufs. -ENOMEM. */
int poll_measure_init(struct poll_measure *measure, struct rig *rig, struct path_traffic *traffic);
void poll_measure_fini(struct poll_measure *measure);

/*
 * Starts the worker on @core, measures and stops it. A new reference; NULL, after a message on
 * standard error: it cannot be started, or a packet got lost.
 */
json_t *poll_measure_run(struct poll_measure *measure, enum mr_poll poll, unsigned int core,
			 const struct poll_extent *extent);

#endif
