/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Counters of one worker. Only that worker writes them, with plain stores; what is counted only
 * ever grows. Readers (control thread) load each with relaxed atomics, sum and subtract.
 */
#ifndef MAILRAIL_COUNTERS_H
#define MAILRAIL_COUNTERS_H

#include <stdint.h>

#include <mailrail/limits.h>
#include <mailrail/verdict.h>

struct mr_flow_counters {
	uint64_t packets;
	uint64_t bytes;	   /* of the received frames, without the FCS */
	uint64_t sessions; /* SYNs without ACK; a repeated SYN counts again */
};

#define MR_ROUND_SECONDS 8

struct mr_worker_counters {
	/*
	 * Over all workers: the sum of verdicts[], and fragments_kept - fragments_released that
	 * wait for their verdict, and fragments_handed - fragments_taken between two workers.
	 */
	uint64_t rx_packets;
	uint64_t rx_bytes;
	uint64_t tx_packets;
	uint64_t tx_bytes;
	uint64_t verdicts[MR_VERDICT_COUNT];
	uint64_t pins_created;	/* SYN onto a moving slot */
	uint64_t pins_adopted;	/* session from before a change, met on a moving slot */
	uint64_t pins_refused;	/* no room for a new session: it went to the slot's base */
	uint64_t pins_deferred; /* packets of older sessions that found no room; the next tries */
	uint64_t pins_evicted;	/* embryonic pins that made room for an older session's */
	uint64_t pins_rehashed; /* the pinned backend is gone: session given to current */
	uint64_t pins_reused;	/* SYNs on a pin that has seen more than a SYN: a port used again */
	/*
	 * Of pins_created, those so soon after a change (MR_SYN_REPEAT_S) that the SYN may have
	 * been sent before it too.
	 */
	uint64_t pins_repeatable;
	uint64_t fragments_kept;     /* until the first fragment of their datagram comes */
	uint64_t fragments_released; /* it has come, or the time is up */
	uint64_t fragments_handed;   /* to the worker that follows their datagram */
	uint64_t fragments_taken;    /* from another worker */
	uint64_t cut_packets;	     /* IPv4 packets sent in fragments, as the path is narrow */
	uint64_t mss_clamped;	     /* SYNs whose MSS was lowered */
	uint64_t cycles;	     /* of the TSC, since the worker began */
	uint64_t busy_cycles;	     /* of them, those of rounds in which packets came */
	uint64_t busy_rounds;
	uint64_t sleeps; /* MR_POLL_ADAPTIVE */
	/*
	 * The longest round of each of the last seconds, in cycles: between the beginnings of two
	 * looks at the queues, hence how long a packet waited for one. By mr_dataplane_clock_s() %
	 * MR_ROUND_SECONDS, and no counter: a second begins at 0.
	 */
	uint64_t longest_rounds[MR_ROUND_SECONDS];
	struct mr_flow_counters services[MR_SERVICES_MAX];
	struct mr_flow_counters backends[MR_BACKENDS_MAX];
};

#endif
