/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * IPv4 addresses of an access list. The address space is cut into equal cells, some sixteen for
 * each range: a bit map says which of them a range touches, so that one access tells of nearly
 * everybody else that he is not listed. Behind it the ranges are sorted, and a table says for
 * each of about as many windows of the address space where among them to search.
 *
 * A million ranges take 2 MiB of bits, 4 MiB of windows and 8 MiB of ranges, wherever they are.
 * (DPDK's rte_fib and rte_lpm have 1 KiB for each /24 in which anything longer is listed.)
 */
#ifndef MAILRAIL_DATAPLANE_ACCESS_INDEX4_H
#define MAILRAIL_DATAPLANE_ACCESS_INDEX4_H

#include <stdbool.h>
#include <stdint.h>

/* Inclusive; host byte order, as all addresses here. */
struct access_range4 {
	uint32_t first;
	uint32_t last;
};

struct access_index4;

/* Copies @ranges, at least one, sorted and disjoint. NULL: no memory. For free(3). */
struct access_index4 *access_index4_create(const struct access_range4 *ranges, uint32_t count);

bool access_index4_find(const struct access_index4 *index, uint32_t addr,
			struct access_range4 *out);

/* Bit i of the result: addrs[i] is in a range. @count: up to MR_ACCESS_MANY_MAX. */
uint64_t access_index4_find_many(const struct access_index4 *index, const uint32_t *addrs,
				 uint32_t count);

#endif
