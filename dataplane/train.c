/* SPDX-License-Identifier: BSD-3-Clause */
#include "train.h"

#include "checksum.h"
#include "head.h"

/* What the card says is good, and is not what it looks like, takes the long way. */
static inline bool checksum_is_right(const struct rte_mbuf *mbuf, const void *ip)
{
	return (mbuf->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) != RTE_MBUF_F_RX_IP_CKSUM_BAD &&
	       checksum_is_right_ipv4(ip);
}

/* Above 223.0.0.0/8 only 240.0.0.0/4 may send, which is reserved, and takes the long way. */
static inline bool is_plain_v4(const struct rte_mbuf *mbuf, const struct rte_ipv4_hdr *ip)
{
	const uint8_t *source = (const void *)&ip->src_addr;

	return source[0] < 0xe0 && ip->time_to_live > 0 && checksum_is_right(mbuf, ip);
}

/* ::/64 has IPv4's own form of address in it, ff00::/8 the groups. */
static inline bool is_plain_v6(const struct rte_ipv6_hdr *ip)
{
	uint64_t source, destination;

	memcpy(&source, ip->src_addr, sizeof(source));
	memcpy(&destination, ip->dst_addr, sizeof(destination));
	return source != 0 && destination != 0 && ip->src_addr[0] != 0xff && ip->hop_limits > 0;
}

static WITH_FAMILY const void *source_address(const uint8_t *ip, bool v4)
{
	return ip + (v4 ? offsetof(struct rte_ipv4_hdr, src_addr)
			: offsetof(struct rte_ipv6_hdr, src_addr));
}

/* A frame with the head of its family, all in one segment, with room for any front. */
static WITH_FAMILY void board(struct train *train, struct packet *packet, uint32_t l3_offset,
			      bool v4)
{
	const struct rte_mbuf *mbuf = packet->mbuf;
	uint8_t *ip = rte_pktmbuf_mtod_offset(mbuf, uint8_t *, l3_offset);
	const uint32_t ip_bytes = ip_bytes_of(ip, v4);
	const uint32_t tcp_bytes = (uint32_t)(tcp_of(ip, v4)->data_off >> 4) * 4;

	if (ip_bytes > mbuf->data_len - l3_offset || tcp_bytes < sizeof(struct rte_tcp_hdr) ||
	    ip_header_bytes(v4) + tcp_bytes > ip_bytes)
		return;
	if (v4 ? !is_plain_v4(mbuf, (const void *)ip) : !is_plain_v6((const void *)ip))
		return;
	train->packets[train->count].packet = packet;
	train->packets[train->count].ip = ip;
	train->sessions[train->count++] = source_address(ip, v4);
}

static inline bool is_long_enough(const struct rte_mbuf *mbuf, uint32_t l3_offset, bool v4)
{
	return mbuf->data_len >= l3_offset + ip_header_bytes(v4) + sizeof(struct rte_tcp_hdr);
}

/* False: it does not begin as @port's plain frames do. */
static inline bool board_at(const struct port *port, struct packet *packet, struct train *v4,
			    struct train *v6)
{
	const struct rte_mbuf *mbuf = packet->mbuf;
	const uint8_t *frame = rte_pktmbuf_mtod(mbuf, const uint8_t *);
	const uint32_t l3_offset = port->heads.l3_offset;

	if (is_long_enough(mbuf, l3_offset, true) && head_is(&port->heads.v4, frame))
		board(v4, packet, l3_offset, true);
	else if (is_long_enough(mbuf, l3_offset, false) && head_is(&port->heads.v6, frame))
		board(v6, packet, l3_offset, false);
	else
		return false;
	return true;
}

void train_board(const struct port *ports, struct burst *burst, struct train *v4, struct train *v6)
{
	const struct port *const first = &ports[burst->packets[0].rx_port];

	v4->count = v6->count = 0;
	for (uint32_t i = 0; i < burst->count; i++) {
		struct packet *packet = &burst->packets[i];
		const struct port *port = first;

		if (packet->mbuf->nb_segs > 1 || packet->mbuf->data_off < MR_FRONT_ROOM_BYTES)
			continue;
		while (!board_at(port, packet, v4, v6)) {
			port = &ports[port->sibling];
			if (port == first)
				break;
		}
	}
}
