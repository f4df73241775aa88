/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a worker knows of datagrams in pieces: the ports that the first fragment had, for those
 * that came later, and the fragments that came before it. Every datagram belongs to one worker,
 * chosen by its addresses and id; the others hand its fragments over. Hence no locks.
 *
 * A datagram is known by its 64-bit keyed hash, as sessions are by theirs in the pin table.
 */
#ifndef MAILRAIL_DATAPLANE_FRAGMENTS_H
#define MAILRAIL_DATAPLANE_FRAGMENTS_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include <mailrail/limits.h>

struct fragment_table;
struct worker;

/* Entries of the ring through which a worker gets fragments from the others: a power of two. */
#define FRAGMENT_HANDOVER_SIZE (2 * MR_FRAGMENTS_KEPT_MAX)

/* What fragment_table_create() takes of DPDK's memory. */
uint64_t fragment_table_memory_bytes(void);

/* Control thread, before the worker starts. On NUMA node @node. NULL: no memory. */
struct fragment_table *fragment_table_create(int node);
/* Control thread, after the worker has stopped. Frees the fragments that still wait. NULL: none. */
void fragment_table_destroy(struct fragment_table *table);

/* Up to @max fragments whose first one has come. The caller owns them; mbuf->port is rx_port. */
uint32_t fragment_table_release(struct fragment_table *table, struct rte_mbuf **out_mbufs,
				uint32_t max);

/*
 * Forgets datagrams that are older than MR_FRAGMENT_TIMEOUT_S, and frees and counts their
 * fragments. The worker, once a second.
 */
void fragment_table_age(struct worker *worker);

/*
 * Can @bytes be a datagram's piece, @offset_bytes behind its start? Pieces hold something, all
 * but the last a multiple of 8 bytes, and no datagram is longer than its length field can say.
 * RFC 791, section 2.3; RFC 8200, section 4.5.
 */
static inline bool fragment_fits(uint32_t offset_bytes, uint32_t bytes, bool more)
{
	return bytes > 0 && offset_bytes + bytes <= UINT16_MAX && (!more || bytes % 8 == 0);
}

#endif
