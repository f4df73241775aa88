/* SPDX-License-Identifier: BSD-3-Clause */
/* One run of traffic over the ports, and what came of it. Main thread. */
#ifndef MAILRAIL_PKTGEN_TRIAL_H
#define MAILRAIL_PKTGEN_TRIAL_H

#include <stdbool.h>
#include <stdint.h>

#include <mailrail/error.h>

#include "receiver.h"
#include "sender.h"

struct trial_config {
	const struct traffic_plan *plan; /* all borrowed */
	const struct wire *wire;
	const struct nic *tx;	   /* NULL: only receives */
	struct receiver *receiver; /* NULL: only sends */
	uint32_t sender_count;
	enum pace pace;
	double packets_per_second; /* of PACE_PACKETS */
	double seconds;
	double drain_seconds; /* to wait for packets after the last one was sent */
};

/* What all senders together did; growing while the trial runs. */
struct trial_counts {
	double seconds; /* of sending */
	struct sender_counts sent;
	uint64_t begun, open, crowded_out; /* sessions; of a flood none */
	struct witness_counts seen;
};

/* Called every second while the trial runs. @last: a second before. */
typedef void (*trial_progress)(void *context, const struct trial_counts *now,
			       const struct trial_counts *last);

/*
 * The worker cores send, the last of them receives too if it is the only one. The receiver's
 * witness starts anew. A signal ends it early.
 */
int trial_run(const struct trial_config *config, trial_progress progress, void *context,
	      struct trial_counts *out, struct mr_error *error);

/* From now on SIGINT and SIGTERM end the trial that runs. */
void trial_stop_on_signals(void);
bool trial_is_stopped(void);

/* Packets that were sent and not seen; only where the same process did both. */
uint64_t trial_lost(const struct trial_counts *counts);

#endif
