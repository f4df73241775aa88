/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What outlives the process, so that sessions go on after a restart, and after a kill at any
 * moment: a directory with the pins (file `pins`, <mailrail/pins.h>) and, for each pool, its
 * backends and slots (NAME.table). A table's file is written beside the old one and renamed,
 * before workers see the table: whatever a pin was made by is there when it is read again.
 * Control thread.
 */
#ifndef MAILRAIL_CONTROL_SESSION_STATE_H
#define MAILRAIL_CONTROL_SESSION_STATE_H

#include <mailrail/error.h>
#include <mailrail/pins.h>

#include "config.h"
#include "fleet.h"

struct session_state;

/*
 * Opens config->sessions.state, created when it is not there, and reads all of it. What is
 * truncated, damaged, of another version or of another configuration (key, table sizes) is
 * refused as a whole: logged, the directory renamed to NAME.refused (which replaces an older
 * one), and begun anew. -EBUSY: another mailraild has it. Other errors are the file system's;
 * @error names the place, /sessions/state.
 */
int session_state_open(const struct config *config, struct session_state **out,
		       struct mr_error *error);
/* Leaves the files for the next start. */
void session_state_close(struct session_state *state);

/* Owned by @state. */
struct mr_pin_table *session_state_pins(const struct session_state *state);

/*
 * The fleet of the former process, as `previous` for fleet_create(): its backends have entered
 * @roster under their old ids, with their last verdicts; slots that were moving stay so for a
 * session_idle at least. Pins that name none of these backends are removed. Once per process.
 * *@out is NULL when there was none: mailrail starts steady. -ENOMEM.
 */
int session_state_recover(struct session_state *state, struct roster *roster, struct fleet **out);

/*
 * Writes the tables that have changed since the last call, and deletes those of pools that are
 * gone. Call it before @fleet is published. A table that cannot be written is deleted, so that a
 * restart starts steady there; -errno of the last failure, and @error says what it was.
 */
int session_state_save(struct session_state *state, const struct fleet *fleet,
		       struct mr_error *error);

#endif
