/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Before an IP packet a backend's front (mailrail/snapshot.h): its link header and, for the
 * tunnels ipip and gue, outer headers, with what differs from packet to packet. Workers.
 *
 * The packet inside is not touched, its TTL neither: mailrail is not a hop. Outside are
 *
 * - TOS or traffic class as inside, with DSCP (RFC 2983, section 3.1, uniform) and ECN (RFC
 *   6040, section 4.1, normal mode);
 * - IPv4: DF, and ID 0, as nobody may cut the packet (RFC 6864, section 4.1);
 * - IPv6: bits 44..63 of the session's hash as flow label (RFC 6438, section 2);
 * - ipip: protocol 4 or 41, by the family inside;
 * - gue: variant 1 (draft-ietf-intarea-gue-09, section 4), the inner IP header straight behind
 *   the UDP header; source port 0xc000 + bits 50..63 of the hash; no checksum (RFC 6935);
 * - the hash's low bits as those of the source address that the front leaves open.
 */
#ifndef MAILRAIL_DATAPLANE_FRONT_H
#define MAILRAIL_DATAPLANE_FRONT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_udp.h>

#include <mailrail/snapshot.h>

#include "checksum.h"

#define FRONT_FLOW_LABEL_BITS  20
#define FRONT_SOURCE_PORT_BITS 14
#define FRONT_SOURCE_PORT_BASE 0xc000 /* dynamic ports: RFC 6335, section 6 */

/* The IP packet behind the front. */
struct front_inside {
	bool is_v6;
	uint8_t traffic_class;
	uint32_t bytes;
};

static inline struct front_inside front_look_inside(const uint8_t *ip, bool is_v6, uint32_t bytes)
{
	return (struct front_inside){
		.is_v6 = is_v6,
		.traffic_class = is_v6 ? (uint8_t)(ip[0] << 4 | ip[1] >> 4) : ip[1],
		.bytes = bytes,
	};
}

/* What comes into the low @bits of the outer source, which are zero in the front. */
static inline uint64_t front_varied_bits(uint8_t bits, uint64_t hash)
{
	return bits < 64 ? hash & ((1ULL << bits) - 1) : hash;
}

static inline uint8_t front_ipip_protocol(const struct front_inside *inside)
{
	return inside->is_v6 ? IPPROTO_IPV6 : IPPROTO_IPIP;
}

/*
 * Returns what follows the header. Its checksum comes from the sum of what the front has there,
 * and of what is filled in where that is zero: nothing is read again that was just written.
 */
static inline uint8_t *front_fill_v4(uint8_t *outer, const struct mr_front *front,
				     const struct front_inside *inside, uint64_t hash)
{
	const rte_be32_t source =
		rte_cpu_to_be_32((uint32_t)front_varied_bits(front->source_bits, hash));
	const rte_be16_t length = rte_cpu_to_be_16((uint16_t)(front->outer_bytes + inside->bytes));
	struct rte_ipv4_hdr *ip = (void *)outer;
	uint32_t sum = front->outer_sum;

	ip->type_of_service = inside->traffic_class;
	sum += rte_cpu_to_be_16(inside->traffic_class);
	ip->total_length = length;
	sum += length;
	if (front->outer_bytes == sizeof(*ip)) {
		ip->next_proto_id = front_ipip_protocol(inside);
		sum += rte_cpu_to_be_16(ip->next_proto_id);
	}
	ip->src_addr |= source;
	sum += (source & UINT16_MAX) + (source >> 16);
	ip->hdr_checksum = (uint16_t)~checksum_fold(sum);
	return outer + sizeof(*ip);
}

static inline uint8_t *front_fill_v6(uint8_t *outer, const struct mr_front *front,
				     const struct front_inside *inside, uint64_t hash)
{
	struct rte_ipv6_hdr *ip = (void *)outer;
	const uint32_t payload_bytes = front->outer_bytes - (uint32_t)sizeof(*ip) + inside->bytes;

	ip->vtc_flow = rte_cpu_to_be_32(6U << 28 | (uint32_t)inside->traffic_class << 20 |
					(uint32_t)(hash >> (64 - FRONT_FLOW_LABEL_BITS)));
	ip->payload_len = rte_cpu_to_be_16((uint16_t)payload_bytes);
	if (ip->proto == 0)
		ip->proto = front_ipip_protocol(inside);
	if (front->source_bits > 0) {
		rte_be64_t source;

		memcpy(&source, &ip->src_addr[8], sizeof(source));
		source |= rte_cpu_to_be_64(front_varied_bits(front->source_bits, hash));
		memcpy(&ip->src_addr[8], &source, sizeof(source));
	}
	return outer + sizeof(*ip);
}

static inline void front_fill_udp(uint8_t *bytes, const struct front_inside *inside, uint64_t hash)
{
	struct rte_udp_hdr *udp = (void *)bytes;
	const uint16_t port =
		(uint16_t)(FRONT_SOURCE_PORT_BASE + (hash >> (64 - FRONT_SOURCE_PORT_BITS)));

	udp->src_port = rte_cpu_to_be_16(port);
	udp->dgram_len = rte_cpu_to_be_16((uint16_t)(sizeof(*udp) + inside->bytes));
}

/*
 * Padding, with which the IP packet is of @bytes, stays where the frame stays as it is, but not
 * where it would be inside a tunnel, or make the frame longer than the next link takes.
 */
static inline bool front_keeps_padding(const struct mr_backend *backend, uint32_t bytes)
{
	return backend->front.outer_bytes == 0 && bytes <= backend->packet_max_bytes;
}

/*
 * The front's bytes, so that they end at @ip. In few wide steps, where @room bytes before @ip may
 * be written to; the most frequent one exactly, as the frame often begins where a cache line does.
 */
static inline void front_copy(uint8_t *ip, uint32_t room, const struct mr_front *front)
{
	const uint32_t bytes = front->link_bytes + front->outer_bytes;
	const uint8_t *end = &front->room[MR_FRONT_ROOM_BYTES];

	if (bytes == RTE_ETHER_HDR_LEN)
		memcpy(ip - RTE_ETHER_HDR_LEN, end - RTE_ETHER_HDR_LEN, RTE_ETHER_HDR_LEN);
	else if (room < MR_FRONT_ROOM_BYTES)
		memcpy(ip - bytes, end - bytes, bytes);
	else if (bytes <= 48)
		memcpy(ip - 48, end - 48, 48);
	else
		memcpy(ip - MR_FRONT_ROOM_BYTES, front->room, MR_FRONT_ROOM_BYTES);
}

/*
 * Before the IP packet at @ip, which is of @bytes without padding. @room bytes before it belong to
 * its buffer, and the front fits in there.
 */
static inline void front_write(uint8_t *ip, uint32_t room, const struct mr_front *front, bool is_v6,
			       uint32_t bytes, uint64_t hash)
{
	const struct front_inside inside = front_look_inside(ip, is_v6, bytes);
	uint8_t *const outer = ip - front->outer_bytes;
	uint8_t *end;

	front_copy(ip, room, front);
	if (front->outer_bytes == 0) {
		const rte_be16_t type =
			is_v6 ? RTE_BE16(RTE_ETHER_TYPE_IPV6) : RTE_BE16(RTE_ETHER_TYPE_IPV4);

		memcpy(ip - sizeof(type), &type, sizeof(type));
		return;
	}
	end = front->outer_v6 ? front_fill_v6(outer, front, &inside, hash)
			      : front_fill_v4(outer, front, &inside, hash);
	if (end < ip)
		front_fill_udp(end, &inside, hash);
}

/*
 * @packet begins with its IP header and, for a tunnel, ends with the IP packet. False, and
 * nothing is done: no headroom for the front.
 */
static inline bool front_add(struct rte_mbuf *packet, const struct mr_front *front, uint64_t hash)
{
	const uint32_t room = rte_pktmbuf_headroom(packet);
	const uint32_t bytes = rte_pktmbuf_pkt_len(packet);
	uint8_t *const ip = rte_pktmbuf_mtod(packet, uint8_t *);

	if (rte_pktmbuf_prepend(packet, front->link_bytes + front->outer_bytes) == NULL)
		return false;
	front_write(ip, room, front, *ip >> 4 == 6, bytes, hash);
	return true;
}

#endif
