/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Step 5: towards the backend, by its pool's mode; answers that mailrail gives itself are made
 * here too. Reads backend and verdict; sets verdict and tx_port, rewrites the frame.
 */
#include "packet.h"

/* l2dsr: the backend carries the service address, so only the Ethernet addresses change. */
static void forward_l2dsr(const struct worker *worker, const struct mr_backend *backend,
			  struct packet *packet)
{
	struct rte_ether_hdr *ethernet = (void *)packet_bytes(packet);

	rte_ether_addr_copy(&backend->next_hop, &ethernet->dst_addr);
	rte_ether_addr_copy(&worker->ports[backend->port].mac, &ethernet->src_addr);
	packet->tx_port = backend->port;
}

static void forward_to_backend(struct worker *worker, const struct mr_snapshot *snapshot,
			       struct packet *packet)
{
	const struct mr_backend *backend = &snapshot->backends[packet->backend];
	struct mr_flow_counters *counters = &worker->counters->backends[packet->backend];

	if (!backend->next_hop_set) {
		packet->verdict = MR_DROP_NO_NEXT_HOP;
		return;
	}
	switch ((enum mr_forwarding)backend->forwarding) {
	case MR_FORWARDING_L2DSR:
		forward_l2dsr(worker, backend, packet);
		break;
	}
	if (packet->rx_port == WORKER_PROBE_PORT) {
		packet->verdict = MR_PROBE_SENT;
		return;
	}
	packet->verdict = MR_FORWARDED;
	counters->packets++;
	counters->bytes += rte_pktmbuf_pkt_len(packet->mbuf);
	counters->sessions += packet_opens_session(packet);
}

/* The prober's kernel takes only frames that are addressed to its interface. */
static void forward_to_prober(const struct worker *worker, struct packet *packet)
{
	struct rte_ether_hdr *ethernet = (void *)packet_bytes(packet);

	rte_ether_addr_copy(&worker->probe_mac, &ethernet->dst_addr);
	packet->tx_port = WORKER_PROBE_PORT;
}

void forward(struct worker *worker, const struct mr_snapshot *snapshot, struct burst *burst)
{
	for (uint32_t i = 0; i < burst->count; i++) {
		struct packet *packet = &burst->packets[i];

		if (packet->verdict == UNDECIDED) {
			forward_to_backend(worker, snapshot, packet);
		} else if (packet->verdict == MR_PROBE_REPLY) {
			forward_to_prober(worker, packet);
		} else if (packet->verdict == MR_RESET_EXCLUDED ||
			   packet->verdict == MR_RESET_NO_BACKEND) {
			reset_answer(packet);
			packet->tx_port = packet->rx_port;
		}
	}
}
