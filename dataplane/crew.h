/* SPDX-License-Identifier: BSD-3-Clause */
/* All workers, from their creation to their end. Control thread. */
#ifndef MAILRAIL_DATAPLANE_CREW_H
#define MAILRAIL_DATAPLANE_CREW_H

#include <stdint.h>

#include <rte_ring.h>

#include <mailrail/error.h>
#include <mailrail/limits.h>

#include "worker.h"

/* Zeroed: nobody. */
struct crew {
	struct worker *workers[MR_WORKERS_MAX];
	struct rte_ring *handovers[MR_WORKERS_MAX]; /* workers load these */
	uint32_t count;
	uint32_t launched_count;
};

/* What crew_create() takes of DPDK's memory. */
uint64_t crew_memory_bytes(uint32_t count);

/*
 * Creates @count workers, each a copy of @common with memory of its own on its NUMA node; ports
 * are open. They have no queues yet. On failure crew_destroy() undoes what was done.
 */
int crew_create(struct crew *crew, uint32_t count, const struct worker *common,
		struct mr_error *error);
/* @cores: for messages. On failure crew_stop() stops those that run. */
int crew_launch(struct crew *crew, const uint16_t *cores, struct mr_error *error);
void crew_stop(struct crew *crew);
/* Before the ports are closed: the workers may still hold mbufs of theirs. */
void crew_destroy(struct crew *crew);

#endif
