/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Parsing of the link, of IP headers and of TCP: every truncation of every header, headers that
 * contradict themselves, and frames in segments. What is behind IPv6 extension headers is
 * test_extensions.c's, ICMP errors are test_quote.c's.
 */
#include "packet.h"

#include <string.h>

#include <rte_ip.h>
#include <rte_tcp.h>

#include "parse_bench.h"

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
	{V4, PORTS, .tag_count = 1, .tags = {100}, .payload_bytes = 7},
	{V4, PORTS, .tag_count = 2, .tags = {100, 4094}, .ip_option_bytes = 4},
	{V6, PORTS, .tag_count = 1, .tags = {4094}, .payload_bytes = 7},
	{V6, PORTS, .tag_count = 2, .tags = {1, 1}, .tcp_option_bytes = 4},
};

static bool is_ipv6(const struct frame_spec *spec)
{
	return strchr(spec->client, ':') != NULL;
}

static uint32_t l3_of(const struct frame_spec *spec)
{
	return RTE_ETHER_HDR_LEN + spec->tag_count * (uint32_t)sizeof(struct rte_vlan_hdr);
}

static uint32_t ip_bytes_of(const struct frame_spec *spec)
{
	return is_ipv6(spec) ? (uint32_t)sizeof(struct rte_ipv6_hdr)
			     : (uint32_t)sizeof(struct rte_ipv4_hdr) + spec->ip_option_bytes;
}

static struct rte_ipv4_hdr *ipv4_of(const struct frame_spec *spec, uint8_t *frame)
{
	return (void *)&frame[l3_of(spec)];
}

static struct rte_ipv6_hdr *ipv6_of(const struct frame_spec *spec, uint8_t *frame)
{
	return (void *)&frame[l3_of(spec)];
}

static struct rte_tcp_hdr *tcp_of(const struct frame_spec *spec, uint8_t *frame)
{
	return (void *)&frame[l3_of(spec) + ip_bytes_of(spec)];
}

/* After a change of the header; as many bytes as its length field says, if that is sane. */
static void mend_checksum(const struct frame_spec *spec, uint8_t *frame)
{
	struct rte_ipv4_hdr *ip = ipv4_of(spec, frame);

	if (is_ipv6(spec))
		return;
	ip->hdr_checksum = 0;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
}

/* Port 0 becomes the one that the frame's tags are of. */
static void tag_port(const struct frame_spec *spec)
{
	struct port *port = &rig->ports[0];

	port->tag_count = spec->tag_count;
	memcpy(port->tags, spec->tags, sizeof(port->tags));
}

static void untag_port(void)
{
	const struct frame_spec untagged = {0};

	tag_port(&untagged);
}

static void assert_parsed(const struct frame_spec *spec, const struct packet *packet)
{
	const struct mr_addr client = frame_addr(spec->client);
	const struct mr_addr service = frame_addr(spec->service);
	const uint32_t l4_bytes = 20U + spec->tcp_option_bytes + spec->payload_bytes;

	CU_ASSERT_EQUAL(packet->kind, PACKET_TCP);
	CU_ASSERT_EQUAL(packet->fragment, FRAGMENT_NONE);
	CU_ASSERT(mr_addr_equal(&packet->tuple.client, &client));
	CU_ASSERT(mr_addr_equal(&packet->tuple.service, &service));
	CU_ASSERT_EQUAL(rte_be_to_cpu_16(packet->tuple.client_port), spec->client_port);
	CU_ASSERT_EQUAL(rte_be_to_cpu_16(packet->tuple.service_port), spec->service_port);
	CU_ASSERT_EQUAL(packet->tcp_flags, spec->tcp_flags);
	CU_ASSERT_EQUAL(packet->l3_offset, l3_of(spec));
	CU_ASSERT_EQUAL(packet->l3_bytes, ip_bytes_of(spec) + l4_bytes);
	CU_ASSERT_EQUAL(packet->l4_offset, l3_of(spec) + ip_bytes_of(spec));
	CU_ASSERT_EQUAL(packet->l4_bytes, l4_bytes);
}

static void test_whole_frames(void)
{
	for (size_t i = 0; i < RTE_DIM(shapes); i++) {
		uint8_t frame[FRAME_BYTES_MAX];
		const uint32_t count = frame_build(&shapes[i], frame);
		struct packet packet;

		tag_port(&shapes[i]);
		CU_ASSERT_EQUAL_FATAL(bench_parse(rig, frame, count, &packet), UNDECIDED);
		assert_parsed(&shapes[i], &packet);
		CU_ASSERT_EQUAL(packet.rx_port, 0);
		CU_ASSERT_EQUAL(packet.tx_port, NO_PORT);
		CU_ASSERT_EQUAL(packet.backend, MR_BACKEND_NONE);
		CU_ASSERT_PTR_NULL(packet.nat_source);
	}
	untag_port();
}

/* Short frames are padded to 60 bytes on the wire; the padding is nobody's. */
static void test_padding_is_no_payload(void)
{
	for (size_t i = 0; i < RTE_DIM(shapes); i++) {
		uint8_t frame[FRAME_BYTES_MAX] = {0};
		const uint32_t count = frame_build(&shapes[i], frame);
		struct packet packet;

		tag_port(&shapes[i]);
		CU_ASSERT_EQUAL_FATAL(bench_parse(rig, frame, count + 46, &packet), UNDECIDED);
		assert_parsed(&shapes[i], &packet);
	}
	untag_port();
}

/* The frame is cut; its headers still tell the old length. */
static void test_every_cut(void)
{
	for (size_t i = 0; i < RTE_DIM(shapes); i++) {
		uint8_t frame[FRAME_BYTES_MAX];
		const uint32_t whole = frame_build(&shapes[i], frame);
		const uint32_t fixed = l3_of(&shapes[i]) + (is_ipv6(&shapes[i]) ? 40 : 20);

		tag_port(&shapes[i]);
		for (uint32_t count = 0; count < fixed; count++)
			bench_assert_dropped_unless_copied(rig, frame, count, MR_DROP_TRUNCATED);
		for (uint32_t count = fixed; count < whole; count++)
			bench_assert_verdict(rig, frame, count, MR_DROP_BAD_IP);
	}
	untag_port();
}

static void set_l3_bytes(const struct frame_spec *spec, uint8_t *frame, uint32_t bytes)
{
	if (is_ipv6(spec))
		ipv6_of(spec, frame)->payload_len = rte_cpu_to_be_16((uint16_t)(bytes - 40));
	else
		ipv4_of(spec, frame)->total_length = rte_cpu_to_be_16((uint16_t)bytes);
	mend_checksum(spec, frame);
}

static unsigned int verdict_of_honest_cut(const struct frame_spec *spec, uint32_t l3_bytes)
{
	const uint32_t ip_bytes = ip_bytes_of(spec);

	if (l3_bytes < ip_bytes)
		return MR_DROP_BAD_IP;
	return l3_bytes < ip_bytes + 20 + spec->tcp_option_bytes ? MR_DROP_BAD_TCP : UNDECIDED;
}

/* The frame is cut and the IP header says so: now the TCP header contradicts it. */
static void test_every_honest_cut(void)
{
	for (size_t i = 0; i < RTE_DIM(shapes); i++) {
		const uint32_t fixed = is_ipv6(&shapes[i]) ? 40 : 20;
		uint8_t frame[FRAME_BYTES_MAX];
		const uint32_t l3 = l3_of(&shapes[i]);
		const uint32_t whole = frame_build(&shapes[i], frame) - l3;

		tag_port(&shapes[i]);
		for (uint32_t bytes = fixed; bytes <= whole; bytes++) {
			set_l3_bytes(&shapes[i], frame, bytes);
			bench_assert_verdict(rig, frame, l3 + bytes,
					     verdict_of_honest_cut(&shapes[i], bytes));
		}
	}
	untag_port();
}

/* Two segments without any room: what is needed must be in the first. */
static void test_every_split(void)
{
	for (size_t i = 0; i < RTE_DIM(shapes); i++) {
		const uint32_t needed = l3_of(&shapes[i]) + ip_bytes_of(&shapes[i]) + 20;
		uint8_t frame[FRAME_BYTES_MAX];
		const uint32_t whole = frame_build(&shapes[i], frame);

		tag_port(&shapes[i]);
		for (uint32_t first = 0; first <= whole; first++) {
			struct rte_mbuf *head = frame_to_mbuf(rig->mbufs, frame, first);
			struct rte_mbuf *tail =
				frame_to_mbuf(rig->mbufs, &frame[first], whole - first);

			CU_ASSERT_EQUAL_FATAL(rte_pktmbuf_chain(head, tail), 0);
			CU_ASSERT_EQUAL(bench_parse_mbuf(rig, 0, head, NULL),
					first < needed ? MR_DROP_SCATTERED : UNDECIDED);
		}
	}
	untag_port();
}

/* Segments of @each bytes, as a driver fills its buffers; the first one keeps its tailroom. */
static struct rte_mbuf *spread(const uint8_t *frame, uint32_t count, uint32_t each)
{
	struct rte_mbuf *head = NULL;

	for (uint32_t done = 0; done < count; done += each) {
		const uint16_t here = (uint16_t)RTE_MIN(each, count - done);
		struct rte_mbuf *segment = rte_pktmbuf_alloc(rig->mbufs);

		CU_ASSERT_PTR_NOT_NULL_FATAL(segment);
		memcpy(rte_pktmbuf_append(segment, here), &frame[done], here);
		if (head == NULL)
			head = segment;
		else
			CU_ASSERT_EQUAL_FATAL(rte_pktmbuf_chain(head, segment), 0);
	}
	return head;
}

static void assert_pulled_up(const struct frame_spec *spec, const uint8_t *frame, uint32_t count,
			     struct burst *burst)
{
	const struct packet *packet = &burst->packets[0];
	const uint32_t headers = packet->l4_offset + 20U + spec->tcp_option_bytes;
	uint8_t copy[FRAME_BYTES_MAX];
	const uint8_t *bytes;

	CU_ASSERT_EQUAL_FATAL(packet->verdict, UNDECIDED);
	assert_parsed(spec, packet);
	CU_ASSERT(rte_pktmbuf_data_len(packet->mbuf) >= headers);
	CU_ASSERT_EQUAL_FATAL(rte_pktmbuf_pkt_len(packet->mbuf), count);
	CU_ASSERT_EQUAL(rte_mbuf_check(packet->mbuf, 1, &(const char *){NULL}), 0);
	bytes = rte_pktmbuf_read(packet->mbuf, 0, count, copy);
	CU_ASSERT_EQUAL(memcmp(bytes, frame, count), 0);
}

/* Where the first segment has room the headers move there, and nothing else changes. */
static void test_headers_are_pulled_up(void)
{
	const uint32_t mbufs = rig_free_mbufs(rig);

	for (size_t i = 0; i < RTE_DIM(shapes); i++) {
		uint8_t frame[FRAME_BYTES_MAX];
		const uint32_t count = frame_build(&shapes[i], frame);

		tag_port(&shapes[i]);
		for (uint32_t each = 1; each <= count; each++) {
			struct burst burst;

			CU_ASSERT_FATAL(rig_inject_mbuf(rig, 0, spread(frame, count, each)));
			CU_ASSERT_EQUAL_FATAL(rig_receive(rig, 0, &burst), 1);
			parse(&rig->worker, &burst);
			assert_pulled_up(&shapes[i], frame, count, &burst);
			rig_discard(&burst);
		}
	}
	untag_port();
	CU_ASSERT_EQUAL(rig_free_mbufs(rig), mbufs);
}

static void test_ip_version(void)
{
	for (size_t i = 0; i < RTE_DIM(shapes); i++) {
		uint8_t frame[FRAME_BYTES_MAX];
		const uint32_t count = frame_build(&shapes[i], frame);
		uint8_t *first = &frame[l3_of(&shapes[i])];
		const uint8_t right = *first >> 4;

		tag_port(&shapes[i]);
		for (uint8_t version = 0; version < 16; version++) {
			*first = (uint8_t)(version << 4 | (*first & 0xf));
			mend_checksum(&shapes[i], frame);
			bench_assert_verdict(rig, frame, count,
					     version == right ? UNDECIDED : MR_DROP_BAD_IP);
		}
	}
	untag_port();
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
		frame[RTE_ETHER_HDR_LEN] = (uint8_t)(4 << 4 | words);
		if (words >= 5 && words <= 10)
			mend_checksum(&spec, frame);
		CU_ASSERT_EQUAL(bench_parse(rig, frame, count, NULL), expected);
	}
}

static void assert_ip_length(const struct frame_spec *spec, uint32_t bytes, unsigned int expected)
{
	uint8_t frame[FRAME_BYTES_MAX];
	const uint32_t count = frame_build(spec, frame);

	set_l3_bytes(spec, frame, bytes);
	bench_assert_verdict(rig, frame, count, expected);
}

static void test_ip_length(void)
{
	const struct frame_spec v4 = {V4, PORTS};
	const struct frame_spec v6 = {V6, PORTS};

	assert_ip_length(&v4, 0, MR_DROP_BAD_IP);
	assert_ip_length(&v4, 19, MR_DROP_BAD_IP);
	assert_ip_length(&v4, 40, UNDECIDED);
	assert_ip_length(&v4, 41, MR_DROP_BAD_IP);
	assert_ip_length(&v4, UINT16_MAX, MR_DROP_BAD_IP);
	assert_ip_length(&v6, 40, MR_DROP_BAD_TCP); /* a jumbogram, or no TCP header at all */
	assert_ip_length(&v6, 40 + 20, UNDECIDED);
	assert_ip_length(&v6, 40 + 21, MR_DROP_BAD_IP);
	assert_ip_length(&v6, 40 + UINT16_MAX, MR_DROP_BAD_IP);
}

/* Every bit of the header counts, and what the card says of it is believed. */
static void test_ipv4_checksum(void)
{
	const struct frame_spec spec = {V4, PORTS, .ip_option_bytes = 8};
	uint8_t frame[FRAME_BYTES_MAX];
	const uint32_t count = frame_build(&spec, frame);
	struct rte_ipv4_hdr *ip = ipv4_of(&spec, frame);

	for (uint32_t bit = 0; bit < 16; bit++) {
		ip->hdr_checksum ^= (rte_be16_t)(1 << bit);
		bench_assert_verdict(rig, frame, count, MR_DROP_BAD_CHECKSUM);
		ip->hdr_checksum ^= (rte_be16_t)(1 << bit);
	}
	frame[RTE_ETHER_HDR_LEN + 27] ^= 1; /* the last byte of the options */
	CU_ASSERT_EQUAL(bench_parse(rig, frame, count, NULL), MR_DROP_BAD_CHECKSUM);
}

static unsigned int verdict_with_flags(const struct frame_spec *spec, uint64_t flags, uint8_t flip)
{
	uint8_t frame[FRAME_BYTES_MAX];
	const uint32_t count = frame_build(spec, frame);
	struct rte_mbuf *mbuf;

	ipv4_of(spec, frame)->hdr_checksum ^= flip;
	mbuf = frame_to_mbuf(rig->mbufs, frame, count);
	mbuf->ol_flags |= flags;
	return bench_parse_mbuf(rig, 0, mbuf, NULL);
}

static void test_ipv4_checksum_by_the_card(void)
{
	const struct frame_spec spec = {V4, PORTS};

	CU_ASSERT_EQUAL(verdict_with_flags(&spec, RTE_MBUF_F_RX_IP_CKSUM_GOOD, 0), UNDECIDED);
	CU_ASSERT_EQUAL(verdict_with_flags(&spec, RTE_MBUF_F_RX_IP_CKSUM_GOOD, 1), UNDECIDED);
	CU_ASSERT_EQUAL(verdict_with_flags(&spec, RTE_MBUF_F_RX_IP_CKSUM_BAD, 0),
			MR_DROP_BAD_CHECKSUM);
	CU_ASSERT_EQUAL(verdict_with_flags(&spec, RTE_MBUF_F_RX_IP_CKSUM_UNKNOWN, 1),
			MR_DROP_BAD_CHECKSUM);
	CU_ASSERT_EQUAL(verdict_with_flags(&spec, RTE_MBUF_F_RX_L4_CKSUM_GOOD, 1),
			MR_DROP_BAD_CHECKSUM);
}

/* mailrail is no hop: it takes nothing off, so that one is enough. */
static void test_ttl(void)
{
	static const struct frame_spec v4 = {V4, PORTS}, v6 = {V6, PORTS};
	uint8_t frame[FRAME_BYTES_MAX];

	for (uint8_t ttl = 0; ttl < 3; ttl++) {
		uint32_t count = frame_build(&v4, frame);

		ipv4_of(&v4, frame)->time_to_live = ttl;
		mend_checksum(&v4, frame);
		bench_assert_verdict(rig, frame, count, ttl == 0 ? MR_DROP_TTL : UNDECIDED);
		count = frame_build(&v6, frame);
		ipv6_of(&v6, frame)->hop_limits = ttl;
		bench_assert_verdict(rig, frame, count, ttl == 0 ? MR_DROP_TTL : UNDECIDED);
	}
}

/* Nobody sends from a group or from everybody. */
static void test_sources_that_are_no_host(void)
{
	static const char *const v4[] = {"224.0.0.1", "239.255.255.255", "255.255.255.255"};
	struct frame_spec spec = {V4, PORTS};
	uint8_t frame[FRAME_BYTES_MAX];

	for (size_t i = 0; i < RTE_DIM(v4); i++) {
		spec.client = v4[i];
		bench_assert_verdict(rig, frame, frame_build(&spec, frame), MR_DROP_BAD_IP);
	}
	spec.client = "223.255.255.255";
	bench_assert_verdict(rig, frame, frame_build(&spec, frame), UNDECIDED);
	spec = (struct frame_spec){V6, PORTS};
	spec.client = "ff02::1";
	bench_assert_verdict(rig, frame, frame_build(&spec, frame), MR_DROP_BAD_IP);
}

static void test_tcp_data_offset(void)
{
	for (size_t i = 0; i < RTE_DIM(shapes); i++) {
		uint8_t frame[FRAME_BYTES_MAX];
		const uint32_t count = frame_build(&shapes[i], frame);
		const uint32_t l4_bytes =
			20U + shapes[i].tcp_option_bytes + shapes[i].payload_bytes;

		tag_port(&shapes[i]);
		for (uint32_t words = 0; words < 16; words++) {
			tcp_of(&shapes[i], frame)->data_off = (uint8_t)(words << 4);
			bench_assert_verdict(rig, frame, count,
					     words < 5 || 4 * words > l4_bytes ? MR_DROP_BAD_TCP
									       : UNDECIDED);
		}
	}
	untag_port();
}

static void test_other_stations(void)
{
	static const struct rte_ether_addr another = OTHER;
	static const struct rte_ether_addr many[] = {
		{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
		{{0x01, 0x00, 0x5e, 0x00, 0x00, 0x0a}},
		{{0x33, 0x33, 0x00, 0x00, 0x00, 0x25}},
	};
	struct frame_spec spec = shapes[0];
	uint8_t frame[FRAME_BYTES_MAX];

	spec.to = another;
	bench_assert_dropped_unless_copied(rig, frame, frame_build(&spec, frame), MR_DROP_NOT_OURS);
	/* ARP and NDP come so, and the kernel must have them. */
	for (size_t i = 0; i < RTE_DIM(many); i++) {
		spec.to = many[i];
		bench_assert_left(rig, frame, frame_build(&spec, frame), MR_DROP_NOT_SERVICE);
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
	CU_ASSERT_EQUAL(
		bench_parse_mbuf(rig, RIG_PROBE, frame_to_mbuf(rig->mbufs, frame, count), &packet),
		UNDECIDED);
	CU_ASSERT_EQUAL(packet.rx_port, WORKER_PROBE_PORT);
}

/* What the kernel sends through its side of a port leaves by that port, whatever it is. */
static void test_kernels_side_sends_through_the_port(void)
{
	for (uint8_t port = 0; port < RIG_PORTS; port++) {
		const uint8_t anything[] = {0xff, 0x00, 0x55};
		struct packet packet;

		CU_ASSERT_EQUAL(
			bench_parse_mbuf(rig, RIG_KERNEL + port,
					 frame_to_mbuf(rig->mbufs, anything, sizeof(anything)),
					 &packet),
			MR_FROM_KERNEL);
		CU_ASSERT_EQUAL(packet.tx_port, port);
	}
}

static void test_other_ether_types(void)
{
	const uint16_t types[] = {RTE_ETHER_TYPE_ARP, RTE_ETHER_TYPE_MPLS, RTE_ETHER_TYPE_LLDP, 0};

	for (size_t i = 0; i < RTE_DIM(types); i++) {
		uint8_t frame[FRAME_BYTES_MAX];
		const uint32_t count = frame_build(&shapes[0], frame);
		struct rte_ether_hdr *ethernet = (void *)frame;

		ethernet->ether_type = rte_cpu_to_be_16(types[i]);
		bench_assert_left(rig, frame, count, MR_DROP_NOT_SERVICE);
		bench_assert_left(rig, frame, sizeof(*ethernet), MR_DROP_NOT_SERVICE);
	}
}

/* Unexamined: neither checksum nor TTL is looked at. */
static void test_other_protocols(void)
{
	static const struct frame_spec v4 = {V4, PORTS, .payload_bytes = 7};
	uint8_t frame[FRAME_BYTES_MAX];
	const uint32_t count = frame_build(&v4, frame);

	for (unsigned int protocol = 0; protocol < 256; protocol++) {
		if (protocol == IPPROTO_TCP || protocol == IPPROTO_ICMP)
			continue;
		ipv4_of(&v4, frame)->next_proto_id = (uint8_t)protocol;
		ipv4_of(&v4, frame)->time_to_live = protocol % 2;
		bench_assert_left(rig, frame, count, MR_DROP_NOT_SERVICE);
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
		bench_assert_left(rig, frame, frame_build(&spec, frame), MR_DROP_NOT_SERVICE);
	}
}

/* As it stands in the header: reserved bit, DF, MF, offset in units of 8 bytes. */
static void test_ipv4_fragments(void)
{
	static const struct {
		uint16_t field;
		uint8_t payload_bytes;
		unsigned int verdict;
		enum packet_fragment fragment;
	} rows[] = {
		{0x0000, 4, UNDECIDED, FRAGMENT_NONE},
		{0x4000, 4, UNDECIDED, FRAGMENT_NONE},
		{0x8000, 4, UNDECIDED, FRAGMENT_NONE},
		{0x2000, 4, UNDECIDED, FRAGMENT_FIRST},
		{0x6000, 4, UNDECIDED, FRAGMENT_FIRST},
		{0x2000, 5, MR_DROP_BAD_IP, FRAGMENT_NONE},
		{0x0001, 4, MR_DROP_FRAGMENT_TINY, FRAGMENT_NONE},
		{0x2001, 4, MR_DROP_FRAGMENT_TINY, FRAGMENT_NONE},
		{0x0002, 4, UNDECIDED, FRAGMENT_LATER},
		{0x0002, 5, UNDECIDED, FRAGMENT_LATER},
		{0x2002, 4, UNDECIDED, FRAGMENT_LATER},
		{0x2002, 5, MR_DROP_BAD_IP, FRAGMENT_NONE},
		/* The longest datagram, and one byte more. */
		{0x1ffc, 11, UNDECIDED, FRAGMENT_LATER},
		{0x1ffc, 12, MR_DROP_BAD_IP, FRAGMENT_NONE},
		{0x1fff, 4, MR_DROP_BAD_IP, FRAGMENT_NONE},
	};

	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		const struct frame_spec spec = {V4, PORTS, .payload_bytes = rows[i].payload_bytes};
		uint8_t frame[FRAME_BYTES_MAX];
		const uint32_t count = frame_build(&spec, frame);
		struct packet packet;

		ipv4_of(&spec, frame)->fragment_offset = rte_cpu_to_be_16(rows[i].field);
		ipv4_of(&spec, frame)->packet_id = RTE_BE16(0x1234);
		mend_checksum(&spec, frame);
		CU_ASSERT_EQUAL(bench_parse(rig, frame, count, &packet), rows[i].verdict);
		if (rows[i].verdict != UNDECIDED)
			continue;
		CU_ASSERT_EQUAL(packet.fragment, rows[i].fragment);
		if (packet.fragment != FRAGMENT_NONE)
			CU_ASSERT_EQUAL(packet.fragment_id, RTE_BE16(0x1234));
		CU_ASSERT_EQUAL(packet.tcp_flags,
				packet.fragment == FRAGMENT_LATER ? 0 : spec.tcp_flags);
	}
}

/* A first fragment has the whole TCP header; a later one has something. */
static void test_ipv4_fragment_sizes(void)
{
	const struct frame_spec spec = {V4, PORTS, .tcp_option_bytes = 20, .payload_bytes = 24};
	uint8_t frame[FRAME_BYTES_MAX];
	const uint32_t l3 = l3_of(&spec);

	frame_build(&spec, frame);
	for (uint32_t bytes = 0; bytes <= 64; bytes += 8) {
		const unsigned int expected = bytes == 0   ? MR_DROP_BAD_IP
					      : bytes < 40 ? MR_DROP_FRAGMENT_TINY
							   : UNDECIDED;

		ipv4_of(&spec, frame)->fragment_offset = RTE_BE16(RTE_IPV4_HDR_MF_FLAG);
		set_l3_bytes(&spec, frame, 20 + bytes);
		bench_assert_verdict(rig, frame, l3 + 20 + bytes, expected);
		ipv4_of(&spec, frame)->fragment_offset = RTE_BE16(5);
		set_l3_bytes(&spec, frame, 20 + bytes);
		bench_assert_verdict(rig, frame, l3 + 20 + bytes,
				     bytes == 0 ? MR_DROP_BAD_IP : UNDECIDED);
	}
}

struct tag_row {
	const char *what;
	uint8_t count; /* of the tags in the frame */
	uint16_t types[3];
	uint16_t tcis[3];
	unsigned int verdict;
	uint8_t rx_port;
};

/* Port 0 has no tag, 1 has 100, 2 has 100 and 200, 3 is on another device. */
static const struct tag_row tag_rows[] = {
	{"no tag", 0, {0}, {0}, UNDECIDED, 0},
	{"priority tag", 1, {0x8100}, {0xe000}, UNDECIDED, 0},
	{"two priority tags", 2, {0x88a8, 0x8100}, {0x2000, 0}, UNDECIDED, 0},
	{"one tag", 1, {0x8100}, {100}, UNDECIDED, 1},
	{"service tag", 1, {0x88a8}, {100}, UNDECIDED, 1},
	{"with priority and DEI", 1, {0x8100}, {0xf000 | 100}, UNDECIDED, 1},
	{"priority before", 2, {0x8100, 0x8100}, {0xe000, 100}, UNDECIDED, 1},
	{"priority behind", 2, {0x8100, 0x8100}, {100, 0xe000}, UNDECIDED, 1},
	{"two tags", 2, {0x88a8, 0x8100}, {100, 200}, UNDECIDED, 2},
	{"two C-tags", 2, {0x8100, 0x8100}, {100, 200}, UNDECIDED, 2},
	{"two S-tags", 2, {0x88a8, 0x88a8}, {100, 200}, UNDECIDED, 2},
	{"wrong order", 2, {0x88a8, 0x8100}, {200, 100}, MR_DROP_VLAN, 0},
	{"another id", 1, {0x8100}, {101}, MR_DROP_VLAN, 0},
	{"inner id alone", 1, {0x8100}, {200}, MR_DROP_VLAN, 0},
	{"other device's", 1, {0x8100}, {300}, MR_DROP_VLAN, 0},
	{"one too many", 2, {0x8100, 0x8100}, {100, 100}, MR_DROP_VLAN, 0},
	{"three", 3, {0x8100, 0x8100, 0x8100}, {100, 200, 300}, MR_DROP_NOT_SERVICE, 2},
	{"old QinQ type", 1, {0x9100}, {100}, MR_DROP_NOT_SERVICE, 0},
};

static void set_tags(uint8_t port, uint8_t sibling, uint8_t count, uint16_t outer, uint16_t inner)
{
	rig->ports[port].tag_count = count;
	rig->ports[port].tags[0] = outer;
	rig->ports[port].tags[1] = inner;
	rig->ports[port].sibling = sibling;
}

/* Tags go between the addresses and the EtherType. */
static uint32_t add_tags(const struct tag_row *row, uint8_t *frame, uint32_t count)
{
	uint8_t *place = &frame[2 * RTE_ETHER_ADDR_LEN];

	memmove(&place[4 * row->count], place, count - 2 * RTE_ETHER_ADDR_LEN);
	for (uint8_t i = 0; i < row->count; i++) {
		const rte_be16_t tag[2] = {rte_cpu_to_be_16(row->types[i]),
					   rte_cpu_to_be_16(row->tcis[i])};

		memcpy(&place[4 * i], tag, sizeof(tag));
	}
	return count + 4U * row->count;
}

static void assert_tag_row(const struct tag_row *row)
{
	uint8_t frame[FRAME_BYTES_MAX];
	const uint32_t count = add_tags(row, frame, frame_build(&shapes[0], frame));
	struct packet packet;

	CU_ASSERT_EQUAL(bench_parse(rig, frame, count, &packet), row->verdict);
	CU_ASSERT_EQUAL(packet.rx_port, row->rx_port);
	if (row->verdict != UNDECIDED)
		return;
	CU_ASSERT_EQUAL(packet.l3_offset, RTE_ETHER_HDR_LEN + 4 * row->count);
	CU_ASSERT_EQUAL(packet.l4_offset, packet.l3_offset + 20);
	for (uint32_t cut = RTE_ETHER_HDR_LEN; cut < packet.l3_offset; cut++)
		bench_assert_dropped_unless_copied(rig, frame, cut, MR_DROP_TRUNCATED);
}

static void test_tags_choose_the_port(void)
{
	set_tags(0, 1, 0, 0, 0);
	set_tags(1, 2, 1, 100, 0);
	set_tags(2, 0, 2, 100, 200);
	set_tags(3, 3, 1, 300, 0);
	for (size_t i = 0; i < RTE_DIM(tag_rows); i++)
		assert_tag_row(&tag_rows[i]);
	for (uint8_t i = 0; i < RIG_PORTS; i++)
		set_tags(i, i, 0, 0, 0);
}

/* What the kernel can have of a frame is a matter of the port that its tags say. */
static void test_kernel_is_that_of_the_tagged_port(void)
{
	const struct tag_row tagged = {"", 1, {0x8100}, {100}, 0, 0};
	const struct tag_row strange = {"", 1, {0x8100}, {999}, 0, 0};
	struct frame_spec spec = shapes[0];
	uint8_t frame[FRAME_BYTES_MAX];
	struct packet packet;
	uint32_t count;

	set_tags(0, 1, 0, 0, 0);
	set_tags(1, 0, 1, 100, 0);
	rig->ports[1].has_kernel_side = true;
	spec.to = (struct rte_ether_addr){{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
	count = add_tags(&tagged, frame, frame_build(&spec, frame));
	CU_ASSERT_EQUAL(bench_parse(rig, frame, count, &packet), MR_PASSED_TO_KERNEL);
	CU_ASSERT_EQUAL(packet.tx_port, (WORKER_KERNEL_SIDE | 1));
	count = add_tags(&strange, frame, frame_build(&spec, frame));
	CU_ASSERT_EQUAL(bench_parse(rig, frame, count, NULL), MR_DROP_VLAN);
	rig->ports[1].has_kernel_side = false;
	set_tags(0, 0, 0, 0, 0);
	set_tags(1, 1, 0, 0, 0);

	count = add_tags(&strange, frame, frame_build(&spec, frame));
	bench_assert_left(rig, frame, count, MR_DROP_VLAN);
	spec.to = (struct rte_ether_addr)OTHER;
	count = add_tags(&strange, frame, frame_build(&spec, frame));
	bench_assert_dropped_unless_copied(rig, frame, count, MR_DROP_NOT_OURS);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_whole_frames),
		UNIT_TEST(test_padding_is_no_payload),
		UNIT_TEST(test_every_cut),
		UNIT_TEST(test_every_honest_cut),
		UNIT_TEST(test_every_split),
		UNIT_TEST(test_headers_are_pulled_up),
		UNIT_TEST(test_ip_version),
		UNIT_TEST(test_ipv4_header_length),
		UNIT_TEST(test_ip_length),
		UNIT_TEST(test_ipv4_checksum),
		UNIT_TEST(test_ipv4_checksum_by_the_card),
		UNIT_TEST(test_ttl),
		UNIT_TEST(test_sources_that_are_no_host),
		UNIT_TEST(test_tcp_data_offset),
		UNIT_TEST(test_other_stations),
		UNIT_TEST(test_probe_port_has_no_station),
		UNIT_TEST(test_kernels_side_sends_through_the_port),
		UNIT_TEST(test_other_ether_types),
		UNIT_TEST(test_other_protocols),
		UNIT_TEST(test_mapped_addresses_in_ipv6),
		UNIT_TEST(test_ipv4_fragments),
		UNIT_TEST(test_ipv4_fragment_sizes),
		UNIT_TEST(test_tags_choose_the_port),
		UNIT_TEST(test_kernel_is_that_of_the_tagged_port),
		CU_TEST_INFO_NULL,
	};

	return rig_unit_run("parse", tests, &rig);
}
