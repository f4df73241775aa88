/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Step 1: a burst from one queue. Reads nothing, sets mbuf, rx_port and the undecided verdict
 * of every packet.
 */
#include "packet.h"

#include <rte_ethdev.h>

uint32_t receive(struct worker *worker, const struct worker_rx_queue *queue, struct burst *burst)
{
	struct rte_mbuf *mbufs[BURST_SIZE];
	const bool listens_in = queue->port != WORKER_PROBE_PORT &&
				worker->ports[queue->port].kind == MR_DEVICE_AF_PACKET;
	uint64_t bytes = 0;

	burst->count = rte_eth_rx_burst(queue->ethdev, queue->queue, mbufs, BURST_SIZE);
	for (uint32_t i = 0; i < burst->count; i++) {
		struct packet *packet = &burst->packets[i];

		rte_prefetch0(rte_pktmbuf_mtod(mbufs[i], void *));
		packet->mbuf = mbufs[i];
		packet->verdict = UNDECIDED;
		packet->rx_port = queue->port;
		packet->tx_port = NO_PORT;
		packet->kernel_has_copy = listens_in;
		packet->backend = MR_BACKEND_NONE;
		bytes += rte_pktmbuf_pkt_len(mbufs[i]);
	}
	worker->counters->rx_packets += burst->count;
	worker->counters->rx_bytes += bytes;
	return burst->count;
}
