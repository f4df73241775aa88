/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ICMP errors about sessions: which types, what they quote, every length of the quote, and what
 * is the kernel's.
 */
#include "quote.h"

#include <string.h>

#include <rte_ip.h>

#include "parse_bench.h"

#define L3	       RTE_ETHER_HDR_LEN
#define ICMP_BYTES     8
#define V4_UNREACHABLE 3
#define V6_TOO_BIG     2

static struct rig *rig;

/* What a router tells of: a packet of the service's that was going to the client. */
struct error {
	struct frame_spec quoted;
	const char *router;
	const char *to; /* NULL: the quoted packet's sender */
	uint8_t type;
	uint8_t outer_option_bytes;
	uint8_t destination_option_bytes; /* in the quoted packet; IPv6 only */
};

#define SERVICE_V4 .client = "10.0.0.10", .client_port = 25
#define CLIENT_V4  .service = "192.0.2.1", .service_port = 40000
#define SERVICE_V6 .client = "2001:db8::25", .client_port = 25
#define CLIENT_V6  .service = "2001:db8:1::1", .service_port = 40000

static const struct error errors[] = {
	{{SERVICE_V4, CLIENT_V4, .payload_bytes = 20}, "198.51.100.1", NULL, V4_UNREACHABLE, 0, 0},
	{{SERVICE_V4, CLIENT_V4, .ip_option_bytes = 40}, "198.51.100.1", NULL, 11, 0, 0},
	{{SERVICE_V4, CLIENT_V4, .tcp_option_bytes = 12}, "198.51.100.1", NULL, 12, 40, 0},
	{{SERVICE_V6, CLIENT_V6, .payload_bytes = 20}, "2001:db8:2::1", NULL, V6_TOO_BIG, 0, 0},
	{{SERVICE_V6, CLIENT_V6}, "2001:db8:2::1", NULL, 1, 0, 16},
};

static bool is_ipv6(const struct error *error)
{
	return strchr(error->router, ':') != NULL;
}

/* The quoted packet, from its IP header on; returns its bytes. */
static uint32_t build_quoted(const struct error *error, uint8_t *bytes)
{
	const uint8_t extra = error->destination_option_bytes;
	uint8_t frame[FRAME_BYTES_MAX];
	const uint32_t count = frame_build(&error->quoted, frame) - L3;
	struct rte_ipv6_hdr *ip = (void *)bytes;

	memcpy(bytes, &frame[L3], count);
	if (extra == 0)
		return count;
	memmove(&bytes[sizeof(*ip) + extra], &bytes[sizeof(*ip)], count - sizeof(*ip));
	memset(&bytes[sizeof(*ip)], 0, extra);
	bytes[sizeof(*ip)] = IPPROTO_TCP;
	bytes[sizeof(*ip) + 1] = (uint8_t)(extra / 8 - 1);
	ip->proto = IPPROTO_DSTOPTS;
	ip->payload_len = rte_cpu_to_be_16((uint16_t)(count + extra - sizeof(*ip)));
	return count + extra;
}

/*
 * Link and IP header of the message, whose @l4_bytes are behind; returns their bytes. The TCP
 * header that comes with them is overwritten.
 */
static uint32_t build_outer(const struct error *error, uint32_t l4_bytes, uint8_t *frame)
{
	const struct frame_spec spec = {
		.to = {{0x02, 0, 0, 0, 0, 0x00}},
		.client = error->router,
		.service = error->to != NULL ? error->to : error->quoted.client,
		.ip_option_bytes = error->outer_option_bytes,
	};
	const uint32_t front = frame_build(&spec, frame) - 20;

	if (is_ipv6(error)) {
		struct rte_ipv6_hdr *ip = (void *)&frame[L3];

		ip->proto = IPPROTO_ICMPV6;
		ip->payload_len = rte_cpu_to_be_16((uint16_t)l4_bytes);
	} else {
		struct rte_ipv4_hdr *ip = (void *)&frame[L3];

		ip->next_proto_id = IPPROTO_ICMP;
		ip->total_length = rte_cpu_to_be_16((uint16_t)(front - L3 + l4_bytes));
		ip->hdr_checksum = 0;
		ip->hdr_checksum = rte_ipv4_cksum(ip);
	}
	return front;
}

/* The message with @quote_bytes of @quoted; returns the frame's bytes. */
static uint32_t build_message(const struct error *error, const uint8_t *quoted,
			      uint32_t quote_bytes, uint8_t *frame)
{
	const uint32_t front = build_outer(error, ICMP_BYTES + quote_bytes, frame);

	memset(&frame[front], 0, ICMP_BYTES);
	frame[front] = error->type;
	memcpy(&frame[front + ICMP_BYTES], quoted, quote_bytes);
	return front + ICMP_BYTES + quote_bytes;
}

static uint32_t build(const struct error *error, uint8_t *frame)
{
	uint8_t quoted[FRAME_BYTES_MAX];
	const uint32_t quote_bytes = build_quoted(error, quoted);

	return build_message(error, quoted, quote_bytes, frame);
}

static uint32_t quote_of(const struct error *error)
{
	return L3 + (is_ipv6(error) ? 40U : 20U + error->outer_option_bytes) + ICMP_BYTES;
}

static uint32_t quoted_tcp_of(const struct error *error)
{
	return quote_of(error) + (is_ipv6(error) ? 40U + error->destination_option_bytes
						 : 20U + error->quoted.ip_option_bytes);
}

static void assert_quotes(const struct error *error, const struct packet *packet)
{
	const struct mr_addr client = frame_addr(error->quoted.service);
	const struct mr_addr service = frame_addr(error->quoted.client);

	CU_ASSERT_EQUAL(packet->kind, PACKET_ICMP_ERROR);
	CU_ASSERT_EQUAL(packet->fragment, FRAGMENT_NONE);
	CU_ASSERT_EQUAL(packet->tcp_flags, 0);
	CU_ASSERT(mr_addr_equal(&packet->tuple.client, &client));
	CU_ASSERT(mr_addr_equal(&packet->tuple.service, &service));
	CU_ASSERT_EQUAL(packet->tuple.client_port, RTE_BE16(40000));
	CU_ASSERT_EQUAL(packet->tuple.service_port, RTE_BE16(25));
	CU_ASSERT_EQUAL(packet->l4_offset, quote_of(error) - ICMP_BYTES);
	CU_ASSERT_EQUAL(packet->quote_offset, quote_of(error));
	CU_ASSERT_EQUAL(packet->quote_l4_offset, quoted_tcp_of(error));
}

static void test_errors_name_the_session(void)
{
	for (size_t i = 0; i < RTE_DIM(errors); i++) {
		uint8_t frame[FRAME_BYTES_MAX];
		const uint32_t count = build(&errors[i], frame);
		struct packet packet;

		CU_ASSERT_EQUAL_FATAL(bench_parse(rig, frame, count, &packet), UNDECIDED);
		assert_quotes(&errors[i], &packet);
		CU_ASSERT_EQUAL(packet.l4_bytes, count - packet.l4_offset);
	}
}

/* Routers quote as much as they like: 8 bytes of TCP are enough, less is nothing. */
static void test_every_length_of_the_quote(void)
{
	for (size_t i = 0; i < RTE_DIM(errors); i++) {
		uint8_t quoted[FRAME_BYTES_MAX], frame[FRAME_BYTES_MAX];
		const uint32_t whole = build_quoted(&errors[i], quoted);
		const uint32_t needed = quoted_tcp_of(&errors[i]) + 8 - quote_of(&errors[i]);

		for (uint32_t bytes = 0; bytes <= whole; bytes++) {
			const uint32_t count = build_message(&errors[i], quoted, bytes, frame);

			if (bytes < needed)
				bench_assert_left(rig, frame, count, MR_DROP_NOT_SERVICE);
			else
				bench_assert_verdict(rig, frame, count, UNDECIDED);
		}
	}
}

/* The frame is cut; its IP header still tells the old length. */
static void test_every_cut(void)
{
	for (size_t i = 0; i < RTE_DIM(errors); i++) {
		uint8_t frame[FRAME_BYTES_MAX];
		const uint32_t whole = build(&errors[i], frame);
		const uint32_t fixed = L3 + (is_ipv6(&errors[i]) ? 40 : 20);

		for (uint32_t count = fixed; count < whole; count++)
			bench_assert_verdict(rig, frame, count, MR_DROP_BAD_IP);
	}
}

/* Messages that end inside ICMP's own header. */
static void test_short_messages(void)
{
	for (size_t i = 0; i < RTE_DIM(errors); i++) {
		for (uint32_t bytes = 0; bytes < ICMP_BYTES; bytes++) {
			uint8_t frame[FRAME_BYTES_MAX];
			const uint32_t front = build_outer(&errors[i], bytes, frame);

			memset(&frame[front], errors[i].type, bytes);
			bench_assert_left(rig, frame, front + bytes, MR_DROP_NOT_SERVICE);
		}
	}
}

/* Two segments without any room. */
static void test_every_split(void)
{
	for (size_t i = 0; i < RTE_DIM(errors); i++) {
		const uint32_t needed = quoted_tcp_of(&errors[i]) + 8;
		uint8_t frame[FRAME_BYTES_MAX];
		const uint32_t whole = build(&errors[i], frame);

		for (uint32_t first = 0; first <= whole; first++) {
			struct rte_mbuf *head = frame_to_mbuf(rig->mbufs, frame, first);
			struct rte_mbuf *tail =
				frame_to_mbuf(rig->mbufs, &frame[first], whole - first);

			CU_ASSERT_EQUAL_FATAL(rte_pktmbuf_chain(head, tail), 0);
			CU_ASSERT_EQUAL(bench_parse_mbuf(rig, 0, head, NULL),
					first < needed ? MR_DROP_SCATTERED : UNDECIDED);
		}
	}
}

static bool is_error_v4(unsigned int type)
{
	return type == 3 || type == 11 || type == 12;
}

static bool is_error_v6(unsigned int type)
{
	return type >= 1 && type <= 4;
}

/* Echo, redirects, NDP and the rest are the kernel's, unexamined. */
static void test_types(void)
{
	for (unsigned int type = 0; type < 256; type++) {
		struct error v4 = errors[0], v6 = errors[3];
		uint8_t frame[FRAME_BYTES_MAX];
		uint32_t count;

		v4.type = (uint8_t)type;
		count = build(&v4, frame);
		if (is_error_v4(type))
			bench_assert_verdict(rig, frame, count, UNDECIDED);
		else
			bench_assert_left(rig, frame, count, MR_DROP_NOT_SERVICE);
		v6.type = (uint8_t)type;
		count = build(&v6, frame);
		if (is_error_v6(type))
			bench_assert_verdict(rig, frame, count, UNDECIDED);
		else
			bench_assert_left(rig, frame, count, MR_DROP_NOT_SERVICE);
	}
}

/* Each family has its own ICMP. */
static void test_icmp_of_the_other_family(void)
{
	uint8_t frame[FRAME_BYTES_MAX];
	struct rte_ipv4_hdr *v4 = (void *)&frame[L3];
	struct rte_ipv6_hdr *v6 = (void *)&frame[L3];
	uint32_t count = build(&errors[0], frame);

	v4->next_proto_id = IPPROTO_ICMPV6;
	bench_assert_left(rig, frame, count, MR_DROP_NOT_SERVICE);
	count = build(&errors[3], frame);
	v6->proto = IPPROTO_ICMP;
	bench_assert_left(rig, frame, count, MR_DROP_NOT_SERVICE);
}

/* An error about a session came to whoever sent the packet that it is about. */
static void test_quote_of_another_sender(void)
{
	struct error v4 = errors[0], v6 = errors[3];
	uint8_t frame[FRAME_BYTES_MAX];

	v4.to = "10.0.0.11";
	bench_assert_left(rig, frame, build(&v4, frame), MR_DROP_NOT_SERVICE);
	v6.to = "2001:db8::26";
	bench_assert_left(rig, frame, build(&v6, frame), MR_DROP_NOT_SERVICE);
	v6 = errors[3];
	v6.quoted.service = "::ffff:192.0.2.1";
	bench_assert_left(rig, frame, build(&v6, frame), MR_DROP_NOT_SERVICE);
}

/* @offset and @value: a change to the quoted packet, at a byte of its IP header. */
static void assert_change_is_left(const struct error *error, uint32_t offset, uint8_t value)
{
	uint8_t frame[FRAME_BYTES_MAX];
	const uint32_t count = build(error, frame);

	frame[quote_of(error) + offset] = value;
	bench_assert_left(rig, frame, count, MR_DROP_NOT_SERVICE);
}

static void test_quotes_that_are_no_session(void)
{
	const struct error *v4 = &errors[0], *v6 = &errors[3], *with_options = &errors[4];

	assert_change_is_left(v4, 0, 0x65); /* version */
	assert_change_is_left(v4, 0, 0x44); /* header length */
	assert_change_is_left(v4, 0, 0x4f); /* longer than what is quoted */
	assert_change_is_left(v4, 6, 0x01); /* later fragments */
	assert_change_is_left(v4, 7, 0x01);
	assert_change_is_left(v4, 9, IPPROTO_UDP);
	assert_change_is_left(v4, 9, IPPROTO_ICMP);
	assert_change_is_left(v6, 0, 0x45);
	assert_change_is_left(v6, 6, IPPROTO_UDP);
	assert_change_is_left(v6, 6, IPPROTO_NONE);
	assert_change_is_left(with_options, 41, 31);		  /* longer than what is quoted */
	assert_change_is_left(with_options, 40, IPPROTO_HOPOPTS); /* not the first */
}

static void test_quoted_fragments(void)
{
	struct error v6 = errors[4];
	uint8_t frame[FRAME_BYTES_MAX];
	uint8_t *fragment;
	uint32_t count;

	/* The first fragment has the ports. */
	count = build(&errors[0], frame);
	frame[quote_of(&errors[0]) + 6] = RTE_IPV4_HDR_MF_FLAG >> 8;
	bench_assert_verdict(rig, frame, count, UNDECIDED);

	v6.destination_option_bytes = 8;
	count = build(&v6, frame);
	frame[quote_of(&v6) + 6] = IPPROTO_FRAGMENT;
	fragment = &frame[quote_of(&v6) + 40];
	fragment[3] = 1;
	CU_ASSERT_EQUAL((count - quoted_tcp_of(&v6)) % 8, 4); /* the quote is cut, it was more */
	bench_assert_verdict(rig, frame, count, UNDECIDED);
	fragment[2] = 1;
	fragment[3] = 0;
	bench_assert_left(rig, frame, count, MR_DROP_NOT_SERVICE);
}

/* Fragments of ICMP are the kernel's to put together. */
static void test_fragmented_errors(void)
{
	static const uint16_t fields[] = {0x2000, 0x0002, 0x2002};

	for (size_t i = 0; i < RTE_DIM(fields); i++) {
		struct error error = errors[0];
		uint8_t frame[FRAME_BYTES_MAX];
		struct rte_ipv4_hdr *ip = (void *)&frame[L3];
		uint32_t count;

		error.quoted.payload_bytes = 16;
		count = build(&error, frame);
		CU_ASSERT_EQUAL((count - L3 - 20) % 8, 0);
		ip->fragment_offset = rte_cpu_to_be_16(fields[i]);
		ip->hdr_checksum = 0;
		ip->hdr_checksum = rte_ipv4_cksum(ip);
		bench_assert_left(rig, frame, count, MR_DROP_NOT_SERVICE);
	}
}

static void test_damaged_errors(void)
{
	uint8_t frame[FRAME_BYTES_MAX];
	struct rte_ipv4_hdr *v4 = (void *)&frame[L3];
	struct rte_ipv6_hdr *v6 = (void *)&frame[L3];
	uint32_t count = build(&errors[0], frame);

	v4->hdr_checksum ^= 1;
	bench_assert_verdict(rig, frame, count, MR_DROP_BAD_CHECKSUM);
	count = build(&errors[0], frame);
	v4->time_to_live = 0;
	v4->hdr_checksum = 0;
	v4->hdr_checksum = rte_ipv4_cksum(v4);
	bench_assert_verdict(rig, frame, count, MR_DROP_TTL);
	count = build(&errors[3], frame);
	v6->hop_limits = 0;
	bench_assert_verdict(rig, frame, count, MR_DROP_TTL);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_errors_name_the_session),
		UNIT_TEST(test_every_length_of_the_quote),
		UNIT_TEST(test_every_cut),
		UNIT_TEST(test_short_messages),
		UNIT_TEST(test_every_split),
		UNIT_TEST(test_types),
		UNIT_TEST(test_icmp_of_the_other_family),
		UNIT_TEST(test_quote_of_another_sender),
		UNIT_TEST(test_quotes_that_are_no_session),
		UNIT_TEST(test_quoted_fragments),
		UNIT_TEST(test_fragmented_errors),
		UNIT_TEST(test_damaged_errors),
		CU_TEST_INFO_NULL,
	};

	return rig_unit_run("quote", tests, &rig);
}
