/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only */
/*
 * Which frames are mailrail's. One answer for both programs: steer_xdp.bpf.c hands these
 * frames over, steer_tc.bpf.c hides the same ones from the kernel behind it. The workers' parse and
 * match_service must agree: what they would leave to the kernel is not taken here, and what
 * they forward is. Frames whose lengths contradict each other are the kernel's to drop.
 */
#ifndef MAILRAIL_BPF_STEER_H
#define MAILRAIL_BPF_STEER_H

#include <linux/bpf.h>
#include <linux/icmpv6.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "steer_keys.h"

#define STEER_TAGS_IN_FRAME 2

/* IEEE 802.1Q, section 9.6: beside the id there are priority and drop eligibility. */
#define STEER_TAG_ID_MASK 0x0fff

/* linux/in.h does not have the flags: RFC 791, section 3.1. */
#define STEER_V4_MORE_FRAGMENTS 0x2000
#define STEER_V4_OFFSET_MASK	0x1fff

/* RFC 8200, section 4.5: 13 bits of offset, 2 reserved ones and "more fragments". */
#define STEER_V6_MORE_FRAGMENTS 0x0001
#define STEER_V6_OFFSET_MASK	0xfff8

/* linux/icmp.h is not for BPF: RFC 792. */
#define STEER_ICMP_UNREACHABLE	     3
#define STEER_ICMP_TIME_EXCEEDED     11
#define STEER_ICMP_PARAMETER_PROBLEM 12

/* RFC 792 and RFC 4443: the message's header, and what it quotes of TCP at least. */
#define STEER_ICMP_BYTES      8
#define STEER_QUOTE_TCP_BYTES 8

/*
 * No header that is looked at begins further back: link, two IP headers, their extensions. All
 * bits below are ones.
 */
#define STEER_OFFSET_MAX 2047

#define STEER_HASH_MAP(name, key_type, entries)       \
	struct {                                      \
		__uint(type, BPF_MAP_TYPE_HASH);      \
		__uint(max_entries, entries);         \
		__uint(map_flags, BPF_F_NO_PREALLOC); \
		__type(key, key_type);                \
		__type(value, __u8);                  \
	} name SEC(".maps")

/* Whose frames: the tag lists of the ports on this interface. */
STEER_HASH_MAP(tags, __u32, STEER_TAGS_MAX);
/* Where services listen, and at which addresses. */
STEER_HASH_MAP(services, struct steer_endpoint, STEER_ENDPOINTS_MAX);
STEER_HASH_MAP(service_addrs, struct steer_address, STEER_ENDPOINTS_MAX);
/* From where backends of nat pools answer. */
STEER_HASH_MAP(nat_sources, struct steer_endpoint, STEER_NAT_SOURCES_MAX);
STEER_HASH_MAP(nat_addrs, struct steer_address, STEER_NAT_SOURCES_MAX);
/* The balancer's own addresses, to which backends answer health probes. */
STEER_HASH_MAP(probe_sources, struct steer_address, STEER_PROBE_SOURCES_MAX);

/*
 * Copies @bytes of the frame from @offset on; false: they are not all there. The program that
 * includes this defines it, and steer_context, which is what its hook gives.
 */
static __always_inline bool steer_load(steer_context *context, __u32 offset, void *to, __u32 bytes);

struct steer_link {
	__u32 tags; /* steer_tags_key() */
	__u32 tag_count;
	__be16 ethertype; /* behind the tags */
	__u32 offset;	  /* of what follows, from the start of the frame */
};

struct steer_packet {
	__u32 offset;  /* of what follows the IP header, from the start of the frame */
	__u32 end;     /* of the packet, likewise */
	__u8 protocol; /* behind IPv6 extension headers; of a later fragment what it says */
	bool is_fragment;
	bool is_later_fragment;
	struct steer_endpoint source; /* ports: steer_read_ports() */
	struct steer_endpoint destination;
};

static __always_inline bool steer_is_tag(__be16 ethertype)
{
	return ethertype == bpf_htons(ETH_P_8021Q) || ethertype == bpf_htons(ETH_P_8021AD);
}

/* Id 0 gives a frame a priority, but puts it into no VLAN: it counts as no tag. */
static __always_inline void steer_add_tag(struct steer_link *link, __u16 tci)
{
	const __u16 id = tci & STEER_TAG_ID_MASK;

	link->tags = link->tags == 0 ? steer_tags_key(id, 0) : link->tags | id;
	link->tag_count++;
}

/* @link has a tag already when the kernel or the card took one off the frame. */
static __always_inline bool steer_read_link(steer_context *context, struct steer_link *link)
{
	struct ethhdr ethernet;
	struct {
		__be16 tci;
		__be16 ethertype;
	} tag;

	/* What is for everybody or a group is the kernel's: no session is. */
	if (!steer_load(context, 0, &ethernet, sizeof(ethernet)) || (ethernet.h_dest[0] & 1) != 0)
		return false;
	link->ethertype = ethernet.h_proto;
	link->offset = sizeof(ethernet);
#pragma unroll
	for (int i = 0; i < STEER_TAGS_IN_FRAME; i++) {
		if (!steer_is_tag(link->ethertype))
			break;
		if (link->tag_count == STEER_TAGS_IN_FRAME ||
		    !steer_load(context, link->offset, &tag, sizeof(tag)))
			return false;
		steer_add_tag(link, bpf_ntohs(tag.tci));
		link->ethertype = tag.ethertype;
		link->offset += sizeof(tag);
	}
	return true;
}

static __always_inline void steer_map_v4(__u8 address[16], __be32 v4)
{
	__builtin_memset(address, 0, 10);
	address[10] = 0xff;
	address[11] = 0xff;
	__builtin_memcpy(&address[12], &v4, sizeof(v4));
}

/*
 * @offset: of the IP header; @end: of the frame, or of the ICMP message that quotes the packet.
 * A quoted packet was longer than its quote, as a rule.
 */
static __always_inline bool steer_read_v4(steer_context *context, __u32 offset, __u32 end,
					  bool is_quoted, struct steer_packet *packet)
{
	struct iphdr ip;
	__u32 header_bytes, total_bytes;
	__u16 fragment;

	if (!steer_load(context, offset, &ip, sizeof(ip)) || ip.version != 4)
		return false;
	header_bytes = ip.ihl * 4;
	total_bytes = bpf_ntohs(ip.tot_len);
	if (header_bytes < sizeof(ip))
		return false;
	if (!is_quoted && (total_bytes < header_bytes || offset + total_bytes > end))
		return false;
	packet->offset = offset + header_bytes;
	packet->end = is_quoted ? end : offset + total_bytes;
	packet->protocol = ip.protocol;
	fragment = bpf_ntohs(ip.frag_off);
	packet->is_fragment = (fragment & (STEER_V4_MORE_FRAGMENTS | STEER_V4_OFFSET_MASK)) != 0;
	packet->is_later_fragment = (fragment & STEER_V4_OFFSET_MASK) != 0;
	steer_map_v4(packet->source.address, ip.saddr);
	steer_map_v4(packet->destination.address, ip.daddr);
	return true;
}

/* IPv4-mapped addresses name IPv4 ends in the maps; on the wire they are nobody's. */
static __always_inline bool steer_is_mapped(const struct in6_addr *address)
{
	return address->s6_addr32[0] == 0 && address->s6_addr32[1] == 0 &&
	       address->s6_addr32[2] == bpf_htonl(0xffff);
}

static __always_inline bool steer_is_same(const __u8 a[16], const __u8 b[16])
{
	__u64 words[4];

	__builtin_memcpy(&words[0], a, 16);
	__builtin_memcpy(&words[2], b, 16);
	return words[0] == words[2] && words[1] == words[3];
}

/* Mobility, ESP and what else there is are not looked behind. */
static __always_inline bool steer_is_extension(__u8 protocol)
{
	return protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_DSTOPTS ||
	       protocol == IPPROTO_ROUTING || protocol == IPPROTO_FRAGMENT ||
	       protocol == IPPROTO_AH;
}

/* How all of them begin: RFC 8200, section 4; RFC 4302, section 2. */
struct steer_extension {
	__u8 next;
	__u8 length; /* AH: in 4 bytes, less two; fragment: none; others: in 8 bytes, less one */
	union {
		__be16 fragment; /* fragment: offset and flags */
		struct {
			__u8 routing_type;
			__u8 segments_left;
		};
	};
};

static __always_inline __u32 steer_extension_bytes(__u8 protocol,
						   const struct steer_extension *extension)
{
	if (protocol == IPPROTO_FRAGMENT)
		return 8;
	return protocol == IPPROTO_AH ? (extension->length + 2) * 4 : (extension->length + 1) * 8;
}

/*
 * To the header behind the last one that is an extension; of a later fragment, whose headers
 * are in the first, behind its fragment header. Returns 1, or 0: more than is looked behind, or
 * nothing that a host could send to us.
 *
 * A function of its own and not static, so that the verifier walks its loop once, and not again
 * for every way that leads here. It wants NULL ruled out then.
 */
__noinline int steer_skip_extensions(steer_context *context, struct steer_packet *packet)
{
	struct steer_extension extension;
	__u32 bytes = 0;

	if (!packet)
		return 0;
	for (int i = 0; i < STEER_EXTENSIONS_MAX && steer_is_extension(packet->protocol); i++) {
		const __u8 protocol = packet->protocol;

		if (!steer_load(context, packet->offset + bytes, &extension, sizeof(extension)) ||
		    (protocol == IPPROTO_HOPOPTS && i > 0) ||
		    (protocol == IPPROTO_ROUTING && extension.segments_left != 0))
			return 0;
		bytes += steer_extension_bytes(protocol, &extension);
		if (bytes > STEER_EXTENSION_BYTES_MAX || packet->offset + bytes > packet->end)
			return 0;
		packet->protocol = extension.next;
		if (protocol != IPPROTO_FRAGMENT)
			continue;
		/* Neither: a datagram in one fragment (RFC 6946), which counts as none. */
		if (extension.fragment & bpf_htons(STEER_V6_OFFSET_MASK | STEER_V6_MORE_FRAGMENTS))
			packet->is_fragment = true;
		if (extension.fragment & bpf_htons(STEER_V6_OFFSET_MASK)) {
			packet->is_later_fragment = true;
			return 1;
		}
	}
	packet->offset += bytes;
	return !steer_is_extension(packet->protocol);
}

/* As steer_read_v4(). */
static __always_inline bool steer_read_v6(steer_context *context, __u32 offset, __u32 end,
					  bool is_quoted, struct steer_packet *packet)
{
	struct ipv6hdr ip;
	__u32 payload_bytes;

	if (!steer_load(context, offset, &ip, sizeof(ip)) || ip.version != 6 ||
	    steer_is_mapped(&ip.saddr) || steer_is_mapped(&ip.daddr))
		return false;
	payload_bytes = bpf_ntohs(ip.payload_len);
	packet->offset = offset + sizeof(ip);
	packet->end = is_quoted ? end : packet->offset + payload_bytes;
	if (packet->end > end)
		return false;
	packet->protocol = ip.nexthdr;
	packet->is_fragment = false;
	packet->is_later_fragment = false;
	__builtin_memcpy(packet->source.address, &ip.saddr, sizeof(ip.saddr));
	__builtin_memcpy(packet->destination.address, &ip.daddr, sizeof(ip.daddr));
	return !steer_is_extension(ip.nexthdr) || steer_skip_extensions(context, packet) != 0;
}

static __always_inline bool steer_read_ip(steer_context *context, bool is_v6, __u32 offset,
					  __u32 end, bool is_quoted, struct steer_packet *packet)
{
	return is_v6 ? steer_read_v6(context, offset, end, is_quoted, packet)
		     : steer_read_v4(context, offset, end, is_quoted, packet);
}

/* @bytes: of TCP that must be there. */
static __always_inline bool steer_read_ports(steer_context *context, __u32 bytes,
					     struct steer_packet *packet)
{
	struct tcphdr tcp;

	if (packet->offset + bytes > packet->end ||
	    !steer_load(context, packet->offset, &tcp, bytes))
		return false;
	packet->source.port = tcp.source;
	packet->destination.port = tcp.dest;
	return true;
}

/* To a service, from a nat backend, or from a service to the prober. */
static __always_inline bool steer_wants_segment(steer_context *context, struct steer_packet *packet)
{
	if (!steer_read_ports(context, sizeof(struct tcphdr), packet))
		return false;
	if (bpf_map_lookup_elem(&services, &packet->destination) ||
	    bpf_map_lookup_elem(&nat_sources, &packet->source))
		return true;
	return bpf_map_lookup_elem(&services, &packet->source) &&
	       bpf_map_lookup_elem(&probe_sources, packet->destination.address);
}

/*
 * Only the first fragment has ports, and all must go the same way: the address decides. A later
 * IPv6 fragment may name an extension header, behind which the first has TCP or not.
 */
static __always_inline bool steer_wants_fragment(const struct steer_packet *packet, bool is_v6)
{
	if (packet->protocol != IPPROTO_TCP && !(is_v6 && steer_is_extension(packet->protocol)))
		return false;
	return bpf_map_lookup_elem(&service_addrs, packet->destination.address) ||
	       bpf_map_lookup_elem(&nat_addrs, packet->source.address);
}

/* RFC 792; RFC 4443, section 2.1. */
static __always_inline bool steer_is_error(__u8 type, bool is_v6)
{
	if (is_v6)
		return type >= ICMPV6_DEST_UNREACH && type <= ICMPV6_PARAMPROB;
	return type == STEER_ICMP_UNREACHABLE || type == STEER_ICMP_TIME_EXCEEDED ||
	       type == STEER_ICMP_PARAMETER_PROBLEM;
}

/*
 * An error goes to whom it quotes as the sender: a service, or the client of a nat backend. A
 * quoted later fragment has no ports.
 */
static __always_inline bool steer_wants_icmp(steer_context *context, bool is_v6,
					     const struct steer_packet *packet)
{
	struct steer_packet quote;
	__u8 type;

	__builtin_memset(&quote, 0, sizeof(quote));
	if (!steer_load(context, packet->offset, &type, sizeof(type)) ||
	    !steer_is_error(type, is_v6))
		return false;
	if (!steer_read_ip(context, is_v6, packet->offset + STEER_ICMP_BYTES, packet->end, true,
			   &quote))
		return false;
	if (quote.protocol != IPPROTO_TCP || quote.is_later_fragment ||
	    !steer_read_ports(context, STEER_QUOTE_TCP_BYTES, &quote) ||
	    !steer_is_same(quote.source.address, packet->destination.address))
		return false;
	return bpf_map_lookup_elem(&services, &quote.source) ||
	       bpf_map_lookup_elem(&nat_sources, &quote.destination);
}

/* @link: where the IP header begins, and what it is. @end: of the frame. */
static __always_inline bool steer_wants_packet(steer_context *context,
					       const struct steer_link *link, __u32 end)
{
	const bool is_v6 = link->ethertype == bpf_htons(ETH_P_IPV6);
	struct steer_packet packet;

	__builtin_memset(&packet, 0, sizeof(packet));
	if (!is_v6 && link->ethertype != bpf_htons(ETH_P_IP))
		return false;
	if (!steer_read_ip(context, is_v6, link->offset, end, false, &packet))
		return false;
	if (packet.is_fragment)
		return steer_wants_fragment(&packet, is_v6);
	if (packet.protocol == IPPROTO_TCP)
		return steer_wants_segment(context, &packet);
	if (packet.protocol == (is_v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
		return steer_wants_icmp(context, is_v6, &packet);
	return false;
}

/*
 * @frame_bytes: of the whole frame, of which a part may be out of steer_load()'s reach. @link:
 * zeroed, or with a tag that is not in the frame any more. Tags are looked up last, as most of
 * what is not ours is known by less.
 */
static __always_inline bool steer_wants(steer_context *context, __u32 frame_bytes,
					struct steer_link *link)
{
	return steer_read_link(context, link) && steer_wants_packet(context, link, frame_bytes) &&
	       bpf_map_lookup_elem(&tags, &link->tags);
}

#endif
