/* SPDX-License-Identifier: BSD-3-Clause */
#include "receiver.h"

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#define BURST 32

/* A packet with a stamp, between the two passes over a burst. */
struct arrival {
	struct stamp stamp;
	uint16_t backend;
	uint32_t frame_bytes;
};

/* False: a stranger. */
static bool examine(struct receiver *receiver, const struct rte_mbuf *mbuf, uint64_t now,
		    struct arrival *out)
{
	struct dissected packet;

	if (!dissect(rte_pktmbuf_mtod(mbuf, const uint8_t *), mbuf->data_len, receiver->gue_port,
		     &packet) ||
	    !stamp_read(packet.tcp, packet.payload, packet.payload_bytes, now, &out->stamp))
		return false;
	out->backend = roster_find(&receiver->witness->roster, &packet);
	out->frame_bytes = mbuf->pkt_len;
	return true;
}

/* The sessions are fetched into the cache while the rest of the burst is looked at. */
static void witness_burst(struct receiver *receiver, struct rte_mbuf **mbufs, uint16_t count)
{
	struct witness *witness = receiver->witness;
	const uint64_t now = rte_rdtsc();
	struct arrival arrivals[BURST];
	uint32_t arrival_count = 0;

	for (uint16_t i = 0; i < count; i++)
		rte_prefetch0(rte_pktmbuf_mtod(mbufs[i], void *));
	for (uint16_t i = 0; i < count; i++) {
		if (!examine(receiver, mbufs[i], now, &arrivals[arrival_count])) {
			witness->counts.strangers++;
			continue;
		}
		witness_prefetch(witness, arrivals[arrival_count++].stamp.session);
	}
	for (uint32_t i = 0; i < arrival_count; i++)
		witness_see(witness, &arrivals[i].stamp, arrivals[i].backend,
			    arrivals[i].frame_bytes);
}

static void poll_queue(struct receiver *receiver, uint16_t port, uint16_t queue)
{
	struct rte_mbuf *mbufs[BURST];
	const uint16_t count = rte_eth_rx_burst(port, queue, mbufs, BURST);

	if (count == 0)
		return;
	witness_burst(receiver, mbufs, count);
	rte_pktmbuf_free_bulk(mbufs, count);
}

void receiver_step(struct receiver *receiver)
{
	for (uint32_t i = 0; i < receiver->nic_count; i++)
		for (uint16_t queue = 0; queue < receiver->nics[i]->rx_queues; queue++)
			poll_queue(receiver, receiver->nics[i]->port, queue);
}
