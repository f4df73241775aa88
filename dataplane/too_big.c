/* SPDX-License-Identifier: BSD-3-Clause */
#include "too_big.h"

#include <netinet/in.h>
#include <netinet/ip_icmp.h>

#include <rte_byteorder.h>
#include <rte_icmp.h>
#include <rte_ip.h>

#include "checksum.h"
#include "link.h"
#include "segments.h"

#define ANSWER_TTL 64

/* Of an ICMP error: RFC 1812, section 4.3.2.3; of an ICMPv6 error: RFC 4443, section 3.2. */
#define ANSWER_V4_MAX_BYTES 576
#define ANSWER_V6_MAX_BYTES 1280

/* No path is narrower, and no host believes that one is (RFC 8201, section 4). */
#define IPV6_MTU_MIN_BYTES 1280

/* Internetwork control, as an ICMP error should be: RFC 1812, section 4.3.2.5. */
#define ANSWER_TOS 0xc0

/* RFC 4443, section 3.2. */
struct packet_too_big {
	uint8_t type;
	uint8_t code;
	rte_be16_t checksum;
	rte_be32_t mtu;
} __rte_packed;
#define ICMPV6_PACKET_TOO_BIG 2

/* This network, loopback, multicast, reserved and broadcast: 0/8, 127/8, 224/3. */
static bool is_host_v4(const uint8_t *address)
{
	return address[0] != 0 && address[0] != 127 && address[0] < 224;
}

static bool is_host_v6(const uint8_t *address)
{
	static const uint8_t zeros[15];

	return address[0] != 0xff && (memcmp(address, zeros, 15) != 0 || address[15] > 1);
}

static bool is_answerable(const struct packet *packet, uint16_t packet_max_bytes)
{
	const uint8_t *client = packet->tuple.client.bytes;

	if (packet->kind != PACKET_TCP || packet->rx_port == WORKER_PROBE_PORT)
		return false;
	if (packet_is_v4(packet))
		return packet->fragment != FRAGMENT_LATER && is_host_v4(&client[12]);
	return packet->l3_bytes > RTE_MAX(packet_max_bytes, IPV6_MTU_MIN_BYTES) &&
	       is_host_v6(client);
}

static bool may_send(struct worker *worker)
{
	if (worker->too_big_s != worker->now_s) {
		worker->too_big_s = worker->now_s;
		worker->too_big_sent = 0;
	}
	return worker->too_big_sent < MR_TOO_BIG_PER_S;
}

/*
 * Makes room for @bytes between the link header and the packet, of which what @answer_max_bytes
 * allows stays as the quote. NULL: there is no room. Else the place of the answer's IP header.
 */
static uint8_t *make_room(struct packet *packet, uint32_t bytes, uint32_t answer_max_bytes)
{
	const uint32_t quote_bytes = RTE_MIN(packet->l3_bytes, answer_max_bytes - bytes);
	uint8_t *frame = (void *)rte_pktmbuf_prepend(packet->mbuf, (uint16_t)bytes);

	if (frame == NULL)
		return NULL;
	memmove(frame, &frame[bytes], packet->l3_offset);
	segments_trim(packet->mbuf, packet->l3_offset + bytes + quote_bytes);
	link_turn_round(frame);
	return &frame[packet->l3_offset];
}

/* One's complement sum of the answer's bytes behind its IP header, in however many segments. */
static uint16_t sum_behind(const struct packet *packet, uint32_t ip_header_bytes)
{
	const uint32_t offset = packet->l3_offset + ip_header_bytes;
	const uint32_t bytes = rte_pktmbuf_pkt_len(packet->mbuf) - offset;
	uint8_t joined[ANSWER_V6_MAX_BYTES];

	return rte_raw_cksum(rte_pktmbuf_read(packet->mbuf, offset, bytes, joined), bytes);
}

static bool answer_v4(struct packet *packet, uint16_t mtu_bytes)
{
	struct rte_ipv4_hdr *ip = (void *)make_room(
		packet, sizeof(*ip) + sizeof(struct rte_icmp_hdr), ANSWER_V4_MAX_BYTES);
	struct rte_icmp_hdr *icmp;
	uint32_t ip_bytes;

	if (ip == NULL)
		return false;
	ip_bytes = rte_pktmbuf_pkt_len(packet->mbuf) - packet->l3_offset;
	*ip = (struct rte_ipv4_hdr){
		.version_ihl = RTE_IPV4_VHL_DEF,
		.type_of_service = ANSWER_TOS,
		.total_length = rte_cpu_to_be_16((uint16_t)ip_bytes),
		.fragment_offset = RTE_BE16(RTE_IPV4_HDR_DF_FLAG),
		.time_to_live = ANSWER_TTL,
		.next_proto_id = IPPROTO_ICMP,
	};
	memcpy(&ip->src_addr, &packet->tuple.service.bytes[12], sizeof(ip->src_addr));
	memcpy(&ip->dst_addr, &packet->tuple.client.bytes[12], sizeof(ip->dst_addr));
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	icmp = (void *)(ip + 1);
	*icmp = (struct rte_icmp_hdr){
		.icmp_type = ICMP_DEST_UNREACH,
		.icmp_code = ICMP_FRAG_NEEDED,
		.icmp_seq_nb = rte_cpu_to_be_16(mtu_bytes),
	};
	icmp->icmp_cksum = (uint16_t)~sum_behind(packet, sizeof(*ip));
	return true;
}

static bool answer_v6(struct packet *packet, uint16_t mtu_bytes)
{
	struct rte_ipv6_hdr *ip = (void *)make_room(
		packet, sizeof(*ip) + sizeof(struct packet_too_big), ANSWER_V6_MAX_BYTES);
	struct packet_too_big *icmp;
	uint32_t icmp_bytes, sum;

	if (ip == NULL)
		return false;
	icmp_bytes = rte_pktmbuf_pkt_len(packet->mbuf) - packet->l3_offset - (uint32_t)sizeof(*ip);
	*ip = (struct rte_ipv6_hdr){
		.vtc_flow = RTE_BE32(6U << 28),
		.payload_len = rte_cpu_to_be_16((uint16_t)icmp_bytes),
		.proto = IPPROTO_ICMPV6,
		.hop_limits = ANSWER_TTL,
	};
	memcpy(ip->src_addr, packet->tuple.service.bytes, sizeof(ip->src_addr));
	memcpy(ip->dst_addr, packet->tuple.client.bytes, sizeof(ip->dst_addr));
	icmp = (void *)(ip + 1);
	*icmp = (struct packet_too_big){
		.type = ICMPV6_PACKET_TOO_BIG,
		.mtu = rte_cpu_to_be_32(mtu_bytes),
	};
	sum = sum_behind(packet, sizeof(*ip)) + (uint32_t)rte_ipv6_phdr_cksum(ip, 0);
	icmp->checksum = (uint16_t)~checksum_fold(sum);
	return true;
}

void too_big_answer(struct worker *worker, struct packet *packet, uint16_t packet_max_bytes)
{
	bool answered;

	packet->verdict = MR_DROP_TOO_BIG;
	if (!is_answerable(packet, packet_max_bytes) || !may_send(worker))
		return;
	if (packet_is_v4(packet))
		answered = answer_v4(packet, packet_max_bytes);
	else
		answered = answer_v6(packet, RTE_MAX(packet_max_bytes, IPV6_MTU_MIN_BYTES));
	if (!answered)
		return;
	worker->too_big_sent++;
	packet->verdict = MR_TOO_BIG;
	packet->tx_port = packet->rx_port;
}
