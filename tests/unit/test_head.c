/* SPDX-License-Identifier: BSD-3-Clause */
/* How plain frames begin: every bit of a head, by what is to be there and by what may be. */
#include "head.h"

#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ip.h>

#include "../lib/unit.h"

static const struct rte_ether_addr mac = {{0x02, 0x11, 0x22, 0x33, 0x44, 0x55}};

static void put_16(uint8_t *bytes, uint16_t value)
{
	bytes[0] = (uint8_t)(value >> 8);
	bytes[1] = (uint8_t)value;
}

/* As a plain frame of a port with these tags begins; *@any has the bits that may be any. */
static void expect_head(const uint16_t *tags, uint32_t tag_count, bool v4,
			uint8_t frame[HEAD_BYTES], uint8_t any[HEAD_BYTES])
{
	uint8_t *ip = &frame[RTE_ETHER_HDR_LEN + tag_count * RTE_VLAN_HLEN];
	const uint32_t protocol = v4 ? offsetof(struct rte_ipv4_hdr, next_proto_id)
				     : offsetof(struct rte_ipv6_hdr, proto);

	memset(frame, 0, HEAD_BYTES);
	memset(any, 0xff, HEAD_BYTES);
	memcpy(frame, &mac, sizeof(mac));
	memset(any, 0, sizeof(mac));
	for (uint32_t i = 0; i < tag_count; i++) {
		const uint32_t offset = 12 + i * RTE_VLAN_HLEN;

		put_16(&frame[offset], tag_count - i == 2 ? 0x88a8 : 0x8100);
		put_16(&frame[offset + 2], tags[i]);
		memset(&any[offset], 0, RTE_VLAN_HLEN);
		any[offset + 2] = 0xf0; /* priority */
	}
	put_16(ip - 2, v4 ? 0x0800 : 0x86dd);
	put_16(&any[ip - frame - 2], 0);
	ip[0] = v4 ? 0x45 : 0x60;
	any[ip - frame] = v4 ? 0 : 0x0f; /* traffic class */
	if (v4)
		put_16(&any[ip - frame + 6], 0xc000); /* reserved and DF */
	ip[protocol] = IPPROTO_TCP;
	any[ip - frame + protocol] = 0;
}

/* Only bits of @any may be others; and those of the other family's head are never right. */
static void check_head(const struct head *head, const struct head *other,
		       const uint8_t frame[HEAD_BYTES], const uint8_t any[HEAD_BYTES])
{
	uint8_t bytes[HEAD_BYTES];

	CU_ASSERT_TRUE(head_is(head, frame));
	CU_ASSERT_FALSE(head_is(other, frame));
	for (uint32_t bit = 0; bit < HEAD_BYTES * 8; bit++) {
		const uint8_t mask = (uint8_t)(1 << bit % 8);

		memcpy(bytes, frame, sizeof(bytes));
		bytes[bit / 8] ^= mask;
		CU_ASSERT_EQUAL(head_is(head, bytes), (any[bit / 8] & mask) != 0);
	}
	for (uint32_t i = 0; i < HEAD_BYTES; i++)
		bytes[i] = frame[i] ^ any[i];
	CU_ASSERT_TRUE(head_is(head, bytes));
}

static void check_heads(const uint16_t *tags, uint32_t tag_count)
{
	uint8_t frame[HEAD_BYTES], any[HEAD_BYTES];
	struct heads heads;

	heads_of(&mac, tags, tag_count, &heads);
	CU_ASSERT_EQUAL(heads.l3_offset, RTE_ETHER_HDR_LEN + tag_count * RTE_VLAN_HLEN);
	expect_head(tags, tag_count, true, frame, any);
	check_head(&heads.v4, &heads.v6, frame, any);
	expect_head(tags, tag_count, false, frame, any);
	check_head(&heads.v6, &heads.v4, frame, any);
}

static void test_untagged(void)
{
	check_heads(NULL, 0);
}

static void test_one_tag(void)
{
	check_heads((const uint16_t[]){1}, 1);
	check_heads((const uint16_t[]){4094}, 1);
}

static void test_two_tags(void)
{
	check_heads((const uint16_t[]){0xabc, 0x123}, 2);
	check_heads((const uint16_t[]){1, 4094}, 2);
}

static void assert_equal(const struct head *a, const struct head *b)
{
	for (uint32_t i = 0; i < 2; i++) {
		for (uint32_t j = 0; j < 2; j++) {
			CU_ASSERT_EQUAL(a->mask[i][j], b->mask[i][j]);
			CU_ASSERT_EQUAL(a->value[i][j], b->value[i][j]);
		}
	}
}

/* What was in the struct before is gone. */
static void test_another_time(void)
{
	struct heads heads, again;

	heads_of(&mac, (const uint16_t[]){0xabc, 0x123}, 2, &again);
	heads_of(&mac, NULL, 0, &again);
	heads_of(&mac, NULL, 0, &heads);
	assert_equal(&again.v4, &heads.v4);
	assert_equal(&again.v6, &heads.v6);
	CU_ASSERT_EQUAL(again.l3_offset, heads.l3_offset);
}

static void test_set_or_not(void)
{
	struct heads heads = {0};

	CU_ASSERT_FALSE(heads_are_set(&heads));
	heads_of(&mac, NULL, 0, &heads);
	CU_ASSERT_TRUE(heads_are_set(&heads));
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_untagged),     UNIT_TEST(test_one_tag),	  UNIT_TEST(test_two_tags),
		UNIT_TEST(test_another_time), UNIT_TEST(test_set_or_not), CU_TEST_INFO_NULL,
	};

	return unit_run("head", tests);
}
