/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Step 6: sends what has a tx_port, frees the rest, and counts every packet once under its
 * verdict. Reads verdict and tx_port.
 */
#include "packet.h"

#include <rte_ethdev.h>

/* The packets of one burst that leave by one port. */
struct departure {
	uint32_t count;
	struct packet *packets[BURST_SIZE];
	struct rte_mbuf *mbufs[BURST_SIZE];
};

static void gather(struct burst *burst, uint8_t port, struct departure *departure)
{
	departure->count = 0;
	for (uint32_t i = 0; i < burst->count; i++) {
		struct packet *packet = &burst->packets[i];

		if (packet->tx_port != port)
			continue;
		departure->packets[departure->count] = packet;
		departure->mbufs[departure->count++] = packet->mbuf;
		packet->tx_port = NO_PORT;
		packet->mbuf = NULL;
	}
}

/* Drivers free what they send; what they refuse is dropped here. */
static void send_departure(struct worker *worker, uint16_t ethdev, struct departure *departure)
{
	uint64_t bytes = 0;
	uint16_t sent;

	for (uint32_t i = 0; i < departure->count; i++)
		bytes += rte_pktmbuf_pkt_len(departure->mbufs[i]);
	sent = rte_eth_tx_burst(ethdev, (uint16_t)worker->index, departure->mbufs,
				(uint16_t)departure->count);
	for (uint32_t i = sent; i < departure->count; i++) {
		bytes -= rte_pktmbuf_pkt_len(departure->mbufs[i]);
		departure->packets[i]->verdict = MR_DROP_TX_FULL;
		rte_pktmbuf_free(departure->mbufs[i]);
	}
	worker->counters->tx_packets += sent;
	worker->counters->tx_bytes += bytes;
}

static uint16_t ethdev_of(const struct worker *worker, uint8_t port)
{
	return port == WORKER_PROBE_PORT ? worker->probe_ethdev : worker->ports[port].ethdev;
}

void transmit(struct worker *worker, struct burst *burst)
{
	struct departure departure;

	for (uint32_t i = 0; i < burst->count; i++) {
		struct packet *packet = &burst->packets[i];
		const uint8_t port = packet->tx_port;

		if (port != NO_PORT) {
			gather(burst, port, &departure);
			send_departure(worker, ethdev_of(worker, port), &departure);
		}
		rte_pktmbuf_free(packet->mbuf);
		worker->counters->verdicts[packet->verdict]++;
	}
}
