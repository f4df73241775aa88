/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What one sender sends: its part of the sessions of a profile, or of its flood. One thread; the
 * profile's clients and wire are shared by all.
 */
#ifndef MAILRAIL_PKTGEN_TRAFFIC_H
#define MAILRAIL_PKTGEN_TRAFFIC_H

#include <stdbool.h>
#include <stdint.h>

#include "clients.h"
#include "crowd.h"
#include "flood.h"
#include "planned.h"
#include "profile.h"
#include "script.h"

/* What all senders have in common. */
struct traffic_plan {
	const struct profile *profile; /* borrowed */
	struct clients clients;
	struct scripts scripts; /* of kinds; a flood has none */
	uint64_t seed;
	uint32_t open_max; /* sessions, of all senders */
	double sessions_per_second;
};

struct traffic {
	const struct traffic_plan *plan;
	bool is_flood;
	struct crowd crowd;
	struct flood flood;
};

int traffic_plan_create(struct traffic_plan *plan, const struct profile *profile, uint64_t seed,
			uint32_t open_max, double sessions_per_second);
void traffic_plan_destroy(struct traffic_plan *plan);

/* The part of sender @index of @count. */
int traffic_create(struct traffic *traffic, const struct traffic_plan *plan, uint32_t index,
		   uint32_t count);
void traffic_destroy(struct traffic *traffic);

/* The next packet, if it is due at @until_ns; those of a flood are always. */
static inline bool traffic_next(struct traffic *traffic, uint64_t until_ns, struct planned *out)
{
	if (!traffic->is_flood)
		return crowd_next(&traffic->crowd, until_ns, out);
	flood_next(&traffic->flood, out);
	return true;
}

#endif
