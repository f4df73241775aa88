/* SPDX-License-Identifier: BSD-3-Clause */
#include "crew.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>

#include "eal.h"
#include "fragments.h"

uint64_t crew_memory_bytes(uint32_t count)
{
	return count *
	       (sizeof(struct worker) + sizeof(struct mr_worker_counters) +
		fragment_table_memory_bytes() + rte_ring_get_memsize(FRAGMENT_HANDOVER_SIZE));
}

static void free_worker(struct worker *worker)
{
	if (worker == NULL)
		return;
	fragment_table_destroy(worker->fragments);
	rte_free(worker->counters);
	rte_free(worker);
}

/* NULL: no memory. In the memory of the worker's own NUMA node, as are its tables. */
static struct worker *create_worker(const struct worker *common, uint32_t index)
{
	const uint32_t lcore = eal_worker_lcore(index);
	const int node = (int)rte_lcore_to_socket_id(lcore);
	struct worker *worker =
		rte_zmalloc_socket("worker", sizeof(*worker), RTE_CACHE_LINE_SIZE, node);

	if (worker == NULL)
		return NULL;
	*worker = *common;
	worker->index = index;
	worker->lcore = lcore;
	worker->counters = rte_zmalloc_socket("counters", sizeof(*worker->counters),
					      RTE_CACHE_LINE_SIZE, node);
	worker->fragments = fragment_table_create(node);
	if (worker->counters != NULL && worker->fragments != NULL)
		return worker;
	free_worker(worker);
	return NULL;
}

/* Other workers put fragments in, the one that the ring belongs to takes them out. */
static struct rte_ring *create_handover(uint32_t worker)
{
	char name[RTE_RING_NAMESIZE];

	snprintf(name, sizeof(name), "handover%u", worker);
	return rte_ring_create(name, FRAGMENT_HANDOVER_SIZE,
			       (int)rte_lcore_to_socket_id(eal_worker_lcore(worker)),
			       RING_F_SC_DEQ);
}

int crew_create(struct crew *crew, uint32_t count, const struct worker *common,
		struct mr_error *error)
{
	crew->count = count;
	for (uint32_t i = 0; i < count; i++) {
		crew->handovers[i] = create_handover(i);
		crew->workers[i] = create_worker(common, i);
		if (crew->handovers[i] == NULL || crew->workers[i] == NULL)
			return mr_error_set(error, -ENOMEM,
					    "/workers/cores/%u: no memory on NUMA node %u", i,
					    rte_lcore_to_socket_id(eal_worker_lcore(i)));
		crew->workers[i]->handovers = crew->handovers;
		crew->workers[i]->worker_count = count;
	}
	return 0;
}

int crew_launch(struct crew *crew, const uint16_t *cores, struct mr_error *error)
{
	for (uint32_t i = 0; i < crew->count; i++) {
		const int rc = rte_eal_remote_launch(worker_run, crew->workers[i],
						     crew->workers[i]->lcore);

		if (rc != 0)
			return mr_error_set(error, rc,
					    "/workers/cores/%u: cannot start on core %u: %s", i,
					    cores[i], strerror(-rc));
		crew->launched_count++;
	}
	return 0;
}

void crew_stop(struct crew *crew)
{
	for (uint32_t i = 0; i < crew->launched_count; i++)
		atomic_store(&crew->workers[i]->stop, true);
	for (uint32_t i = 0; i < crew->launched_count; i++)
		rte_eal_wait_lcore(crew->workers[i]->lcore);
	crew->launched_count = 0;
}

/* Fragments on their way from one worker to another when both were stopped. */
static void free_handover(struct rte_ring *ring)
{
	void *mbuf;

	while (ring != NULL && rte_ring_dequeue(ring, &mbuf) == 0)
		rte_pktmbuf_free(mbuf);
	rte_ring_free(ring);
}

void crew_destroy(struct crew *crew)
{
	for (uint32_t i = 0; i < crew->count; i++) {
		free_handover(crew->handovers[i]);
		free_worker(crew->workers[i]);
	}
}
