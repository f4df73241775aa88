/* SPDX-License-Identifier: BSD-3-Clause */
/* Incremental updates against the checksum computed anew, above all around 0 and 0xffff. */
#include "checksum.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_ip.h>

#include "../lib/unit.h"

#define ROUNDS	   100000
#define DATA_BYTES 64

/* RFC 1071, section 4.1, byte by byte. */
static uint16_t checksum_of(const uint8_t *data, uint32_t bytes)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < bytes; i++)
		sum += (uint32_t)data[i] << (i % 2 == 0 ? 8 : 0);
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* Half of all bytes are all zeros or all ones, where one's complement is treacherous. */
static uint8_t random_byte(void)
{
	const long choice = lrand48();

	return choice % 4 == 0 ? 0 : choice % 4 == 1 ? 0xff : (uint8_t)(choice >> 8);
}

static void random_bytes(uint8_t *bytes, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		bytes[i] = random_byte();
}

/* Replaces @bytes at @offset, and gives the checksum that the update makes of the old one. */
static uint16_t replace(uint8_t *data, uint32_t offset, const uint8_t *bytes, uint32_t count)
{
	const uint16_t before = checksum_of(data, DATA_BYTES);
	uint8_t field[] = {(uint8_t)(before >> 8), (uint8_t)before};
	uint32_t change = checksum_change(&data[offset], bytes, count);

	if (offset % 2 != 0)
		change = checksum_change_at_odd(change);
	checksum_update(field, change);
	memcpy(&data[offset], bytes, count);
	return (uint16_t)(field[0] << 8 | field[1]);
}

static void replace_random(bool at_odd)
{
	uint8_t data[DATA_BYTES], bytes[16];
	const uint32_t count = 2 + (uint32_t)(lrand48() % 8) * 2;
	const uint32_t offset = (uint32_t)(lrand48() % 24) * 2 + at_odd;
	uint16_t updated;

	random_bytes(data, sizeof(data));
	random_bytes(bytes, sizeof(bytes));
	data[0] |= 1; /* data that is not all zero */
	if (offset == 0)
		bytes[0] |= 1;
	updated = replace(data, offset, bytes, count);
	CU_ASSERT_EQUAL_FATAL(updated, checksum_of(data, sizeof(data)));
}

static void test_even_offsets(void)
{
	for (unsigned int i = 0; i < ROUNDS; i++)
		replace_random(false);
}

static void test_odd_offsets(void)
{
	for (unsigned int i = 0; i < ROUNDS; i++)
		replace_random(true);
}

/* Every value that a word may change to, on data whose checksum passes through 0 by that. */
static void test_every_word(void)
{
	for (uint32_t word = 0; word <= UINT16_MAX; word++) {
		const uint8_t bytes[] = {(uint8_t)(word >> 8), (uint8_t)word};
		uint8_t data[DATA_BYTES] = {0, 1};
		uint16_t updated = replace(data, 2, bytes, sizeof(bytes));

		CU_ASSERT_EQUAL_FATAL(updated, checksum_of(data, sizeof(data)));
		CU_ASSERT_NOT_EQUAL_FATAL(updated, 0xffff);
		updated = replace(data, 2, (const uint8_t[]){0xff, 0xfe}, 2);
		CU_ASSERT_EQUAL_FATAL(updated, 0);
	}
}

/* RFC 1624, section 4: the example that the older equation of RFC 1141 gets wrong. */
static void test_example_of_the_rfc(void)
{
	const uint8_t from[] = {0x55, 0x55}, to[] = {0x32, 0x85};
	uint8_t field[] = {0xdd, 0x2f};

	checksum_update(field, checksum_change(from, to, sizeof(from)));
	CU_ASSERT_EQUAL(field[0], 0x00);
	CU_ASSERT_EQUAL(field[1], 0x00);
}

static void test_changes_add_up(void)
{
	const uint8_t a[] = {0x12, 0x34, 0xff, 0xff}, b[] = {0xfe, 0xdc, 0x00, 0x00};
	uint8_t once[] = {0xab, 0xcd}, twice[] = {0xab, 0xcd};

	checksum_update(once, checksum_change(a, b, 2) + checksum_change(&a[2], &b[2], 2));
	checksum_update(twice, checksum_change(a, b, 2));
	checksum_update(twice, checksum_change(&a[2], &b[2], 2));
	CU_ASSERT_EQUAL(memcmp(once, twice, sizeof(once)), 0);
}

/* The sum in wide words, against that byte by byte. */
static void test_sum_of_ipv4_headers(void)
{
	for (unsigned int i = 0; i < ROUNDS; i++) {
		uint8_t header[20];
		uint16_t expected;

		random_bytes(header, sizeof(header));
		expected = (uint16_t)~checksum_of(header, sizeof(header));
		CU_ASSERT_EQUAL_FATAL(checksum_sum_ipv4(header), rte_cpu_to_be_16(expected));
	}
}

static void check_header(const void *header)
{
	CU_ASSERT_EQUAL_FATAL(checksum_is_right_ipv4(header), rte_ipv4_cksum(header) == 0);
}

static void set_checksum(struct rte_ipv4_hdr *ip)
{
	ip->hdr_checksum = 0;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
}

/* Right ones, ones that are wrong by one bit, and any. */
static void test_checksum_of_ipv4_headers(void)
{
	for (unsigned int i = 0; i < ROUNDS; i++) {
		struct rte_ipv4_hdr ip;

		random_bytes((uint8_t *)&ip, sizeof(ip));
		ip.version_ihl = RTE_IPV4_VHL_DEF;
		check_header(&ip);
		set_checksum(&ip);
		CU_ASSERT_TRUE_FATAL(checksum_is_right_ipv4(&ip));
		/* Zero and all ones are the same to a sum. */
		ip.hdr_checksum = ip.hdr_checksum == 0 ? UINT16_MAX : ip.hdr_checksum;
		CU_ASSERT_TRUE_FATAL(checksum_is_right_ipv4(&ip));
		((uint8_t *)&ip)[1 + lrand48() % (sizeof(ip) - 1)] ^= (uint8_t)(1 << lrand48() % 8);
		CU_ASSERT_FALSE_FATAL(checksum_is_right_ipv4(&ip));
		check_header(&ip);
	}
}

/* Every value of each word, of a header that is right with one or, 0 and 0xffff, two of them. */
static void check_every_word(const struct rte_ipv4_hdr *from)
{
	for (uint32_t word = 1; word < sizeof(*from) / 2; word++) {
		struct rte_ipv4_hdr ip = *from;
		uint32_t right = 0;

		for (uint32_t value = 0; value <= UINT16_MAX; value++) {
			const uint16_t now = (uint16_t)value;

			memcpy((uint8_t *)&ip + word * sizeof(now), &now, sizeof(now));
			check_header(&ip);
			right += checksum_is_right_ipv4(&ip);
		}
		CU_ASSERT(right == 1 || right == 2);
	}
}

static void test_every_word_of_ipv4_headers(void)
{
	struct rte_ipv4_hdr ip;

	random_bytes((uint8_t *)&ip, sizeof(ip));
	ip.version_ihl = RTE_IPV4_VHL_DEF;
	set_checksum(&ip);
	check_every_word(&ip);
	/* The least and the greatest that there is to sum up. */
	memset(&ip, 0, sizeof(ip));
	ip.version_ihl = RTE_IPV4_VHL_DEF;
	check_every_word(&ip);
	memset(&ip, 0xff, sizeof(ip));
	ip.version_ihl = RTE_IPV4_VHL_DEF;
	check_every_word(&ip);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_even_offsets),
		UNIT_TEST(test_odd_offsets),
		UNIT_TEST(test_every_word),
		UNIT_TEST(test_example_of_the_rfc),
		UNIT_TEST(test_changes_add_up),
		UNIT_TEST(test_sum_of_ipv4_headers),
		UNIT_TEST(test_checksum_of_ipv4_headers),
		UNIT_TEST(test_every_word_of_ipv4_headers),
		CU_TEST_INFO_NULL,
	};

	srand48(unit_seed());
	return unit_run("checksum", tests);
}
