/* SPDX-License-Identifier: BSD-3-Clause */
#include "quote.h"

#include <netinet/in.h>

#include <rte_byteorder.h>
#include <rte_ip.h>

#include "extensions.h"
#include "pull_up.h"

/* Before the quote, in both families. */
#define ICMP_HEADER_BYTES 8

/* What every ICMP error quotes of TCP at least: ports and sequence number. RFC 792. */
#define TCP_QUOTE_BYTES 8

/* RFC 792. */
enum icmp_v4_type {
	ICMP_V4_UNREACHABLE = 3, /* fragmentation needed, too */
	ICMP_V4_TIME_EXCEEDED = 11,
	ICMP_V4_PARAMETER_PROBLEM = 12,
};

/* RFC 4443, section 2.1. */
enum icmp_v6_type {
	ICMP_V6_UNREACHABLE = 1,
	ICMP_V6_TOO_BIG = 2,
	ICMP_V6_TIME_EXCEEDED = 3,
	ICMP_V6_PARAMETER_PROBLEM = 4,
};

bool quote_is_in_icmp_v4(uint8_t type)
{
	return type == ICMP_V4_UNREACHABLE || type == ICMP_V4_TIME_EXCEEDED ||
	       type == ICMP_V4_PARAMETER_PROBLEM;
}

bool quote_is_in_icmp_v6(uint8_t type)
{
	return type == ICMP_V6_UNREACHABLE || type == ICMP_V6_TOO_BIG ||
	       type == ICMP_V6_TIME_EXCEEDED || type == ICMP_V6_PARAMETER_PROBLEM;
}

/* The quoted packet, as far as it goes. */
struct quote {
	struct mr_addr source;
	struct mr_addr destination;
	struct extensions chain; /* from behind its IP header to TCP, in what is quoted */
};

/* Both return UNDECIDED or a verdict, like extensions_follow(). */
static uint8_t read_quote_v4(struct rte_mbuf *mbuf, uint32_t offset, struct quote *quote)
{
	const struct rte_ipv4_hdr *ip;

	if (quote->chain.end - offset < sizeof(*ip))
		return MR_DROP_NOT_SERVICE;
	if (!pull_up(mbuf, offset + sizeof(*ip)))
		return MR_DROP_SCATTERED;
	ip = rte_pktmbuf_mtod_offset(mbuf, const struct rte_ipv4_hdr *, offset);
	if (ip->version != 4 || rte_ipv4_hdr_len(ip) < sizeof(*ip) ||
	    ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_OFFSET_MASK))
		return MR_DROP_NOT_SERVICE;
	quote->source = mr_addr_from_v4(&ip->src_addr);
	quote->destination = mr_addr_from_v4(&ip->dst_addr);
	quote->chain.protocol = ip->next_proto_id;
	quote->chain.offset = offset + rte_ipv4_hdr_len(ip);
	return UNDECIDED;
}

static uint8_t read_quote_v6(struct rte_mbuf *mbuf, uint32_t offset, struct quote *quote)
{
	const struct rte_ipv6_hdr *ip;
	uint8_t verdict;

	if (quote->chain.end - offset < sizeof(*ip))
		return MR_DROP_NOT_SERVICE;
	if (!pull_up(mbuf, offset + sizeof(*ip)))
		return MR_DROP_SCATTERED;
	ip = rte_pktmbuf_mtod_offset(mbuf, const struct rte_ipv6_hdr *, offset);
	if (rte_be_to_cpu_32(ip->vtc_flow) >> 28 != 6)
		return MR_DROP_NOT_SERVICE;
	quote->source = mr_addr_from_v6(ip->src_addr);
	quote->destination = mr_addr_from_v6(ip->dst_addr);
	quote->chain.protocol = ip->proto;
	quote->chain.offset = offset + sizeof(*ip);
	verdict = extensions_follow(mbuf, &quote->chain);
	if (verdict == MR_DROP_SCATTERED)
		return verdict;
	if (verdict != UNDECIDED || quote->chain.fragment == FRAGMENT_LATER)
		return MR_DROP_NOT_SERVICE;
	return UNDECIDED;
}

/* Is it TCP that has gone from @sender, to a place that can be told apart from IPv4's? */
static bool quotes_session(const struct quote *quote, const struct mr_addr *sender)
{
	const uint32_t end = quote->chain.end;

	return quote->chain.protocol == IPPROTO_TCP && quote->chain.offset <= end &&
	       end - quote->chain.offset >= TCP_QUOTE_BYTES &&
	       mr_addr_equal(&quote->source, sender) &&
	       mr_addr_is_v4(&quote->destination) == mr_addr_is_v4(sender);
}

/* The session's packets come from where the quoted one was going. */
static void turn_round(struct packet *packet, const struct quote *quote)
{
	const struct rte_tcp_hdr *tcp;

	packet->kind = PACKET_ICMP_ERROR;
	packet->quote_l4_offset = (uint16_t)quote->chain.offset;
	tcp = (const void *)&packet_bytes(packet)[packet->quote_l4_offset];
	packet->tuple.client = quote->destination;
	packet->tuple.client_port = tcp->dst_port;
	packet->tuple.service = quote->source;
	packet->tuple.service_port = tcp->src_port;
}

/* Quotes that are damaged, or of something else, are the kernel's. */
void quote_parse(struct packet *packet)
{
	const uint32_t offset = (uint32_t)packet->l4_offset + ICMP_HEADER_BYTES;
	struct quote quote = {
		.chain.end = (uint32_t)packet->l4_offset + packet->l4_bytes,
		.chain.is_quoted = true,
	};
	uint8_t verdict = MR_DROP_NOT_SERVICE;

	if (packet->l4_bytes >= ICMP_HEADER_BYTES)
		verdict = packet_is_v4(packet) ? read_quote_v4(packet->mbuf, offset, &quote)
					       : read_quote_v6(packet->mbuf, offset, &quote);
	if (verdict == UNDECIDED && !quotes_session(&quote, &packet->tuple.service))
		verdict = MR_DROP_NOT_SERVICE;
	if (verdict == UNDECIDED && !pull_up(packet->mbuf, quote.chain.offset + TCP_QUOTE_BYTES))
		verdict = MR_DROP_SCATTERED;
	if (verdict == UNDECIDED) {
		packet->quote_offset = (uint16_t)offset;
		turn_round(packet, &quote);
	} else if (verdict == MR_DROP_NOT_SERVICE) {
		packet_leave(packet, MR_DROP_NOT_SERVICE);
	} else {
		packet->verdict = verdict;
	}
}
