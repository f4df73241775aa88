/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include <rte_ip.h>
#include <rte_tcp.h>

#include "../lib/unit.h"
#include "dissect.h"
#include "random.h"
#include "stamp.h"
#include "wire.h"

static const struct rte_ether_addr to = {{2, 0, 0, 0, 0, 1}}, from = {{2, 0, 0, 0, 0, 2}};
static struct wire wire;
static uint8_t frame[WIRE_FRAME_MAX];

static void begin(bool timestamps, uint32_t vlan_count)
{
	static const uint16_t vlan[] = {100, 200};
	const struct wire_config config = {to, from, vlan, vlan_count, timestamps};

	wire_init(&wire, &config);
}

static struct mr_tuple tuple_of(bool v4)
{
	static const uint8_t v4_client[] = {198, 18, 1, 2}, v4_service[] = {198, 19, 0, 10};
	struct mr_tuple tuple = {
		.client = {.bytes = {0x20, 1, 0, 2, [15] = 7}},
		.service = {.bytes = {0x20, 1, 0, 2, [15] = 10}},
		.client_port = RTE_BE16(40000),
		.service_port = RTE_BE16(25),
	};

	if (v4) {
		tuple.client = mr_addr_from_v4(v4_client);
		tuple.service = mr_addr_from_v4(v4_service);
	}
	return tuple;
}

/* As DPDK's own code computes them. */
static bool checksums_are_right(const struct dissected *packet, uint32_t link_bytes, bool v4)
{
	const void *ip = &frame[link_bytes];
	const uint32_t tcp_offset = (uint32_t)((const uint8_t *)packet->tcp - frame);
	struct rte_tcp_hdr *tcp = (void *)&frame[tcp_offset];
	const rte_be16_t found = tcp->cksum;
	rte_be16_t computed;

	tcp->cksum = 0;
	computed = v4 ? rte_ipv4_udptcp_cksum(ip, tcp) : rte_ipv6_udptcp_cksum(ip, tcp);
	tcp->cksum = found;
	return found == computed && (!v4 || rte_ipv4_cksum(ip) == 0);
}

/* Every payload size, family and number of tags: right checksums, and the stamp comes back. */
static void check_all_sizes(bool v4, bool timestamps, uint32_t tags)
{
	const struct mr_tuple tuple = tuple_of(v4);
	uint32_t wrong = 0;

	begin(timestamps, tags);
	for (uint32_t payload = 0; payload <= 8900; payload += payload < 1600 ? 1 : 97) {
		const uint64_t now = random_mix(payload);
		const struct planned planned = {
			.session = (uint32_t)random_mix(now),
			.number = payload * 7919,
			.payload_bytes = (uint16_t)payload,
			.tcp_flags = payload == 0 ? RTE_TCP_SYN_FLAG : RTE_TCP_ACK_FLAG,
		};
		const uint32_t number =
			payload < STAMP_BYTES ? planned.number & 0xffff : planned.number;
		const uint32_t bytes = wire_write(&wire, &planned, &tuple, now - 64000, frame);
		struct dissected packet;
		struct stamp stamp = {0};

		if (!dissect(frame, bytes, 6080, &packet)) {
			wrong++;
			continue;
		}
		wrong += !checksums_are_right(&packet, 14 + 4 * tags, v4);
		wrong += packet.payload_bytes != payload || packet.tcp->dst_port != RTE_BE16(25);
		wrong += !mr_addr_equal(&packet.inner, &tuple.service);
		wrong += !stamp_read(packet.tcp, packet.payload, payload, now, &stamp);
		wrong += stamp.session != planned.session || stamp.number != number;
		wrong += stamp.age < 63936 || stamp.age > 64064;
		wrong += bytes < 60;
	}
	CU_ASSERT_EQUAL(wrong, 0);
}

static void test_frames_are_right_in_every_size(void)
{
	for (uint32_t tags = 0; tags <= 2; tags++) {
		for (int v4 = 0; v4 <= 1; v4++) {
			check_all_sizes(v4, false, tags);
			check_all_sizes(v4, true, tags);
		}
	}
}

static void test_frames_of_a_size_have_it(void)
{
	static const uint16_t sizes[] = {60, 124, 252, 508, 1020, 1276, 1514};
	const struct mr_tuple v4 = tuple_of(true), v6 = tuple_of(false);

	begin(false, 0);
	for (uint32_t i = 0; i < 7; i++) {
		const struct planned planned = {.frame_bytes = sizes[i], .tcp_flags = 0x18};

		CU_ASSERT_EQUAL(wire_write(&wire, &planned, &v4, 0, frame), sizes[i]);
		CU_ASSERT_EQUAL(wire_write(&wire, &planned, &v6, 0, frame),
				sizes[i] > 74 ? sizes[i] : 74);
	}
	begin(false, 2);
	CU_ASSERT_EQUAL(wire_write(&wire, &(struct planned){.frame_bytes = 60}, &v4, 0, frame), 68);
}

static void test_control_packets_have_the_size_of_real_ones(void)
{
	const struct mr_tuple v4 = tuple_of(true);

	begin(true, 0);
	CU_ASSERT_EQUAL(wire_write(&wire, &(struct planned){.tcp_flags = 2}, &v4, 0, frame), 74);
	CU_ASSERT_EQUAL(wire_write(&wire, &(struct planned){.tcp_flags = 16}, &v4, 0, frame), 66);
}

static void test_other_traffic_has_no_stamp(void)
{
	const struct mr_tuple v4 = tuple_of(true);
	const struct planned small = {.payload_bytes = 6, .tcp_flags = 0x18};
	const struct planned large = {.payload_bytes = 600, .tcp_flags = 0x18};
	struct dissected packet;
	struct stamp stamp;
	uint32_t bytes;

	begin(true, 0);
	bytes = wire_write(&wire, &small, &v4, 0, frame);
	CU_ASSERT_TRUE_FATAL(dissect(frame, bytes, 6080, &packet));
	CU_ASSERT_TRUE(stamp_read(packet.tcp, packet.payload, packet.payload_bytes, 0, &stamp));
	frame[14 + 20 + 14] ^= 1;
	CU_ASSERT_FALSE(stamp_read(packet.tcp, packet.payload, packet.payload_bytes, 0, &stamp));
	bytes = wire_write(&wire, &large, &v4, 0, frame);
	CU_ASSERT_TRUE_FATAL(dissect(frame, bytes, 6080, &packet));
	frame[14 + 20 + 32 + 1] ^= 1;
	CU_ASSERT_FALSE(stamp_read(packet.tcp, packet.payload, packet.payload_bytes, 0, &stamp));
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_frames_are_right_in_every_size),
		UNIT_TEST(test_frames_of_a_size_have_it),
		UNIT_TEST(test_control_packets_have_the_size_of_real_ones),
		UNIT_TEST(test_other_traffic_has_no_stamp),
		CU_TEST_INFO_NULL,
	};

	return unit_run("pktgen wire", tests);
}
