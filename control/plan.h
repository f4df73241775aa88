/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a change of the configuration would do, found out without doing it: where new sessions
 * would go, how many open ones would have to be remembered, and which would break, and why.
 * Nothing that runs or is shown changes. Control thread.
 *
 * Numbers of sessions are estimates, for nobody counts sessions on steady slots: pins, and the
 * SYNs of the last session_idle as if all of these sessions were open still and spread evenly
 * over slots. That is too many as a rule; but a session that is older, and not pinned, is missed.
 */
#ifndef MAILRAIL_CONTROL_PLAN_H
#define MAILRAIL_CONTROL_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include <mailrail/address.h>
#include <mailrail/error.h>

#include "fleet.h"

/* What happens to a pool, or to a backend's place in its pool. */
enum plan_change {
	PLAN_STAYS,
	PLAN_COMES,
	PLAN_GOES,
};

struct plan_backend {
	char *name;
	struct mr_addr address;
	enum plan_change change;
	bool awaits_probe; /* its slots after are those of its first good probe */
	uint32_t slots_before, slots_after;
	uint32_t share_before_ppm, share_after_ppm; /* millionths of the pool's slots */
};

struct plan_pool {
	char *name;
	enum plan_change change;
	uint32_t slots;
	uint32_t moving_slots;	/* now */
	uint32_t slots_to_move; /* new sessions go to another backend; a pool that stays */
	uint64_t sessions_pinned;
	struct plan_backend *backends; /* as the new configuration has them, then those that go */
	uint32_t backend_count;
};

/* Which configuration a JSON Pointer leads into. */
enum plan_document {
	PLAN_NEW,
	PLAN_RUNNING, /* what is named is not in the new one */
};

/* A cause of broken sessions. */
struct plan_break {
	char *pointer;
	enum plan_document document;
	char *message;
	bool sessions_known;
	uint64_t sessions;
};

struct plan {
	struct plan_pool *pools; /* as the new configuration has them, then those that go */
	uint32_t pool_count;
	uint64_t sessions_pinned;
	uint64_t sessions_broken; /* those of several causes counted once */
	struct plan_break *breaks;
	uint32_t break_count;
};

/*
 * What @next would do to @running, the fleet in force. @assume_up: backends whose first probe is
 * still to come count as up; else they have no slots, as in the first moments of the change.
 * Refuses what fleet_create() refuses, with its @error.
 */
int plan_make(const struct fleet *running, const struct config *next, bool assume_up,
	      struct plan *out, struct mr_error *error);
void plan_fini(struct plan *plan);

#endif
