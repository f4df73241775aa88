/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One core's receiving: takes bursts from all queues of its ports, and shows every packet with a
 * stamp to the witness.
 */
#ifndef MAILRAIL_PKTGEN_RECEIVER_H
#define MAILRAIL_PKTGEN_RECEIVER_H

#include <stdint.h>

#include "nic.h"
#include "witness.h"

#define RECEIVER_NICS_MAX 16

struct receiver {
	const struct nic *nics[RECEIVER_NICS_MAX]; /* borrowed, as is ... */
	uint32_t nic_count;
	struct witness *witness;
	uint16_t gue_port;
};

/* Polls every queue once. */
void receiver_step(struct receiver *receiver);

#endif
