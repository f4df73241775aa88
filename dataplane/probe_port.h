/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The way of health probes into the dataplane: a TAP interface whose kernel end lies in a
 * network namespace of its own, without a name, which only open descriptors keep alive. So
 * neither outlives the process, however it ends. Control thread.
 */
#ifndef MAILRAIL_DATAPLANE_PROBE_PORT_H
#define MAILRAIL_DATAPLANE_PROBE_PORT_H

#include <stdint.h>

#include <rte_mempool.h>

#include <mailrail/error.h>

#include "tap.h"

struct probe_port {
	int netns; /* -1: none */
	/*
	 * Queues, received from and sent to, one per worker. The kernel picks the one it sends
	 * on, hence all are polled, each by its worker.
	 */
	uint16_t queues;
	uint32_t mbuf_count;
	struct tap tap; /* its MAC: the kernel's end sends all frames to itself */
	struct rte_mempool *mbufs;
};

/*
 * A port that is not open. @tx_places: descriptors of all transmit queues of all devices. Fails
 * when there are more workers than a TAP has queues.
 */
int probe_port_init(struct probe_port *probe, uint32_t worker_count, uint32_t tx_places,
		    struct mr_error *error);

/* What probe_port_open() will take of DPDK's memory. */
uint64_t probe_port_memory_bytes(const struct probe_port *probe);

/*
 * After EAL is up. The calling thread is in the private namespace for a while, and back when
 * this returns. On failure probe_port_close() undoes what was done.
 */
int probe_port_open(struct probe_port *probe, struct mr_error *error);
void probe_port_close(struct probe_port *probe);

#endif
