/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * IP addresses and prefixes of both families in one form, so that tables, maps and
 * configuration need no second path. Pure values: any thread, no ownership.
 */
#ifndef MAILRAIL_ADDRESS_H
#define MAILRAIL_ADDRESS_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* The longest text form of a prefix: an IPv4-mapped IPv6 address, "/128" and the NUL. */
#define MR_ADDR_TEXT_MAX 56

/*
 * An address in network byte order. IPv4 is kept IPv4-mapped, ::ffff:a.b.c.d
 * (RFC 4291, section 2.5.5.2), so that an IPv4 prefix of length n has length 96 + n.
 */
struct mr_addr {
	uint8_t bytes[16];
};

/* A prefix: bits of @addr behind @length (0..128, IPv4 at 96..128) are zero. */
struct mr_prefix {
	struct mr_addr addr;
	uint8_t length;
};

static inline struct mr_addr mr_addr_from_v4(const void *four_bytes)
{
	/* In two whole words: what is stored in pieces is slow to load as one. */
	uint64_t words[2] = {0};
	struct mr_addr addr;
	uint32_t address;

	memcpy(&address, four_bytes, sizeof(address));
	words[1] = htobe64(UINT64_C(0xffff) << 32 | be32toh(address));
	memcpy(addr.bytes, words, sizeof(words));
	return addr;
}

static inline struct mr_addr mr_addr_from_v6(const void *sixteen_bytes)
{
	struct mr_addr addr;

	memcpy(addr.bytes, sixteen_bytes, sizeof(addr.bytes));
	return addr;
}

static inline bool mr_addr_is_v4(const struct mr_addr *addr)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	return memcmp(addr->bytes, mapped, sizeof(mapped)) == 0;
}

static inline bool mr_addr_equal(const struct mr_addr *a, const struct mr_addr *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static inline int mr_addr_compare(const struct mr_addr *a, const struct mr_addr *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

static inline bool mr_prefix_holds(const struct mr_prefix *prefix, const struct mr_addr *addr)
{
	const uint32_t bytes = prefix->length / 8;
	const uint32_t bits = prefix->length % 8;
	const uint8_t mask = (uint8_t)(0xff00 >> bits);

	return memcmp(prefix->addr.bytes, addr->bytes, bytes) == 0 &&
	       (bits == 0 || (addr->bytes[bytes] & mask) == prefix->addr.bytes[bytes]);
}

/* The same for qsort(3) and bsearch(3): @a and @b are struct mr_addr. */
static inline int mr_addr_order(const void *a, const void *b)
{
	return mr_addr_compare(a, b);
}

#endif
