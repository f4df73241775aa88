/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A worker's side of a capture: copies frames before the steps change them, and keeps the copies
 * of those that the filter chooses once their verdict is known.
 */
#ifndef MAILRAIL_DATAPLANE_CAPTURE_TAP_H
#define MAILRAIL_DATAPLANE_CAPTURE_TAP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>
#include <rte_ring.h>

#include <mailrail/capture.h>

#include "packet.h"

/* Shared by all workers, and by the thread that writes. */
struct capture_tap {
	struct mr_capture_filter filter;
	bool sent;
	uint32_t frame_bytes;
	struct rte_mempool *mbufs; /* for copies; each has a struct capture_note */
	struct rte_ring *queue;	   /* chosen copies, to the thread that writes them */
	_Atomic uint64_t missed;
};

/* What goes with a copy, in its private area; the copy's port is the ethdev. */
struct capture_note {
	uint64_t tsc;
	uint32_t frame_bytes; /* of which the copy may have less */
	uint16_t queue;
	mr_service_id service; /* or NO_SERVICE */
	mr_backend_id backend; /* or MR_BACKEND_NONE */
	uint8_t verdict;
	bool sent;
};

static inline struct capture_note *capture_note_of(struct rte_mbuf *copy)
{
	return rte_mbuf_to_priv(copy);
}

/* Copies of one burst's frames, by packet; NULL: there was no room. */
struct capture_catch {
	struct rte_mbuf *arrived[BURST_SIZE];
	uint32_t sent_count;
	struct rte_mbuf *sent[BURST_SIZE + CUTS_MAX];
	uint8_t sent_packets[BURST_SIZE + CUTS_MAX]; /* indices into the burst */
};

/* As they came: before any step. */
void capture_arrivals(struct capture_tap *tap, const struct worker *worker,
		      const struct burst *burst, struct capture_catch *out);
/* As they leave: before transmit. */
void capture_departures(struct capture_tap *tap, const struct worker *worker,
			const struct burst *burst, struct capture_catch *catch);
/* After transmit: chosen copies go to the queue, the others are freed. */
void capture_choose(struct capture_tap *tap, const struct burst *burst,
		    struct capture_catch *catch);

#endif
