/* SPDX-License-Identifier: BSD-3-Clause */
/* Compiles a fleet and the ways to its backends into what workers read. Control thread. */
#ifndef MAILRAIL_CONTROL_COMPILE_H
#define MAILRAIL_CONTROL_COMPILE_H

#include <stdint.h>

#include "fleet.h"
#include "probe_plan.h"
#include "way.h"

/* A new, unpublished snapshot. NULL: no memory. */
struct mr_snapshot *compile_snapshot(const struct fleet *fleet, const struct way_ports *ports,
				     const struct next_hops *hops, const struct probe_plan *plan,
				     uint64_t generation);

/* Every (address, port) of every service; free() it. NULL: no memory. */
struct mr_endpoint *compile_endpoints(const struct fleet *fleet, uint32_t *out_count);

#endif
