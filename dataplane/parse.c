/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Step 2: Ethernet, IPv4 or IPv6, TCP. Reads the frame; sets l4_offset, l4_bytes, tcp_flags and
 * tuple. What is not TCP over IP to this station is left to the kernel; what contradicts
 * itself is dropped, each under its own reason.
 */
#include "packet.h"

#include <rte_byteorder.h>
#include <rte_ip.h>

#define IPV6_MULTICAST_FIRST 0xff /* first byte of ff00::/8 */

static void parse_tcp(struct packet *packet, const uint8_t *frame)
{
	const struct rte_tcp_hdr *tcp = (const void *)&frame[packet->l4_offset];
	uint32_t header_bytes;

	if (packet->l4_bytes < sizeof(*tcp)) {
		packet->verdict = MR_DROP_BAD_TCP;
		return;
	}
	if (packet->l4_offset + sizeof(*tcp) > rte_pktmbuf_data_len(packet->mbuf)) {
		packet_leave(packet, MR_DROP_TRUNCATED);
		return;
	}
	header_bytes = (uint32_t)(tcp->data_off >> 4) * 4;
	if (header_bytes < sizeof(*tcp) || header_bytes > packet->l4_bytes) {
		packet->verdict = MR_DROP_BAD_TCP;
		return;
	}
	packet->tcp_flags = tcp->tcp_flags;
	packet->tuple.client_port = tcp->src_port;
	packet->tuple.service_port = tcp->dst_port;
}

/*
 * No segment comes from a group (224.0.0.0/4) or from everybody, nor is one answered there
 * (RFC 9293, section 3.9.2.3). DPDK 22.11's constants for both are wrong or undefined.
 */
static bool is_host_v4(rte_be32_t address)
{
	const uint32_t host_order = rte_be_to_cpu_32(address);

	return host_order >> 28 != 0xe && host_order != UINT32_MAX;
}

static void parse_ipv4(struct packet *packet, const uint8_t *frame)
{
	const uint32_t frame_bytes = rte_pktmbuf_data_len(packet->mbuf);
	const struct rte_ipv4_hdr *ip = (const void *)&frame[PACKET_L3_OFFSET];
	uint32_t header_bytes, total_bytes;

	if (frame_bytes < PACKET_L3_OFFSET + sizeof(*ip)) {
		packet_leave(packet, MR_DROP_TRUNCATED);
		return;
	}
	header_bytes = rte_ipv4_hdr_len(ip);
	total_bytes = rte_be_to_cpu_16(ip->total_length);
	if (ip->version != 4 || header_bytes < sizeof(*ip) || total_bytes < header_bytes ||
	    total_bytes > rte_pktmbuf_pkt_len(packet->mbuf) - PACKET_L3_OFFSET ||
	    !is_host_v4(ip->src_addr)) {
		packet->verdict = MR_DROP_BAD_IP;
		return;
	}
	if (ip->next_proto_id != IPPROTO_TCP) {
		packet_leave(packet, MR_DROP_NOT_SERVICE);
		return;
	}
	if (ip->fragment_offset &
	    rte_cpu_to_be_16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK)) {
		packet_leave(packet, MR_DROP_FRAGMENT);
		return;
	}
	packet->tuple.client = mr_addr_from_v4(&ip->src_addr);
	packet->tuple.service = mr_addr_from_v4(&ip->dst_addr);
	packet->l4_offset = (uint16_t)(PACKET_L3_OFFSET + header_bytes);
	packet->l4_bytes = (uint16_t)(total_bytes - header_bytes);
	parse_tcp(packet, frame);
}

static void parse_ipv6(struct packet *packet, const uint8_t *frame)
{
	const uint32_t frame_bytes = rte_pktmbuf_data_len(packet->mbuf);
	const struct rte_ipv6_hdr *ip = (const void *)&frame[PACKET_L3_OFFSET];
	uint32_t payload_bytes;

	if (frame_bytes < PACKET_L3_OFFSET + sizeof(*ip)) {
		packet_leave(packet, MR_DROP_TRUNCATED);
		return;
	}
	payload_bytes = rte_be_to_cpu_16(ip->payload_len);
	if (rte_be_to_cpu_32(ip->vtc_flow) >> 28 != 6 ||
	    payload_bytes > rte_pktmbuf_pkt_len(packet->mbuf) - PACKET_L3_OFFSET - sizeof(*ip) ||
	    ip->src_addr[0] == IPV6_MULTICAST_FIRST) {
		packet->verdict = MR_DROP_BAD_IP;
		return;
	}
	if (ip->proto != IPPROTO_TCP) {
		packet_leave(packet, ip->proto == IPPROTO_FRAGMENT ? MR_DROP_FRAGMENT
								   : MR_DROP_NOT_SERVICE);
		return;
	}
	packet->tuple.client = mr_addr_from_v6(ip->src_addr);
	packet->tuple.service = mr_addr_from_v6(ip->dst_addr);
	/* IPv4's own form of address in here: never on the wire (RFC 4291, section 2.5.5.2). */
	if (mr_addr_is_v4(&packet->tuple.client) || mr_addr_is_v4(&packet->tuple.service)) {
		packet_leave(packet, MR_DROP_NOT_SERVICE);
		return;
	}
	packet->l4_offset = PACKET_L3_OFFSET + sizeof(*ip);
	packet->l4_bytes = (uint16_t)payload_bytes;
	parse_tcp(packet, frame);
}

static void parse_ethernet(const struct worker *worker, struct packet *packet)
{
	const uint8_t *frame = packet_bytes(packet);
	const struct rte_ether_hdr *ethernet = (const void *)frame;

	if (rte_pktmbuf_data_len(packet->mbuf) < sizeof(*ethernet)) {
		packet_leave(packet, MR_DROP_TRUNCATED);
		return;
	}
	if (packet->rx_port != WORKER_PROBE_PORT &&
	    !rte_is_same_ether_addr(&ethernet->dst_addr, &worker->ports[packet->rx_port].mac)) {
		packet_leave(packet, MR_DROP_NOT_OURS);
		return;
	}
	switch (ethernet->ether_type) {
	case RTE_BE16(RTE_ETHER_TYPE_IPV4):
		parse_ipv4(packet, frame);
		break;
	case RTE_BE16(RTE_ETHER_TYPE_IPV6):
		parse_ipv6(packet, frame);
		break;
	default:
		packet_leave(packet, MR_DROP_NOT_SERVICE);
		break;
	}
}

void parse(const struct worker *worker, struct burst *burst)
{
	for (uint32_t i = 0; i < burst->count; i++)
		parse_ethernet(worker, &burst->packets[i]);
}
