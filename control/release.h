/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A release: what workers and the prober need of one fleet, made in full before any of it takes
 * effect. Control thread only.
 */
#ifndef MAILRAIL_CONTROL_RELEASE_H
#define MAILRAIL_CONTROL_RELEASE_H

#include <stdint.h>

#include <mailrail/dataplane.h>

#include "fleet.h"
#include "probe_plan.h"
#include "way.h"

struct release {
	struct probe_plan plan;
	struct mr_snapshot *snapshot; /* NULL once it is published */
	struct mr_endpoint *endpoints;
	uint32_t endpoint_count;
	struct mr_nat_source *nat_sources;
	uint32_t nat_source_count;
};

/* Changes nothing that workers see. -ENOMEM. */
int release_make(const struct fleet *fleet, const struct way_facts *facts, uint64_t generation,
		 struct release *out);
void release_fini(struct release *release);

/* What the release hands to workers, and keeps from the kernel. Borrows from @release. */
struct mr_steering release_steering(const struct release *release);

#endif
