/* SPDX-License-Identifier: BSD-3-Clause */
#include "tunnel.h"

#include <netinet/in.h>

#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include "checksum.h"

#define FLOW_LABEL_BITS	 20
#define SOURCE_PORT_BITS 14
#define SOURCE_PORT_BASE 0xc000 /* dynamic ports: RFC 6335, section 6 */

/* What the outer headers take from the packet inside. */
struct inside {
	bool is_v6;
	uint8_t traffic_class;
	uint32_t bytes;
};

static struct inside look_inside(const struct rte_mbuf *packet)
{
	const uint8_t *ip = rte_pktmbuf_mtod(packet, const uint8_t *);
	const bool is_v6 = ip[0] >> 4 == 6;

	return (struct inside){
		.is_v6 = is_v6,
		.traffic_class = is_v6 ? (uint8_t)(ip[0] << 4 | ip[1] >> 4) : ip[1],
		.bytes = rte_pktmbuf_pkt_len(packet),
	};
}

/* What comes into the low @bits of the outer source, which are zero in the front. */
static uint64_t varied_bits(uint8_t bits, uint64_t hash)
{
	return bits < 64 ? hash & ((1ULL << bits) - 1) : hash;
}

static uint8_t ipip_protocol(const struct inside *inside)
{
	return inside->is_v6 ? IPPROTO_IPV6 : IPPROTO_IPIP;
}

/*
 * Returns what follows the header. Its checksum comes from the sum of what the front has there,
 * and of what is filled in where that is zero: nothing is read again that was just written.
 */
static uint8_t *fill_v4(uint8_t *outer, const struct mr_front *front, const struct inside *inside,
			uint64_t hash)
{
	const rte_be32_t source = rte_cpu_to_be_32((uint32_t)varied_bits(front->source_bits, hash));
	const rte_be16_t length = rte_cpu_to_be_16((uint16_t)(front->outer_bytes + inside->bytes));
	struct rte_ipv4_hdr *ip = (void *)outer;
	uint32_t sum = front->outer_sum;

	ip->type_of_service = inside->traffic_class;
	sum += rte_cpu_to_be_16(inside->traffic_class);
	ip->total_length = length;
	sum += length;
	if (front->outer_bytes == sizeof(*ip)) {
		ip->next_proto_id = ipip_protocol(inside);
		sum += rte_cpu_to_be_16(ip->next_proto_id);
	}
	ip->src_addr |= source;
	sum += (source & UINT16_MAX) + (source >> 16);
	ip->hdr_checksum = (uint16_t)~checksum_fold(sum);
	return outer + sizeof(*ip);
}

static uint8_t *fill_v6(uint8_t *outer, const struct mr_front *front, const struct inside *inside,
			uint64_t hash)
{
	struct rte_ipv6_hdr *ip = (void *)outer;
	const uint32_t payload_bytes = front->outer_bytes - (uint32_t)sizeof(*ip) + inside->bytes;

	ip->vtc_flow = rte_cpu_to_be_32(6U << 28 | (uint32_t)inside->traffic_class << 20 |
					(uint32_t)(hash >> (64 - FLOW_LABEL_BITS)));
	ip->payload_len = rte_cpu_to_be_16((uint16_t)payload_bytes);
	if (ip->proto == 0)
		ip->proto = ipip_protocol(inside);
	if (front->source_bits > 0) {
		rte_be64_t source;

		memcpy(&source, &ip->src_addr[8], sizeof(source));
		source |= rte_cpu_to_be_64(varied_bits(front->source_bits, hash));
		memcpy(&ip->src_addr[8], &source, sizeof(source));
	}
	return outer + sizeof(*ip);
}

static void fill_udp(uint8_t *bytes, const struct inside *inside, uint64_t hash)
{
	struct rte_udp_hdr *udp = (void *)bytes;
	const uint16_t port = (uint16_t)(SOURCE_PORT_BASE + (hash >> (64 - SOURCE_PORT_BITS)));

	udp->src_port = rte_cpu_to_be_16(port);
	udp->dgram_len = rte_cpu_to_be_16((uint16_t)(sizeof(*udp) + inside->bytes));
}

bool tunnel_enter(struct rte_mbuf *packet, const struct mr_front *front, uint64_t hash)
{
	const uint16_t front_bytes = (uint16_t)(front->link_bytes + front->outer_bytes);
	const struct inside inside = look_inside(packet);
	uint8_t *frame = (void *)rte_pktmbuf_prepend(packet, front_bytes);
	uint8_t *outer, *end;

	if (frame == NULL)
		return false;
	memcpy(frame, front->bytes, front_bytes);
	outer = &frame[front->link_bytes];
	end = front->outer_v6 ? fill_v6(outer, front, &inside, hash)
			      : fill_v4(outer, front, &inside, hash);
	if (end < &outer[front->outer_bytes])
		fill_udp(end, &inside, hash);
	return true;
}
