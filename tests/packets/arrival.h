/* SPDX-License-Identifier: BSD-3-Clause */
/* A frame as a driver would hand it over: in how many buffers, with how much room around it. */
#ifndef MAILRAIL_TESTS_ARRIVAL_H
#define MAILRAIL_TESTS_ARRIVAL_H

#include <stdint.h>

#include <rte_mbuf.h>

#define ARRIVAL_BYTES_MAX    16384
#define ARRIVAL_SEGMENTS_MAX 8

struct arrival {
	const uint8_t *bytes;
	uint32_t byte_count;
	/* Of all segments but the last, which has the rest. Those behind the frame's end are empty.
	 */
	uint16_t segment_bytes[ARRIVAL_SEGMENTS_MAX - 1];
	uint32_t segment_count; /* 0 or 1: all in one */
	uint16_t headroom;	/* of the first segment; the others have none */
	uint16_t tailroom;	/* likewise */
	uint64_t checksum_flag; /* what the card says: RTE_MBUF_F_RX_IP_CKSUM_*, 0: nothing */
};

/*
 * Every segment is a heap block of its own that ends where its room ends, so that
 * AddressSanitizer sees every access outside. NULL: the pool is empty.
 */
struct rte_mbuf *arrival_to_mbuf(struct rte_mempool *pool, const struct arrival *arrival);

#endif
