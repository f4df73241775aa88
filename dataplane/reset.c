/* SPDX-License-Identifier: BSD-3-Clause */
#include "packet.h"

#include <rte_byteorder.h>
#include <rte_ip.h>

#include "link.h"
#include "segments.h"

#define RESET_TTL 64

/* RFC 9293, section 3.10.7.1: what a closed port answers to @tcp with @payload_bytes. */
static struct rte_tcp_hdr reset_header(const struct rte_tcp_hdr *tcp, uint32_t payload_bytes)
{
	struct rte_tcp_hdr reset = {
		.src_port = tcp->dst_port,
		.dst_port = tcp->src_port,
		.data_off = sizeof(reset) / 4 << 4,
	};
	const uint32_t length = payload_bytes + !!(tcp->tcp_flags & RTE_TCP_SYN_FLAG) +
				!!(tcp->tcp_flags & RTE_TCP_FIN_FLAG);

	if (tcp->tcp_flags & RTE_TCP_ACK_FLAG) {
		reset.sent_seq = tcp->recv_ack;
		reset.tcp_flags = RTE_TCP_RST_FLAG;
	} else {
		reset.recv_ack = rte_cpu_to_be_32(rte_be_to_cpu_32(tcp->sent_seq) + length);
		reset.tcp_flags = RTE_TCP_RST_FLAG | RTE_TCP_ACK_FLAG;
	}
	return reset;
}

/* Both answer without the options and extension headers of the packet that they answer. */
static uint32_t answer_ipv4(uint8_t *ip_header, struct rte_tcp_hdr *reset)
{
	struct rte_ipv4_hdr *ip = (void *)ip_header;
	const struct rte_ipv4_hdr answer = {
		.version_ihl = RTE_IPV4_VHL_DEF,
		.total_length = RTE_BE16(sizeof(answer) + sizeof(*reset)),
		.fragment_offset = RTE_BE16(RTE_IPV4_HDR_DF_FLAG),
		.time_to_live = RESET_TTL,
		.next_proto_id = IPPROTO_TCP,
		.src_addr = ip->dst_addr,
		.dst_addr = ip->src_addr,
	};

	*ip = answer;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	reset->cksum = rte_ipv4_udptcp_cksum(ip, reset);
	return sizeof(answer);
}

static uint32_t answer_ipv6(uint8_t *ip_header, struct rte_tcp_hdr *reset)
{
	struct rte_ipv6_hdr *ip = (void *)ip_header;
	struct rte_ipv6_hdr answer = {
		.vtc_flow = RTE_BE32(6U << 28),
		.payload_len = RTE_BE16(sizeof(*reset)),
		.proto = IPPROTO_TCP,
		.hop_limits = RESET_TTL,
	};

	memcpy(answer.src_addr, ip->dst_addr, sizeof(answer.src_addr));
	memcpy(answer.dst_addr, ip->src_addr, sizeof(answer.dst_addr));
	*ip = answer;
	reset->cksum = rte_ipv6_udptcp_cksum(ip, reset);
	return sizeof(answer);
}

void reset_answer(struct packet *packet)
{
	uint8_t *frame = packet_bytes(packet);
	uint8_t *ip = &frame[packet->l3_offset];
	const struct rte_tcp_hdr *tcp = (const void *)&frame[packet->l4_offset];
	struct rte_tcp_hdr reset =
		reset_header(tcp, packet->l4_bytes - (uint32_t)(tcp->data_off >> 4) * 4);
	uint32_t ip_bytes;

	link_turn_round(frame);
	ip_bytes = packet_is_v4(packet) ? answer_ipv4(ip, &reset) : answer_ipv6(ip, &reset);
	memcpy(&ip[ip_bytes], &reset, sizeof(reset));
	segments_trim(packet->mbuf, packet->l3_offset + ip_bytes + sizeof(reset));
}
