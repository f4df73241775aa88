/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A worker: a poll-mode thread pinned to one core, with its own receive and transmit queue on
 * every port. dataplane.c fills the struct before the thread starts; afterwards only the
 * worker touches what is not marked as shared.
 */
#ifndef MAILRAIL_DATAPLANE_WORKER_H
#define MAILRAIL_DATAPLANE_WORKER_H

#include <stdatomic.h>
#include <stdint.h>

#include <rte_rcu_qsbr.h>

#include <mailrail/dataplane.h>

#include "idle.h"
#include "port.h"

#define BURST_SIZE 32

/*
 * Where frames come from, and where they go: a port, by its index; the kernel's side of a port
 * (its twin, or for kernel interfaces the one that all of them share); the probe port.
 */
#define WORKER_KERNEL_SIDE 0x40 /* | index of the port */
#define WORKER_PROBE_PORT  UINT8_MAX

/* Each worker also polls its own queue of the probe port and of every twin. */
struct worker_rx_queue {
	uint16_t ethdev;
	uint16_t queue;
	uint8_t port; /* as above; of several ports on one device the first */
};
#define WORKER_RX_QUEUES_MAX (MR_PORTS_MAX * (MR_QUEUES_MAX + 1) + 1)

struct capture_tap;
struct fragment_table;

struct worker {
	uint32_t index; /* QSBR thread id, transmit queue number on every port */
	uint32_t lcore;
	uint32_t rx_queue_count;
	struct worker_rx_queue rx_queues[WORKER_RX_QUEUES_MAX];
	const struct port *ports;
	uint32_t port_count;
	/*
	 * The probe port's transmit side. Any worker may meet a probe's answer, so each has its
	 * own transmit queue there, numbered like on the other ports.
	 */
	uint16_t probe_ethdev;
	struct rte_ether_addr probe_mac; /* of the kernel's end, where answers are sent */
	struct mr_worker_counters *counters;
	struct rte_mempool *spare_mbufs; /* for packets that are cut; shared by all workers */
	struct fragment_table *fragments;
	/* By worker index, to whom fragments of their datagrams go; one worker: not used. */
	struct rte_ring *const *handovers;
	uint32_t worker_count;
	uint32_t burst_endpoints; /* how often the last burst changed from one to another */
	uint32_t too_big_s;	  /* the second that @too_big_sent counts in */
	uint32_t too_big_sent;
	enum mr_poll poll;

	/* Shared with the control thread. */
	const struct mr_snapshot *_Atomic *snapshot; /* NULL inside until the first publish */
	struct rte_rcu_qsbr *qsbr;
	const _Atomic mr_backend_id *probe_backends; /* by TCP source port, host byte order */
	struct mr_pin_table *pins;
	struct capture_tap *_Atomic capture; /* NULL: none is under way */
	_Atomic bool stop;

	/* mr_dataplane_clock_s(): @clock_base_s and whole seconds since @clock_start (TSC cycles).
	 */
	uint32_t clock_base_s;
	uint64_t clock_start;
	uint64_t clock_hz;
	uint64_t next_second; /* TSC cycles after @clock_start at which @now_s is due to change */
	uint32_t now_s;

	/* The round under way, or the last one. */
	uint64_t round_began; /* TSC */
	uint32_t round_packets;
	uint64_t longest_round; /* of the second @now_s, in cycles */
	struct idle idle;
};

static inline bool worker_place_is_kernel_side(uint8_t place)
{
	return place != WORKER_PROBE_PORT && place & WORKER_KERNEL_SIDE;
}

/* What is polled, or sent on, for a place. */
static inline uint16_t worker_ethdev_at(const struct worker *worker, uint8_t place)
{
	if (place == WORKER_PROBE_PORT)
		return worker->probe_ethdev;
	if (worker_place_is_kernel_side(place))
		return worker->ports[place & ~WORKER_KERNEL_SIDE].kernel_ethdev;
	return worker->ports[place].ethdev;
}

/* Every queue once, then fragments that have waited. The thread is the worker's for that long. */
void worker_round(struct worker *worker);

/* Rounds until @stop is set. Registers with @qsbr itself. @arg: struct worker. Returns 0. */
int worker_run(void *arg);

#endif
