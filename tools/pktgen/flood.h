/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sessions that neither begin nor end, of which segments come in any order. Deterministic. One
 * thread.
 */
#ifndef MAILRAIL_PKTGEN_FLOOD_H
#define MAILRAIL_PKTGEN_FLOOD_H

#include <stdint.h>

#include "draw.h"
#include "planned.h"
#include "profile.h"

struct flood {
	uint32_t first_slot; /* this flood's part of the profile's sessions */
	uint32_t slot_count;
	uint64_t seed;
	uint64_t sent;
	uint32_t *numbers; /* of the next packet of each session */
	uint16_t *frame_bytes;
	struct draw frame_draw;
	struct draw session_draw; /* of nothing when all sessions send as many */
};

/* -ENOMEM. @profile is not needed afterwards. */
int flood_create(struct flood *flood, const struct profile_flood *profile, uint32_t first_slot,
		 uint32_t slot_count, uint64_t seed);
void flood_destroy(struct flood *flood);

/* There is always one. */
void flood_next(struct flood *flood, struct planned *out);

#endif
