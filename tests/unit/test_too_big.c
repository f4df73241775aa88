/* SPDX-License-Identifier: BSD-3-Clause */
/* The answers to packets that do not fit, and who gets none. */
#include "too_big.h"

#include <rte_byteorder.h>
#include <rte_ip.h>

#include "../lib/rig_unit.h"

#define HEADROOM 48 /* what the longer answer needs, exactly */

static struct rig *rig;

static const struct frame_spec question_v4 = {
	.to = {{0x02, 0, 0, 0, 0, 0x00}},
	.from = {{0x02, 0, 0, 0, 0, 0x99}},
	.client = "192.0.2.1",
	.service = "10.0.0.10",
	.client_port = 40000,
	.service_port = 25,
	.tcp_flags = RTE_TCP_ACK_FLAG,
	.dont_fragment = true,
	.payload_bytes = 1441,
};

static struct frame_spec question_v6(void)
{
	struct frame_spec spec = question_v4;

	spec.client = "2001:db8:c::1";
	spec.service = "2001:db8::25";
	return spec;
}

static struct packet parse_mbuf(struct rte_mbuf *mbuf)
{
	struct burst burst;

	CU_ASSERT_FATAL(mbuf != NULL && rig_inject_mbuf(rig, 0, mbuf));
	CU_ASSERT_EQUAL_FATAL(rig_receive(rig, 0, &burst), 1);
	parse(&rig->worker, &burst);
	CU_ASSERT_EQUAL_FATAL(burst.packets[0].verdict, UNDECIDED);
	return burst.packets[0];
}

static void set_tags(const struct frame_spec *spec)
{
	rig->ports[0].tag_count = spec->tag_count;
	memcpy(rig->ports[0].tags, spec->tags, sizeof(spec->tags));
}

/* The answer's frame in @out; returns its length. @frame is the question. */
static uint32_t answer(const struct frame_spec *spec, uint32_t segment_bytes, uint16_t max_bytes,
		       uint8_t frame[FRAME_BYTES_MAX], uint8_t out[FRAME_BYTES_MAX])
{
	const uint32_t count = frame_build(spec, frame);
	struct packet packet;
	const void *read;
	uint32_t bytes;

	set_tags(spec);
	packet = parse_mbuf(frame_to_segments(rig->mbufs, HEADROOM, frame, count, segment_bytes));
	too_big_answer(&rig->worker, &packet, max_bytes);
	CU_ASSERT_EQUAL_FATAL(packet.verdict, MR_TOO_BIG);
	CU_ASSERT_EQUAL(packet.tx_port, 0);
	bytes = rte_pktmbuf_pkt_len(packet.mbuf);
	read = rte_pktmbuf_read(packet.mbuf, 0, bytes, out);
	if (read != out)
		memcpy(out, read, bytes);
	rte_pktmbuf_free(packet.mbuf);
	return bytes;
}

/* The sum of a pseudo header and a message, byte by byte; 0xffff when the checksum is right. */
static uint16_t sum_bytes(uint32_t sum, const uint8_t *bytes, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void assert_link(const struct frame_spec *spec, const uint8_t *frame, const uint8_t *out)
{
	const uint32_t link_bytes = 14u + spec->tag_count * 4u;

	CU_ASSERT_EQUAL(memcmp(&out[0], &frame[6], 6), 0);
	CU_ASSERT_EQUAL(memcmp(&out[6], &frame[0], 6), 0);
	CU_ASSERT_EQUAL(memcmp(&out[12], &frame[12], link_bytes - 12), 0);
}

static void assert_v4(const struct frame_spec *spec, uint32_t segment_bytes)
{
	uint8_t frame[FRAME_BYTES_MAX], out[FRAME_BYTES_MAX];
	const uint32_t link_bytes = 14u + spec->tag_count * 4u;
	const uint32_t bytes = answer(spec, segment_bytes, 1400, frame, out);
	const uint8_t *question = &frame[link_bytes];
	const uint8_t *ip = &out[link_bytes];

	assert_link(spec, frame, out);
	CU_ASSERT_EQUAL_FATAL(bytes, link_bytes + 576);
	CU_ASSERT_EQUAL(ip[0], 0x45);
	CU_ASSERT_EQUAL(ip[1], 0xc0);
	CU_ASSERT_EQUAL(ip[2] << 8 | ip[3], 576);
	CU_ASSERT_EQUAL(ip[6] << 8 | ip[7], 0x4000);
	CU_ASSERT_EQUAL(ip[8], 64);
	CU_ASSERT_EQUAL(ip[9], 1);
	CU_ASSERT_EQUAL(sum_bytes(0, ip, 20), 0xffff);
	CU_ASSERT_EQUAL(memcmp(&ip[12], &question[16], 4), 0);
	CU_ASSERT_EQUAL(memcmp(&ip[16], &question[12], 4), 0);
	CU_ASSERT_EQUAL(ip[20] << 8 | ip[21], 3 << 8 | 4);
	CU_ASSERT_EQUAL(sum_bytes(0, &ip[20], 576 - 20), 0xffff);
	CU_ASSERT_EQUAL(ip[24] << 8 | ip[25], 0);
	CU_ASSERT_EQUAL(ip[26] << 8 | ip[27], 1400);
	CU_ASSERT_EQUAL(memcmp(&ip[28], question, 576 - 28), 0);
}

static void test_fragmentation_needed(void)
{
	struct frame_spec spec = question_v4;

	assert_v4(&spec, FRAME_BYTES_MAX);
	spec.tag_count = 2;
	spec.tags[0] = 7;
	spec.tags[1] = 100;
	spec.ip_option_bytes = 40;
	assert_v4(&spec, FRAME_BYTES_MAX);
}

static void assert_v6(const struct frame_spec *spec, uint32_t segment_bytes, uint16_t max_bytes,
		      uint32_t mtu)
{
	uint8_t frame[FRAME_BYTES_MAX], out[FRAME_BYTES_MAX];
	const uint32_t link_bytes = 14u + spec->tag_count * 4u;
	const uint32_t bytes = answer(spec, segment_bytes, max_bytes, frame, out);
	const uint8_t *question = &frame[link_bytes];
	const uint8_t *ip = &out[link_bytes];
	uint32_t pseudo;

	assert_link(spec, frame, out);
	CU_ASSERT_EQUAL_FATAL(bytes, link_bytes + 1280);
	CU_ASSERT_EQUAL(ip[0] << 8 | ip[1], 0x6000);
	CU_ASSERT_EQUAL(ip[2] << 8 | ip[3], 0);
	CU_ASSERT_EQUAL(ip[4] << 8 | ip[5], 1240);
	CU_ASSERT_EQUAL(ip[6], 58);
	CU_ASSERT_EQUAL(ip[7], 64);
	CU_ASSERT_EQUAL(memcmp(&ip[8], &question[24], 16), 0);
	CU_ASSERT_EQUAL(memcmp(&ip[24], &question[8], 16), 0);
	CU_ASSERT_EQUAL(ip[40] << 8 | ip[41], 2 << 8);
	pseudo = sum_bytes(1240 + 58, &ip[8], 32);
	CU_ASSERT_EQUAL(sum_bytes(pseudo, &ip[40], 1240), 0xffff);
	CU_ASSERT_EQUAL((uint32_t)(ip[44] << 24 | ip[45] << 16 | ip[46] << 8 | ip[47]), mtu);
	CU_ASSERT_EQUAL(memcmp(&ip[48], question, 1280 - 48), 0);
}

static void test_packet_too_big(void)
{
	struct frame_spec spec = question_v6();

	assert_v6(&spec, FRAME_BYTES_MAX, 1400, 1400);
	spec.tag_count = 1;
	spec.tags[0] = 100;
	assert_v6(&spec, FRAME_BYTES_MAX, 1400, 1400);
}

/* No host believes in less, so none is said (RFC 8201, section 4). */
static void test_least_mtu_of_ipv6(void)
{
	const struct frame_spec spec = question_v6();

	assert_v6(&spec, FRAME_BYTES_MAX, 1232, 1280);
}

/* Quotes that end inside a segment, at its end, and odd numbers of bytes in each. */
static void test_segments(void)
{
	struct frame_spec v6 = question_v6();
	struct frame_spec v4 = question_v4;

	for (uint32_t segment_bytes = 97; segment_bytes < 700; segment_bytes += 6) {
		assert_v4(&v4, segment_bytes);
		assert_v6(&v6, segment_bytes, 1400, 1400);
	}
	assert_v4(&v4, 14 + 548);
	assert_v6(&v6, 14 + 1232, 1400, 1400);
}

/* A packet shorter than what may be quoted is quoted whole, without its padding. */
static void test_short_question(void)
{
	uint8_t frame[FRAME_BYTES_MAX];
	struct frame_spec spec = question_v4;
	struct packet packet;
	uint32_t count;

	spec.payload_bytes = 100;
	count = frame_build(&spec, frame);
	memset(&frame[count], 0xee, 50);
	set_tags(&spec);
	packet = parse_mbuf(frame_to_mbuf_behind(rig->mbufs, HEADROOM, frame, count + 50));
	too_big_answer(&rig->worker, &packet, 100);
	CU_ASSERT_EQUAL(packet.verdict, MR_TOO_BIG);
	CU_ASSERT_EQUAL(rte_pktmbuf_pkt_len(packet.mbuf), count + 28);
	rte_pktmbuf_free(packet.mbuf);
}

/* Dropped, and the frame stays as it is. */
static void assert_no_answer(struct packet packet, uint16_t max_bytes)
{
	const uint32_t bytes = rte_pktmbuf_pkt_len(packet.mbuf);

	too_big_answer(&rig->worker, &packet, max_bytes);
	CU_ASSERT_EQUAL(packet.verdict, MR_DROP_TOO_BIG);
	CU_ASSERT_EQUAL(packet.tx_port, NO_PORT);
	CU_ASSERT_EQUAL(rte_pktmbuf_pkt_len(packet.mbuf), bytes);
	rte_pktmbuf_free(packet.mbuf);
}

static struct packet question(const struct frame_spec *spec, uint16_t headroom)
{
	uint8_t frame[FRAME_BYTES_MAX];
	const uint32_t count = frame_build(spec, frame);

	set_tags(spec);
	return parse_mbuf(frame_to_mbuf_behind(rig->mbufs, headroom, frame, count));
}

static void test_never_about(void)
{
	const struct frame_spec v6 = question_v6();
	struct packet packet = question(&question_v4, HEADROOM);

	packet.kind = PACKET_ICMP_ERROR;
	assert_no_answer(packet, 1400);
	packet = question(&question_v4, HEADROOM);
	packet.fragment = FRAGMENT_LATER;
	assert_no_answer(packet, 1400);
	packet = question(&question_v4, HEADROOM);
	packet.rx_port = WORKER_PROBE_PORT;
	assert_no_answer(packet, 1400);
	packet = question(&v6, HEADROOM);
	packet.kind = PACKET_ICMP_ERROR;
	assert_no_answer(packet, 1400);

	/* IPv6 has no such exception: a later fragment is answered. */
	packet = question(&v6, HEADROOM);
	packet.fragment = FRAGMENT_LATER;
	too_big_answer(&rig->worker, &packet, 1400);
	CU_ASSERT_EQUAL(packet.verdict, MR_TOO_BIG);
	rte_pktmbuf_free(packet.mbuf);
}

static void test_sources_that_are_no_host(void)
{
	static const char *const sources[] = {
		"0.0.0.1",	   "127.0.0.1", "224.0.0.1", "240.0.0.1",
		"255.255.255.255", "::",	"::1",	     "ff02::1"};

	for (uint32_t i = 0; i < RTE_DIM(sources); i++) {
		const struct frame_spec v6 = question_v6();
		const bool is_v6 = strchr(sources[i], ':') != NULL;
		struct packet packet = question(is_v6 ? &v6 : &question_v4, HEADROOM);

		packet.tuple.client = frame_addr(sources[i]);
		assert_no_answer(packet, 1400);
	}
}

/* Every path takes 1280 bytes, so that no answer would help. */
static void test_ipv6_of_1280(void)
{
	struct frame_spec spec = question_v6();

	spec.payload_bytes = 1280 - 60;
	assert_no_answer(question(&spec, HEADROOM), 1240);
}

static void test_no_headroom(void)
{
	const struct frame_spec v6 = question_v6();
	const struct packet bare_v4 = question(&question_v4, 26);
	const struct packet bare_v6 = question(&v6, 46);

	assert_no_answer(bare_v4, 1400);
	assert_no_answer(bare_v6, 1400);
}

static void test_rate(void)
{
	struct worker *worker = &rig->worker;

	worker->now_s++;
	for (uint32_t second = 0; second < 2; second++) {
		for (uint32_t i = 0; i < MR_TOO_BIG_PER_S; i++) {
			struct packet packet = question(&question_v4, HEADROOM);

			too_big_answer(worker, &packet, 1400);
			CU_ASSERT_EQUAL(packet.verdict, MR_TOO_BIG);
			rte_pktmbuf_free(packet.mbuf);
		}
		assert_no_answer(question(&question_v4, HEADROOM), 1400);
		worker->now_s++;
	}
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_fragmentation_needed),
		UNIT_TEST(test_packet_too_big),
		UNIT_TEST(test_least_mtu_of_ipv6),
		UNIT_TEST(test_segments),
		UNIT_TEST(test_short_question),
		UNIT_TEST(test_never_about),
		UNIT_TEST(test_sources_that_are_no_host),
		UNIT_TEST(test_ipv6_of_1280),
		UNIT_TEST(test_no_headroom),
		UNIT_TEST(test_rate),
		CU_TEST_INFO_NULL,
	};

	return rig_unit_run("too_big", tests, &rig);
}
