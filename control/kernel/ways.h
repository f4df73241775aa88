/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Follows everything that the ways to a fleet's backends depend on: ports, routes, neighbours
 * and what routers report about tunnels. Control thread.
 */
#ifndef MAILRAIL_CONTROL_WAYS_H
#define MAILRAIL_CONTROL_WAYS_H

#include <event2/event.h>

#include <mailrail/dataplane.h>
#include <mailrail/error.h>

#include "config.h"
#include "fleet.h"
#include "way.h"

/* Called from the event loop when some way may have changed. */
typedef void ways_changed_fn(void *context);

struct ways;

/* Takes names of ports from @config and borrows @dp. */
int ways_create(struct event_base *base, const struct mr_dataplane *dp, const struct config *config,
		ways_changed_fn *changed, void *context, struct ways **out, struct mr_error *error);
void ways_destroy(struct ways *ways);

/* Makes the members of @fleet, those that are leaving too, all that is followed. */
int ways_watch(struct ways *ways, const struct fleet *fleet, struct mr_error *error);

/* For way_find(); as long as @ways lives. */
struct way_facts ways_facts(const struct ways *ways);

#endif
