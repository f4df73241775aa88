/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where a session's packets go, and why: what a worker would decide about a 4-tuple now, by the
 * worker's own code, without leaving a trace of the question.
 */
#ifndef MAILRAIL_EXPLAIN_H
#define MAILRAIL_EXPLAIN_H

#include <stdbool.h>
#include <stdint.h>

#include <mailrail/dataplane.h>
#include <mailrail/pins.h>
#include <mailrail/session.h>
#include <mailrail/snapshot.h>

/* X(enumerator, name, sentence): why a packet goes to a backend, or to none. */
#define MR_PICK_REASONS(X)                                                                      \
	X(PICK_STEADY, "steady", "the slot is steady: all its sessions go to its backend")      \
	X(PICK_NEW, "new", "a new session on a moving slot goes to current and is pinned")      \
	X(PICK_REFUSED, "refused",                                                              \
	  "a new session on a moving slot, but the budget of pins is "                          \
	  "used up: it goes to base")                                                           \
	X(PICK_PINNED, "pinned", "the session is pinned to its backend")                        \
	X(PICK_OLDER, "older",                                                                  \
	  "an unknown session on a moving slot is older than the change: "                      \
	  "it goes to base and is pinned")                                                      \
	X(PICK_AGREED, "agreed", "base and current of the moving slot are one")                 \
	X(PICK_REUSED, "reused",                                                                \
	  "the session of these addresses and ports has ended: a new "                          \
	  "one goes to current")                                                                \
	X(PICK_REHASHED, "rehashed", "the pinned backend is gone: the session goes to current") \
	X(PICK_NOBODY, "nobody", "no backend may have the session")

enum mr_pick_reason {
#define MR_PICK_REASON_ENUM(id, name, sentence) MR_##id,
	MR_PICK_REASONS(MR_PICK_REASON_ENUM)
#undef MR_PICK_REASON_ENUM
		MR_PICK_REASON_COUNT,
};

/* Where one packet would go. */
struct mr_pick {
	mr_backend_id backend; /* MR_BACKEND_NONE: nobody */
	enum mr_pick_reason reason;
};

struct mr_explanation {
	bool has_service; /* false: nothing listens there, and nothing below is set */
	mr_service_id service;
	bool excluded; /* by an access rule of the service; what follows is as if it were not */
	uint8_t exclude_action;	   /* enum mr_exclude_action */
	struct mr_range exclusion; /* the range that the client is in */
	uint64_t hash;
	uint32_t slot;
	mr_slot word;
	bool has_pin;
	struct mr_pin pin;
	uint32_t now_s;		/* mr_dataplane_clock_s(), which the pin's seen_s counts by */
	struct mr_pick syn;	/* a SYN of this 4-tuple */
	struct mr_pick segment; /* any other segment */
};

/* Control thread. -ENOENT: nothing is published yet. */
int mr_dataplane_explain(const struct mr_dataplane *dp, const struct mr_tuple *tuple,
			 struct mr_explanation *out);

#endif
