/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One core's sending: plans a burst, writes its frames, hands them to a transmit queue. What the
 * port does not take is offered again before anything else is sent; nothing is ever dropped here.
 */
#ifndef MAILRAIL_PKTGEN_SENDER_H
#define MAILRAIL_PKTGEN_SENDER_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "nic.h"
#include "traffic.h"
#include "wire.h"

#define SENDER_BURST 32

enum pace {
	PACE_SESSIONS, /* time of the profile is real time */
	PACE_PACKETS,  /* packets at a rate; the profile's time goes along */
	PACE_FREE,     /* as fast as it goes */
};

struct sender_counts {
	uint64_t packets;
	uint64_t bytes;		/* of frames, without check sequence */
	uint64_t polls_refused; /* how often the port did not take all */
};

struct sender {
	const struct wire *wire; /* borrowed, as are ... */
	const struct nic *nic;
	uint16_t queue;
	enum pace pace;
	double packets_per_cycle; /* of PACE_PACKETS */
	double ns_per_cycle;
	uint64_t start, end; /* by the time stamp counter */
	struct traffic traffic;
	uint64_t planned_packets; /* so far */
	struct planned plans[SENDER_BURST];
	uint32_t plan_count;
	struct rte_mbuf *frames[SENDER_BURST];
	uint32_t frame_first, frame_count; /* those that wait */
	struct sender_counts counts;
};

/* Sends what is due, a burst at most. */
void sender_step(struct sender *sender, uint64_t now);

/* Frees what waits. */
void sender_fini(struct sender *sender);

#endif
