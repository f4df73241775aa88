/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who has seen every packet, and says what became of them: lost, reordered, doubled, and the
 * sessions of which packets reached two backends. One thread; readers of a running one may miss
 * the last packets.
 */
#ifndef MAILRAIL_PKTGEN_WITNESS_H
#define MAILRAIL_PKTGEN_WITNESS_H

#include <stdint.h>

#include "histogram.h"
#include "planned.h"
#include "roster.h"
#include "stamp.h"

/* Of every place for a session, what is known of the session that was there last. */
struct witness_session {
	uint64_t seen; /* bit n: packet @next - 1 - n */
	uint32_t next; /* number behind the highest seen */
	uint16_t backend;
	uint8_t generation;
	uint8_t known : 1;
	uint8_t broken : 1;
	uint8_t only_syns : 1; /* nothing else was seen yet */
};

struct witness_counts {
	uint64_t packets;   /* with a stamp */
	uint64_t bytes;	    /* of whole frames, without check sequence */
	uint64_t strangers; /* frames without a stamp */
	uint64_t sessions;
	uint64_t missing;    /* numbers left out, and not seen later */
	uint64_t reordered;  /* behind one with a higher number */
	uint64_t duplicates; /* seen before */
	uint64_t unsure;     /* so late that nobody knows whether it was seen before */
	uint64_t moved_syns; /* repeated, and at another backend: no connection is lost by that */
	uint64_t broken_sessions;
	uint64_t broken_packets; /* at another backend than their session's first */
};

struct witness {
	struct witness_session *sessions; /* PLANNED_SLOTS, of which untouched ones cost nothing */
	struct witness_counts counts;
	struct roster roster;
	struct histogram latency; /* in cycles of the time stamp counter */
};

/* NULL: no memory. */
struct witness *witness_create(enum roster_by by);
void witness_destroy(struct witness *witness);
/* Forgets everything. */
void witness_reset(struct witness *witness);

static inline void witness_prefetch(const struct witness *witness, uint32_t session)
{
	__builtin_prefetch(&witness->sessions[session & (PLANNED_SLOTS - 1)], 1);
}

void witness_see(struct witness *witness, const struct stamp *stamp, uint16_t backend,
		 uint32_t frame_bytes);

#endif
