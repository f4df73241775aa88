/* SPDX-License-Identifier: BSD-3-Clause */
/* Tunnels: every mix of families, both modes, and what differs from packet to packet. */
#include "front.h"

#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include "../lib/rig_unit.h"

#define HASH	      0x123456789abcdef0ULL
#define TRAFFIC_CLASS 0xb9 /* EF, and the mark of a sender that can do ECN */

static struct rig *rig;

static struct mr_backend tagged_backend_of(enum mr_forwarding forwarding, bool outer_v6,
					   uint8_t source_bits, uint8_t tag_count)
{
	const struct mr_way way = {
		.source_mac = {{0x02, 0, 0, 0, 0, 0x01}},
		.next_hop = {{0x02, 0, 0, 0, 0x01, 0x0b}},
		.tag_count = tag_count,
		.tags = {100, 200},
		.mtu_bytes = 9000,
		.outer_source = frame_addr(outer_v6 ? "2001:db8::f000" : "10.0.240.0"),
		.source_bits = source_bits,
		.gue_port = 6080,
	};
	struct mr_backend backend = {
		.forwarding = (uint8_t)forwarding,
		.address = frame_addr(outer_v6 ? "2001:db8::11" : "10.9.0.11"),
	};

	CU_ASSERT_EQUAL_FATAL(mr_backend_set_way(&backend, &way), 0);
	return backend;
}

static struct mr_backend backend_of(enum mr_forwarding forwarding, bool outer_v6,
				    uint8_t source_bits)
{
	return tagged_backend_of(forwarding, outer_v6, source_bits, 1);
}

/* Returns the IP packet's length. */
static uint32_t build_packet(bool is_v6, uint16_t payload_bytes, uint8_t packet[FRAME_BYTES_MAX])
{
	const struct frame_spec spec = {
		.client = is_v6 ? "2001:db8:c::1" : "192.0.2.1",
		.service = is_v6 ? "2001:db8::25" : "10.0.0.10",
		.client_port = 40000,
		.service_port = 25,
		.traffic_class = TRAFFIC_CLASS,
		.payload_bytes = payload_bytes,
	};
	const uint32_t count = frame_build(&spec, packet) - RTE_ETHER_HDR_LEN;

	memmove(packet, &packet[RTE_ETHER_HDR_LEN], count);
	return count;
}

static void assert_v4(const uint8_t *outer, uint32_t bytes, uint8_t protocol)
{
	const struct rte_ipv4_hdr *ip = (const void *)outer;

	CU_ASSERT_EQUAL(ip->version_ihl, 0x45);
	CU_ASSERT_EQUAL(ip->type_of_service, TRAFFIC_CLASS);
	CU_ASSERT_EQUAL(rte_be_to_cpu_16(ip->total_length), bytes);
	CU_ASSERT_EQUAL(ip->packet_id, 0);
	CU_ASSERT_EQUAL(rte_be_to_cpu_16(ip->fragment_offset), 0x4000);
	CU_ASSERT_EQUAL(ip->time_to_live, 64);
	CU_ASSERT_EQUAL(ip->next_proto_id, protocol);
	CU_ASSERT_EQUAL(rte_raw_cksum(ip, sizeof(*ip)), 0xffff);
	CU_ASSERT_EQUAL(ip->src_addr, RTE_BE32(RTE_IPV4(10, 0, 240, 0)));
	CU_ASSERT_EQUAL(ip->dst_addr, RTE_BE32(RTE_IPV4(10, 9, 0, 11)));
}

static void assert_v6(const uint8_t *outer, uint32_t bytes, uint8_t protocol)
{
	const struct rte_ipv6_hdr *ip = (const void *)outer;
	const struct mr_addr source = frame_addr("2001:db8::f000");
	const struct mr_addr destination = frame_addr("2001:db8::11");

	CU_ASSERT_EQUAL(rte_be_to_cpu_32(ip->vtc_flow), 0x60000000 | TRAFFIC_CLASS << 20 | 0x12345);
	CU_ASSERT_EQUAL(rte_be_to_cpu_16(ip->payload_len), bytes - 40);
	CU_ASSERT_EQUAL(ip->hop_limits, 64);
	CU_ASSERT_EQUAL(ip->proto, protocol);
	CU_ASSERT_EQUAL(memcmp(ip->src_addr, &source, 16), 0);
	CU_ASSERT_EQUAL(memcmp(ip->dst_addr, &destination, 16), 0);
}

static void assert_tunnel(enum mr_forwarding forwarding, bool outer_v6, bool inner_v6,
			  uint32_t segment_bytes)
{
	const struct mr_backend backend = backend_of(forwarding, outer_v6, 0);
	const struct mr_front *front = &backend.front;
	const uint32_t front_bytes = front->link_bytes + front->outer_bytes;
	const uint8_t ipip = inner_v6 ? 41 : 4;
	const bool is_gue = forwarding == MR_FORWARDING_GUE;
	uint8_t packet[FRAME_BYTES_MAX], out[FRAME_BYTES_MAX];
	const uint32_t count = build_packet(inner_v6, 1234, packet);
	struct rte_mbuf *mbuf =
		frame_to_segments(rig->mbufs, (uint16_t)front_bytes, packet, count, segment_bytes);
	const struct rte_udp_hdr *udp;

	CU_ASSERT_PTR_NOT_NULL_FATAL(mbuf);
	CU_ASSERT_TRUE_FATAL(front_add(mbuf, front, HASH));
	CU_ASSERT_EQUAL_FATAL(rte_pktmbuf_pkt_len(mbuf), front_bytes + count);
	memcpy(out, rte_pktmbuf_mtod(mbuf, void *), front_bytes);
	CU_ASSERT_EQUAL(memcmp(out, mr_front_bytes(front), front->link_bytes), 0);
	if (outer_v6)
		assert_v6(&out[18], front_bytes - 18 + count, is_gue ? 17 : ipip);
	else
		assert_v4(&out[18], front_bytes - 18 + count, is_gue ? 17 : ipip);
	if (is_gue) {
		udp = (void *)&out[18 + (outer_v6 ? 40 : 20)];
		CU_ASSERT_EQUAL(rte_be_to_cpu_16(udp->src_port), 0xc000 + (0x1234 >> 2));
		CU_ASSERT_EQUAL(rte_be_to_cpu_16(udp->dst_port), 6080);
		CU_ASSERT_EQUAL(rte_be_to_cpu_16(udp->dgram_len), 8 + count);
		CU_ASSERT_EQUAL(udp->dgram_cksum, 0);
	}
	rte_pktmbuf_adj(mbuf, (uint16_t)front_bytes);
	CU_ASSERT_EQUAL(memcmp(rte_pktmbuf_read(mbuf, 0, count, out), packet, count), 0);
	rte_pktmbuf_free(mbuf);
}

static void test_every_mix(void)
{
	for (uint32_t mix = 0; mix < 4; mix++) {
		for (uint32_t segment_bytes = 100; segment_bytes <= 2000; segment_bytes += 1900) {
			assert_tunnel(MR_FORWARDING_IPIP, mix & 1, mix & 2, segment_bytes);
			assert_tunnel(MR_FORWARDING_GUE, mix & 1, mix & 2, segment_bytes);
		}
	}
}

/* The outer source of a packet, whose last 8 bytes are returned. */
static uint64_t source_of(bool outer_v6, uint8_t source_bits, uint64_t hash)
{
	const struct mr_backend backend = backend_of(MR_FORWARDING_IPIP, outer_v6, source_bits);
	uint8_t packet[FRAME_BYTES_MAX];
	const uint32_t count = build_packet(false, 10, packet);
	struct rte_mbuf *mbuf = frame_to_mbuf_behind(rig->mbufs, 128, packet, count);
	uint64_t low;

	CU_ASSERT_TRUE_FATAL(mbuf != NULL && front_add(mbuf, &backend.front, hash));
	if (!outer_v6)
		CU_ASSERT_EQUAL(rte_raw_cksum(rte_pktmbuf_mtod_offset(mbuf, void *, 18), 20),
				0xffff);
	memcpy(&low, rte_pktmbuf_mtod_offset(mbuf, void *, 18 + (outer_v6 ? 16 : 8)), sizeof(low));
	rte_pktmbuf_free(mbuf);
	return rte_be_to_cpu_64(low);
}

static void test_source_varies_by_session(void)
{
	CU_ASSERT_EQUAL((uint32_t)source_of(false, 8, 0xabcdef12), 0x0a00f012);
	CU_ASSERT_EQUAL((uint32_t)source_of(false, 12, 0xabcdef12), 0x0a00ff12);
	CU_ASSERT_EQUAL((uint32_t)source_of(false, 1, 0xabcdef13), 0x0a00f001);
	CU_ASSERT_EQUAL(source_of(true, 4, 0xabcdef12), 0xf002);
	CU_ASSERT_EQUAL(source_of(true, 64, HASH), HASH);
	CU_ASSERT_EQUAL(source_of(true, 80, HASH), HASH);
	CU_ASSERT_EQUAL(source_of(true, 0, HASH), 0xf000);
}

/* A buffer with too few bytes in front is not touched. */
static void test_no_headroom(void)
{
	const struct mr_backend backend = backend_of(MR_FORWARDING_GUE, true, 0);
	uint8_t packet[FRAME_BYTES_MAX];
	const uint32_t count = build_packet(true, 100, packet);
	struct rte_mbuf *mbuf = frame_to_mbuf_behind(rig->mbufs, 18 + 48 - 1, packet, count);

	CU_ASSERT_PTR_NOT_NULL_FATAL(mbuf);
	CU_ASSERT_FALSE(front_add(mbuf, &backend.front, HASH));
	CU_ASSERT_EQUAL(rte_pktmbuf_pkt_len(mbuf), count);
	CU_ASSERT_EQUAL(memcmp(rte_pktmbuf_mtod(mbuf, void *), packet, count), 0);
	rte_pktmbuf_free(mbuf);
}

/* Bytes of a buffer before a packet, and some of the packet. */
#define BEFORE 128
#define INSIDE 64

/*
 * With @room bytes to write to, the front of @backend is the same, the packet as it was, and
 * nothing is written before the room, nor more of it than one copy takes.
 */
static void check_room(const struct mr_backend *backend, uint32_t room, const uint8_t *expected)
{
	const uint32_t bytes = backend->front.link_bytes + backend->front.outer_bytes;
	const uint32_t written = room < MR_FRONT_ROOM_BYTES ? bytes : MR_FRONT_ROOM_BYTES;
	uint8_t buffer[BEFORE + INSIDE], packet[FRAME_BYTES_MAX];
	uint32_t untouched = 0;

	(void)build_packet(false, 100, packet);
	memset(buffer, 0xee, BEFORE);
	memcpy(&buffer[BEFORE], packet, INSIDE);
	front_write(&buffer[BEFORE], room, &backend->front, false, 140, HASH);
	CU_ASSERT_EQUAL(memcmp(&buffer[BEFORE - bytes], expected, bytes), 0);
	CU_ASSERT_EQUAL(memcmp(&buffer[BEFORE], packet, INSIDE), 0);
	while (untouched < BEFORE && buffer[untouched] == 0xee)
		untouched++;
	CU_ASSERT(untouched >= BEFORE - written);
}

static void check_rooms(const struct mr_backend *backend)
{
	const uint32_t bytes = backend->front.link_bytes + backend->front.outer_bytes;
	uint8_t buffer[BEFORE + INSIDE] = {0};

	buffer[BEFORE] = RTE_IPV4_VHL_DEF;
	buffer[BEFORE + 1] = TRAFFIC_CLASS;
	front_write(&buffer[BEFORE], bytes, &backend->front, false, 140, HASH);
	for (uint32_t room = bytes; room <= BEFORE; room++)
		check_room(backend, room, &buffer[BEFORE - bytes]);
}

/* Fronts of every length there is, with as little room as they take and more. */
static void test_room_before_the_packet(void)
{
	for (uint8_t tags = 0; tags <= 2; tags++) {
		for (uint32_t mode = MR_FORWARDING_L2DSR; mode <= MR_FORWARDING_GUE; mode++) {
			for (uint32_t outer_v6 = 0; outer_v6 <= 1; outer_v6++) {
				const struct mr_backend backend =
					tagged_backend_of(mode, outer_v6, 4, tags);

				check_rooms(&backend);
			}
		}
	}
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_every_mix),   UNIT_TEST(test_source_varies_by_session),
		UNIT_TEST(test_no_headroom), UNIT_TEST(test_room_before_the_packet),
		CU_TEST_INFO_NULL,
	};

	return rig_unit_run("tunnel", tests, &rig);
}
