/* SPDX-License-Identifier: BSD-3-Clause */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ip.h>
#include <rte_udp.h>

#include "../lib/unit.h"
#include "dissect.h"

#define GUE_PORT 6080

/* A frame that is put together from the outside inwards. */
struct builder {
	uint8_t bytes[512];
	uint32_t count;
	uint32_t length_at[4]; /* of lengths that the end decides: where, what they count from */
	uint32_t length_from[4];
	uint32_t lengths;
};

static void *add(struct builder *b, const void *bytes, uint32_t count)
{
	memcpy(&b->bytes[b->count], bytes, count);
	b->count += count;
	return &b->bytes[b->count - count];
}

static void add_length(struct builder *b, uint32_t at, uint32_t from)
{
	b->length_at[b->lengths] = at;
	b->length_from[b->lengths++] = from;
}

static void add_link(struct builder *b, uint16_t type)
{
	const uint8_t link[14] = {
		2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 8, (uint8_t)(type >> 8), (uint8_t)type};

	add(b, link, sizeof(link));
}

static void add_v4(struct builder *b, uint8_t protocol, uint8_t to)
{
	const uint8_t ip[20] = {0x45, [8] = 64, protocol, 0, 0, 192, 0, 2, 1, 192, 0, 2, to};

	add_length(b, b->count + 2, b->count);
	add(b, ip, sizeof(ip));
}

static void add_v6(struct builder *b, uint8_t protocol, uint8_t to)
{
	const uint8_t ip[40] = {0x60, [6] = protocol, 64, [24] = 0x20, 1, 0xd, 0xb8, [39] = to};

	add_length(b, b->count + 4, b->count + 40);
	add(b, ip, sizeof(ip));
}

static void add_udp(struct builder *b, uint16_t port)
{
	const uint8_t udp[8] = {0x80, 0, (uint8_t)(port >> 8), (uint8_t)port};

	add_length(b, b->count + 4, b->count);
	add(b, udp, sizeof(udp));
}

static void add_tcp(struct builder *b, uint32_t payload_bytes)
{
	const uint8_t tcp[20] = {0x9c, 0x40, 0, 25, [12] = 0x50};

	add(b, tcp, sizeof(tcp));
	memset(&b->bytes[b->count], 'x', payload_bytes);
	b->count += payload_bytes;
}

static void finish(struct builder *b)
{
	for (uint32_t i = 0; i < b->lengths; i++) {
		const uint16_t length = (uint16_t)(b->count - b->length_from[i]);

		b->bytes[b->length_at[i]] = (uint8_t)(length >> 8);
		b->bytes[b->length_at[i] + 1] = (uint8_t)length;
	}
}

/* In a heap block of its size, so that AddressSanitizer sees what is read behind its end. */
static bool dissect_exactly(const struct builder *b, uint32_t count, struct dissected *out)
{
	uint8_t *copy = malloc(count > 0 ? count : 1);
	bool found;

	memcpy(copy, b->bytes, count);
	found = dissect(copy, count, GUE_PORT, out);
	if (found)
		found = out->tcp->dst_port == RTE_BE16(25) && out->payload_bytes == 5;
	free(copy);
	return found;
}

/* Found when whole, and never when cut short. */
static void check_found(struct builder *b, uint8_t outer, uint8_t inner)
{
	struct dissected packet = {0};
	uint32_t found = 0;

	finish(b);
	CU_ASSERT_TRUE(dissect_exactly(b, b->count, &packet));
	CU_ASSERT_EQUAL(packet.outer.bytes[15], outer);
	CU_ASSERT_EQUAL(packet.inner.bytes[15], inner);
	CU_ASSERT_EQUAL(packet.to.addr_bytes[5], 9);
	for (uint32_t count = 0; count < b->count; count++)
		found += dissect_exactly(b, count, &packet);
	CU_ASSERT_EQUAL(found, 0);
}

static void test_plain_packets_are_found(void)
{
	struct builder v4 = {0}, v6 = {0};

	add_link(&v4, 0x0800);
	add_v4(&v4, IPPROTO_TCP, 10);
	add_tcp(&v4, 5);
	check_found(&v4, 10, 10);
	add_link(&v6, 0x86dd);
	add_v6(&v6, IPPROTO_TCP, 11);
	add_tcp(&v6, 5);
	check_found(&v6, 11, 11);
}

static void test_padding_is_no_payload(void)
{
	struct builder b = {0};
	struct dissected packet;

	add_link(&b, 0x0800);
	add_v4(&b, IPPROTO_TCP, 10);
	add_tcp(&b, 5);
	finish(&b);
	b.count += 30;
	CU_ASSERT_TRUE(dissect_exactly(&b, b.count, &packet));
}

static void test_ip_in_ip_is_opened(void)
{
	for (int outer_v6 = 0; outer_v6 <= 1; outer_v6++) {
		for (int inner_v6 = 0; inner_v6 <= 1; inner_v6++) {
			const uint8_t protocol = inner_v6 ? IPPROTO_IPV6 : IPPROTO_IPIP;
			struct builder b = {0};

			add_link(&b, outer_v6 ? 0x86dd : 0x0800);
			(outer_v6 ? add_v6 : add_v4)(&b, protocol, 1);
			(inner_v6 ? add_v6 : add_v4)(&b, IPPROTO_TCP, 2);
			add_tcp(&b, 5);
			check_found(&b, 1, 2);
		}
	}
}

static void test_gue_is_opened_in_both_variants(void)
{
	static const uint8_t variant_0[] = {0x01, IPPROTO_IPIP, 0, 0, 1, 2, 3, 4};

	for (int variant = 0; variant <= 1; variant++) {
		struct builder b = {0};

		add_link(&b, 0x0800);
		add_v4(&b, IPPROTO_UDP, 1);
		add_udp(&b, GUE_PORT);
		if (variant == 0)
			add(&b, variant_0, sizeof(variant_0));
		add_v4(&b, IPPROTO_TCP, 2);
		add_tcp(&b, 5);
		check_found(&b, 1, 2);
	}
}

static void test_gre_is_opened(void)
{
	static const uint8_t gre[] = {0, 0, 0x08, 0};
	struct builder b = {0};

	add_link(&b, 0x0800);
	add_v4(&b, IPPROTO_GRE, 1);
	add(&b, gre, sizeof(gre));
	add_v4(&b, IPPROTO_TCP, 2);
	add_tcp(&b, 5);
	check_found(&b, 1, 2);
}

static void test_two_tags_are_skipped(void)
{
	static const uint8_t tags[] = {0, 100, 0x81, 0, 0, 200, 0x08, 0};
	struct builder b = {0};

	add_link(&b, 0x88a8);
	add(&b, tags, sizeof(tags));
	add_v4(&b, IPPROTO_TCP, 10);
	add_tcp(&b, 5);
	check_found(&b, 10, 10);
}

static void test_others_are_not_found(void)
{
	struct builder arp = {0}, udp = {0}, other_port = {0}, fragment = {0};
	struct dissected packet;

	add_link(&arp, 0x0806);
	add_v4(&arp, IPPROTO_TCP, 1);
	add_tcp(&arp, 5);
	finish(&arp);
	CU_ASSERT_FALSE(dissect_exactly(&arp, arp.count, &packet));
	add_link(&udp, 0x0800);
	add_v4(&udp, IPPROTO_UDP, 1);
	add_tcp(&udp, 5);
	finish(&udp);
	CU_ASSERT_FALSE(dissect_exactly(&udp, udp.count, &packet));
	add_link(&other_port, 0x0800);
	add_v4(&other_port, IPPROTO_UDP, 1);
	add_udp(&other_port, GUE_PORT + 1);
	add_v4(&other_port, IPPROTO_TCP, 2);
	add_tcp(&other_port, 5);
	finish(&other_port);
	CU_ASSERT_FALSE(dissect_exactly(&other_port, other_port.count, &packet));
	add_link(&fragment, 0x0800);
	add_v4(&fragment, IPPROTO_TCP, 1);
	add_tcp(&fragment, 5);
	finish(&fragment);
	fragment.bytes[14 + 6] = 0x20;
	CU_ASSERT_FALSE(dissect_exactly(&fragment, fragment.count, &packet));
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_plain_packets_are_found),
		UNIT_TEST(test_padding_is_no_payload),
		UNIT_TEST(test_ip_in_ip_is_opened),
		UNIT_TEST(test_gue_is_opened_in_both_variants),
		UNIT_TEST(test_gre_is_opened),
		UNIT_TEST(test_two_tags_are_skipped),
		UNIT_TEST(test_others_are_not_found),
		CU_TEST_INFO_NULL,
	};

	return unit_run("pktgen dissect", tests);
}
