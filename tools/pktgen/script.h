/* SPDX-License-Identifier: BSD-3-Clause */
/* The kinds of sessions of a profile, ready to be played. Read-only once created: any thread. */
#ifndef MAILRAIL_PKTGEN_SCRIPT_H
#define MAILRAIL_PKTGEN_SCRIPT_H

#include <stdint.h>

#include "draw.h"
#include "profile.h"

struct script_step {
	uint32_t count;
	uint32_t gap_us;
	uint16_t payload_bytes;
	uint8_t tcp_flags;
	bool last; /* of its kind */
};

struct scripts {
	struct script_step *steps;
	uint32_t *first; /* step of each kind */
	uint32_t kind_count;
	struct draw kind_draw;
	bool exponential;
	uint16_t v6_payload_max;
};

/* -ENOMEM; -E2BIG: more steps than anybody means; -EINVAL: a profile without any. */
int scripts_create(struct scripts *scripts, const struct profile *profile);
void scripts_destroy(struct scripts *scripts);

/* @mean or, with exponential gaps, a time drawn with that mean. */
uint64_t scripts_gap(const struct scripts *scripts, uint64_t mean, uint64_t random);

#endif
