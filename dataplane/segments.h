/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames that lie in several mbufs, chained: jumbo frames of drivers with small buffers. */
#ifndef MAILRAIL_DATAPLANE_SEGMENTS_H
#define MAILRAIL_DATAPLANE_SEGMENTS_H

#include <stdint.h>

#include <rte_mbuf.h>

/* Keeps the first @bytes (at most the frame's) of @frame, and frees the segments behind them. */
static inline void segments_trim(struct rte_mbuf *frame, uint32_t bytes)
{
	struct rte_mbuf *last = frame;
	uint32_t left = bytes;
	uint16_t count = 1;

	/* Most have one, and then the mbuf's second cache line need not be read. */
	if (frame->nb_segs == 1) {
		frame->data_len = (uint16_t)bytes;
		frame->pkt_len = bytes;
		return;
	}
	while (left > last->data_len) {
		left -= last->data_len;
		last = last->next;
		count++;
	}
	rte_pktmbuf_free(last->next);
	last->next = NULL;
	last->data_len = (uint16_t)left;
	frame->nb_segs = count;
	frame->pkt_len = bytes;
}

#endif
