/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Step 2: Ethernet and its tags, IPv4 or IPv6, TCP or an ICMP error about TCP. Reads the frame;
 * sets rx_port by the tags, and every field of the packet that tells of its headers. What is
 * none of these is left to the kernel; what contradicts itself is dropped, each under its own
 * reason.
 */
#include "packet.h"

#include <netinet/in.h>

#include <rte_byteorder.h>
#include <rte_ip.h>

#include "checksum.h"
#include "extensions.h"
#include "fragments.h"
#include "pull_up.h"
#include "quote.h"

#define TAGS_MAX 2

#define IPV6_MULTICAST_FIRST 0xff /* first byte of ff00::/8 */

/* Units of 8 bytes: such a fragment would overwrite the TCP flags. RFC 3128, section 3. */
#define OFFSET_INTO_TCP_HEADER 1

struct tags {
	uint32_t count;
	uint16_t ids[TAGS_MAX]; /* outermost first, host byte order */
};

/* Drops what can be nobody's: where the kernel has a copy, that is its own affair. */
static void drop_unless_copied(struct packet *packet, enum mr_verdict verdict)
{
	packet->verdict = packet->kernel == KERNEL_HAS_COPY ? MR_LEFT_TO_KERNEL : verdict;
}

/* Are the frame's first @bytes there to be read? Else it gets its verdict. */
static bool can_read(struct packet *packet, uint32_t bytes)
{
	if (bytes > rte_pktmbuf_pkt_len(packet->mbuf)) {
		drop_unless_copied(packet, MR_DROP_TRUNCATED);
		return false;
	}
	if (!pull_up(packet->mbuf, bytes)) {
		packet->verdict = MR_DROP_SCATTERED;
		return false;
	}
	return true;
}

static void parse_tcp(struct packet *packet)
{
	/* Part of a header is for the fragments that follow to complete, or to forge. */
	const uint8_t too_short =
		packet->fragment == FRAGMENT_FIRST ? MR_DROP_FRAGMENT_TINY : MR_DROP_BAD_TCP;
	const struct rte_tcp_hdr *tcp;
	uint32_t header_bytes;

	if (packet->l4_bytes < sizeof(*tcp)) {
		packet->verdict = too_short;
		return;
	}
	if (!can_read(packet, packet->l4_offset + sizeof(*tcp)))
		return;
	tcp = (const void *)&packet_bytes(packet)[packet->l4_offset];
	header_bytes = (uint32_t)(tcp->data_off >> 4) * 4;
	if (header_bytes < sizeof(*tcp) || header_bytes > packet->l4_bytes) {
		packet->verdict = header_bytes < sizeof(*tcp) ? MR_DROP_BAD_TCP : too_short;
		return;
	}
	/* Only the clamp of the MSS looks at options, and it can do without. */
	(void)pull_up(packet->mbuf, packet->l4_offset + header_bytes);
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

/* Sets the lengths; false: they contradict the frame or each other. */
static bool measure_v4(struct packet *packet, const struct rte_ipv4_hdr *ip)
{
	const uint32_t header_bytes = rte_ipv4_hdr_len(ip);
	const uint32_t total_bytes = rte_be_to_cpu_16(ip->total_length);

	if (ip->version != 4 || header_bytes < sizeof(*ip) || total_bytes < header_bytes ||
	    total_bytes > rte_pktmbuf_pkt_len(packet->mbuf) - packet->l3_offset)
		return false;
	packet->l3_bytes = total_bytes;
	packet->l4_offset = (uint16_t)(packet->l3_offset + header_bytes);
	packet->l4_bytes = (uint16_t)(total_bytes - header_bytes);
	return true;
}

/* False: it cannot be a piece of a datagram. */
static bool read_fragment_v4(struct packet *packet, const struct rte_ipv4_hdr *ip)
{
	const uint16_t field = rte_be_to_cpu_16(ip->fragment_offset);
	const uint32_t offset_bytes =
		(uint32_t)(field & RTE_IPV4_HDR_OFFSET_MASK) * RTE_IPV4_HDR_OFFSET_UNITS;
	const bool more = (field & RTE_IPV4_HDR_MF_FLAG) != 0;

	if (offset_bytes == 0 && !more)
		return true;
	packet->fragment = offset_bytes == 0 ? FRAGMENT_FIRST : FRAGMENT_LATER;
	packet->fragment_id = ip->packet_id;
	return fragment_fits(offset_bytes, packet->l4_bytes, more);
}

static bool checksum_is_right(const struct rte_mbuf *mbuf, const struct rte_ipv4_hdr *ip)
{
	switch (mbuf->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) {
	case RTE_MBUF_F_RX_IP_CKSUM_GOOD:
		return true;
	case RTE_MBUF_F_RX_IP_CKSUM_BAD:
		return false;
	default:
		return rte_ipv4_hdr_len(ip) == sizeof(*ip) ? checksum_is_right_ipv4(ip)
							   : rte_ipv4_cksum(ip) == 0;
	}
}

/* TCP, or an ICMP error. Reads the message's type, which must be there to be read. */
static bool is_wanted(const struct packet *packet, uint8_t protocol)
{
	const uint8_t *l4 = &packet_bytes(packet)[packet->l4_offset];

	if (protocol == IPPROTO_TCP)
		return true;
	if (packet->fragment != FRAGMENT_NONE || packet->l4_bytes == 0)
		return false;
	return packet_is_v4(packet) ? protocol == IPPROTO_ICMP && quote_is_in_icmp_v4(*l4)
				    : protocol == IPPROTO_ICMPV6 && quote_is_in_icmp_v6(*l4);
}

/* Behind the IP header, whose addresses are in the tuple. */
static void parse_upper(struct packet *packet, uint8_t protocol)
{
	if (protocol != IPPROTO_TCP)
		quote_parse(packet);
	else if (packet->fragment != FRAGMENT_LATER)
		parse_tcp(packet);
}

static uint8_t check_v4(const struct packet *packet, const struct rte_ipv4_hdr *ip)
{
	const rte_be16_t offset = ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_OFFSET_MASK);

	if (!checksum_is_right(packet->mbuf, ip))
		return MR_DROP_BAD_CHECKSUM;
	if (ip->time_to_live == 0)
		return MR_DROP_TTL;
	if (offset == RTE_BE16(OFFSET_INTO_TCP_HEADER))
		return MR_DROP_FRAGMENT_TINY;
	return UNDECIDED;
}

static void parse_ipv4(struct packet *packet)
{
	const struct rte_ipv4_hdr *ip;

	if (!can_read(packet, packet->l3_offset + sizeof(*ip)))
		return;
	ip = (const void *)&packet_bytes(packet)[packet->l3_offset];
	if (!measure_v4(packet, ip) || !is_host_v4(ip->src_addr) || !read_fragment_v4(packet, ip)) {
		packet->verdict = MR_DROP_BAD_IP;
		return;
	}
	if (!can_read(packet, packet->l4_offset + (packet->l4_bytes > 0)))
		return;
	if (!is_wanted(packet, ip->next_proto_id)) {
		packet_leave(packet, MR_DROP_NOT_SERVICE);
		return;
	}
	packet->verdict = check_v4(packet, ip);
	if (packet->verdict != UNDECIDED)
		return;
	packet->tuple.client = mr_addr_from_v4(&ip->src_addr);
	packet->tuple.service = mr_addr_from_v4(&ip->dst_addr);
	parse_upper(packet, ip->next_proto_id);
}

/* Sets the lengths and what the extension headers tell; returns UNDECIDED or a verdict. */
static uint8_t measure_v6(struct packet *packet, const struct rte_ipv6_hdr *ip,
			  struct extensions *chain)
{
	const uint32_t l3_bytes = (uint32_t)sizeof(*ip) + rte_be_to_cpu_16(ip->payload_len);
	uint8_t verdict;

	if (rte_be_to_cpu_32(ip->vtc_flow) >> 28 != 6 ||
	    l3_bytes > rte_pktmbuf_pkt_len(packet->mbuf) - packet->l3_offset ||
	    ip->src_addr[0] == IPV6_MULTICAST_FIRST)
		return MR_DROP_BAD_IP;
	*chain = (struct extensions){
		.offset = packet->l3_offset + (uint32_t)sizeof(*ip),
		.end = packet->l3_offset + l3_bytes,
		.protocol = ip->proto,
	};
	verdict = extensions_follow(packet->mbuf, chain);
	packet->l3_bytes = l3_bytes;
	packet->l4_offset = (uint16_t)chain->offset;
	packet->l4_bytes = (uint16_t)(chain->end - chain->offset);
	packet->fragment = chain->fragment;
	packet->fragment_id = chain->fragment_id;
	return verdict;
}

/*
 * A later fragment names the first header behind the fragment header, which it does not have:
 * TCP may come after that one.
 */
static uint8_t upper_protocol(const struct extensions *chain)
{
	if (chain->fragment == FRAGMENT_LATER && extensions_have(chain->protocol))
		return IPPROTO_TCP;
	return chain->protocol;
}

static void refuse_v6(struct packet *packet, uint8_t verdict)
{
	if (verdict == MR_DROP_NOT_SERVICE)
		packet_leave(packet, MR_DROP_NOT_SERVICE);
	else if (verdict == MR_DROP_EXTENSIONS)
		drop_unless_copied(packet, MR_DROP_EXTENSIONS);
	else
		packet->verdict = verdict;
}

static void parse_ipv6(struct packet *packet)
{
	const struct rte_ipv6_hdr *ip;
	struct extensions chain;
	uint8_t verdict;

	if (!can_read(packet, packet->l3_offset + sizeof(*ip)))
		return;
	ip = (const void *)&packet_bytes(packet)[packet->l3_offset];
	verdict = measure_v6(packet, ip, &chain);
	if (verdict != UNDECIDED) {
		refuse_v6(packet, verdict);
		return;
	}
	if (!can_read(packet, packet->l4_offset + (packet->l4_bytes > 0)))
		return;
	packet->tuple.client = mr_addr_from_v6(ip->src_addr);
	packet->tuple.service = mr_addr_from_v6(ip->dst_addr);
	/* IPv4's own form of address in here: never on the wire (RFC 4291, section 2.5.5.2). */
	if (mr_addr_is_v4(&packet->tuple.client) || mr_addr_is_v4(&packet->tuple.service) ||
	    !is_wanted(packet, upper_protocol(&chain))) {
		packet_leave(packet, MR_DROP_NOT_SERVICE);
		return;
	}
	if (ip->hop_limits == 0) {
		packet->verdict = MR_DROP_TTL;
		return;
	}
	parse_upper(packet, upper_protocol(&chain));
}

/*
 * Reads up to two tags and sets l3_offset behind them; *@out_type is what follows. A tag with
 * id 0 carries a priority only (IEEE 802.1Q, section 9.6). False: the frame ends there.
 */
static bool read_tags(struct packet *packet, rte_be16_t *out_type, struct tags *out)
{
	rte_be16_t type = ((const struct rte_ether_hdr *)packet_bytes(packet))->ether_type;
	uint32_t offset = sizeof(struct rte_ether_hdr);

	*out = (struct tags){0};
	for (uint32_t i = 0; i < TAGS_MAX && (type == RTE_BE16(RTE_ETHER_TYPE_VLAN) ||
					      type == RTE_BE16(RTE_ETHER_TYPE_QINQ));
	     i++) {
		const struct rte_vlan_hdr *tag;
		uint16_t id;

		if (!can_read(packet, offset + sizeof(*tag)))
			return false;
		tag = (const void *)&packet_bytes(packet)[offset];
		id = rte_be_to_cpu_16(tag->vlan_tci) & RTE_ETHER_MAX_VLAN_ID;
		if (id != 0)
			out->ids[out->count++] = id;
		type = tag->eth_proto;
		offset += sizeof(*tag);
	}
	packet->l3_offset = (uint16_t)offset;
	*out_type = type;
	return true;
}

static bool has_tags(const struct port *port, const struct tags *tags)
{
	return port->tag_count == tags->count && port->tags[0] == tags->ids[0] &&
	       port->tags[1] == tags->ids[1];
}

/* Of the ports on the device that it came from, the one that these tags are of. */
static bool find_port(const struct worker *worker, struct packet *packet, const struct tags *tags)
{
	uint8_t port = packet->rx_port;

	if (port == WORKER_PROBE_PORT)
		return tags->count == 0;
	do {
		if (has_tags(&worker->ports[port], tags)) {
			packet->rx_port = port;
			packet->kernel = packet_kernel_at(worker, port);
			return true;
		}
		port = worker->ports[port].sibling;
	} while (port != packet->rx_port);
	return false;
}

/* The prober's frames come from our own kernel, whatever station it sends them to. */
static bool is_for_another(const struct worker *worker, const struct packet *packet)
{
	const struct rte_ether_hdr *ethernet = (const void *)packet_bytes(packet);

	return packet->rx_port != WORKER_PROBE_PORT &&
	       rte_is_unicast_ether_addr(&ethernet->dst_addr) &&
	       !rte_is_same_ether_addr(&ethernet->dst_addr, &worker->ports[packet->rx_port].mac);
}

/* Broadcasts and multicasts: ARP, NDP, and never a session. */
static bool is_for_many(const struct packet *packet)
{
	const struct rte_ether_hdr *ethernet = (const void *)packet_bytes(packet);

	return packet->rx_port != WORKER_PROBE_PORT &&
	       rte_is_multicast_ether_addr(&ethernet->dst_addr);
}

static void parse_ethernet(const struct worker *worker, struct packet *packet)
{
	rte_be16_t type;
	struct tags tags;

	if (!can_read(packet, sizeof(struct rte_ether_hdr)))
		return;
	if (is_for_another(worker, packet)) {
		drop_unless_copied(packet, MR_DROP_NOT_OURS);
		return;
	}
	if (!read_tags(packet, &type, &tags))
		return;
	if (!find_port(worker, packet, &tags))
		packet_leave(packet, MR_DROP_VLAN);
	else if (is_for_many(packet))
		packet_leave(packet, MR_DROP_NOT_SERVICE);
	else if (type == RTE_BE16(RTE_ETHER_TYPE_IPV4))
		parse_ipv4(packet);
	else if (type == RTE_BE16(RTE_ETHER_TYPE_IPV6))
		parse_ipv6(packet);
	else
		packet_leave(packet, MR_DROP_NOT_SERVICE);
}

void parse(const struct worker *worker, struct burst *burst)
{
	for (uint32_t i = 0; i < burst->count; i++)
		if (burst->packets[i].verdict == UNDECIDED)
			parse_ethernet(worker, &burst->packets[i]);
}
