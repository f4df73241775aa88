/* SPDX-License-Identifier: BSD-3-Clause */
/* IPv4 packets that may be cut, for paths that do not take them whole (RFC 791, section 3.2). */
#ifndef MAILRAIL_DATAPLANE_CUT_H
#define MAILRAIL_DATAPLANE_CUT_H

#include <stdint.h>

#include <rte_mbuf.h>

/*
 * Copies @packet, which begins with its IPv4 header and ends with the packet, without padding
 * and without DF, to fragments of at most @piece_max_bytes (68 or more). Each is one mbuf of
 * @spares with headroom for a front, and begins with its IP header. Returns their number; 0,
 * with nothing allocated, when @max of them do not suffice or @spares is empty. @packet stays
 * as it is. Workers.
 */
uint32_t cut_packet(struct rte_mbuf *packet, uint32_t piece_max_bytes, struct rte_mempool *spares,
		    struct rte_mbuf **out_pieces, uint16_t max);

#endif
