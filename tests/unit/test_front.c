/* SPDX-License-Identifier: BSD-3-Clause */
/* Fronts, byte by byte: what is the same for all packets on their way to a backend. */
#include <mailrail/snapshot.h>

#include <errno.h>
#include <string.h>

#include "../lib/frame.h"
#include "../lib/unit.h"

#define NEXT_HOP 0x02, 0x00, 0x00, 0x00, 0x01, 0x0b
#define PORT_MAC 0x02, 0x00, 0x00, 0x00, 0x00, 0x01

static const struct mr_way plain_way = {
	.port = 3,
	.source_mac = {{PORT_MAC}},
	.next_hop = {{NEXT_HOP}},
	.mtu_bytes = 1500,
};

static struct mr_backend backend_of(enum mr_forwarding forwarding, const char *address)
{
	return (struct mr_backend){
		.forwarding = (uint8_t)forwarding,
		.address = frame_addr(address),
	};
}

static struct mr_way way_from(const char *outer_source)
{
	struct mr_way way = plain_way;

	way.outer_source = frame_addr(outer_source);
	way.gue_port = 6080;
	return way;
}

static void assert_front(struct mr_backend *backend, const struct mr_way *way,
			 const uint8_t *expected, uint8_t link_bytes, uint8_t outer_bytes)
{
	CU_ASSERT_EQUAL_FATAL(mr_backend_set_way(backend, way), 0);
	CU_ASSERT_TRUE(backend->way_set);
	CU_ASSERT_EQUAL(backend->port, 3);
	CU_ASSERT_EQUAL(backend->packet_max_bytes, way->mtu_bytes - outer_bytes);
	CU_ASSERT_EQUAL(backend->front.link_bytes, link_bytes);
	CU_ASSERT_EQUAL(backend->front.outer_bytes, outer_bytes);
	CU_ASSERT_EQUAL(memcmp(mr_front_bytes(&backend->front), expected, link_bytes + outer_bytes),
			0);
}

static void test_link_only(void)
{
	static const uint8_t expected[] = {NEXT_HOP, PORT_MAC, 0, 0};
	struct mr_backend l2dsr = backend_of(MR_FORWARDING_L2DSR, "10.0.0.11");
	struct mr_backend nat = backend_of(MR_FORWARDING_NAT, "2001:db8::11");

	assert_front(&l2dsr, &plain_way, expected, 14, 0);
	assert_front(&nat, &plain_way, expected, 14, 0);
}

static void test_tags(void)
{
	static const uint8_t one[] = {NEXT_HOP, PORT_MAC, 0x81, 0x00, 0x00, 0x64, 0, 0};
	static const uint8_t two[] = {NEXT_HOP, PORT_MAC, 0x88, 0xa8, 0x0f, 0xfe,
				      0x81,	0x00,	  0x00, 0x64, 0,    0};
	struct mr_backend backend = backend_of(MR_FORWARDING_L2DSR, "10.0.0.11");
	struct mr_way way = plain_way;

	way.tag_count = 1;
	way.tags[0] = 100;
	assert_front(&backend, &way, one, 18, 0);
	way.tag_count = 2;
	way.tags[0] = 4094;
	way.tags[1] = 100;
	assert_front(&backend, &way, two, 22, 0);
}

static void test_ipip_v4(void)
{
	static const uint8_t expected[] = {
		NEXT_HOP, PORT_MAC, 0x08, 0x00, /* Ethernet */
		0x45,	  0,	    0,	  0,	/* TOS and length are open */
		0,	  0,	    0x40, 0,	/* ID 0, DF */
		64,	  0,	    0,	  0,	/* protocol and checksum are open */
		10,	  0,	    0,	  1,	/* source */
		10,	  9,	    0,	  11,	/* backend */
	};
	struct mr_backend backend = backend_of(MR_FORWARDING_IPIP, "10.9.0.11");
	const struct mr_way way = way_from("10.0.0.1");

	assert_front(&backend, &way, expected, 14, 20);
	CU_ASSERT_FALSE(backend.front.outer_v6);
	CU_ASSERT_EQUAL(backend.front.source_bits, 0);
}

static void test_gue_v6_behind_tags(void)
{
	static const uint8_t expected[] = {
		NEXT_HOP, PORT_MAC, 0x88, 0xa8, 0, 1, 0x81, 0x00, 0, 2, 0x86, 0xdd, /* Ethernet */
		0x60,	  0,	    0,	  0,	0, 0, 17,   64, /* class, label and length are open
								 */
		0x20,	  0x01,	    0x0d, 0xb8, 0, 0, 0,    0,	  0, 0, 0,    0,
		0,	  0,	    0,	  1, /* source */
		0x20,	  0x01,	    0x0d, 0xb8, 0, 0, 0,    0,	  0, 0, 0,    0,
		0,	  0,	    0,	  0x11,		       /* backend */
		0,	  0,	    0x17, 0xc0, 0, 0, 0,    0, /* UDP to 6080; port, length open */
	};
	struct mr_backend backend = backend_of(MR_FORWARDING_GUE, "2001:db8::11");
	struct mr_way way = way_from("2001:db8::1");

	way.tag_count = 2;
	way.tags[0] = 1;
	way.tags[1] = 2;
	assert_front(&backend, &way, expected, 22, 48);
	CU_ASSERT_EQUAL(sizeof(expected), MR_FRONT_BYTES_MAX);
	CU_ASSERT_TRUE(backend.front.outer_v6);
}

static void test_gue_v4_protocol(void)
{
	struct mr_backend backend = backend_of(MR_FORWARDING_GUE, "10.9.0.11");
	const struct mr_way way = way_from("10.0.0.1");

	CU_ASSERT_EQUAL_FATAL(mr_backend_set_way(&backend, &way), 0);
	CU_ASSERT_EQUAL(backend.front.outer_bytes, 28);
	CU_ASSERT_EQUAL(mr_front_bytes(&backend.front)[14 + 9], 17);
	CU_ASSERT_EQUAL(backend.packet_max_bytes, 1472);
}

/* The bits that vary by session are zero, so that workers can put theirs in. */
static void test_varied_bits_are_open(void)
{
	struct mr_backend backend = backend_of(MR_FORWARDING_IPIP, "10.9.0.11");
	struct mr_way way = way_from("10.255.255.255");
	static const uint8_t v4[] = {10, 255, 240, 0};

	way.source_bits = 12;
	CU_ASSERT_EQUAL_FATAL(mr_backend_set_way(&backend, &way), 0);
	CU_ASSERT_EQUAL(backend.front.source_bits, 12);
	CU_ASSERT_EQUAL(memcmp(mr_front_bytes(&backend.front) + 14 + 12, v4, sizeof(v4)), 0);

	backend = backend_of(MR_FORWARDING_IPIP, "2001:db8::11");
	way.outer_source = frame_addr("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff");
	for (uint8_t bits = 0; bits <= 64; bits++) {
		struct mr_addr source;
		uint32_t zeros = 0;

		way.source_bits = bits;
		CU_ASSERT_EQUAL_FATAL(mr_backend_set_way(&backend, &way), 0);
		memcpy(&source, mr_front_bytes(&backend.front) + 14 + 8, sizeof(source));
		while (zeros < 128 && !(source.bytes[15 - zeros / 8] >> zeros % 8 & 1))
			zeros++;
		CU_ASSERT_EQUAL(zeros, bits);
	}
}

static void assert_least_mtu(enum mr_forwarding forwarding, const char *address,
			     const char *outer_source, uint16_t least)
{
	struct mr_backend backend = backend_of(forwarding, address);
	struct mr_way way = way_from(outer_source);

	way.mtu_bytes = (uint16_t)(least - 1);
	CU_ASSERT_EQUAL(mr_backend_set_way(&backend, &way), -EMSGSIZE);
	CU_ASSERT_FALSE(backend.way_set);
	way.mtu_bytes = least;
	CU_ASSERT_EQUAL(mr_backend_set_way(&backend, &way), 0);
	CU_ASSERT_TRUE(backend.way_set);
}

static void test_narrow_ways(void)
{
	assert_least_mtu(MR_FORWARDING_L2DSR, "10.0.0.11", "10.0.0.1", 68);
	assert_least_mtu(MR_FORWARDING_NAT, "2001:db8::11", "2001:db8::1", 1280);
	assert_least_mtu(MR_FORWARDING_IPIP, "10.0.0.11", "10.0.0.1", 88);
	assert_least_mtu(MR_FORWARDING_GUE, "10.0.0.11", "10.0.0.1", 96);
	assert_least_mtu(MR_FORWARDING_GUE, "2001:db8::11", "2001:db8::1", 1280);
}

static void test_widest_way(void)
{
	struct mr_backend backend = backend_of(MR_FORWARDING_GUE, "2001:db8::11");
	struct mr_way way = way_from("2001:db8::1");

	way.mtu_bytes = UINT16_MAX;
	CU_ASSERT_EQUAL(mr_backend_set_way(&backend, &way), 0);
	CU_ASSERT_EQUAL(backend.packet_max_bytes, UINT16_MAX - 48);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_link_only),
		UNIT_TEST(test_tags),
		UNIT_TEST(test_ipip_v4),
		UNIT_TEST(test_gue_v6_behind_tags),
		UNIT_TEST(test_gue_v4_protocol),
		UNIT_TEST(test_varied_bits_are_open),
		UNIT_TEST(test_narrow_ways),
		UNIT_TEST(test_widest_way),
		CU_TEST_INFO_NULL,
	};

	return unit_run("front", tests);
}
