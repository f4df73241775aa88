/* SPDX-License-Identifier: BSD-3-Clause */
/* Which backends to probe, where and from which address. Control thread. */
#ifndef MAILRAIL_CONTROL_PROBE_PLAN_H
#define MAILRAIL_CONTROL_PROBE_PLAN_H

#include <stdint.h>

#include "fleet.h"
#include "health.h"
#include "way.h"

#define PROBE_HELO_NAME_MAX 256

struct probe_plan {
	struct health_target *targets;
	uint32_t target_count;
	char (*helo_names)[PROBE_HELO_NAME_MAX];
	struct mr_addr sources[MR_PROBE_SOURCES_MAX];
	uint32_t source_count;
};

/*
 * One target for each backend of a pool that has an SMTP check and a service, and that the
 * kernel knows a route to. -ENOMEM leaves @out untouched. Strings belong to @fleet and @out.
 */
int probe_plan_make(const struct fleet *fleet, const struct way_facts *facts,
		    struct probe_plan *out);
void probe_plan_fini(struct probe_plan *plan);

#endif
