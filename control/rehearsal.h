/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the fleet would be under another configuration, tried out on a copy: backends, ids, slots
 * and the notes on them are copies too, so that nothing that runs or is shown can tell.
 * Control thread only.
 */
#ifndef MAILRAIL_CONTROL_REHEARSAL_H
#define MAILRAIL_CONTROL_REHEARSAL_H

#include <stdbool.h>

#include <mailrail/error.h>

#include "fleet.h"

struct rehearsal {
	struct roster *roster;
	struct fleet *before; /* the copy; without services */
	struct fleet *after;  /* backends have their ids of the copy */
};

/*
 * @running: the fleet in force. @assume_up: backends whose first probe is still to come count as
 * up. Refuses as fleet_create() does. @next must outlive @out.
 */
int rehearsal_make(const struct fleet *running, const struct config *next, bool assume_up,
		   struct rehearsal *out, struct mr_error *error);
void rehearsal_fini(struct rehearsal *rehearsal);

/* A backend that gets no session until its first probe has found it up. */
bool backend_awaits_probe(const struct backend *backend);

#endif
