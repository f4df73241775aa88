/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The Internet checksum of data that changes: RFC 1624, equation 3, HC' = ~(~HC + ~m + m').
 * Sums are one's complement sums of words as they lie in the frame, which come out right in
 * either byte order (RFC 1071, section 2 (B)). With that equation a checksum that is never
 * 0xffff, as a computed one of data that is not all zero, never becomes 0xffff.
 */
#ifndef MAILRAIL_DATAPLANE_CHECKSUM_H
#define MAILRAIL_DATAPLANE_CHECKSUM_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <rte_byteorder.h>

static inline uint16_t checksum_fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)(sum + (sum >> 16));
}

/* The sum of an IPv4 header without options: 0xffff, when its checksum is right. */
static inline uint16_t checksum_sum_ipv4(const void *header)
{
	uint64_t words[2], sum;
	uint32_t last;

	memcpy(words, header, sizeof(words));
	memcpy(&last, (const uint8_t *)header + sizeof(words), sizeof(last));
	/* What is carried out at the top comes in again below. */
	sum = words[0] + words[1];
	sum += sum < words[1];
	sum += last;
	sum += sum < last;
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & UINT32_MAX) + (sum >> 32);
	return checksum_fold((uint32_t)sum);
}

/*
 * Is the checksum of an IPv4 header without options right? Its sum, which is never 0, is a multiple
 * of 0xffff then; and those are the numbers that a multiplication with the inverse of 0xffff (mod
 * 2^64) makes no greater than 2^64 / 0xffff (Granlund and Montgomery, "Division by Invariant
 * Integers using Multiplication", 1994, section 9).
 */
static inline bool checksum_is_right_ipv4(const void *header)
{
	uint64_t words[2], sum;
	uint32_t last;

	memcpy(&words[0], header, sizeof(words[0]));
	memcpy(&words[1], (const uint8_t *)header + sizeof(words[0]), sizeof(words[1]));
	memcpy(&last, (const uint8_t *)header + sizeof(words), sizeof(last));
	sum = (words[0] & UINT32_MAX) + (words[0] >> 32) + (words[1] & UINT32_MAX) +
	      (words[1] >> 32) + last;
	return sum * 0xfffefffefffeffffULL <= UINT64_MAX / UINT16_MAX;
}

/*
 * What @bytes (even) that change from @from to @to add to the sum, ~m + m' for each
 * word. They begin at an even offset of the data. Several changes may be added up.
 */
static inline uint32_t checksum_change(const void *from, const void *to, uint32_t bytes)
{
	uint32_t change = 0;

	for (uint32_t i = 0; i < bytes; i += sizeof(uint16_t)) {
		uint16_t old_word, new_word;

		memcpy(&old_word, (const uint8_t *)from + i, sizeof(old_word));
		memcpy(&new_word, (const uint8_t *)to + i, sizeof(new_word));
		change += (uint16_t)~old_word + (uint32_t)new_word;
	}
	return change;
}

/* The same change at an odd offset of the data: every byte counts in the other half of a word. */
static inline uint32_t checksum_change_at_odd(uint32_t change)
{
	return rte_bswap16(checksum_fold(change));
}

/* @checksum: the field, two bytes in network order, of any alignment. */
static inline void checksum_update(void *checksum, uint32_t change)
{
	uint16_t field;

	memcpy(&field, checksum, sizeof(field));
	field = (uint16_t)~checksum_fold((uint16_t)~field + change);
	memcpy(checksum, &field, sizeof(field));
}

#endif
