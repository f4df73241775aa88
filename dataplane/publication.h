/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The snapshot that workers read, and those before it until no worker can hold them (DPDK's
 * RCU, rte_rcu_qsbr). Control thread, except for the load of @current.
 */
#ifndef MAILRAIL_DATAPLANE_PUBLICATION_H
#define MAILRAIL_DATAPLANE_PUBLICATION_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_rcu_qsbr.h>

#include <mailrail/snapshot.h>

/*
 * Snapshots that wait for the workers to leave them. A worker needs one burst for that, so
 * that a full list means waiting microseconds.
 */
#define PUBLICATION_RETIRED_MAX 64

struct retired {
	struct mr_snapshot *snapshot;
	uint64_t token; /* of rte_rcu_qsbr_start() */
};

/* Zeroed: nothing published. */
struct publication {
	const struct mr_snapshot *_Atomic current; /* workers load it; NULL until the first */
	struct mr_snapshot *published;		   /* the same, as its owner */
	struct rte_rcu_qsbr *qsbr;		   /* of all workers */
	struct retired retired[PUBLICATION_RETIRED_MAX];
	uint32_t retired_first;
	uint32_t retired_count;
};

/* After EAL is up. -ENOMEM. */
int publication_init(struct publication *publication, uint32_t worker_count);
/* After the workers have stopped: frees every snapshot. */
void publication_fini(struct publication *publication);

/* Takes ownership of @next. */
void publication_publish(struct publication *publication, struct mr_snapshot *next);
/* Of the oldest snapshot that thread @worker of @qsbr may still read; 0: nothing is published. */
uint64_t publication_generation(const struct publication *publication, uint32_t worker);
/* Frees what no worker can hold. True: that is all but the newest. */
bool publication_reclaim(struct publication *publication);

#endif
