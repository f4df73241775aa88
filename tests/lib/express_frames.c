/* SPDX-License-Identifier: BSD-3-Clause */
#include "express_frames.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_ip.h>
#include <rte_tcp.h>

#define TYPE_OFFSET	  offsetof(struct rte_ether_hdr, ether_type)
#define PAYLOAD_MAX_BYTES 1460
#define HEADROOM_BYTES	  128
#define PADDING_MAX_BYTES 60
#define V6_FRAGMENT_BYTES 8
#define SEGMENTS_MAX	  12

static struct rte_ipv4_hdr *ipv4_of(struct express_frame *frame)
{
	return (void *)&frame->bytes[frame->l3_offset];
}

static struct rte_ipv6_hdr *ipv6_of(struct express_frame *frame)
{
	return (void *)&frame->bytes[frame->l3_offset];
}

static uint8_t *tcp_bytes(struct express_frame *frame)
{
	return &frame->bytes[frame->l3_offset + (frame->v4 ? sizeof(struct rte_ipv4_hdr)
							   : sizeof(struct rte_ipv6_hdr))];
}

static struct rte_tcp_hdr *tcp_of(struct express_frame *frame)
{
	return (void *)tcp_bytes(frame);
}

static void put_16(uint8_t *bytes, uint16_t value)
{
	const rte_be16_t wire = rte_cpu_to_be_16(value);

	memcpy(bytes, &wire, sizeof(wire));
}

static uint16_t get_16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

void express_frame_correct(struct express_frame *frame)
{
	struct rte_ipv4_hdr *ip = ipv4_of(frame);

	if (!frame->v4)
		return;
	ip->hdr_checksum = 0;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
}

/* --- plain frames */

/* Of two tags the outer one is a service tag, and any priority will do. */
static void set_tags(struct express_frame *frame, uint32_t count)
{
	if (count == 2)
		put_16(&frame->bytes[TYPE_OFFSET], RTE_ETHER_TYPE_QINQ);
	for (uint32_t i = 0; i < count; i++)
		frame->bytes[TYPE_OFFSET + 2 + i * RTE_VLAN_HLEN] |=
			(uint8_t)(express_chance(16) << 4);
}

/* A quarter of them is what some services exclude. */
static void set_client(struct express_frame *frame)
{
	const struct mr_addr any = frame_addr(frame->v4 ? "198.18.0.0" : "2001:db8:c::");
	uint8_t *source =
		frame->v4 ? (uint8_t *)&ipv4_of(frame)->src_addr : ipv6_of(frame)->src_addr;

	memcpy(source, &any.bytes[frame->v4 ? 12 : 0], frame->v4 ? 4 : 16);
	source[frame->v4 ? 2 : 6] = (uint8_t)express_chance(256);
	source[frame->v4 ? 3 : 15] = (uint8_t)express_chance(256);
}

/* What a client offers that opens a session. */
static void set_mss(struct express_frame *frame)
{
	uint8_t *option = tcp_bytes(frame) + sizeof(struct rte_tcp_hdr);

	option[0] = 2;
	option[1] = 4;
	put_16(&option[2], (uint16_t)(400 + express_chance(1200)));
}

static uint8_t random_tcp_flags(void)
{
	static const uint8_t usual[] = {
		RTE_TCP_ACK_FLAG,
		RTE_TCP_ACK_FLAG | RTE_TCP_PSH_FLAG,
		RTE_TCP_SYN_FLAG,
		RTE_TCP_SYN_FLAG | RTE_TCP_ECE_FLAG | RTE_TCP_CWR_FLAG,
		RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG,
		RTE_TCP_FIN_FLAG | RTE_TCP_ACK_FLAG,
		RTE_TCP_RST_FLAG,
	};

	return express_chance(4) == 0 ? (uint8_t)express_chance(256)
				      : usual[express_chance(RTE_DIM(usual))];
}

void express_frame_make(struct express_frame *frame, const struct express_world *world,
			uint32_t port, mr_service_id service, bool v4)
{
	const struct port *at = &world->ports[port];
	const struct mr_addr address = express_service_address(service, v4);
	const struct frame_spec spec = {
		.to = at->mac,
		.from = {{0x02, 0, 0, 0, 9, (uint8_t)express_chance(256)}},
		.client = v4 ? "198.18.0.0" : "2001:db8:c::",
		.service = v4 ? "10.0.0.0" : "2001:db8::",
		.client_port = (uint16_t)(1024 + express_chance(64)),
		.service_port = EXPRESS_PORT,
		.tcp_flags = random_tcp_flags(),
		.tag_count = at->tag_count,
		.tags = {at->tags[0], at->tags[1]},
		.dont_fragment = express_chance(2) == 0,
		.traffic_class = (uint8_t)express_chance(256),
		.tcp_option_bytes = (uint8_t)(express_chance(11) * 4),
		.payload_bytes =
			(uint16_t)(express_chance(2) == 0 ? 0 : express_chance(PAYLOAD_MAX_BYTES)),
	};

	frame->count = frame_build(&spec, frame->bytes);
	frame->v4 = v4;
	frame->l3_offset = (uint16_t)(RTE_ETHER_HDR_LEN + at->tag_count * RTE_VLAN_HLEN);
	frame->ring = world->leaders[port];
	frame->headroom = HEADROOM_BYTES;
	frame->segment_bytes = 0;
	frame->rx_flags = 0;
	frame->difference_count = 0;
	set_tags(frame, at->tag_count);
	set_client(frame);
	memcpy(tcp_bytes(frame) - (v4 ? 4 : 16), &address.bytes[v4 ? 12 : 0], v4 ? 4 : 16);
	if (spec.tcp_option_bytes > 0)
		set_mss(frame);
	express_frame_correct(frame);
}

void express_frame_make_any(struct express_frame *frame, const struct express_world *world)
{
	express_frame_make(frame, world, express_chance(RIG_PORTS),
			   (mr_service_id)express_chance(EXPRESS_SERVICES), express_chance(2) == 0);
}

void express_frame_set_flags(struct express_frame *frame, uint8_t tcp_flags)
{
	tcp_of(frame)->tcp_flags = tcp_flags;
}

void express_frame_join(struct express_frame *frame, struct express_frame *other)
{
	const uint32_t address_bytes = frame->v4 ? 8 : 32;

	if (frame->v4 != other->v4)
		return;
	memcpy(tcp_bytes(frame) - address_bytes, tcp_bytes(other) - address_bytes,
	       address_bytes + 4);
	express_frame_correct(frame);
}

void express_frame_tell(struct express_frame *frame)
{
	const struct rte_tcp_hdr *tcp = tcp_of(frame);
	const uint8_t *addresses = tcp_bytes(frame) - (frame->v4 ? 8 : 32);

	printf("  ring %u, %4u bytes, from ", frame->ring, frame->count);
	for (const uint8_t *byte = addresses; byte < (const uint8_t *)tcp; byte++)
		printf("%02x", *byte);
	printf(" ports %u to %u, TCP flags %02x:", rte_be_to_cpu_16(tcp->src_port),
	       rte_be_to_cpu_16(tcp->dst_port), tcp->tcp_flags);
	for (uint32_t i = 0; i < frame->difference_count; i++)
		printf(" %s;", frame->differences[i]);
	putchar('\n');
}

struct rte_mbuf *express_frame_to_mbuf(const struct express_frame *frame, struct rte_mempool *pool)
{
	struct rte_mbuf *mbuf =
		frame->segment_bytes == 0
			? frame_to_mbuf_behind(pool, frame->headroom, frame->bytes, frame->count)
			: frame_to_segments(pool, frame->headroom, frame->bytes, frame->count,
					    frame->segment_bytes);

	if (mbuf != NULL)
		mbuf->ol_flags |= frame->rx_flags;
	return mbuf;
}

/* --- differences: the link */

static bool to_another_station(struct express_frame *frame)
{
	frame->bytes[express_chance(RTE_ETHER_ADDR_LEN)] ^= 0x10;
	return true;
}

static bool to_all_stations(struct express_frame *frame)
{
	memset(frame->bytes, 0xff, RTE_ETHER_ADDR_LEN);
	return true;
}

static bool from_another_station(struct express_frame *frame)
{
	frame->bytes[RTE_ETHER_ADDR_LEN + express_chance(RTE_ETHER_ADDR_LEN)] ^= 0x10;
	return true;
}

static uint32_t tag_count(const struct express_frame *frame)
{
	return (uint32_t)(frame->l3_offset - RTE_ETHER_HDR_LEN) / RTE_VLAN_HLEN;
}

/* One of the frame's tags, at its type; NULL: it has none. */
static uint8_t *any_tag(struct express_frame *frame)
{
	const uint32_t count = tag_count(frame);

	return count == 0 ? NULL
			  : &frame->bytes[TYPE_OFFSET + express_chance(count) * RTE_VLAN_HLEN];
}

/* No port has ids with that bit. */
static bool tag_of_nobody(struct express_frame *frame)
{
	uint8_t *tag = any_tag(frame);

	if (tag != NULL)
		tag[2] ^= 0x04;
	return tag != NULL;
}

static bool tag_priority(struct express_frame *frame)
{
	uint8_t *tag = any_tag(frame);

	if (tag != NULL)
		tag[2] ^= (uint8_t)(0x10 << express_chance(4));
	return tag != NULL;
}

static bool tag_type(struct express_frame *frame)
{
	uint8_t *tag = any_tag(frame);

	if (tag == NULL)
		return false;
	put_16(tag, get_16(tag) == RTE_ETHER_TYPE_VLAN ? RTE_ETHER_TYPE_QINQ : RTE_ETHER_TYPE_VLAN);
	return true;
}

static void insert(struct express_frame *frame, uint32_t offset, uint32_t bytes)
{
	memmove(&frame->bytes[offset + bytes], &frame->bytes[offset],
		FRAME_BYTES_MAX - offset - bytes);
	memset(&frame->bytes[offset], 0, bytes);
	frame->count += bytes;
}

/* IEEE 802.1Q, section 9.6: id 0 is a priority and no tag. */
static bool tag_without_id(struct express_frame *frame)
{
	insert(frame, TYPE_OFFSET, RTE_VLAN_HLEN);
	put_16(&frame->bytes[TYPE_OFFSET], RTE_ETHER_TYPE_VLAN);
	frame->l3_offset += RTE_VLAN_HLEN;
	return true;
}

static bool tag_missing(struct express_frame *frame)
{
	if (tag_count(frame) == 0 || frame->count < RTE_VLAN_HLEN)
		return false;
	memmove(&frame->bytes[TYPE_OFFSET], &frame->bytes[TYPE_OFFSET + RTE_VLAN_HLEN],
		FRAME_BYTES_MAX - TYPE_OFFSET - RTE_VLAN_HLEN);
	frame->count -= RTE_VLAN_HLEN;
	frame->l3_offset -= RTE_VLAN_HLEN;
	return true;
}

static bool another_type(struct express_frame *frame)
{
	static const uint16_t types[] = {RTE_ETHER_TYPE_ARP, RTE_ETHER_TYPE_LLDP, 0x0600,
					 RTE_ETHER_TYPE_MPLS};

	put_16(&frame->bytes[frame->l3_offset - 2], types[express_chance(RTE_DIM(types))]);
	return true;
}

static bool type_of_other_family(struct express_frame *frame)
{
	put_16(&frame->bytes[frame->l3_offset - 2],
	       frame->v4 ? RTE_ETHER_TYPE_IPV6 : RTE_ETHER_TYPE_IPV4);
	return true;
}

/* --- differences: IP */

static bool another_version(struct express_frame *frame)
{
	frame->bytes[frame->l3_offset] ^= (uint8_t)(0x10 << express_chance(4));
	return true;
}

static bool another_header_length(struct express_frame *frame)
{
	if (!frame->v4)
		return false;
	ipv4_of(frame)->version_ihl ^= (uint8_t)(1 << express_chance(4));
	express_frame_correct(frame);
	return true;
}

static bool ip_options(struct express_frame *frame)
{
	struct rte_ipv4_hdr *ip = ipv4_of(frame);
	const uint32_t words = 1 + express_chance(10);

	if (!frame->v4)
		return false;
	insert(frame, frame->l3_offset + (uint32_t)sizeof(*ip), 4 * words);
	memset(ip + 1, 1, (size_t)4 * words);
	ip->version_ihl = (uint8_t)(RTE_IPV4_VHL_DEF + words);
	ip->total_length =
		rte_cpu_to_be_16((uint16_t)(rte_be_to_cpu_16(ip->total_length) + 4 * words));
	express_frame_correct(frame);
	return true;
}

static void add_extension(struct express_frame *frame, uint8_t protocol, uint32_t bytes)
{
	struct rte_ipv6_hdr *ip = ipv6_of(frame);
	uint8_t *extension = (uint8_t *)(ip + 1);

	insert(frame, frame->l3_offset + (uint32_t)sizeof(*ip), bytes);
	extension[0] = ip->proto;
	extension[1] = (uint8_t)(bytes / 8 - 1);
	ip->proto = protocol;
	ip->payload_len = rte_cpu_to_be_16((uint16_t)(rte_be_to_cpu_16(ip->payload_len) + bytes));
}

static bool extension_header(struct express_frame *frame)
{
	if (frame->v4)
		return false;
	add_extension(frame, express_chance(2) == 0 ? IPPROTO_HOPOPTS : IPPROTO_DSTOPTS,
		      8 * (1 + express_chance(3)));
	return true;
}

/* First ones, later ones, and those whose offset is 1. */
static bool fragment(struct express_frame *frame)
{
	const uint16_t offset = (uint16_t)(express_chance(2) == 0 ? 0 : 1 + express_chance(200));
	const bool more = offset == 0 || express_chance(2) == 0;
	struct rte_ipv4_hdr *ip = ipv4_of(frame);

	if (frame->v4) {
		ip->packet_id = rte_cpu_to_be_16((uint16_t)express_chance(4));
		ip->fragment_offset = rte_cpu_to_be_16(offset | (more ? RTE_IPV4_HDR_MF_FLAG : 0));
		express_frame_correct(frame);
		return true;
	}
	add_extension(frame, IPPROTO_FRAGMENT, V6_FRAGMENT_BYTES);
	put_16(tcp_bytes(frame) + 2, (uint16_t)(offset << 3 | more));
	tcp_bytes(frame)[7] = (uint8_t)express_chance(4);
	return true;
}

/* Bits of a fragment's that say nothing of the packet's being one. */
static bool fragment_field(struct express_frame *frame)
{
	if (!frame->v4)
		return false;
	ipv4_of(frame)->packet_id = (rte_be16_t)express_chance(UINT16_MAX + 1);
	ipv4_of(frame)->fragment_offset ^=
		express_chance(2) == 0 ? RTE_BE16(RTE_IPV4_HDR_DF_FLAG) : RTE_BE16(0x8000);
	express_frame_correct(frame);
	return true;
}

static bool class_or_label(struct express_frame *frame)
{
	if (frame->v4)
		ipv4_of(frame)->type_of_service = (uint8_t)express_chance(256);
	else
		ipv6_of(frame)->vtc_flow ^= rte_cpu_to_be_32(express_chance(1 << 28));
	express_frame_correct(frame);
	return true;
}

static bool set_ttl(struct express_frame *frame, uint8_t ttl)
{
	if (frame->v4)
		ipv4_of(frame)->time_to_live = ttl;
	else
		ipv6_of(frame)->hop_limits = ttl;
	express_frame_correct(frame);
	return true;
}

static bool ttl_of_0(struct express_frame *frame)
{
	return set_ttl(frame, 0);
}

static bool ttl_of_1(struct express_frame *frame)
{
	return set_ttl(frame, 1);
}

static bool another_protocol(struct express_frame *frame)
{
	static const uint8_t protocols[] = {IPPROTO_UDP,    IPPROTO_ICMP, IPPROTO_ICMPV6,
					    IPPROTO_IPIP,   IPPROTO_SCTP, IPPROTO_TCP | 0x80,
					    IPPROTO_TCP | 1};
	const uint8_t protocol = protocols[express_chance(RTE_DIM(protocols))];

	if (frame->v4)
		ipv4_of(frame)->next_proto_id = protocol;
	else
		ipv6_of(frame)->proto = protocol;
	express_frame_correct(frame);
	return true;
}

static bool wrong_checksum(struct express_frame *frame)
{
	if (!frame->v4)
		return false;
	ipv4_of(frame)->hdr_checksum ^= (rte_be16_t)(1 << express_chance(16));
	return true;
}

static bool checksum_good(struct express_frame *frame)
{
	frame->rx_flags = RTE_MBUF_F_RX_IP_CKSUM_GOOD;
	return true;
}

/* The card has the last word. */
static bool checksum_good_but_wrong(struct express_frame *frame)
{
	frame->rx_flags = RTE_MBUF_F_RX_IP_CKSUM_GOOD;
	return wrong_checksum(frame);
}

static bool checksum_bad(struct express_frame *frame)
{
	frame->rx_flags = RTE_MBUF_F_RX_IP_CKSUM_BAD;
	return frame->v4;
}

/* Nobody looks at an IPv6 header for one. */
static bool checksum_bad_v6(struct express_frame *frame)
{
	if (frame->v4)
		return false;
	frame->rx_flags = RTE_MBUF_F_RX_IP_CKSUM_BAD;
	return true;
}

static bool checksum_none(struct express_frame *frame)
{
	frame->rx_flags = RTE_MBUF_F_RX_IP_CKSUM_NONE | RTE_MBUF_F_RX_L4_CKSUM_BAD;
	return true;
}

static bool checksum_none_and_wrong(struct express_frame *frame)
{
	frame->rx_flags = RTE_MBUF_F_RX_IP_CKSUM_NONE;
	return wrong_checksum(frame);
}

/* --- differences: lengths */

static uint32_t ip_bytes(struct express_frame *frame)
{
	return frame->v4 ? rte_be_to_cpu_16(ipv4_of(frame)->total_length)
			 : rte_be_to_cpu_16(ipv6_of(frame)->payload_len) +
				   (uint32_t)sizeof(struct rte_ipv6_hdr);
}

static void set_ip_bytes(struct express_frame *frame, uint32_t bytes)
{
	if (frame->v4)
		ipv4_of(frame)->total_length = rte_cpu_to_be_16((uint16_t)bytes);
	else
		ipv6_of(frame)->payload_len =
			rte_cpu_to_be_16((uint16_t)(bytes - sizeof(struct rte_ipv6_hdr)));
	express_frame_correct(frame);
}

static uint32_t header_bytes(struct express_frame *frame)
{
	return (uint32_t)(tcp_bytes(frame) - &frame->bytes[frame->l3_offset]) +
	       (uint32_t)(tcp_of(frame)->data_off >> 4) * 4;
}

static bool says_too_long(struct express_frame *frame)
{
	set_ip_bytes(frame, frame->count - frame->l3_offset + 1 + express_chance(100));
	return true;
}

static bool says_longest(struct express_frame *frame)
{
	set_ip_bytes(frame, frame->v4 ? UINT16_MAX : UINT16_MAX + 40);
	return true;
}

static bool says_too_short(struct express_frame *frame)
{
	const uint32_t least = frame->v4 ? 0 : sizeof(struct rte_ipv6_hdr);

	if (header_bytes(frame) == least)
		return false;
	set_ip_bytes(frame, least + express_chance(header_bytes(frame) - least));
	return true;
}

/* All behind the TCP header is padding then. */
static bool says_no_payload(struct express_frame *frame)
{
	set_ip_bytes(frame, header_bytes(frame));
	return true;
}

static bool padding(struct express_frame *frame)
{
	const uint32_t bytes = 1 + express_chance(PADDING_MAX_BYTES);

	memset(&frame->bytes[frame->count], 0xee, bytes);
	frame->count += bytes;
	return true;
}

/* So much of it that with it the packet does not fit where without it it does. */
static bool long_padding(struct express_frame *frame)
{
	const uint32_t bytes = 500 + express_chance(1000);

	if (frame->count + bytes > FRAME_BYTES_MAX / 2)
		return false;
	memset(&frame->bytes[frame->count], 0xee, bytes);
	frame->count += bytes;
	return true;
}

/* In an mbuf of its own. */
static bool padding_apart(struct express_frame *frame)
{
	const uint32_t bytes = frame->count;

	if (bytes == 0)
		return false;
	frame->segment_bytes = (uint16_t)bytes;
	return padding(frame);
}

static bool cut_off(struct express_frame *frame)
{
	const uint32_t whole = frame->l3_offset + ip_bytes(frame);

	if (frame->count == 0)
		return false;
	frame->count = express_chance(RTE_MIN(whole, frame->count));
	return true;
}

static bool one_byte_short(struct express_frame *frame)
{
	if (frame->count == 0 || frame->l3_offset + ip_bytes(frame) != frame->count)
		return false;
	frame->count--;
	return true;
}

/* Not so many that a burst needs all mbufs that there are. */
static bool several_segments(struct express_frame *frame)
{
	const uint32_t least = 1 + frame->count / SEGMENTS_MAX;

	if (frame->count <= least)
		return false;
	frame->segment_bytes = (uint16_t)(least + express_chance(frame->count - least));
	return true;
}

static bool little_headroom(struct express_frame *frame)
{
	/* Even, as with every driver: headers are made of words of two bytes. */
	frame->headroom = (uint16_t)(2 * express_chance(MR_FRONT_ROOM_BYTES / 2));
	return true;
}

static bool just_enough_headroom(struct express_frame *frame)
{
	frame->headroom = MR_FRONT_ROOM_BYTES;
	return true;
}

/* --- differences: addresses */

static bool set_address(struct express_frame *frame, bool source, const char *text_v4,
			const char *text_v6)
{
	const char *text = frame->v4 ? text_v4 : text_v6;
	const uint32_t bytes = frame->v4 ? 4 : 16;
	struct mr_addr address;

	if (text == NULL)
		return false;
	address = frame_addr(text);
	memcpy(tcp_bytes(frame) - (source ? 2 : 1) * bytes, &address.bytes[16 - bytes], bytes);
	express_frame_correct(frame);
	return true;
}

static bool from_group(struct express_frame *frame)
{
	return set_address(frame, true, express_chance(2) == 0 ? "224.0.0.1" : "239.255.255.255",
			   express_chance(2) == 0 ? "ff02::1" : "ffff::");
}

static bool from_class_e(struct express_frame *frame)
{
	return set_address(frame, true, express_chance(2) == 0 ? "240.0.0.0" : "255.255.255.254",
			   NULL);
}

static bool from_everybody(struct express_frame *frame)
{
	return set_address(frame, true, "255.255.255.255", NULL);
}

/* As far up and down as hosts go, and what only looks like more. */
static bool from_the_edge(struct express_frame *frame)
{
	static const char *const v4[] = {"223.255.255.255", "0.0.0.0", "127.0.0.1", "10.0.0.10"};
	static const char *const v6[] = {"feff::1", "0:0:0:1::", "1::", "2001:db8::a"};
	const uint32_t which = express_chance(RTE_DIM(v4));

	return set_address(frame, true, v4[which], v6[which]);
}

static bool from_lowest_v6(struct express_frame *frame)
{
	static const char *const v6[] = {"::", "::7", "::1", "::ffff:198.18.0.1", "::fffe:0:1"};

	return set_address(frame, true, NULL, v6[express_chance(RTE_DIM(v6))]);
}

static bool to_lowest_v6(struct express_frame *frame)
{
	static const char *const v6[] = {"::", "::7", "::ffff:10.0.0.10"};

	return set_address(frame, false, NULL, v6[express_chance(RTE_DIM(v6))]);
}

static bool to_nobody(struct express_frame *frame)
{
	static const char *const v4[] = {"10.0.0.9", "255.255.255.255", "224.0.0.1", "0.0.0.0"};
	static const char *const v6[] = {"2001:db8::9", "ff02::1", "2001:db9::a", "fe80::1"};
	const uint32_t which = express_chance(RTE_DIM(v4));

	return set_address(frame, false, v4[which], v6[which]);
}

static bool to_no_port(struct express_frame *frame)
{
	static const rte_be16_t ports[] = {0, RTE_BE16(26), RTE_BE16(EXPRESS_PORT << 8)};

	tcp_of(frame)->dst_port = ports[express_chance(RTE_DIM(ports))];
	return true;
}

static bool to_other_port(struct express_frame *frame)
{
	tcp_of(frame)->dst_port = RTE_BE16(EXPRESS_OTHER_PORT);
	return true;
}

/* From a nat backend to a client, or to the prober. */
static bool from_backend(struct express_frame *frame)
{
	const uint32_t id = 18 + 2 * express_chance(3) + !frame->v4;
	char text[MR_ADDR_TEXT_MAX];

	snprintf(text, sizeof(text), frame->v4 ? "10.1.0.%u" : "2001:db8:1::%x", 10u + id);
	set_address(frame, true, text, text);
	tcp_of(frame)->src_port = RTE_BE16(EXPRESS_PORT);
	tcp_of(frame)->dst_port = RTE_BE16(40000);
	return set_address(frame, false, express_chance(2) == 0 ? "10.2.0.9" : "198.18.0.1",
			   "2001:db8:c::1");
}

/* --- differences: TCP */

static bool tcp_header_too_short(struct express_frame *frame)
{
	tcp_of(frame)->data_off = (uint8_t)(express_chance(5) << 4 | express_chance(16));
	return true;
}

static bool tcp_header_too_long(struct express_frame *frame)
{
	if (ip_bytes(frame) >= header_bytes(frame) + 4 || tcp_of(frame)->data_off >> 4 == 15)
		return false;
	tcp_of(frame)->data_off += 0x10;
	return true;
}

static bool tcp_flags(struct express_frame *frame)
{
	tcp_of(frame)->tcp_flags = (uint8_t)express_chance(256);
	return true;
}

static bool tcp_checksum(struct express_frame *frame)
{
	tcp_of(frame)->cksum = (rte_be16_t)express_chance(UINT16_MAX + 1);
	return true;
}

/* --- differences: anything */

static bool another_byte(struct express_frame *frame)
{
	const uint32_t headers = RTE_MIN(frame->count, (uint32_t)frame->l3_offset + 60);

	if (headers == 0)
		return false;
	frame->bytes[express_chance(headers)] ^= (uint8_t)(1 + express_chance(255));
	return true;
}

static bool from_kernel(struct express_frame *frame)
{
	frame->ring = (uint8_t)(RIG_KERNEL + frame->ring % RIG_PORTS);
	return true;
}

static bool from_prober(struct express_frame *frame)
{
	frame->ring = RIG_PROBE;
	return true;
}

static const struct express_difference differences[] = {
	{"to another station", to_another_station, EXPRESS_LONG},
	{"to all stations", to_all_stations, EXPRESS_LONG},
	{"from another station", from_another_station, EXPRESS_SHORT},
	{"tag of nobody", tag_of_nobody, EXPRESS_LONG},
	{"tag priority", tag_priority, EXPRESS_SHORT},
	{"tag type", tag_type, EXPRESS_LONG},
	{"tag without id", tag_without_id, EXPRESS_LONG},
	{"tag missing", tag_missing, EXPRESS_EITHER},
	{"another type", another_type, EXPRESS_LONG},
	{"type of other family", type_of_other_family, EXPRESS_LONG},
	{"another version", another_version, EXPRESS_LONG},
	{"another header length", another_header_length, EXPRESS_LONG},
	{"IP options", ip_options, EXPRESS_LONG},
	{"extension header", extension_header, EXPRESS_LONG},
	{"fragment", fragment, EXPRESS_LONG},
	{"fragment field", fragment_field, EXPRESS_SHORT},
	{"class or label", class_or_label, EXPRESS_SHORT},
	{"TTL 0", ttl_of_0, EXPRESS_LONG},
	{"TTL 1", ttl_of_1, EXPRESS_SHORT},
	{"another protocol", another_protocol, EXPRESS_LONG},
	{"wrong checksum", wrong_checksum, EXPRESS_LONG},
	{"checksum good", checksum_good, EXPRESS_SHORT},
	{"checksum good but wrong", checksum_good_but_wrong, EXPRESS_EITHER},
	{"checksum bad", checksum_bad, EXPRESS_LONG},
	{"checksum bad, IPv6", checksum_bad_v6, EXPRESS_SHORT},
	{"checksum none", checksum_none, EXPRESS_SHORT},
	{"checksum none and wrong", checksum_none_and_wrong, EXPRESS_LONG},
	{"says too long", says_too_long, EXPRESS_LONG},
	{"says longest", says_longest, EXPRESS_LONG},
	{"says too short", says_too_short, EXPRESS_LONG},
	{"says no payload", says_no_payload, EXPRESS_SHORT},
	{"padding", padding, EXPRESS_SHORT},
	{"long padding", long_padding, EXPRESS_SHORT},
	{"padding apart", padding_apart, EXPRESS_LONG},
	{"cut off", cut_off, EXPRESS_LONG},
	{"one byte short", one_byte_short, EXPRESS_LONG},
	{"several segments", several_segments, EXPRESS_LONG},
	{"little headroom", little_headroom, EXPRESS_LONG},
	{"just enough headroom", just_enough_headroom, EXPRESS_SHORT},
	{"from group", from_group, EXPRESS_LONG},
	{"from class E", from_class_e, EXPRESS_LONG},
	{"from everybody", from_everybody, EXPRESS_LONG},
	{"from the edge", from_the_edge, EXPRESS_SHORT},
	{"from lowest IPv6", from_lowest_v6, EXPRESS_LONG},
	{"to lowest IPv6", to_lowest_v6, EXPRESS_LONG},
	{"to nobody", to_nobody, EXPRESS_LONG},
	{"to no port", to_no_port, EXPRESS_LONG},
	{"to other port", to_other_port, EXPRESS_EITHER},
	{"from backend", from_backend, EXPRESS_LONG},
	{"TCP header too short", tcp_header_too_short, EXPRESS_LONG},
	{"TCP header too long", tcp_header_too_long, EXPRESS_LONG},
	{"TCP flags", tcp_flags, EXPRESS_SHORT},
	{"TCP checksum", tcp_checksum, EXPRESS_SHORT},
	{"another byte", another_byte, EXPRESS_EITHER},
	{"from kernel", from_kernel, EXPRESS_LONG},
	{"from prober", from_prober, EXPRESS_LONG},
};

uint32_t express_difference_count(void)
{
	return RTE_DIM(differences);
}

const struct express_difference *express_difference_at(uint32_t index)
{
	return index < RTE_DIM(differences) ? &differences[index] : NULL;
}

const struct express_difference *express_difference_named(const char *name)
{
	for (uint32_t i = 0; i < RTE_DIM(differences); i++) {
		if (strcmp(differences[i].name, name) == 0)
			return &differences[i];
	}
	abort();
}

bool express_frame_differ(struct express_frame *frame, const struct express_difference *difference)
{
	if (frame->difference_count == EXPRESS_DIFFERENCES_MAX || !difference->make(frame))
		return false;
	frame->differences[frame->difference_count++] = difference->name;
	return true;
}
