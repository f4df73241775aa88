/* SPDX-License-Identifier: BSD-3-Clause */
/* A profile and what the command line changes about it, ready to be sent. Main thread. */
#ifndef MAILRAIL_PKTGEN_SETUP_H
#define MAILRAIL_PKTGEN_SETUP_H

#include <jansson.h>

#include "pktgen_options.h"
#include "profile.h"
#include "traffic.h"
#include "wire.h"

struct setup {
	struct profile profile;
	struct traffic_plan plan;
	struct wire wire;
};

/* The profile that the options name, with what they put in place of its members; NULL: it has been
 * said why not. */
json_t *setup_read(const struct pktgen_options *options);

/* NULL: it has been said why not. @from: the source of frames. */
struct setup *setup_create(const json_t *json, const struct pktgen_options *options,
			   const struct rte_ether_addr *from);
void setup_destroy(struct setup *setup);

/* Of the largest frame that the profile sends, an upper bound. */
uint16_t setup_frame_bytes_max(const struct setup *setup);

#endif
