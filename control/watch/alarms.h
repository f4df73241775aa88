/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * States that nobody reports and that are found by looking: services without a backend, scarce
 * pins, ports without link. Each change of one is an event and a line of the log. At first all
 * is taken to be well, so that a node that comes up well has nothing to say. Control thread.
 */
#ifndef MAILRAIL_CONTROL_ALARMS_H
#define MAILRAIL_CONTROL_ALARMS_H

#include <stdbool.h>
#include <stdint.h>

#include "events.h"
#include "fleet.h"

/* Shares of the budget for pins: scarce from the one on, ample again below the other. */
#define ALARMS_SCARCE_PERCENT 90
#define ALARMS_AMPLE_PERCENT  75

struct alarms;

/* NULL: no memory. Borrows @events. */
struct alarms *alarms_create(struct events *events);
void alarms_destroy(struct alarms *alarms);

/* To be called when @fleet, or what its backends may get, has changed. */
void alarms_look_at_services(struct alarms *alarms, const struct fleet *fleet);

void alarms_look_at_pins(struct alarms *alarms, uint32_t count, uint32_t budget);
/* @port: its index. */
void alarms_look_at_port(struct alarms *alarms, uint32_t port, const char *name, bool link_up);

/* The two above for what @dp has now; to be called every second. Ports as in @config. */
void alarms_look_at_dataplane(struct alarms *alarms, struct mr_dataplane *dp,
			      const struct config *config);

#endif
