/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only */
/*
 * Which frames are mailrail's. One answer for both programs: steer_xdp.bpf.c hands these
 * frames over, steer_tc.bpf.c hides the same ones from the kernel.
 */
#ifndef MAILRAIL_BPF_STEER_H
#define MAILRAIL_BPF_STEER_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "steer_keys.h"

/* linux/in.h does not have the flags: RFC 791, section 3.1. */
#define STEER_IPV4_MORE_FRAGMENTS 0x2000
#define STEER_IPV4_OFFSET_MASK	  0x1fff

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, STEER_ENDPOINTS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct steer_endpoint);
	__type(value, __u8);
} services SEC(".maps");

/* The balancer's own addresses, to which backends answer health probes. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, STEER_PROBE_SOURCES_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct steer_address);
	__type(value, __u8);
} probe_sources SEC(".maps");

/* What the maps are asked: the two ends of one TCP segment. */
struct steer_ends {
	struct steer_endpoint source;
	struct steer_endpoint destination;
};

static __always_inline void steer_map_v4(__u8 address[16], __be32 v4)
{
	__builtin_memset(address, 0, 10);
	address[10] = 0xff;
	address[11] = 0xff;
	__builtin_memcpy(&address[12], &v4, sizeof(v4));
}

static __always_inline bool steer_read_ports(const void *header, const void *end,
					     struct steer_ends *ends)
{
	const struct tcphdr *tcp = header;

	if ((const void *)(tcp + 1) > end)
		return false;
	ends->source.port = tcp->source;
	ends->destination.port = tcp->dest;
	return true;
}

/* @length: bytes from @ip to the end of the frame, in its linear part or not. */
static __always_inline bool steer_read_v4(const struct iphdr *ip, const void *end, __u32 length,
					  struct steer_ends *ends)
{
	__u32 header_bytes;
	__u32 total_bytes;

	if ((const void *)(ip + 1) > end || ip->version != 4 || ip->protocol != IPPROTO_TCP)
		return false;
	if (ip->frag_off & bpf_htons(STEER_IPV4_MORE_FRAGMENTS | STEER_IPV4_OFFSET_MASK))
		return false;
	header_bytes = ip->ihl * 4;
	total_bytes = bpf_ntohs(ip->tot_len);
	if (header_bytes < sizeof(*ip) || total_bytes > length ||
	    total_bytes < header_bytes + sizeof(struct tcphdr))
		return false;
	steer_map_v4(ends->source.address, ip->saddr);
	steer_map_v4(ends->destination.address, ip->daddr);
	return steer_read_ports((const __u8 *)ip + header_bytes, end, ends);
}

/* IPv4-mapped addresses name IPv4 ends in the maps; on the wire they are nobody's. */
static __always_inline bool steer_is_mapped(const struct in6_addr *address)
{
	return address->s6_addr32[0] == 0 && address->s6_addr32[1] == 0 &&
	       address->s6_addr32[2] == bpf_htonl(0xffff);
}

/* Extension headers stay with the kernel: TCP must follow at once. */
static __always_inline bool steer_read_v6(const struct ipv6hdr *ip, const void *end, __u32 length,
					  struct steer_ends *ends)
{
	__u32 payload_bytes;

	if ((const void *)(ip + 1) > end || ip->version != 6 || ip->nexthdr != IPPROTO_TCP)
		return false;
	if (steer_is_mapped(&ip->saddr) || steer_is_mapped(&ip->daddr))
		return false;
	payload_bytes = bpf_ntohs(ip->payload_len);
	if (payload_bytes < sizeof(struct tcphdr) || sizeof(*ip) + payload_bytes > length)
		return false;
	__builtin_memcpy(ends->source.address, &ip->saddr, sizeof(ip->saddr));
	__builtin_memcpy(ends->destination.address, &ip->daddr, sizeof(ip->daddr));
	return steer_read_ports(ip + 1, end, ends);
}

/*
 * True for a whole, untagged, unfragmented frame that carries TCP to a service, or TCP from a
 * service to one of the prober's addresses. @length: the frame's bytes, which may exceed
 * @end - @data where the rest is not in the linear part.
 */
static __always_inline bool steer_wants(const void *data, const void *end, __u32 length)
{
	const struct ethhdr *ethernet = data;
	struct steer_ends ends;
	struct steer_address reply_to;

	if ((const void *)(ethernet + 1) > end)
		return false;
	length -= sizeof(*ethernet);
	if (ethernet->h_proto == bpf_htons(ETH_P_IP)) {
		if (!steer_read_v4((const void *)(ethernet + 1), end, length, &ends))
			return false;
	} else if (ethernet->h_proto == bpf_htons(ETH_P_IPV6)) {
		if (!steer_read_v6((const void *)(ethernet + 1), end, length, &ends))
			return false;
	} else {
		return false;
	}
	if (bpf_map_lookup_elem(&services, &ends.destination))
		return true;
	if (!bpf_map_lookup_elem(&services, &ends.source))
		return false;
	__builtin_memcpy(reply_to.address, ends.destination.address, sizeof(reply_to.address));
	return bpf_map_lookup_elem(&probe_sources, &reply_to) != 0;
}

#endif
