/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * IPv6 extension headers before TCP: every kind, every order that RFC 8200 allows, those that it
 * forbids, bounds, and every cut of such a packet.
 */
#include "extensions.h"

#include <string.h>

#include <rte_ip.h>

#include "parse_bench.h"

#define L3	  RTE_ETHER_HDR_LEN
#define CHAIN	  (L3 + 40)
#define LINKS_MAX 10
#define MOBILITY  135 /* RFC 6275, section 6.1.1 */
#define MORE_FLAG 0x0001

static struct rig *rig;

static const rte_be32_t fragment_id = RTE_BE32(0xdeadbeef);

static const struct frame_spec tcp_packet = {
	.to = {{0x02, 0, 0, 0, 0, 0x00}},
	.client = "2001:db8::1",
	.service = "2001:db8::25",
	.client_port = 40000,
	.service_port = 25,
	.tcp_flags = RTE_TCP_ACK_FLAG,
	.payload_bytes = 12,
};

/* One extension header. */
struct link {
	uint8_t kind;
	uint16_t bytes; /* 0 ends the list */
	uint8_t segments_left;
	uint16_t fragment; /* offset and flags, as in the header */
};

static void write_link(const struct link *link, uint8_t next, uint8_t *bytes)
{
	memset(bytes, 0, link->bytes);
	bytes[0] = next;
	if (link->kind == IPPROTO_AH)
		bytes[1] = (uint8_t)(link->bytes / 4 - 2);
	else if (link->kind != IPPROTO_FRAGMENT)
		bytes[1] = (uint8_t)(link->bytes / 8 - 1);
	if (link->kind == IPPROTO_ROUTING)
		bytes[3] = link->segments_left;
	if (link->kind == IPPROTO_FRAGMENT) {
		bytes[2] = (uint8_t)(link->fragment >> 8);
		bytes[3] = (uint8_t)link->fragment;
		memcpy(&bytes[4], &fragment_id, sizeof(fragment_id));
	}
}

/* The TCP packet with @links before TCP, whose number becomes @last; returns the frame's bytes. */
static uint32_t build(const struct link *links, uint8_t last, uint8_t *frame)
{
	uint32_t count = frame_build(&tcp_packet, frame);
	struct rte_ipv6_hdr *ip = (void *)&frame[L3];
	uint8_t tcp[FRAME_BYTES_MAX];
	const uint32_t tcp_bytes = count - CHAIN;

	memcpy(tcp, &frame[CHAIN], tcp_bytes);
	count = CHAIN;
	ip->proto = links->bytes > 0 ? links->kind : last;
	for (const struct link *link = links; link->bytes > 0; link++) {
		write_link(link, link[1].bytes > 0 ? link[1].kind : last, &frame[count]);
		count += link->bytes;
	}
	memcpy(&frame[count], tcp, tcp_bytes);
	count += tcp_bytes;
	ip->payload_len = rte_cpu_to_be_16((uint16_t)(count - CHAIN));
	return count;
}

static uint32_t chain_bytes(const struct link *links)
{
	uint32_t bytes = 0;

	for (; links->bytes > 0; links++)
		bytes += links->bytes;
	return bytes;
}

#define HOP(n)                             \
	{                                  \
		IPPROTO_HOPOPTS, (n), 0, 0 \
	}
#define DST(n)                             \
	{                                  \
		IPPROTO_DSTOPTS, (n), 0, 0 \
	}
#define ROUTING(n, left)                        \
	{                                       \
		IPPROTO_ROUTING, (n), (left), 0 \
	}
#define AUTH(n)                       \
	{                             \
		IPPROTO_AH, (n), 0, 0 \
	}
#define FRAGMENT(field)                         \
	{                                       \
		IPPROTO_FRAGMENT, 8, 0, (field) \
	}

struct row {
	const char *what;
	struct link links[LINKS_MAX + 1];
	enum packet_fragment fragment;
};

static const struct row good_rows[] = {
	{"none", {{0}}, FRAGMENT_NONE},
	{"hop-by-hop options", {HOP(8)}, FRAGMENT_NONE},
	{"destination options", {DST(24)}, FRAGMENT_NONE},
	{"routing done", {ROUTING(40, 0)}, FRAGMENT_NONE},
	{"authentication", {AUTH(24)}, FRAGMENT_NONE},
	{"shortest authentication", {AUTH(12)}, FRAGMENT_NONE},
	{"atomic fragment", {FRAGMENT(0)}, FRAGMENT_NONE},
	{"atomic fragment, reserved bits", {FRAGMENT(0x0006)}, FRAGMENT_NONE},
	{"two atomic fragments", {FRAGMENT(0), FRAGMENT(0)}, FRAGMENT_NONE},
	{"RFC 8200's order",
	 {HOP(8), DST(8), ROUTING(24, 0), FRAGMENT(0), AUTH(24), DST(16)},
	 FRAGMENT_NONE},
	{"another order", {DST(8), AUTH(16), ROUTING(8, 0), DST(8), DST(8)}, FRAGMENT_NONE},
	{"as many as are looked behind",
	 {HOP(8), DST(8), DST(8), DST(8), DST(8), DST(8), DST(8), DST(8)},
	 FRAGMENT_NONE},
	{"as long as is looked behind", {HOP(256), DST(256)}, FRAGMENT_NONE},
	{"first fragment", {FRAGMENT(MORE_FLAG)}, FRAGMENT_FIRST},
	{"first fragment, reserved bits", {FRAGMENT(0x0007)}, FRAGMENT_FIRST},
	{"first fragment among others",
	 {HOP(8), FRAGMENT(MORE_FLAG), DST(8), AUTH(24)},
	 FRAGMENT_FIRST},
	{"first fragment behind an atomic one", {FRAGMENT(0), FRAGMENT(MORE_FLAG)}, FRAGMENT_FIRST},
};

static void assert_good(const struct row *row)
{
	uint8_t frame[FRAME_BYTES_MAX];
	const uint32_t count = build(row->links, IPPROTO_TCP, frame);
	struct packet packet;

	CU_ASSERT_EQUAL_FATAL(bench_parse(rig, frame, count, &packet), UNDECIDED);
	CU_ASSERT_EQUAL(packet.fragment, row->fragment);
	CU_ASSERT_EQUAL(packet.l3_bytes, count - L3);
	CU_ASSERT_EQUAL(packet.l4_offset, CHAIN + chain_bytes(row->links));
	CU_ASSERT_EQUAL(packet.l4_bytes, 20 + tcp_packet.payload_bytes);
	CU_ASSERT_EQUAL(packet.tuple.client_port, RTE_BE16(40000));
	CU_ASSERT_EQUAL(packet.tuple.service_port, RTE_BE16(25));
	CU_ASSERT_EQUAL(packet.tcp_flags, RTE_TCP_ACK_FLAG);
	if (row->fragment != FRAGMENT_NONE)
		CU_ASSERT_EQUAL(packet.fragment_id, fragment_id);
}

static void test_chains_that_lead_to_tcp(void)
{
	for (size_t i = 0; i < RTE_DIM(good_rows); i++)
		assert_good(&good_rows[i]);
}

/* The frame is cut; the IP header still tells the old length. */
static void test_every_cut(void)
{
	for (size_t i = 0; i < RTE_DIM(good_rows); i++) {
		uint8_t frame[FRAME_BYTES_MAX];
		const uint32_t whole = build(good_rows[i].links, IPPROTO_TCP, frame);

		for (uint32_t count = CHAIN; count < whole; count++)
			bench_assert_verdict(rig, frame, count, MR_DROP_BAD_IP);
	}
}

/* What a packet of @links is worth that ends @bytes behind the IPv6 header. */
static unsigned int verdict_of_honest_cut(const struct link *links, uint32_t bytes)
{
	uint32_t start = 0;
	bool first = false;

	for (; links->bytes > 0; start += links->bytes, links++) {
		if (bytes < start + links->bytes)
			return first ? MR_DROP_FRAGMENT_TINY : MR_DROP_BAD_IP;
		if (links->kind != IPPROTO_FRAGMENT || links->fragment == 0 || first)
			continue;
		first = (links->fragment & ~6U) == MORE_FLAG;
		if (first && (bytes == start + 8 || (bytes - start) % 8 != 0))
			return MR_DROP_BAD_IP;
	}
	if (bytes >= start + 20)
		return UNDECIDED;
	return first ? MR_DROP_FRAGMENT_TINY : MR_DROP_BAD_TCP;
}

/* The frame is cut and the IP header says so. */
static void test_every_honest_cut(void)
{
	for (size_t i = 0; i < RTE_DIM(good_rows); i++) {
		uint8_t frame[FRAME_BYTES_MAX];
		const uint32_t whole = build(good_rows[i].links, IPPROTO_TCP, frame) - CHAIN;
		struct rte_ipv6_hdr *ip = (void *)&frame[L3];

		for (uint32_t bytes = 0; bytes <= whole; bytes++) {
			ip->payload_len = rte_cpu_to_be_16((uint16_t)bytes);
			bench_assert_verdict(rig, frame, CHAIN + bytes,
					     verdict_of_honest_cut(good_rows[i].links, bytes));
		}
	}
}

/* Two segments without any room. */
static void test_every_split(void)
{
	for (size_t i = 0; i < RTE_DIM(good_rows); i++) {
		const uint32_t needed = CHAIN + chain_bytes(good_rows[i].links) + 20;
		uint8_t frame[FRAME_BYTES_MAX];
		const uint32_t whole = build(good_rows[i].links, IPPROTO_TCP, frame);

		for (uint32_t first = CHAIN; first <= whole; first++) {
			struct rte_mbuf *head = frame_to_mbuf(rig->mbufs, frame, first);
			struct rte_mbuf *tail =
				frame_to_mbuf(rig->mbufs, &frame[first], whole - first);

			CU_ASSERT_EQUAL_FATAL(rte_pktmbuf_chain(head, tail), 0);
			CU_ASSERT_EQUAL(bench_parse_mbuf(rig, 0, head, NULL),
					first < needed ? MR_DROP_SCATTERED : UNDECIDED);
		}
	}
}

/* Fragments that come later have no TCP header: the same frame, taken for one. */
static void test_later_fragments(void)
{
	static const struct {
		struct link links[LINKS_MAX + 1];
		uint8_t next;
		unsigned int verdict;
	} rows[] = {
		{{FRAGMENT(0x0008)}, IPPROTO_TCP, UNDECIDED},
		{{FRAGMENT(0x0009)}, IPPROTO_TCP, UNDECIDED},
		{{HOP(8), FRAGMENT(0x0578)}, IPPROTO_TCP, UNDECIDED},
		/* The first of them has destination options, and TCP behind. */
		{{FRAGMENT(0x0578)}, IPPROTO_DSTOPTS, UNDECIDED},
		{{FRAGMENT(0xffd8)}, IPPROTO_TCP, UNDECIDED},
		{{FRAGMENT(0xfff8)}, IPPROTO_TCP, MR_DROP_BAD_IP}, /* past 65535 bytes */
		{{FRAGMENT(0x0578)}, IPPROTO_UDP, MR_DROP_NOT_SERVICE},
		{{FRAGMENT(0x0578)}, IPPROTO_ICMPV6, MR_DROP_NOT_SERVICE},
		{{FRAGMENT(0x0578)}, IPPROTO_NONE, MR_DROP_NOT_SERVICE},
	};

	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		uint8_t frame[FRAME_BYTES_MAX];
		const uint32_t count = build(rows[i].links, rows[i].next, frame);
		struct packet packet;

		CU_ASSERT_EQUAL(bench_parse(rig, frame, count, &packet), rows[i].verdict);
		if (rows[i].verdict != UNDECIDED)
			continue;
		CU_ASSERT_EQUAL(packet.fragment, FRAGMENT_LATER);
		CU_ASSERT_EQUAL(packet.fragment_id, fragment_id);
		CU_ASSERT_EQUAL(packet.tcp_flags, 0);
		CU_ASSERT_EQUAL(packet.l4_bytes, 32);
	}
}

/* All but the last are a multiple of 8 bytes long, and none is empty. */
static void test_fragment_lengths(void)
{
	static const struct link first[] = {FRAGMENT(MORE_FLAG), {0}};
	static const struct link middle[] = {FRAGMENT(0x0578 | MORE_FLAG), {0}};
	static const struct link last[] = {FRAGMENT(0x0578), {0}};
	uint8_t frame[FRAME_BYTES_MAX];
	struct rte_ipv6_hdr *ip = (void *)&frame[L3];

	for (uint32_t bytes = 0; bytes <= 32; bytes++) {
		const bool whole_units = bytes > 0 && bytes % 8 == 0;

		build(first, IPPROTO_TCP, frame);
		ip->payload_len = rte_cpu_to_be_16((uint16_t)(8 + bytes));
		bench_assert_verdict(rig, frame, CHAIN + 8 + bytes,
				     !whole_units ? MR_DROP_BAD_IP
				     : bytes < 20 ? MR_DROP_FRAGMENT_TINY
						  : UNDECIDED);
		build(middle, IPPROTO_TCP, frame);
		ip->payload_len = rte_cpu_to_be_16((uint16_t)(8 + bytes));
		bench_assert_verdict(rig, frame, CHAIN + 8 + bytes,
				     whole_units ? UNDECIDED : MR_DROP_BAD_IP);
		build(last, IPPROTO_TCP, frame);
		ip->payload_len = rte_cpu_to_be_16((uint16_t)(8 + bytes));
		bench_assert_verdict(rig, frame, CHAIN + 8 + bytes,
				     bytes > 0 ? UNDECIDED : MR_DROP_BAD_IP);
	}
}

static void test_chains_that_contradict_themselves(void)
{
	static const struct link rows[][LINKS_MAX + 1] = {
		{HOP(8), HOP(8)},
		{DST(8), HOP(8)},
		{ROUTING(8, 0), HOP(16)},
		{FRAGMENT(0), HOP(8)},
		{FRAGMENT(MORE_FLAG), FRAGMENT(MORE_FLAG)},
		{FRAGMENT(MORE_FLAG), FRAGMENT(0x0578)},
	};

	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		uint8_t frame[FRAME_BYTES_MAX];

		bench_assert_verdict(rig, frame, build(rows[i], IPPROTO_TCP, frame),
				     MR_DROP_BAD_IP);
	}
}

/* Headers, and their bytes, that are too many to follow. */
static void test_bounds(void)
{
	static const struct link rows[][LINKS_MAX + 1] = {
		{HOP(8), DST(8), DST(8), DST(8), DST(8), DST(8), DST(8), DST(8), DST(8)},
		{HOP(8), DST(512)},
		{DST(520)},
		{DST(2048)},
		{HOP(256), DST(248), AUTH(12)},
		{AUTH(1028)},
	};

	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		uint8_t frame[FRAME_BYTES_MAX];
		const uint32_t count = build(rows[i], IPPROTO_TCP, frame);

		bench_assert_dropped_unless_copied(rig, frame, count, MR_DROP_EXTENSIONS);
	}
}

/* Unexamined: the hop limit may be anything. */
static void test_other_protocols(void)
{
	static const struct link before[][LINKS_MAX + 1] = {
		{{0}}, {DST(8)}, {HOP(8), FRAGMENT(0)}, {FRAGMENT(MORE_FLAG)}};

	for (size_t i = 0; i < RTE_DIM(before); i++) {
		for (unsigned int protocol = 0; protocol < 256; protocol++) {
			uint8_t frame[FRAME_BYTES_MAX];
			const uint32_t count = build(before[i], (uint8_t)protocol, frame);

			if (protocol == IPPROTO_TCP || protocol == IPPROTO_ICMPV6 ||
			    extensions_have((uint8_t)protocol))
				continue;
			((struct rte_ipv6_hdr *)(void *)&frame[L3])->hop_limits = protocol % 2;
			bench_assert_left(rig, frame, count, MR_DROP_NOT_SERVICE);
		}
	}
}

static void test_what_is_looked_behind(void)
{
	CU_ASSERT(extensions_have(IPPROTO_HOPOPTS));
	CU_ASSERT(extensions_have(IPPROTO_DSTOPTS));
	CU_ASSERT(extensions_have(IPPROTO_ROUTING));
	CU_ASSERT(extensions_have(IPPROTO_FRAGMENT));
	CU_ASSERT(extensions_have(IPPROTO_AH));
	CU_ASSERT(!extensions_have(IPPROTO_ESP));
	CU_ASSERT(!extensions_have(IPPROTO_NONE));
	CU_ASSERT(!extensions_have(MOBILITY));
	CU_ASSERT(!extensions_have(IPPROTO_TCP));
}

/* Its destination is another one than the header says. */
static void test_routing_with_segments_left(void)
{
	static const struct link rows[][LINKS_MAX + 1] = {
		{ROUTING(24, 1)}, {DST(8), ROUTING(24, 255)}, {FRAGMENT(MORE_FLAG), ROUTING(8, 1)}};

	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		uint8_t frame[FRAME_BYTES_MAX];

		bench_assert_left(rig, frame, build(rows[i], IPPROTO_TCP, frame),
				  MR_DROP_NOT_SERVICE);
	}
}

static void test_hop_limit_behind_extensions(void)
{
	static const struct link links[] = {HOP(8), DST(8), {0}};
	static const struct link later[] = {FRAGMENT(0x0578), {0}};
	uint8_t frame[FRAME_BYTES_MAX];
	struct rte_ipv6_hdr *ip = (void *)&frame[L3];
	uint32_t count = build(links, IPPROTO_TCP, frame);

	ip->hop_limits = 0;
	bench_assert_verdict(rig, frame, count, MR_DROP_TTL);
	count = build(later, IPPROTO_TCP, frame);
	ip->hop_limits = 0;
	bench_assert_verdict(rig, frame, count, MR_DROP_TTL);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_chains_that_lead_to_tcp),
		UNIT_TEST(test_every_cut),
		UNIT_TEST(test_every_honest_cut),
		UNIT_TEST(test_every_split),
		UNIT_TEST(test_later_fragments),
		UNIT_TEST(test_fragment_lengths),
		UNIT_TEST(test_chains_that_contradict_themselves),
		UNIT_TEST(test_bounds),
		UNIT_TEST(test_other_protocols),
		UNIT_TEST(test_what_is_looked_behind),
		UNIT_TEST(test_routing_with_segments_left),
		UNIT_TEST(test_hop_limit_behind_extensions),
		CU_TEST_INFO_NULL,
	};

	return rig_unit_run("extensions", tests, &rig);
}
