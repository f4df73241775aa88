/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Step 6: sends what has a tx_port, frees the rest, and counts every packet once under its
 * verdict. Reads verdict, tx_port and cuts. A packet of which not every piece could be sent
 * counts as dropped.
 */
#include "packet.h"

#include <rte_ethdev.h>

#define DEPARTURE_MAX (BURST_SIZE + CUTS_MAX)

/* The frames of one burst that leave by one port. */
struct departure {
	uint32_t count;
	struct packet *packets[DEPARTURE_MAX];
	struct rte_mbuf *mbufs[DEPARTURE_MAX];
};

static bool takes_segments(const struct worker *worker, uint8_t place)
{
	return place == WORKER_PROBE_PORT || worker_place_is_kernel_side(place) ||
	       !worker->ports[place].joins_segments;
}

/* The frame in one segment: its own first one, or a spare mbuf. NULL, and freed: no room. */
static struct rte_mbuf *join_segments(struct worker *worker, struct rte_mbuf *mbuf)
{
	struct rte_mbuf *joined;

	if (rte_pktmbuf_linearize(mbuf) == 0)
		return mbuf;
	joined = rte_pktmbuf_copy(mbuf, worker->spare_mbufs, 0, UINT32_MAX);
	rte_pktmbuf_free(mbuf);
	if (joined == NULL || joined->nb_segs == 1)
		return joined;
	rte_pktmbuf_free(joined);
	return NULL;
}

/* @mbuf of @packet as @port takes it. NULL: it does not, and the packet has its verdict. */
static inline struct rte_mbuf *prepare(struct worker *worker, uint8_t port, struct packet *packet,
				       struct rte_mbuf *mbuf)
{
	if (mbuf->nb_segs == 1 || takes_segments(worker, port))
		return mbuf;
	mbuf = join_segments(worker, mbuf);
	if (mbuf == NULL)
		packet->verdict = MR_DROP_NO_ROOM;
	return mbuf;
}

/* What was cut has its pieces in cuts[]. */
static void gather_cuts(struct worker *worker, struct burst *burst, uint32_t index, uint8_t port,
			struct departure *departure)
{
	struct packet *packet = &burst->packets[index];

	for (uint32_t i = 0; i < burst->cut_count; i++) {
		struct rte_mbuf *piece;

		if (burst->cuts[i].packet != index)
			continue;
		piece = prepare(worker, port, packet, burst->cuts[i].mbuf);
		if (piece == NULL)
			continue;
		departure->packets[departure->count] = packet;
		departure->mbufs[departure->count++] = piece;
	}
}

/* In the burst's order. */
static void gather(struct worker *worker, struct burst *burst, uint8_t port,
		   struct departure *departure)
{
	departure->count = 0;
	for (uint32_t i = 0; i < burst->count; i++) {
		struct packet *packet = &burst->packets[i];
		struct rte_mbuf *mbuf = packet->mbuf;
		const uint32_t count = departure->count;

		if (packet->tx_port != port)
			continue;
		packet->mbuf = NULL;
		packet->tx_port = NO_PORT;
		if (mbuf == NULL) {
			gather_cuts(worker, burst, i, port, departure);
			continue;
		}
		mbuf = prepare(worker, port, packet, mbuf);
		departure->packets[count] = packet;
		departure->mbufs[count] = mbuf;
		departure->count = count + (mbuf != NULL);
	}
}

/* A driver may take less than a burst only when its queue is full. */
static uint32_t offer(const struct worker *worker, uint16_t ethdev, struct departure *departure)
{
	uint32_t sent = 0;

	while (sent < departure->count) {
		const uint16_t offered =
			(uint16_t)RTE_MIN(departure->count - sent, (uint32_t)BURST_SIZE);
		const uint16_t taken = rte_eth_tx_burst(ethdev, (uint16_t)worker->index,
							&departure->mbufs[sent], offered);

		sent += taken;
		if (taken < offered)
			break;
	}
	return sent;
}

/* Drivers free what they send; what they refuse is dropped here. */
static void send_departure(struct worker *worker, uint16_t ethdev, struct departure *departure)
{
	uint64_t bytes = 0;
	uint32_t sent;

	for (uint32_t i = 0; i < departure->count; i++)
		bytes += rte_pktmbuf_pkt_len(departure->mbufs[i]);
	sent = offer(worker, ethdev, departure);
	for (uint32_t i = sent; i < departure->count; i++) {
		bytes -= rte_pktmbuf_pkt_len(departure->mbufs[i]);
		departure->packets[i]->verdict = MR_DROP_TX_FULL;
		rte_pktmbuf_free(departure->mbufs[i]);
	}
	worker->counters->tx_packets += sent;
	worker->counters->tx_bytes += bytes;
}

static void send_burst(struct worker *worker, struct burst *burst)
{
	struct departure departure;

	for (uint32_t i = 0; i < burst->count; i++) {
		const uint8_t port = burst->packets[i].tx_port;

		if (port == NO_PORT)
			continue;
		gather(worker, burst, port, &departure);
		send_departure(worker, worker_ethdev_at(worker, port), &departure);
	}
}

static void add_verdicts(struct worker *worker, uint8_t verdict, uint32_t count)
{
	if (verdict != TAKEN)
		worker->counters->verdicts[verdict] += count;
}

/* Neighbours mostly have the same one. */
static void count_verdicts(struct worker *worker, const struct burst *burst)
{
	uint8_t verdict = TAKEN;
	uint32_t count = 0;

	for (uint32_t i = 0; i < burst->count; i++) {
		if (burst->packets[i].verdict != verdict) {
			add_verdicts(worker, verdict, count);
			verdict = burst->packets[i].verdict;
			count = 0;
		}
		count++;
	}
	add_verdicts(worker, verdict, count);
}

static void free_the_rest(struct burst *burst)
{
	for (uint32_t i = 0; i < burst->count; i++) {
		struct packet *packet = &burst->packets[i];

		if (packet->mbuf != NULL && packet->verdict != TAKEN)
			rte_pktmbuf_free(packet->mbuf);
	}
}

void transmit(struct worker *worker, struct burst *burst)
{
	send_burst(worker, burst);
	free_the_rest(burst);
	count_verdicts(worker, burst);
}
