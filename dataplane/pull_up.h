/* SPDX-License-Identifier: BSD-3-Clause */
/* Headers are read where they lie, so they must lie in one piece: the frame's first segment. */
#ifndef MAILRAIL_DATAPLANE_PULL_UP_H
#define MAILRAIL_DATAPLANE_PULL_UP_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

/* pull_up() for frames that a driver has spread over segments. */
bool pull_up_spread(struct rte_mbuf *mbuf, uint32_t bytes);

/*
 * Sees to it that the first @bytes of the frame, which has as many, are in its first segment.
 * False, and nothing is moved, when that has no room for them. What was read from the first
 * segment before stays where it is.
 */
static inline bool pull_up(struct rte_mbuf *mbuf, uint32_t bytes)
{
	return bytes <= rte_pktmbuf_data_len(mbuf) || pull_up_spread(mbuf, bytes);
}

#endif
