/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only */
/*
 * Takes what a balancer sends by `ipip` or `gue` out of its tunnel, on a mail server without the
 * kernel's tunnel modules. All else reaches the kernel untouched, tunnels of other people too.
 */
#include "decap.h"

/* Set by the loader before the program is loaded. */
const volatile __be16 gue_port;

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, DECAP_SOURCES_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct decap_source);
	__type(value, __u8);
} sources SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, DECAP_DESTINATIONS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct decap_address);
	__type(value, __u8);
} destinations SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, DECAP_VERDICT_COUNT);
	__type(key, __u32);
	__type(value, struct decap_count);
} counters SEC(".maps");

/* Without it anybody could send past the filters of the network and of this host. */
static __always_inline enum decap_verdict check_ends(const struct decap_tunnel *tunnel)
{
	const struct decap_source source = {
		.prefix_bits = DECAP_FAMILY_BITS + (tunnel->is_outer_v6 ? 128 : 32),
		.address = tunnel->source,
	};

	if (!bpf_map_lookup_elem(&destinations, &tunnel->destination))
		return DECAP_FOREIGN_DESTINATION;
	if (!bpf_map_lookup_elem(&sources, &source))
		return DECAP_FOREIGN_SOURCE;
	return DECAP_GO_ON;
}

#define ECT_1 1
#define ECT_0 2
#define CE    3

/* The table of RFC 6040, section 4.2, but for the one case that drops the packet. */
static __always_inline __u8 ecn_onward(const struct decap_tunnel *tunnel)
{
	if (tunnel->inner_ecn == 0)
		return 0;
	if (tunnel->outer_ecn == CE)
		return CE;
	if (tunnel->outer_ecn == ECT_1 && tunnel->inner_ecn == ECT_0)
		return ECT_1;
	return tunnel->inner_ecn;
}

/* The checksum follows as RFC 1624, section 3, equation 3 has it. */
static __always_inline void set_ecn_v4(struct iphdr *ip, __u8 ecn)
{
	__u16 *first = (void *)ip;
	const __u16 before = *first;
	__u32 sum;

	ip->tos = (ip->tos & ~3) | ecn;
	sum = (__u16)~ip->check + (__u16)~before + *first;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	ip->check = ~sum;
}

static __always_inline void set_ecn_v6(struct ipv6hdr *ip, __u8 ecn)
{
	__u8 *second = (__u8 *)ip + 1;

	*second = (*second & ~0x30) | ecn << 4;
}

/* @offset: of the inner IP header. */
static __always_inline void set_ecn(struct xdp_md *frame, __u32 offset,
				    const struct decap_tunnel *tunnel)
{
	const __u8 ecn = ecn_onward(tunnel);
	void *ip = decap_at(frame, offset, sizeof(struct iphdr));

	if (!ip || ecn == tunnel->inner_ecn)
		return;
	if (tunnel->inner_version == 6)
		set_ecn_v6(ip, ecn);
	else
		set_ecn_v4(ip, ecn);
}

static __always_inline void write_link(struct xdp_md *frame, const struct decap_link *link,
				       __be16 ethertype)
{
	__u8 *at = decap_at(frame, 0, sizeof(link->addresses));

	if (at)
		__builtin_memcpy(at, link->addresses, sizeof(link->addresses));
#pragma unroll
	for (__u32 i = 0; i < DECAP_TAGS_MAX; i++) {
		at = decap_at(frame, 2 * ETH_ALEN + i * DECAP_TAG_BYTES, DECAP_TAG_BYTES);
		if (at && i < link->tag_count)
			__builtin_memcpy(at, link->tags[i], DECAP_TAG_BYTES);
	}
	at = decap_at(frame, 2 * ETH_ALEN + link->tag_count * DECAP_TAG_BYTES, sizeof(ethertype));
	if (at)
		__builtin_memcpy(at, &ethertype, sizeof(ethertype));
}

static __always_inline enum decap_verdict take_out(struct xdp_md *frame,
						   const struct decap_link *link,
						   const struct decap_tunnel *tunnel)
{
	const bool is_inner_v6 = tunnel->inner_version == 6;

	if (tunnel->outer_ecn == CE && tunnel->inner_ecn == 0)
		return DECAP_ECN;
	/* The frame keeps the inner header at least, so that the kernel has nothing to object. */
	if (bpf_xdp_adjust_head(frame, tunnel->inner_offset - decap_link_bytes(link)) != 0)
		return DECAP_NOT_RESIZED;
	set_ecn(frame, decap_link_bytes(link), tunnel);
	write_link(frame, link, is_inner_v6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP));
	return DECAP_IPIP_4IN4 + tunnel->is_gue * 4 + tunnel->is_outer_v6 * 2 + is_inner_v6;
}

static __always_inline enum decap_verdict decapsulate(struct xdp_md *frame, __u32 frame_bytes)
{
	struct decap_tunnel tunnel = {};
	struct decap_link link;
	enum decap_verdict verdict;

	if (!decap_read_link(frame, &link))
		return DECAP_TRUNCATED;
	verdict = decap_read_outer(frame, frame_bytes, &link, gue_port, &tunnel);
	if (verdict != DECAP_GO_ON)
		return verdict;
	verdict = check_ends(&tunnel);
	if (verdict != DECAP_GO_ON)
		return verdict;
	verdict = decap_read_inner(frame, &tunnel);
	if (verdict != DECAP_GO_ON)
		return verdict;
	return take_out(frame, &link, &tunnel);
}

SEC("xdp.frags")
int mailrail_decap(struct xdp_md *frame)
{
	const __u32 bytes = bpf_xdp_get_buff_len(frame);
	const __u32 verdict = decapsulate(frame, bytes);
	struct decap_count *count = bpf_map_lookup_elem(&counters, &verdict);

	if (count) {
		count->packets++;
		count->bytes += bytes;
	}
	return verdict == DECAP_ECN ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
