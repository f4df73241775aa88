/* SPDX-License-Identifier: BSD-3-Clause */
#include "packet.h"

#include <rte_byteorder.h>
#include <rte_ip.h>

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

static void swap_ethernet(struct rte_ether_hdr *ethernet)
{
	const struct rte_ether_addr station = ethernet->src_addr;

	ethernet->src_addr = ethernet->dst_addr;
	ethernet->dst_addr = station;
}

/* Both answer without the options of the header that they answer. */
static uint32_t answer_ipv4(uint8_t *frame, struct rte_tcp_hdr *reset)
{
	struct rte_ipv4_hdr *ip = (void *)&frame[PACKET_L3_OFFSET];
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

static uint32_t answer_ipv6(uint8_t *frame, struct rte_tcp_hdr *reset)
{
	struct rte_ipv6_hdr *ip = (void *)&frame[PACKET_L3_OFFSET];
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

/* A reset is shorter than every frame that it answers: cut to @bytes, one segment. */
static void cut_to(struct rte_mbuf *mbuf, uint32_t bytes)
{
	rte_pktmbuf_free(mbuf->next);
	mbuf->next = NULL;
	mbuf->nb_segs = 1;
	mbuf->data_len = (uint16_t)bytes;
	mbuf->pkt_len = bytes;
}

void reset_answer(struct packet *packet)
{
	uint8_t *frame = packet_bytes(packet);
	const struct rte_tcp_hdr *tcp = (const void *)&frame[packet->l4_offset];
	struct rte_tcp_hdr reset =
		reset_header(tcp, packet->l4_bytes - (uint32_t)(tcp->data_off >> 4) * 4);
	uint32_t ip_bytes;

	swap_ethernet((void *)frame);
	if (mr_addr_is_v4(&packet->tuple.service))
		ip_bytes = answer_ipv4(frame, &reset);
	else
		ip_bytes = answer_ipv6(frame, &reset);
	memcpy(&frame[PACKET_L3_OFFSET + ip_bytes], &reset, sizeof(reset));
	cut_to(packet->mbuf, PACKET_L3_OFFSET + ip_bytes + sizeof(reset));
}
