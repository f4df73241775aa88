/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Step 1: a burst from one queue, or of fragments that had to wait. Reads nothing, sets mbuf,
 * rx_port, kernel and the undecided verdict of every packet. What the kernel sends through its
 * side of a port leaves by that port as it is.
 */
#include "packet.h"

#include <assert.h>

#include <rte_ethdev.h>
#include <rte_memcpy.h>
#include <rte_ring.h>

#include "fragments.h"

/* What every packet from @rx_port begins as, but for its mbuf. */
static struct packet blank_from(const struct worker *worker, uint8_t rx_port)
{
	return (struct packet){
		.verdict = UNDECIDED,
		.rx_port = rx_port,
		.tx_port = NO_PORT,
		.kernel = packet_kernel_at(worker, rx_port),
		.service = NO_SERVICE,
		.backend = MR_BACKEND_NONE,
	};
}

/* An assignment would become an instruction that takes longer to start than these to end. */
static void begin(const struct packet *blank, struct rte_mbuf *mbuf, struct packet *packet)
{
	static_assert(sizeof(*packet) == 96, "as many bytes as are copied");

	rte_prefetch0(rte_pktmbuf_mtod(mbuf, void *));
	rte_mov64((uint8_t *)packet, (const uint8_t *)blank);
	rte_mov32((uint8_t *)packet + 64, (const uint8_t *)blank + 64);
	packet->mbuf = mbuf;
}

static void send_as_it_is(struct packet *packet)
{
	packet->verdict = MR_FROM_KERNEL;
	packet->tx_port = packet->rx_port & ~WORKER_KERNEL_SIDE;
}

uint32_t receive(struct worker *worker, const struct worker_rx_queue *queue, struct burst *burst)
{
	const bool from_kernel = worker_place_is_kernel_side(queue->port);
	struct rte_mbuf *mbufs[BURST_SIZE];
	struct packet blank;
	uint64_t bytes = 0;

	burst->cut_count = 0;
	burst->count = rte_eth_rx_burst(queue->ethdev, queue->queue, mbufs, BURST_SIZE);
	if (burst->count == 0)
		return 0;
	blank = blank_from(worker, queue->port);
	for (uint32_t i = 0; i < burst->count; i++) {
		begin(&blank, mbufs[i], &burst->packets[i]);
		if (from_kernel)
			send_as_it_is(&burst->packets[i]);
		bytes += rte_pktmbuf_pkt_len(mbufs[i]);
	}
	worker->counters->rx_packets += burst->count;
	worker->counters->rx_bytes += bytes;
	return burst->count;
}

static uint32_t receive_handed(struct worker *worker, struct rte_mbuf **mbufs)
{
	uint32_t count;

	if (worker->worker_count <= 1)
		return 0;
	count = rte_ring_dequeue_burst(worker->handovers[worker->index], (void **)mbufs, BURST_SIZE,
				       NULL);
	worker->counters->fragments_taken += count;
	return count;
}

uint32_t receive_again(struct worker *worker, struct burst *burst)
{
	struct rte_mbuf *mbufs[BURST_SIZE];
	uint32_t count = receive_handed(worker, mbufs);
	const uint32_t released =
		fragment_table_release(worker->fragments, &mbufs[count], BURST_SIZE - count);

	worker->counters->fragments_released += released;
	count += released;
	burst->cut_count = 0;
	burst->count = count;
	for (uint32_t i = 0; i < count; i++) {
		const struct packet blank = blank_from(worker, (uint8_t)mbufs[i]->port);

		begin(&blank, mbufs[i], &burst->packets[i]);
	}
	return count;
}
