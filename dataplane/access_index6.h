/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All other addresses of an access list: IPv6. There are too many to number, so what a range
 * touches is kept by hash. A cell is what addresses with the same upper bits have in common; how
 * many bits follows from the list, so that there are less than three cells for each range, and a
 * bit map of their hashes tells of nearly everybody else that he is not listed. Behind it a hash
 * table has the cells, each with its ranges.
 *
 * As a list of a million /64 may have a few /32 as well, which must not make all cells coarse,
 * there are up to two such groups of ranges, of the shorter and of the longer ones.
 *
 * A million ranges take 32 MiB, 12 MiB for as many cells and 2 MiB of bits.
 */
#ifndef MAILRAIL_DATAPLANE_ACCESS_INDEX6_H
#define MAILRAIL_DATAPLANE_ACCESS_INDEX6_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <rte_byteorder.h>

#include <mailrail/address.h>

/* An address in host byte order. */
__extension__ typedef unsigned __int128 wide_addr;

static inline wide_addr wide_addr_of(const struct mr_addr *addr)
{
	uint64_t words[2];

	memcpy(words, addr->bytes, sizeof(words));
	return (wide_addr)rte_be_to_cpu_64(words[0]) << 64 | rte_be_to_cpu_64(words[1]);
}

static inline struct mr_addr wide_addr_to_addr(wide_addr wide)
{
	const uint64_t words[2] = {
		rte_cpu_to_be_64((uint64_t)(wide >> 64)),
		rte_cpu_to_be_64((uint64_t)wide),
	};

	return mr_addr_from_v6(words);
}

/* Inclusive. */
struct access_range6 {
	wide_addr first;
	wide_addr last;
};

struct access_index6;

/*
 * Copies @ranges, 1 to MR_ACCESS_RANGES_MAX + 1, sorted and disjoint. NULL: no memory.
 */
struct access_index6 *access_index6_create(const struct access_range6 *ranges, uint32_t count);
/* @index may be NULL. */
void access_index6_destroy(struct access_index6 *index);

bool access_index6_find(const struct access_index6 *index, wide_addr addr,
			struct access_range6 *out);

/* Bit i of the result: addrs[i] is in a range. @count: up to MR_ACCESS_MANY_MAX. */
uint64_t access_index6_find_many(const struct access_index6 *index, const wide_addr *addrs,
				 uint32_t count);

#endif
