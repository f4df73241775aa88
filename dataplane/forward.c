/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Step 5: towards the backend, by its pool's mode, or from a nat backend back to the client;
 * answers that mailrail gives itself are made here too, and frames for the kernel addressed.
 * Reads backend, nat_source and verdict; sets verdict, tx_port and cuts, rewrites the frame.
 */
#include "packet.h"

#include <rte_ip.h>

#include "cut.h"
#include "front.h"
#include "link.h"
#include "mss.h"
#include "nat.h"
#include "segments.h"
#include "too_big.h"

/* The packet without link header and padding, in pieces that each get a front. */
static bool add_cuts(struct worker *worker, const struct mr_backend *backend, struct burst *burst,
		     struct packet *packet)
{
	struct rte_mbuf *pieces[CUTS_MAX];
	const uint32_t count =
		cut_packet(packet->mbuf, backend->packet_max_bytes, worker->spare_mbufs, pieces,
			   (uint16_t)(CUTS_MAX - burst->cut_count));

	for (uint32_t i = 0; i < count; i++) {
		front_add(pieces[i], &backend->front, packet->hash);
		burst->cuts[burst->cut_count++] = (struct cut){
			.mbuf = pieces[i],
			.packet = (uint8_t)(packet - burst->packets),
		};
	}
	if (count == 0)
		return false;
	rte_pktmbuf_free(packet->mbuf);
	packet->mbuf = NULL;
	worker->counters->cut_packets++;
	return true;
}

static bool may_be_cut(const struct packet *packet)
{
	const struct rte_ipv4_hdr *ip = (const void *)&packet_bytes(packet)[packet->l3_offset];

	return packet_is_v4(packet) && !(ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_DF_FLAG));
}

static void take_off_link(struct packet *packet, const struct mr_backend *backend)
{
	struct rte_mbuf *mbuf = packet->mbuf;

	rte_pktmbuf_adj(mbuf, packet->l3_offset);
	if (!front_keeps_padding(backend, rte_pktmbuf_pkt_len(mbuf)))
		segments_trim(mbuf, packet->l3_bytes);
}

/* Each mode is a front; only nat looks into the packet as well. Leaves a verdict if it fails. */
static bool enter_way(struct worker *worker, const struct mr_backend *backend, struct burst *burst,
		      struct packet *packet)
{
	const bool fits = packet->l3_bytes <= backend->packet_max_bytes;

	worker->counters->mss_clamped += mss_clamp(packet, backend->mss_max_bytes);
	if (!fits && !may_be_cut(packet)) {
		too_big_answer(worker, packet, backend->packet_max_bytes);
		return false;
	}
	if (backend->forwarding == MR_FORWARDING_NAT && !nat_to_backend(packet, backend)) {
		packet->verdict = MR_DROP_FAMILY;
		return false;
	}
	take_off_link(packet, backend);
	if (fits ? front_add(packet->mbuf, &backend->front, packet->hash)
		 : add_cuts(worker, backend, burst, packet))
		return true;
	packet->verdict = MR_DROP_NO_ROOM;
	return false;
}

static void forward_to_backend(struct worker *worker, const struct mr_snapshot *snapshot,
			       struct burst *burst, struct packet *packet)
{
	const struct mr_backend *backend = &snapshot->backends[packet->backend];
	struct mr_flow_counters *counters = &worker->counters->backends[packet->backend];
	const uint32_t frame_bytes = rte_pktmbuf_pkt_len(packet->mbuf);

	if (!backend->way_set) {
		packet->verdict = MR_DROP_NO_NEXT_HOP;
		return;
	}
	if (!enter_way(worker, backend, burst, packet))
		return;
	packet->tx_port = backend->port;
	if (packet->rx_port == WORKER_PROBE_PORT) {
		packet->verdict = MR_PROBE_SENT;
		return;
	}
	packet->verdict = packet->kind == PACKET_ICMP_ERROR ? MR_FORWARDED_ICMP : MR_FORWARDED;
	counters->packets++;
	counters->bytes += frame_bytes;
	counters->sessions += packet_opens_session(packet);
}

/* A twin takes frames as they came; the interface that kernel ports share has its own address. */
static void address_to_kernel(const struct worker *worker, struct packet *packet)
{
	const struct port *port = &worker->ports[packet->tx_port & ~WORKER_KERNEL_SIDE];

	if (rte_pktmbuf_pkt_len(packet->mbuf) > port->kernel_frame_max_bytes) {
		packet->verdict = MR_DROP_TOO_BIG;
		packet->tx_port = NO_PORT;
		return;
	}
	if (port->has_twin || rte_pktmbuf_data_len(packet->mbuf) < sizeof(struct rte_ether_hdr))
		return;
	link_untag(packet->mbuf);
	rte_ether_addr_copy(&port->kernel_mac, (void *)packet_bytes(packet));
}

/* What comes from a nat backend. */
static void translate_back(struct worker *worker, const struct mr_snapshot *snapshot,
			   struct packet *packet)
{
	const struct mr_backend *backend = &snapshot->backends[packet->nat_source->backend];

	worker->counters->mss_clamped += mss_clamp(packet, backend->mss_max_bytes);
	nat_to_client(packet);
}

/* The kernel alone knows the way to every client. */
static void forward_to_client(struct worker *worker, const struct mr_snapshot *snapshot,
			      struct packet *packet)
{
	if (!worker->ports[packet->rx_port].has_kernel_side) {
		packet->verdict = MR_DROP_NOT_SERVICE;
		return;
	}
	translate_back(worker, snapshot, packet);
	packet->tx_port = WORKER_KERNEL_SIDE | packet->rx_port;
	address_to_kernel(worker, packet);
}

/* The prober's kernel takes only frames that are addressed to its interface, and no tags. */
static void forward_to_prober(struct worker *worker, const struct mr_snapshot *snapshot,
			      struct packet *packet)
{
	if (packet->nat_source != NULL)
		translate_back(worker, snapshot, packet);
	link_untag(packet->mbuf);
	rte_ether_addr_copy(&worker->probe_mac, (void *)packet_bytes(packet));
	packet->tx_port = WORKER_PROBE_PORT;
}

static void forward_packet(struct worker *worker, const struct mr_snapshot *snapshot,
			   struct burst *burst, struct packet *packet)
{
	if (packet->verdict == UNDECIDED) {
		forward_to_backend(worker, snapshot, burst, packet);
	} else if (packet->verdict == MR_RETURNED) {
		forward_to_client(worker, snapshot, packet);
	} else if (packet->verdict == MR_PROBE_REPLY) {
		forward_to_prober(worker, snapshot, packet);
	} else if (packet->verdict == MR_PASSED_TO_KERNEL) {
		address_to_kernel(worker, packet);
	} else if (packet->verdict == MR_RESET_EXCLUDED || packet->verdict == MR_RESET_NO_BACKEND) {
		reset_answer(packet);
		packet->tx_port = packet->rx_port;
	}
}

void forward(struct worker *worker, const struct mr_snapshot *snapshot, struct burst *burst)
{
	for (uint32_t i = 0; i < burst->count; i++)
		forward_packet(worker, snapshot, burst, &burst->packets[i]);
}
