/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only */
/*
 * Reading a tunnel's headers: where the inner packet begins, between whom the tunnel is, and
 * whether the inner packet is one that a balancer sends. Nothing here changes the frame.
 */
#ifndef MAILRAIL_BPF_DECAP_H
#define MAILRAIL_BPF_DECAP_H

#include <linux/bpf.h>
#include <linux/icmpv6.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "decap_keys.h"

/* sys/socket.h is not for BPF. */
#define DECAP_AF_INET  2
#define DECAP_AF_INET6 10

#define DECAP_TAGS_MAX	2
#define DECAP_TAG_BYTES 4

/* linux/in.h does not have the flags: RFC 791, section 3.1. */
#define DECAP_IPV4_MORE_FRAGMENTS 0x2000
#define DECAP_IPV4_OFFSET_MASK	  0x1fff

/* linux/icmp.h is not for BPF: RFC 792. */
#define DECAP_ICMP_UNREACHABLE	     3
#define DECAP_ICMP_TIME_EXCEEDED     11
#define DECAP_ICMP_PARAMETER_PROBLEM 12
#define DECAP_ICMP_BYTES	     8

/* RFC 8200, section 4.5: the 13 bits of the offset. */
#define DECAP_IPV6_OFFSET_MASK 0xfff8

/* RFC 8200, section 4.1, has five at most, destination options twice; some room is left. */
#define DECAP_EXTENSIONS_MAX 8

/* Not a verdict: the next step decides. */
#define DECAP_GO_ON DECAP_VERDICT_COUNT

/* Ethernet, and up to two VLAN tags. */
struct decap_link {
	__u8 addresses[2 * ETH_ALEN];
	__u8 tags[DECAP_TAGS_MAX][DECAP_TAG_BYTES];
	__u32 tag_count;
	__be16 ethertype; /* behind the tags */
};

struct decap_tunnel {
	struct decap_address source;
	struct decap_address destination;
	__u32 inner_offset; /* in the frame */
	__u32 inner_bytes;  /* that the outer headers leave to the inner packet */
	__u8 inner_version; /* 4 or 6 */
	__u8 outer_ecn;
	__u8 inner_ecn;
	bool is_outer_v6;
	bool is_gue;
};

/* NULL: the frame, or its linear part, ends before. */
static __always_inline void *decap_at(const struct xdp_md *frame, __u32 offset, __u32 bytes)
{
	__u8 *at = (__u8 *)(long)frame->data + offset;

	return at + bytes > (__u8 *)(long)frame->data_end ? NULL : at;
}

static __always_inline bool decap_is_tag(__be16 ethertype)
{
	return ethertype == bpf_htons(ETH_P_8021Q) || ethertype == bpf_htons(ETH_P_8021AD);
}

static __always_inline __u32 decap_link_bytes(const struct decap_link *link)
{
	return sizeof(struct ethhdr) + link->tag_count * DECAP_TAG_BYTES;
}

static __always_inline bool decap_read_link(const struct xdp_md *frame, struct decap_link *link)
{
	const struct ethhdr *ethernet = decap_at(frame, 0, sizeof(*ethernet));
	const __u8 *tag;

	if (!ethernet)
		return false;
	__builtin_memcpy(link->addresses, ethernet, sizeof(link->addresses));
	link->ethertype = ethernet->h_proto;
	link->tag_count = 0;
#pragma unroll
	for (__u32 i = 0; i < DECAP_TAGS_MAX; i++) {
		if (!decap_is_tag(link->ethertype))
			break;
		/* From the tag's own ethertype to the one behind it. */
		tag = decap_at(frame, 2 * ETH_ALEN + i * DECAP_TAG_BYTES, DECAP_TAG_BYTES + 2);
		if (!tag)
			return false;
		__builtin_memcpy(link->tags[i], tag, DECAP_TAG_BYTES);
		__builtin_memcpy(&link->ethertype, tag + DECAP_TAG_BYTES, sizeof(link->ethertype));
		link->tag_count++;
	}
	return true;
}

/* RFC 1071, of a header without options. */
static __always_inline bool decap_is_sum_right(const struct iphdr *ip)
{
	const __u16 *words = (const void *)ip;
	__u32 sum = 0;

#pragma unroll
	for (__u32 i = 0; i < sizeof(*ip) / sizeof(*words); i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff;
}

/*
 * The outer IP header's payload: for IP in IP all is said; GUE variant 1 has the inner IP header
 * straight behind UDP, and its version in the first four bits (draft-ietf-intarea-gue, section
 * 4). The UDP checksum may be zero (RFC 6935, section 5), and is not verified otherwise
 * either: that of the inner TCP covers what matters.
 */
static __always_inline enum decap_verdict decap_read_payload(const struct xdp_md *frame,
							     __u8 protocol, __be16 gue_port,
							     struct decap_tunnel *tunnel)
{
	const struct udphdr *udp;
	const __u8 *first;
	__u32 udp_bytes;

	tunnel->is_gue = protocol == IPPROTO_UDP;
	if (tunnel->is_gue) {
		udp = decap_at(frame, tunnel->inner_offset, sizeof(*udp));
		if (!udp || tunnel->inner_bytes < sizeof(*udp))
			return DECAP_TRUNCATED;
		if (udp->dest != gue_port)
			return DECAP_OTHER_PORT;
		udp_bytes = bpf_ntohs(udp->len);
		if (udp_bytes < sizeof(*udp) || udp_bytes > tunnel->inner_bytes)
			return DECAP_TRUNCATED;
		tunnel->inner_offset += sizeof(*udp);
		tunnel->inner_bytes = udp_bytes - sizeof(*udp);
	}
	first = decap_at(frame, tunnel->inner_offset, 1);
	if (!first || tunnel->inner_bytes == 0)
		return DECAP_TRUNCATED;
	tunnel->inner_version = *first >> 4;
	if (tunnel->inner_version != 4 && tunnel->inner_version != 6)
		return DECAP_INNER_VERSION;
	if (!tunnel->is_gue && (tunnel->inner_version == 6) != (protocol == IPPROTO_IPV6))
		return DECAP_INNER_VERSION;
	return DECAP_GO_ON;
}

static __always_inline bool decap_is_tunnel(__u8 protocol)
{
	return protocol == IPPROTO_IPIP || protocol == IPPROTO_IPV6 || protocol == IPPROTO_UDP;
}

/* @bytes: from @offset to the end of the frame. */
static __always_inline enum decap_verdict decap_read_outer_v4(const struct xdp_md *frame,
							      __u32 offset, __u32 bytes,
							      __be16 gue_port,
							      struct decap_tunnel *tunnel)
{
	const struct iphdr *ip = decap_at(frame, offset, sizeof(*ip));
	__u32 total_bytes;

	if (!ip)
		return DECAP_TRUNCATED;
	if (ip->version != 4 || !decap_is_tunnel(ip->protocol))
		return DECAP_NO_TUNNEL;
	total_bytes = bpf_ntohs(ip->tot_len);
	if (total_bytes > bytes || ip->ihl < 5 || total_bytes < ip->ihl * 4)
		return DECAP_TRUNCATED;
	if (ip->frag_off & bpf_htons(DECAP_IPV4_MORE_FRAGMENTS | DECAP_IPV4_OFFSET_MASK))
		return DECAP_FRAGMENT;
	if (ip->ihl > 5)
		return DECAP_OPTIONS;
	if (!decap_is_sum_right(ip))
		return DECAP_BAD_CHECKSUM;
	tunnel->source.family = DECAP_AF_INET;
	tunnel->destination.family = DECAP_AF_INET;
	__builtin_memcpy(tunnel->source.bytes, &ip->saddr, sizeof(ip->saddr));
	__builtin_memcpy(tunnel->destination.bytes, &ip->daddr, sizeof(ip->daddr));
	tunnel->outer_ecn = ip->tos & 3;
	tunnel->inner_offset = offset + sizeof(*ip);
	tunnel->inner_bytes = total_bytes - sizeof(*ip);
	return decap_read_payload(frame, ip->protocol, gue_port, tunnel);
}

/* The traffic class has its four upper bits in the first byte, and ECN in the second. */
static __always_inline __u8 decap_ecn_v6(const struct ipv6hdr *ip)
{
	return ((const __u8 *)ip)[1] >> 4 & 3;
}

static __always_inline enum decap_verdict decap_read_outer_v6(const struct xdp_md *frame,
							      __u32 offset, __u32 bytes,
							      __be16 gue_port,
							      struct decap_tunnel *tunnel)
{
	const struct ipv6hdr *ip = decap_at(frame, offset, sizeof(*ip));
	__u32 payload_bytes;

	if (!ip)
		return DECAP_TRUNCATED;
	if (ip->version != 6)
		return DECAP_NO_TUNNEL;
	if (ip->nexthdr == IPPROTO_FRAGMENT)
		return DECAP_FRAGMENT;
	if (ip->nexthdr == IPPROTO_HOPOPTS || ip->nexthdr == IPPROTO_DSTOPTS ||
	    ip->nexthdr == IPPROTO_ROUTING)
		return DECAP_OPTIONS;
	if (!decap_is_tunnel(ip->nexthdr))
		return DECAP_NO_TUNNEL;
	payload_bytes = bpf_ntohs(ip->payload_len);
	if (sizeof(*ip) + payload_bytes > bytes)
		return DECAP_TRUNCATED;
	tunnel->source.family = DECAP_AF_INET6;
	tunnel->destination.family = DECAP_AF_INET6;
	__builtin_memcpy(tunnel->source.bytes, &ip->saddr, sizeof(ip->saddr));
	__builtin_memcpy(tunnel->destination.bytes, &ip->daddr, sizeof(ip->daddr));
	tunnel->is_outer_v6 = true;
	tunnel->outer_ecn = decap_ecn_v6(ip);
	tunnel->inner_offset = offset + sizeof(*ip);
	tunnel->inner_bytes = payload_bytes;
	return decap_read_payload(frame, ip->nexthdr, gue_port, tunnel);
}

/* @frame_bytes: of the whole frame, of which only a part may be linear. */
static __always_inline enum decap_verdict decap_read_outer(const struct xdp_md *frame,
							   __u32 frame_bytes,
							   const struct decap_link *link,
							   __be16 gue_port,
							   struct decap_tunnel *tunnel)
{
	const __u32 offset = decap_link_bytes(link);
	const __u32 bytes = frame_bytes - offset;

	if (link->ethertype == bpf_htons(ETH_P_IP))
		return decap_read_outer_v4(frame, offset, bytes, gue_port, tunnel);
	if (link->ethertype == bpf_htons(ETH_P_IPV6))
		return decap_read_outer_v6(frame, offset, bytes, gue_port, tunnel);
	return DECAP_NO_TUNNEL;
}

/* Only errors are about sessions: RFC 792, and RFC 4443, section 2.1. */
static __always_inline bool decap_is_icmp_error(__u8 protocol, __u8 type)
{
	if (protocol == IPPROTO_ICMP)
		return type == DECAP_ICMP_UNREACHABLE || type == DECAP_ICMP_TIME_EXCEEDED ||
		       type == DECAP_ICMP_PARAMETER_PROBLEM;
	return type >= ICMPV6_DEST_UNREACH && type <= ICMPV6_PARAMPROB;
}

/*
 * What the inner packet carries. @bytes: from @offset to the packet's end. @icmp: the one that
 * belongs to its family. The first fragment has all that is asked for here.
 */
static __always_inline enum decap_verdict decap_read_inner_l4(struct xdp_md *frame, __u8 protocol,
							      __u8 icmp, __u32 offset, __u32 bytes,
							      bool is_fragment)
{
	__u8 type;

	if (protocol == IPPROTO_IPIP || protocol == IPPROTO_IPV6)
		return DECAP_NESTED;
	if (protocol == IPPROTO_TCP)
		return bytes < sizeof(struct tcphdr) ? DECAP_TRUNCATED : DECAP_GO_ON;
	if (protocol != icmp || is_fragment)
		return DECAP_INNER_PROTOCOL;
	if (bytes < DECAP_ICMP_BYTES || bpf_xdp_load_bytes(frame, offset, &type, 1) != 0)
		return DECAP_TRUNCATED;
	return decap_is_icmp_error(protocol, type) ? DECAP_GO_ON : DECAP_INNER_PROTOCOL;
}

static __always_inline enum decap_verdict decap_read_inner_v4(struct xdp_md *frame,
							      struct decap_tunnel *tunnel)
{
	const struct iphdr *ip = decap_at(frame, tunnel->inner_offset, sizeof(*ip));
	__u32 header_bytes, total_bytes;
	__u16 fragment;

	if (!ip || tunnel->inner_bytes < sizeof(*ip))
		return DECAP_TRUNCATED;
	header_bytes = ip->ihl * 4;
	total_bytes = bpf_ntohs(ip->tot_len);
	if (header_bytes < sizeof(*ip) || total_bytes < header_bytes ||
	    total_bytes > tunnel->inner_bytes)
		return DECAP_TRUNCATED;
	tunnel->inner_ecn = ip->tos & 3;
	fragment = bpf_ntohs(ip->frag_off);
	/* A later fragment has no more to look at. */
	if ((fragment & DECAP_IPV4_OFFSET_MASK) != 0 && ip->protocol == IPPROTO_TCP)
		return DECAP_GO_ON;
	return decap_read_inner_l4(
		frame, ip->protocol, IPPROTO_ICMP, tunnel->inner_offset + header_bytes,
		total_bytes - header_bytes,
		(fragment & (DECAP_IPV4_MORE_FRAGMENTS | DECAP_IPV4_OFFSET_MASK)) != 0);
}

static __always_inline bool decap_is_extension(__u8 next)
{
	return next == IPPROTO_HOPOPTS || next == IPPROTO_DSTOPTS || next == IPPROTO_ROUTING ||
	       next == IPPROTO_FRAGMENT;
}

/* All four kinds begin like this: RFC 8200, section 4. */
struct decap_extension {
	__u8 next;
	__u8 length;	 /* in 8 bytes, less one; not of a fragment header, which has 8 bytes */
	__be16 fragment; /* of a fragment header: offset and flags */
	__u8 rest[4];
};

static __always_inline enum decap_verdict decap_read_inner_v6(struct xdp_md *frame,
							      struct decap_tunnel *tunnel)
{
	const struct ipv6hdr *ip = decap_at(frame, tunnel->inner_offset, sizeof(*ip));
	struct decap_extension extension;
	__u32 offset, bytes, length;
	bool is_fragment = false;
	__u8 next;

	if (!ip || tunnel->inner_bytes < sizeof(*ip))
		return DECAP_TRUNCATED;
	bytes = bpf_ntohs(ip->payload_len);
	if (sizeof(*ip) + bytes > tunnel->inner_bytes)
		return DECAP_TRUNCATED;
	tunnel->inner_ecn = decap_ecn_v6(ip);
	offset = tunnel->inner_offset + sizeof(*ip);
	next = ip->nexthdr;
	for (int i = 0; i < DECAP_EXTENSIONS_MAX && decap_is_extension(next); i++) {
		if (bytes < sizeof(extension) ||
		    bpf_xdp_load_bytes(frame, offset, &extension, sizeof(extension)) != 0)
			return DECAP_TRUNCATED;
		length = next == IPPROTO_FRAGMENT ? 8 : (extension.length + 1) * 8;
		if (length > bytes)
			return DECAP_TRUNCATED;
		is_fragment = is_fragment || next == IPPROTO_FRAGMENT;
		/* What a later fragment says of its first is all that there is to look at. */
		if (next == IPPROTO_FRAGMENT &&
		    (extension.fragment & bpf_htons(DECAP_IPV6_OFFSET_MASK)) != 0 &&
		    (extension.next == IPPROTO_TCP || decap_is_extension(extension.next)))
			return DECAP_GO_ON;
		next = extension.next;
		offset += length;
		bytes -= length;
	}
	return decap_read_inner_l4(frame, next, IPPROTO_ICMPV6, offset, bytes, is_fragment);
}

static __always_inline enum decap_verdict decap_read_inner(struct xdp_md *frame,
							   struct decap_tunnel *tunnel)
{
	return tunnel->inner_version == 6 ? decap_read_inner_v6(frame, tunnel)
					  : decap_read_inner_v4(frame, tunnel);
}

#endif
