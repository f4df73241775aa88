/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Clamping on random lists of TCP options, against the same list written with the lower value
 * and its checksum computed from scratch; options that contradict themselves, or end early.
 */
#include "mss.h"

#include <stdio.h>
#include <stdlib.h>

#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_tcp.h>

#include "../lib/frame.h"
#include "../lib/mbuf_unit.h"

#define ROUNDS		 50000
#define L3_OFFSET	 RTE_ETHER_HDR_LEN
#define OPTION_BYTES_MAX 40
#define SYN		 RTE_TCP_SYN_FLAG
#define ACK		 RTE_TCP_ACK_FLAG

/* A segment without an IP header of much interest: only its addresses are in the checksum. */
struct segment {
	uint8_t tcp_flags;
	uint8_t option_bytes; /* a multiple of 4 */
	uint8_t options[OPTION_BYTES_MAX];
	uint8_t payload_bytes;
};

static struct rte_mempool *mbufs;

static uint32_t random_below(uint32_t limit)
{
	return (uint32_t)lrand48() % limit;
}

/* Returns the frame's bytes. */
static uint32_t build(const struct segment *segment, uint8_t *frame)
{
	const uint32_t header_bytes = (uint32_t)sizeof(struct rte_tcp_hdr) + segment->option_bytes;
	const uint32_t l4_bytes = header_bytes + segment->payload_bytes;
	struct rte_ipv4_hdr *ip = (void *)&frame[L3_OFFSET];
	struct rte_tcp_hdr *tcp = (void *)(ip + 1);

	memset(frame, 0x5a, L3_OFFSET + sizeof(*ip) + l4_bytes);
	*ip = (struct rte_ipv4_hdr){
		.version_ihl = RTE_IPV4_VHL_DEF,
		.total_length = rte_cpu_to_be_16((uint16_t)(sizeof(*ip) + l4_bytes)),
		.next_proto_id = IPPROTO_TCP,
		.src_addr = RTE_BE32(0xc0000201),
		.dst_addr = RTE_BE32(0x0a00000a),
	};
	tcp->data_off = (uint8_t)(header_bytes / 4 << 4);
	tcp->tcp_flags = segment->tcp_flags;
	tcp->cksum = 0;
	memcpy(tcp + 1, segment->options, segment->option_bytes);
	tcp->cksum = rte_ipv4_udptcp_cksum(ip, tcp);
	return (uint32_t)sizeof(*ip) + L3_OFFSET + l4_bytes;
}

/* @first_bytes: of the first segment of the mbuf; the rest is in a second one. */
static struct packet to_packet(const struct segment *segment, const uint8_t *frame, uint32_t count,
			       uint32_t first_bytes)
{
	struct packet packet = {
		.verdict = UNDECIDED,
		.tcp_flags = segment->tcp_flags,
		.l3_offset = L3_OFFSET,
		.l4_offset = L3_OFFSET + sizeof(struct rte_ipv4_hdr),
		.l3_bytes = count - L3_OFFSET,
		.mbuf = frame_to_mbuf(mbufs, frame, first_bytes),
	};

	packet.l4_bytes = (uint16_t)(count - packet.l4_offset);
	if (first_bytes < count)
		rte_pktmbuf_chain(packet.mbuf,
				  frame_to_mbuf(mbufs, &frame[first_bytes], count - first_bytes));
	return packet;
}

static bool frame_is(const struct packet *packet, const uint8_t *expected, uint32_t count)
{
	uint8_t copy[FRAME_BYTES_MAX];

	return memcmp(rte_pktmbuf_read(packet->mbuf, 0, count, copy), expected, count) == 0;
}

static void assert_clamped(const struct segment *segment, uint16_t mss_max_bytes,
			   const struct segment *expected)
{
	uint8_t frame[FRAME_BYTES_MAX], wanted[FRAME_BYTES_MAX];
	const uint32_t count = build(segment, frame);
	struct packet packet = to_packet(segment, frame, count, count);

	build(expected, wanted);
	CU_ASSERT_EQUAL_FATAL(mss_clamp(&packet, mss_max_bytes),
			      memcmp(segment, expected, sizeof(*segment)) != 0);
	CU_ASSERT_FATAL(frame_is(&packet, wanted, count));
	rte_pktmbuf_free(packet.mbuf);
}

/* Adds an option whose bytes behind the length are random; false: no room for it. */
static bool add_option(struct segment *segment, uint8_t kind, uint32_t bytes)
{
	uint8_t *option = &segment->options[segment->option_bytes];

	if (segment->option_bytes + bytes > OPTION_BYTES_MAX)
		return false;
	for (uint32_t i = 2; i < bytes; i++)
		option[i] = (uint8_t)lrand48();
	option[0] = kind;
	if (bytes > 1)
		option[1] = (uint8_t)bytes;
	segment->option_bytes = (uint8_t)(segment->option_bytes + bytes);
	return true;
}

static void add_mss(struct segment *segment, uint16_t value)
{
	const uint32_t at = segment->option_bytes;

	if (!add_option(segment, 2, 4))
		return;
	segment->options[at + 2] = (uint8_t)(value >> 8);
	segment->options[at + 3] = (uint8_t)value;
}

/* Values on both sides of the limit, and at the ends of the range. */
static uint16_t random_mss(uint16_t limit)
{
	switch (random_below(6)) {
	case 0:
		return limit;
	case 1:
		return (uint16_t)(limit + 1);
	case 2:
		return (uint16_t)(limit - 1);
	case 3:
		return UINT16_MAX;
	case 4:
		return 0;
	default:
		return (uint16_t)lrand48();
	}
}

/* Two segments that are the same but for what is to be lowered. */
static void random_round(void)
{
	struct segment segment = {
		.tcp_flags = random_below(2) ? SYN : SYN | ACK,
		.payload_bytes = (uint8_t)random_below(3),
	};
	const uint16_t limit = (uint16_t)(1 + random_below(UINT16_MAX));
	struct segment expected = segment;

	while (random_below(12) != 0) {
		const uint32_t choice = random_below(4);
		const uint16_t value = random_mss(limit);
		const uint32_t at = segment.option_bytes;

		if (choice == 0)
			add_option(&segment, 1, 1);
		else if (choice == 1)
			add_option(&segment, (uint8_t)(3 + random_below(253)), 2 + random_below(9));
		else
			add_mss(&segment, value);
		memcpy(&expected.options[at], &segment.options[at], segment.option_bytes - at);
		expected.option_bytes = segment.option_bytes;
		if (choice > 1 && segment.option_bytes > at && value > limit) {
			expected.option_bytes = (uint8_t)at;
			add_mss(&expected, limit);
		}
	}
	while (segment.option_bytes % 4 != 0) {
		segment.options[segment.option_bytes++] = 0;
		expected.options[expected.option_bytes++] = 0;
	}
	assert_clamped(&segment, limit, &expected);
}

static void test_random_options(void)
{
	for (unsigned int i = 0; i < ROUNDS; i++)
		random_round();
}

static void test_only_syn(void)
{
	for (unsigned int flags = 0; flags < 256; flags++) {
		struct segment segment = {.tcp_flags = (uint8_t)flags};
		struct segment expected = segment;

		add_mss(&segment, 1460);
		add_mss(&expected, flags & SYN ? 1400 : 1460);
		assert_clamped(&segment, 1400, &expected);
	}
}

static void test_off(void)
{
	struct segment segment = {.tcp_flags = SYN};

	add_mss(&segment, 1460);
	assert_clamped(&segment, 0, &segment);
}

/* Nothing behind the end of the list is an option, nor is anything that cannot be read. */
static void test_left_alone(void)
{
	static const struct segment rows[] = {
		{SYN, 0, {0}, 9},			  /* no options at all */
		{SYN, 8, {0, 4, 1, 1, 2, 4, 5, 0xb4}, 0}, /* behind the end of the list */
		{SYN, 4, {2, 3, 5, 0xb4}, 0},		  /* a byte short */
		{SYN, 8, {2, 5, 5, 0xb4, 1, 1, 1, 1}, 0}, /* a byte too long */
		{SYN, 4, {2, 0, 5, 0xb4}, 0},		  /* no length: there is no next one */
		{SYN, 4, {2, 1, 5, 0xb4}, 0},
		{SYN, 8, {3, 0, 0, 0, 2, 4, 5, 0xb4}, 0},
		{SYN, 8, {3, 1, 2, 4, 5, 0xb4, 1, 1}, 0},
		{SYN, 8, {3, 9, 0, 0, 2, 4, 5, 0xb4}, 0}, /* longer than the list */
		{SYN, 4, {1, 2, 4, 0xff}, 9},		  /* runs on into the payload */
		{SYN, 4, {1, 1, 2, 4}, 9},
		{SYN, 4, {1, 1, 1, 2}, 9}, /* not even a length */
	};

	for (size_t i = 0; i < RTE_DIM(rows); i++)
		assert_clamped(&rows[i], 1, &rows[i]);
}

/* Wherever the buffer ends, the option behind is neither read nor written. */
static void test_end_of_the_first_segment(void)
{
	const uint32_t options =
		L3_OFFSET + sizeof(struct rte_ipv4_hdr) + (uint32_t)sizeof(struct rte_tcp_hdr);
	const struct segment segment = {SYN, 8, {1, 1, 2, 4, 5, 0xb4, 1, 0}, 3};
	const struct segment clamped = {SYN, 8, {1, 1, 2, 4, 2, 0x18, 1, 0}, 3};
	uint8_t frame[FRAME_BYTES_MAX], wanted[FRAME_BYTES_MAX];
	const uint32_t count = build(&segment, frame);

	build(&clamped, wanted);
	for (uint32_t first = options; first <= count; first++) {
		struct packet packet = to_packet(&segment, frame, count, first);
		const bool is_whole = first >= options + 6;

		CU_ASSERT_EQUAL(mss_clamp(&packet, 536), is_whole);
		CU_ASSERT(frame_is(&packet, is_whole ? wanted : frame, count));
		rte_pktmbuf_free(packet.mbuf);
	}
}

/* A first fragment may end among the options; what follows in the buffer is padding. */
static void test_end_of_the_fragment(void)
{
	const struct segment segment = {SYN, 8, {1, 1, 2, 4, 5, 0xb4, 1, 0}, 3};
	uint8_t frame[FRAME_BYTES_MAX];
	const uint32_t count = build(&segment, frame);

	for (uint16_t there = 0; there <= 8; there++) {
		struct packet packet = to_packet(&segment, frame, count, count);

		packet.fragment = FRAGMENT_FIRST;
		packet.l4_bytes = (uint16_t)(sizeof(struct rte_tcp_hdr) + there);
		CU_ASSERT_EQUAL(mss_clamp(&packet, 536), there >= 6);
		CU_ASSERT_EQUAL(frame_is(&packet, frame, count), there < 6);
		rte_pktmbuf_free(packet.mbuf);
	}
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_random_options),
		UNIT_TEST(test_only_syn),
		UNIT_TEST(test_off),
		UNIT_TEST(test_left_alone),
		UNIT_TEST(test_end_of_the_first_segment),
		UNIT_TEST(test_end_of_the_fragment),
		CU_TEST_INFO_NULL,
	};

	srand48(unit_seed());
	return mbuf_unit_run("mss", tests, &mbufs);
}
