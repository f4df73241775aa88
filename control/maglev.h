/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Maglev tables: Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load
 * Balancer", NSDI 2016, section 3.4, with two changes that make them more even and move fewer
 * entries when the pool changes. Pure functions: any thread.
 */
#ifndef MAILRAIL_CONTROL_MAGLEV_H
#define MAILRAIL_CONTROL_MAGLEV_H

#include <stdbool.h>
#include <stdint.h>

#define MAGLEV_KEY_BYTES 16

/* The entry of a table without backends. */
#define MAGLEV_NONE UINT16_MAX

/* 24 bits: products of a size, a weight and a few bits more fit into 64. */
#define MAGLEV_SIZE_MAX 16777215

/*
 * Where a backend's permutation starts and how far it skips, before they are reduced to a
 * table's size. Depends on the name and the key alone, so that every node agrees.
 */
struct maglev_place {
	uint64_t offset;
	uint64_t skip;
};

/* The first 16 bytes of HMAC-SHA-256 (RFC 2104) of @name, read as two little-endian words. */
void maglev_place_of(const uint8_t key[MAGLEV_KEY_BYTES], const char *name,
		     struct maglev_place *out);

struct maglev_backend {
	struct maglev_place place;
	uint32_t weight; /* share of the table; 0: none */
	uint16_t value;	 /* what its entries say; not MAGLEV_NONE */
};

/*
 * Fills @out_table[@size], @size a prime <= MAGLEV_SIZE_MAX, from @count <= @size backends in
 * any order.
 *
 * A backend gets its exact share, size x weight / sum of weights, rounded down or up (those
 * with the largest remainders are rounded up), however the others are weighted.
 *
 * In the paper a backend's turn lasts until it has found a free entry. Here a turn looks at one
 * entry: the next of the backend's permutation, which it takes if it is free. So an entry goes
 * to the backend that comes to it first, whatever luck the others had elsewhere, and a backend
 * that comes or goes disturbs the others only where shares run out.
 *
 * -ENOMEM leaves the table undefined.
 */
int maglev_build(const struct maglev_backend *backends, uint32_t count, uint32_t size,
		 uint16_t *out_table);

#endif
