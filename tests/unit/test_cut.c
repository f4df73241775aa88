/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Cutting: whatever the packet and the path, the pieces fit, and put together they are the
 * packet again.
 */
#include "cut.h"

#include <stdio.h>
#include <stdlib.h>

#include <rte_byteorder.h>
#include <rte_ip.h>

#include "../lib/rig_unit.h"

#define PIECES_MAX 256
#define ROUNDS	   2000

static struct rig *rig;

static uint16_t offset_field(const struct rte_ipv4_hdr *ip)
{
	return rte_be_to_cpu_16(ip->fragment_offset);
}

/* An IPv4 packet whose payload differs at every place. Returns its length. */
static uint32_t build_packet(uint16_t payload_bytes, uint8_t option_bytes, uint16_t fragment_field,
			     uint8_t packet[FRAME_BYTES_MAX])
{
	const struct frame_spec spec = {
		.client = "192.0.2.1",
		.service = "10.0.0.10",
		.ip_option_bytes = option_bytes,
		.payload_bytes = payload_bytes,
	};
	const uint32_t count = frame_build(&spec, packet) - RTE_ETHER_HDR_LEN;
	struct rte_ipv4_hdr *ip = (void *)packet;

	memmove(packet, &packet[RTE_ETHER_HDR_LEN], count);
	ip->packet_id = RTE_BE16(0x1a2b);
	ip->fragment_offset = rte_cpu_to_be_16(fragment_field);
	ip->hdr_checksum = 0;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	for (uint32_t i = 20u + option_bytes; i < count; i++)
		packet[i] = (uint8_t)(i * 7 + i / 256);
	return count;
}

/* Checks piece @index and writes its payload to its place in @out. Returns its length. */
static uint32_t check_piece(struct rte_mbuf *piece, uint32_t max_bytes, const uint8_t *packet,
			    uint8_t *out)
{
	const struct rte_ipv4_hdr *whole = (const void *)packet;
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(piece, const void *);
	const uint32_t header_bytes = rte_ipv4_hdr_len(ip);
	const uint32_t bytes = rte_be_to_cpu_16(ip->total_length);
	const uint32_t offset = ((offset_field(ip) & 0x1fff) - (offset_field(whole) & 0x1fff)) * 8u;

	CU_ASSERT_EQUAL(piece->nb_segs, 1);
	CU_ASSERT(rte_pktmbuf_headroom(piece) >= MR_FRONT_BYTES_MAX);
	CU_ASSERT_EQUAL(rte_pktmbuf_pkt_len(piece), bytes);
	CU_ASSERT_EQUAL(rte_pktmbuf_data_len(piece), bytes);
	CU_ASSERT(bytes <= max_bytes);
	CU_ASSERT_EQUAL(rte_raw_cksum(ip, header_bytes), 0xffff);
	CU_ASSERT_EQUAL(ip->packet_id, RTE_BE16(0x1a2b));
	CU_ASSERT_EQUAL(ip->src_addr, whole->src_addr);
	CU_ASSERT_EQUAL(ip->dst_addr, whole->dst_addr);
	memcpy(&out[offset], (const uint8_t *)ip + header_bytes, bytes - header_bytes);
	return bytes - header_bytes;
}

static void assert_cut(const uint8_t *packet, uint32_t count, uint32_t max_bytes,
		       uint32_t segment_bytes)
{
	const uint32_t free_before = rig_free_mbufs(rig);
	struct rte_mbuf *mbuf = frame_to_segments(rig->mbufs, 0, packet, count, segment_bytes);
	const struct rte_ipv4_hdr *whole = (const void *)packet;
	const uint32_t header_bytes = rte_ipv4_hdr_len(whole);
	const uint32_t payload_bytes = count - header_bytes;
	uint8_t joined[FRAME_BYTES_MAX] = {0};
	struct rte_mbuf *pieces[PIECES_MAX];
	uint32_t pieces_count, sum = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(mbuf);
	pieces_count = cut_packet(mbuf, max_bytes, rig->worker.spare_mbufs, pieces, PIECES_MAX);
	CU_ASSERT_FATAL(pieces_count > 0);
	for (uint32_t i = 0; i < pieces_count; i++) {
		const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(pieces[i], const void *);
		const bool more = i + 1 < pieces_count || offset_field(whole) & 0x2000;

		CU_ASSERT_EQUAL(!!(offset_field(ip) & 0x2000), more);
		sum += check_piece(pieces[i], max_bytes, packet, joined);
		rte_pktmbuf_free(pieces[i]);
	}
	CU_ASSERT_EQUAL(sum, payload_bytes);
	CU_ASSERT_EQUAL(memcmp(joined, &packet[header_bytes], payload_bytes), 0);
	rte_pktmbuf_free(mbuf);
	CU_ASSERT_EQUAL(rig_free_mbufs(rig), free_before);
}

static uint32_t from_range(uint32_t least, uint32_t most)
{
	return least + (uint32_t)random() % (most - least + 1);
}

static void test_pieces_are_the_packet(void)
{
	srandom(unit_seed());
	for (uint32_t round = 0; round < ROUNDS; round++) {
		const uint8_t option_bytes =
			(uint8_t)(from_range(0, 3) ? 0 : 4 * from_range(1, 10));
		const uint16_t field = (uint16_t)(from_range(0, 3) ? 0 : from_range(0, 0x3fff));
		const uint32_t max_bytes = from_range(68, 3000);
		const uint16_t payload = (uint16_t)from_range(max_bytes, 3000 + max_bytes / 2);
		uint8_t packet[FRAME_BYTES_MAX];
		const uint32_t count = build_packet(payload, option_bytes, field & 0x2fff, packet);

		if (payload + 20u > (max_bytes - 20 - option_bytes) / 8 * 8 * PIECES_MAX)
			continue;
		assert_cut(packet, count, max_bytes, from_range(20u + option_bytes, 4000));
	}
}

/* Copied options (RFC 791, section 3.1) are in every piece, others in the first one only. */
static void test_options(void)
{
	static const uint8_t options[8] = {7, 3, 4, 1, 148, 4, 0, 0}; /* record route, alert */
	struct rte_mbuf *pieces[PIECES_MAX];
	uint8_t packet[FRAME_BYTES_MAX];
	const uint32_t count = build_packet(1000, 8, 0, packet);
	struct rte_mbuf *mbuf;
	uint32_t pieces_count;

	memcpy(&packet[20], options, sizeof(options));
	mbuf = frame_to_mbuf(rig->mbufs, packet, count);
	pieces_count = cut_packet(mbuf, 600, rig->worker.spare_mbufs, pieces, PIECES_MAX);
	CU_ASSERT_EQUAL_FATAL(pieces_count, 2);
	CU_ASSERT_EQUAL(memcmp(rte_pktmbuf_mtod_offset(pieces[0], void *, 20), options, 8), 0);
	CU_ASSERT_EQUAL(*rte_pktmbuf_mtod(pieces[1], uint8_t *), 0x46);
	CU_ASSERT_EQUAL(memcmp(rte_pktmbuf_mtod_offset(pieces[1], void *, 20), &options[4], 4), 0);
	rte_pktmbuf_free_bulk(pieces, pieces_count);
	rte_pktmbuf_free(mbuf);
}

/* Pieces are as long as a spare mbuf takes, when the path would take more. */
static void test_longer_than_a_buffer(void)
{
	uint8_t packet[FRAME_BYTES_MAX];
	const uint32_t count = build_packet(9000, 40, 0, packet);

	assert_cut(packet, count, 8000, 9000);
	for (uint32_t max_bytes = 1900; max_bytes < 2100; max_bytes++)
		assert_cut(packet, count, max_bytes, 1999);
}

static void test_too_many_pieces(void)
{
	const uint32_t free_before = rig_free_mbufs(rig);
	struct rte_mbuf *pieces[PIECES_MAX];
	uint8_t packet[FRAME_BYTES_MAX];
	const uint32_t count = build_packet(960, 0, 0, packet);
	struct rte_mbuf *mbuf = frame_to_mbuf(rig->mbufs, packet, count);
	struct rte_mempool *spares = rig->worker.spare_mbufs;

	/* 980 bytes behind the header, 48 in a piece. */
	CU_ASSERT_EQUAL(cut_packet(mbuf, 68, spares, pieces, 20), 0);
	CU_ASSERT_EQUAL(cut_packet(mbuf, 68, spares, pieces, 0), 0);
	CU_ASSERT_EQUAL(rig_free_mbufs(rig), free_before - 1);
	CU_ASSERT_EQUAL_FATAL(cut_packet(mbuf, 68, spares, pieces, 21), 21);
	rte_pktmbuf_free_bulk(pieces, 21);
	rte_pktmbuf_free(mbuf);
}

static void test_no_spare_mbuf(void)
{
	struct rte_mempool *spares = rig->worker.spare_mbufs;
	struct rte_mbuf *taken[RIG_SPARES], *pieces[PIECES_MAX];
	uint8_t packet[FRAME_BYTES_MAX];
	const uint32_t count = build_packet(1000, 0, 0, packet);
	struct rte_mbuf *mbuf = frame_to_mbuf(rig->mbufs, packet, count);

	CU_ASSERT_EQUAL_FATAL(rte_pktmbuf_alloc_bulk(spares, taken, RIG_SPARES - 1), 0);
	CU_ASSERT_EQUAL(cut_packet(mbuf, 600, spares, pieces, PIECES_MAX), 0);
	CU_ASSERT_EQUAL(rte_mempool_avail_count(spares), 1);
	rte_pktmbuf_free_bulk(taken, RIG_SPARES - 1);
	rte_pktmbuf_free(mbuf);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_pieces_are_the_packet), UNIT_TEST(test_options),
		UNIT_TEST(test_longer_than_a_buffer),  UNIT_TEST(test_too_many_pieces),
		UNIT_TEST(test_no_spare_mbuf),	       CU_TEST_INFO_NULL,
	};

	return rig_unit_run("cut", tests, &rig);
}
