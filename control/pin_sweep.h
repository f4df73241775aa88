/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Passes over the pin table, a piece at a time so that the event loop stays free: ends pins
 * that are no longer needed and finds out which slots still have pins away from their current
 * backend. Control thread.
 */
#ifndef MAILRAIL_CONTROL_PIN_SWEEP_H
#define MAILRAIL_CONTROL_PIN_SWEEP_H

#include <stdbool.h>
#include <stdint.h>

#include <mailrail/dataplane.h>

#include "fleet.h"

struct pin_sweep;

/* @idle_s: a session silent for longer may be forgotten. NULL: no memory. */
struct pin_sweep *pin_sweep_create(struct mr_dataplane *dp, uint32_t idle_s);
void pin_sweep_destroy(struct pin_sweep *sweep);

/*
 * Gives up the pass under way, because @fleet has changed or another one has been published.
 * The next pass starts once every worker has seen it. -ENOMEM: there is no pass for now.
 */
int pin_sweep_restart(struct pin_sweep *sweep, const struct fleet *fleet);

/* Does the next piece of a pass over the fleet of the last restart; true at its end. */
bool pin_sweep_step(struct pin_sweep *sweep);

/* What the complete pass found; valid until the next step or restart. */
const bool *pin_sweep_pinned_elsewhere(const struct pin_sweep *sweep, uint32_t pool);
uint32_t pin_sweep_pins(const struct pin_sweep *sweep, mr_backend_id backend);

#endif
