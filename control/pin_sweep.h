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

/*
 * A SYN that its server has answered is followed within seconds; after a client's FIN or RST
 * the server's own side ends soon. Both are short beside an established session's silence, and
 * never longer than it.
 */
#define PIN_SWEEP_EMBRYONIC_S 60
#define PIN_SWEEP_CLOSING_S   60

struct pin_sweep;

/* Nobody is taken for silent since before this. NULL: no memory. */
struct pin_sweep *pin_sweep_create(struct mr_dataplane *dp);
void pin_sweep_destroy(struct pin_sweep *sweep);

/*
 * Gives up the pass under way, because @fleet has changed or another one has been published.
 * The next pass starts once every worker has seen it. -ENOMEM: there is no pass for now.
 */
int pin_sweep_restart(struct pin_sweep *sweep, const struct fleet *fleet);

/* Does the next piece of a pass over the fleet of the last restart; true at its end. */
bool pin_sweep_step(struct pin_sweep *sweep);

/*
 * What the complete pass found; valid until the next step or restart. Slots: NULL where none of
 * the pool's was moving at the restart.
 */
const bool *pin_sweep_pinned_elsewhere(const struct pin_sweep *sweep, uint32_t pool);
uint32_t pin_sweep_pins(const struct pin_sweep *sweep, mr_backend_id backend);
/* When the last of these ends, if no session speaks any more; mr_dataplane_clock_s(). */
uint32_t pin_sweep_pins_end_s(const struct pin_sweep *sweep, mr_backend_id backend);
/* When the pass began: workers had seen its fleet by then. */
uint32_t pin_sweep_began_s(const struct pin_sweep *sweep);

/*
 * Since the start: pins of established sessions that ended because the session was silent for
 * its pool's session_idle. What such a session sends later is new to the slot.
 */
uint64_t pin_sweep_silent(const struct pin_sweep *sweep);

#endif
