/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Parsing: every truncation of every header, and headers that contradict themselves. Frames are
 * heap blocks of exactly their size (tests/lib/frame.h): under AddressSanitizer a read behind
 * the end of the frame ends the test.
 */
#include "packet.h"

#include <string.h>

#include <rte_ip.h>
#include <rte_tcp.h>

#include "../lib/rig_unit.h"

#define L3 RTE_ETHER_HDR_LEN

static struct rig *rig;

#define OURS                                   \
	{                                      \
		{                              \
			0x02, 0, 0, 0, 0, 0x00 \
		}                              \
	}
#define OTHER                                  \
	{                                      \
		{                              \
			0x02, 0, 0, 0, 0, 0x77 \
		}                              \
	}
#define V4    .to = OURS, .client = "192.0.2.1", .service = "10.0.0.10"
#define V6    .to = OURS, .client = "2001:db8::1", .service = "2001:db8::25"
#define PORTS .client_port = 40000, .service_port = 25, .tcp_flags = RTE_TCP_ACK_FLAG

static const struct frame_spec shapes[] = {
	{V4, PORTS, .payload_bytes = 7},
	{V4, PORTS},
	{V4, PORTS, .ip_option_bytes = 40, .payload_bytes = 7},
	{V4, PORTS, .tcp_option_bytes = 40, .payload_bytes = 7},
	{V4, PORTS, .ip_option_bytes = 8, .tcp_option_bytes = 12},
	{V6, PORTS, .payload_bytes = 7},
	{V6, PORTS},
	{V6, PORTS, .tcp_option_bytes = 40, .payload_bytes = 7},
};

static bool is_ipv6(const struct frame_spec *spec)
{
	return strchr(spec->client, ':') != NULL;
}

static struct rte_ipv4_hdr *ipv4_of(uint8_t *frame)
{
	return (void *)&frame[L3];
}

static struct rte_ipv6_hdr *ipv6_of(uint8_t *frame)
{
	return (void *)&frame[L3];
}

static struct rte_tcp_hdr *tcp_of(const struct frame_spec *spec, uint8_t *frame)
{
	const size_t ip_bytes = is_ipv6(spec) ? sizeof(struct rte_ipv6_hdr)
					      : sizeof(struct rte_ipv4_hdr) + spec->ip_option_bytes;

	return (void *)&frame[L3 + ip_bytes];
}

/* The verdict, with what was parsed in *@out when it is UNDECIDED. */
static unsigned int parse_mbuf(struct rte_mbuf *mbuf, uint32_t port, struct packet *out)
{
	struct burst burst;
	unsigned int verdict;

	CU_ASSERT_FATAL(mbuf != NULL && rig_inject_mbuf(rig, port, mbuf));
	CU_ASSERT_EQUAL_FATAL(rig_receive(rig, port, &burst), 1);
	parse(&rig->worker, &burst);
	verdict = burst.packets[0].verdict;
	if (out != NULL)
		*out = burst.packets[0];
	rig_discard(&burst);
	return verdict;
}

static unsigned int parse_bytes(const uint8_t *frame, uint32_t count, struct packet *out)
{
	return parse_mbuf(frame_to_mbuf(rig->mbufs, frame, count), 0, out);
}

/* The same frame on a port whose kernel has its own copy. */
static unsigned int parse_bytes_with_kernel(const uint8_t *frame, uint32_t count)
{
	unsigned int verdict;

	rig->ports[0].kind = MR_DEVICE_AF_PACKET;
	verdict = parse_bytes(frame, count, NULL);
	rig->ports[0].kind = MR_DEVICE_VDEV;
	return verdict;
}

static void assert_parsed(const struct frame_spec *spec, const struct packet *packet)
{
	const struct mr_addr client = frame_addr(spec->client);
	const struct mr_addr service = frame_addr(spec->service);
	const uint32_t ip_bytes = is_ipv6(spec) ? 40 : 20U + spec->ip_option_bytes;

	CU_ASSERT(mr_addr_equal(&packet->tuple.client, &client));
	CU_ASSERT(mr_addr_equal(&packet->tuple.service, &service));
	CU_ASSERT_EQUAL(rte_be_to_cpu_16(packet->tuple.client_port), spec->client_port);
	CU_ASSERT_EQUAL(rte_be_to_cpu_16(packet->tuple.service_port), spec->service_port);
	CU_ASSERT_EQUAL(packet->tcp_flags, spec->tcp_flags);
	CU_ASSERT_EQUAL(packet->l4_offset, L3 + ip_bytes);
	CU_ASSERT_EQUAL(packet->l4_bytes, 20 + spec->tcp_option_bytes + spec->payload_bytes);
}

static void test_whole_frames(void)
{
	for (size_t i = 0; i < RTE_DIM(shapes); i++) {
		uint8_t frame[FRAME_BYTES_MAX];
		const uint32_t count = frame_build(&shapes[i], frame);
		struct packet packet;

		CU_ASSERT_EQUAL_FATAL(parse_bytes(frame, count, &packet), UNDECIDED);
		assert_parsed(&shapes[i], &packet);
		CU_ASSERT_EQUAL(packet.rx_port, 0);
		CU_ASSERT_EQUAL(packet.tx_port, NO_PORT);
		CU_ASSERT_EQUAL(packet.backend, MR_BACKEND_NONE);
	}
}

/* Short frames are padded to 60 bytes on the wire; the padding is nobody's. */
static void test_padding_is_no_payload(void)
{
	for (size_t i = 0; i < RTE_DIM(shapes); i++) {
		uint8_t frame[FRAME_BYTES_MAX] = {0};
		const uint32_t count = frame_build(&shapes[i], frame);
		struct packet packet;

		CU_ASSERT_EQUAL_FATAL(parse_bytes(frame, count + 46, &packet), UNDECIDED);
		assert_parsed(&shapes[i], &packet);
	}
}

/* The frame is cut; its headers still tell the old length. */
static unsigned int verdict_of_cut(const struct frame_spec *spec, uint32_t count)
{
	return count < (is_ipv6(spec) ? L3 + 40 : L3 + 20) ? MR_DROP_TRUNCATED : MR_DROP_BAD_IP;
}

static void test_every_cut(void)
{
	for (size_t i = 0; i < RTE_DIM(shapes); i++) {
		uint8_t frame[FRAME_BYTES_MAX];
		const uint32_t whole = frame_build(&shapes[i], frame);

		for (uint32_t count = 0; count < whole; count++) {
			const unsigned int expected = verdict_of_cut(&shapes[i], count);

			CU_ASSERT_EQUAL(parse_bytes(frame, count, NULL), expected);
			CU_ASSERT_EQUAL(parse_bytes_with_kernel(frame, count),
					expected == MR_DROP_TRUNCATED ? MR_LEFT_TO_KERNEL
								      : expected);
		}
	}
}

/* The frame is cut and the IP header says so: now the TCP header contradicts it. */
static void set_l3_bytes(const struct frame_spec *spec, uint8_t *frame, uint32_t bytes)
{
	if (is_ipv6(spec))
		ipv6_of(frame)->payload_len = rte_cpu_to_be_16((uint16_t)(bytes - 40));
	else
		ipv4_of(frame)->total_length = rte_cpu_to_be_16((uint16_t)bytes);
}

static unsigned int verdict_of_honest_cut(const struct frame_spec *spec, uint32_t l3_bytes)
{
	const uint32_t ip_bytes = is_ipv6(spec) ? 40 : 20U + spec->ip_option_bytes;

	if (l3_bytes < ip_bytes)
		return MR_DROP_BAD_IP;
	return l3_bytes < ip_bytes + 20 + spec->tcp_option_bytes ? MR_DROP_BAD_TCP : UNDECIDED;
}

static void test_every_honest_cut(void)
{
	for (size_t i = 0; i < RTE_DIM(shapes); i++) {
		const uint32_t fixed = is_ipv6(&shapes[i]) ? 40 : 20;
		uint8_t frame[FRAME_BYTES_MAX];
		const uint32_t whole = frame_build(&shapes[i], frame) - L3;

		for (uint32_t bytes = fixed; bytes <= whole; bytes++) {
			set_l3_bytes(&shapes[i], frame, bytes);
			CU_ASSERT_EQUAL(parse_bytes(frame, L3 + bytes, NULL),
					verdict_of_honest_cut(&shapes[i], bytes));
		}
	}
}

/* A driver may spread a frame over segments; headers must be within the first. */
static void test_every_split(void)
{
	for (size_t i = 0; i < RTE_DIM(shapes); i++) {
		const uint32_t ip_bytes =
			is_ipv6(&shapes[i]) ? 40 : 20U + shapes[i].ip_option_bytes;
		uint8_t frame[FRAME_BYTES_MAX];
		const uint32_t whole = frame_build(&shapes[i], frame);

		for (uint32_t first = 0; first <= whole; first++) {
			struct rte_mbuf *head = frame_to_mbuf(rig->mbufs, frame, first);
			struct rte_mbuf *tail =
				frame_to_mbuf(rig->mbufs, &frame[first], whole - first);

			CU_ASSERT_EQUAL_FATAL(rte_pktmbuf_chain(head, tail), 0);
			CU_ASSERT_EQUAL(parse_mbuf(head, 0, NULL),
					first < L3 + ip_bytes + 20 ? MR_DROP_TRUNCATED : UNDECIDED);
		}
	}
}

static void test_ip_version(void)
{
	for (size_t i = 0; i < RTE_DIM(shapes); i++) {
		uint8_t frame[FRAME_BYTES_MAX];
		const uint32_t count = frame_build(&shapes[i], frame);
		const uint8_t right = frame[L3] >> 4;

		for (uint8_t version = 0; version < 16; version++) {
			frame[L3] = (uint8_t)(version << 4 | (frame[L3] & 0xf));
			CU_ASSERT_EQUAL(parse_bytes(frame, count, NULL),
					version == right ? UNDECIDED : MR_DROP_BAD_IP);
		}
	}
}

/* IHL counts 32-bit words: less than 5 is impossible, more than the packet has is a lie. */
static void test_ipv4_header_length(void)
{
	const struct frame_spec spec = {V4, PORTS};
	uint8_t frame[FRAME_BYTES_MAX];
	const uint32_t count = frame_build(&spec, frame);

	for (uint8_t words = 0; words < 16; words++) {
		unsigned int expected = MR_DROP_BAD_IP;

		if (words == 5)
			expected = UNDECIDED;
		else if (words > 5 && words <= 10) /* fits, but leaves less than a TCP header */
			expected = MR_DROP_BAD_TCP;
		frame[L3] = (uint8_t)(4 << 4 | words);
		CU_ASSERT_EQUAL(parse_bytes(frame, count, NULL), expected);
	}
}

static void test_ip_length(void)
{
	const struct frame_spec v4 = {V4, PORTS};
	const struct frame_spec v6 = {V6, PORTS};
	uint8_t frame[FRAME_BYTES_MAX];
	uint32_t count = frame_build(&v4, frame);

	ipv4_of(frame)->total_length = 0;
	CU_ASSERT_EQUAL(parse_bytes(frame, count, NULL), MR_DROP_BAD_IP);
	ipv4_of(frame)->total_length = RTE_BE16(19);
	CU_ASSERT_EQUAL(parse_bytes(frame, count, NULL), MR_DROP_BAD_IP);
	ipv4_of(frame)->total_length = RTE_BE16(41);
	CU_ASSERT_EQUAL(parse_bytes(frame, count, NULL), MR_DROP_BAD_IP);
	ipv4_of(frame)->total_length = RTE_BE16(UINT16_MAX);
	CU_ASSERT_EQUAL(parse_bytes(frame, count, NULL), MR_DROP_BAD_IP);

	count = frame_build(&v6, frame);
	ipv6_of(frame)->payload_len = 0; /* a jumbogram, or no TCP header at all */
	CU_ASSERT_EQUAL(parse_bytes(frame, count, NULL), MR_DROP_BAD_TCP);
	ipv6_of(frame)->payload_len = RTE_BE16(21);
	CU_ASSERT_EQUAL(parse_bytes(frame, count, NULL), MR_DROP_BAD_IP);
	ipv6_of(frame)->payload_len = RTE_BE16(UINT16_MAX);
	CU_ASSERT_EQUAL(parse_bytes(frame, count, NULL), MR_DROP_BAD_IP);
}

static void test_tcp_data_offset(void)
{
	for (size_t i = 0; i < RTE_DIM(shapes); i++) {
		uint8_t frame[FRAME_BYTES_MAX];
		const uint32_t count = frame_build(&shapes[i], frame);
		const uint32_t l4_bytes =
			20U + shapes[i].tcp_option_bytes + shapes[i].payload_bytes;

		for (uint32_t words = 0; words < 16; words++) {
			tcp_of(&shapes[i], frame)->data_off = (uint8_t)(words << 4);
			CU_ASSERT_EQUAL(parse_bytes(frame, count, NULL),
					words < 5 || 4 * words > l4_bytes ? MR_DROP_BAD_TCP
									  : UNDECIDED);
		}
	}
}

static void assert_not_ours(const uint8_t *frame, uint32_t count, unsigned int verdict)
{
	CU_ASSERT_EQUAL(parse_bytes(frame, count, NULL), verdict);
	CU_ASSERT_EQUAL(parse_bytes_with_kernel(frame, count), MR_LEFT_TO_KERNEL);
}

static void test_other_stations(void)
{
	static const struct rte_ether_addr stations[] = {
		OTHER,
		{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
		{{0x01, 0x00, 0x5e, 0x00, 0x00, 0x0a}},
		{{0x33, 0x33, 0x00, 0x00, 0x00, 0x25}},
	};

	for (size_t i = 0; i < RTE_DIM(stations); i++) {
		struct frame_spec spec = shapes[0];
		uint8_t frame[FRAME_BYTES_MAX];

		spec.to = stations[i];
		assert_not_ours(frame, frame_build(&spec, frame), MR_DROP_NOT_OURS);
	}
}

/* The prober's frames come from our own kernel, whatever address it sends them to. */
static void test_probe_port_has_no_station(void)
{
	struct frame_spec spec = shapes[0];
	uint8_t frame[FRAME_BYTES_MAX];
	struct packet packet;
	uint32_t count;

	spec.to = (struct rte_ether_addr)OTHER;
	count = frame_build(&spec, frame);
	CU_ASSERT_EQUAL(parse_mbuf(frame_to_mbuf(rig->mbufs, frame, count), RIG_PROBE, &packet),
			UNDECIDED);
	CU_ASSERT_EQUAL(packet.rx_port, WORKER_PROBE_PORT);
}

static void test_other_ether_types(void)
{
	const uint16_t types[] = {RTE_ETHER_TYPE_ARP, RTE_ETHER_TYPE_VLAN, RTE_ETHER_TYPE_QINQ,
				  RTE_ETHER_TYPE_MPLS, 0};

	for (size_t i = 0; i < RTE_DIM(types); i++) {
		uint8_t frame[FRAME_BYTES_MAX];
		const uint32_t count = frame_build(&shapes[0], frame);
		struct rte_ether_hdr *ethernet = (void *)frame;

		ethernet->ether_type = rte_cpu_to_be_16(types[i]);
		assert_not_ours(frame, count, MR_DROP_NOT_SERVICE);
		assert_not_ours(frame, sizeof(*ethernet), MR_DROP_NOT_SERVICE);
	}
}

static void test_other_protocols(void)
{
	for (unsigned int protocol = 0; protocol < 256; protocol++) {
		uint8_t frame[FRAME_BYTES_MAX];
		uint32_t count = frame_build(&shapes[0], frame);

		if (protocol == IPPROTO_TCP)
			continue;
		ipv4_of(frame)->next_proto_id = (uint8_t)protocol;
		assert_not_ours(frame, count, MR_DROP_NOT_SERVICE);
		count = frame_build(&shapes[5], frame);
		ipv6_of(frame)->proto = (uint8_t)protocol;
		assert_not_ours(frame, count,
				protocol == IPPROTO_FRAGMENT ? MR_DROP_FRAGMENT
							     : MR_DROP_NOT_SERVICE);
	}
}

static void test_ipv4_fragments(void)
{
	static const struct {
		uint16_t field;
		bool fragment;
	} rows[] = {
		{0x0000, false}, {0x4000, false}, {0x8000, false}, {0x2000, true},
		{0x0001, true},	 {0x1fff, true},  {0x2001, true},  {0x6000, true},
	};

	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		uint8_t frame[FRAME_BYTES_MAX];
		const uint32_t count = frame_build(&shapes[0], frame);

		ipv4_of(frame)->fragment_offset = rte_cpu_to_be_16(rows[i].field);
		if (rows[i].fragment)
			assert_not_ours(frame, count, MR_DROP_FRAGMENT);
		else
			CU_ASSERT_EQUAL(parse_bytes(frame, count, NULL), UNDECIDED);
	}
}

/*
 * IPv4-mapped addresses never appear on the wire (RFC 4942, section 2.2). Believed, they would
 * make an IPv6 frame look like a session of an IPv4 service.
 */
static void test_mapped_addresses_in_ipv6(void)
{
	static const struct {
		const char *client, *service;
	} rows[] = {
		{"::ffff:192.0.2.1", "2001:db8::25"},
		{"2001:db8::1", "::ffff:10.0.0.10"},
		{"::ffff:192.0.2.1", "::ffff:10.0.0.10"},
	};

	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		struct frame_spec spec = shapes[5];
		uint8_t frame[FRAME_BYTES_MAX];

		spec.client = rows[i].client;
		spec.service = rows[i].service;
		assert_not_ours(frame, frame_build(&spec, frame), MR_DROP_NOT_SERVICE);
	}
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_whole_frames),
		UNIT_TEST(test_padding_is_no_payload),
		UNIT_TEST(test_every_cut),
		UNIT_TEST(test_every_honest_cut),
		UNIT_TEST(test_every_split),
		UNIT_TEST(test_ip_version),
		UNIT_TEST(test_ipv4_header_length),
		UNIT_TEST(test_ip_length),
		UNIT_TEST(test_tcp_data_offset),
		UNIT_TEST(test_other_stations),
		UNIT_TEST(test_probe_port_has_no_station),
		UNIT_TEST(test_other_ether_types),
		UNIT_TEST(test_other_protocols),
		UNIT_TEST(test_ipv4_fragments),
		UNIT_TEST(test_mapped_addresses_in_ipv6),
		CU_TEST_INFO_NULL,
	};

	return rig_unit_run("parse", tests, &rig);
}
