/* SPDX-License-Identifier: BSD-3-Clause */
/* The ports, and who receives on them, for one trial after another. Main thread. */
#ifndef MAILRAIL_PKTGEN_STAGE_H
#define MAILRAIL_PKTGEN_STAGE_H

#include <mailrail/error.h>

#include "pktgen_options.h"
#include "trial.h"

struct stage {
	struct nic nics[1 + RECEIVER_NICS_MAX];
	uint32_t nic_count;
	const struct nic *tx;	  /* NULL: none */
	struct receiver receiver; /* without nics: nobody receives */
	uint32_t sender_count;	  /* cores */
};

/* After EAL has started. */
int stage_open(struct stage *stage, const struct pktgen_options *options, uint16_t frame_bytes_max,
	       struct mr_error *error);
void stage_close(struct stage *stage);

/* -ENETDOWN: a port has none after some seconds, or a signal said to stop. */
int stage_wait_for_links(const struct stage *stage, struct mr_error *error);

/* The source of frames. */
struct rte_ether_addr stage_mac(const struct stage *stage, const struct pktgen_options *options);

#endif
