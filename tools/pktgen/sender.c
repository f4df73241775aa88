/* SPDX-License-Identifier: BSD-3-Clause */
#include "sender.h"

#include <rte_cycles.h>
#include <rte_ethdev.h>

/* How many packets may be planned now. */
static uint32_t allowed(const struct sender *sender, uint64_t now)
{
	double due;

	if (now >= sender->end)
		return 0;
	if (sender->pace != PACE_PACKETS)
		return SENDER_BURST;
	due = (double)(now - sender->start) * sender->packets_per_cycle -
	      (double)sender->planned_packets;
	if (due < 1)
		return 0;
	return due < SENDER_BURST ? (uint32_t)due : SENDER_BURST;
}

static void plan(struct sender *sender, uint64_t now)
{
	const uint64_t until_ns =
		sender->pace == PACE_SESSIONS
			? (uint64_t)((double)(now - sender->start) * sender->ns_per_cycle)
			: UINT64_MAX;
	const uint32_t most = allowed(sender, now);

	while (sender->plan_count < most &&
	       traffic_next(&sender->traffic, until_ns, &sender->plans[sender->plan_count]))
		sender->plan_count++;
	sender->planned_packets += sender->plan_count;
}

/* Without buffers the plans wait: the port still has those that were sent before. */
static void write_frames(struct sender *sender)
{
	struct mr_tuple tuple;

	if (rte_pktmbuf_alloc_bulk(sender->nic->mbufs, sender->frames, sender->plan_count) != 0)
		return;
	for (uint32_t i = 0; i < sender->plan_count; i++) {
		struct rte_mbuf *mbuf = sender->frames[i];
		const struct planned *planned = &sender->plans[i];

		clients_tuple(&sender->traffic.plan->clients, planned->serial, &tuple);
		mbuf->data_len = (uint16_t)wire_write(sender->wire, planned, &tuple, rte_rdtsc(),
						      rte_pktmbuf_mtod(mbuf, uint8_t *));
		mbuf->pkt_len = mbuf->data_len;
	}
	sender->frame_first = 0;
	sender->frame_count = sender->plan_count;
	sender->plan_count = 0;
}

static void transmit(struct sender *sender)
{
	struct rte_mbuf **frames = &sender->frames[sender->frame_first];
	uint64_t bytes[SENDER_BURST + 1];
	uint16_t sent;

	bytes[0] = 0; /* summed before they are gone */
	for (uint32_t i = 0; i < sender->frame_count; i++)
		bytes[i + 1] = bytes[i] + frames[i]->data_len;
	sent = rte_eth_tx_burst(sender->nic->port, sender->queue, frames,
				(uint16_t)sender->frame_count);
	sender->counts.packets += sent;
	sender->counts.bytes += bytes[sent];
	sender->counts.polls_refused += sent < sender->frame_count;
	sender->frame_first += sent;
	sender->frame_count -= sent;
}

void sender_step(struct sender *sender, uint64_t now)
{
	if (sender->frame_count == 0) {
		if (sender->plan_count == 0)
			plan(sender, now);
		if (sender->plan_count == 0)
			return;
		write_frames(sender);
	}
	if (sender->frame_count > 0)
		transmit(sender);
}

void sender_fini(struct sender *sender)
{
	rte_pktmbuf_free_bulk(&sender->frames[sender->frame_first], sender->frame_count);
	traffic_destroy(&sender->traffic);
}
