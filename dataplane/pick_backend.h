/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rules of sessions that never move, for one packet: from its slot and its pin to its
 * backend. Pure; pick_backend.c does what follows from it, explain.c only tells.
 */
#ifndef MAILRAIL_DATAPLANE_PICK_BACKEND_H
#define MAILRAIL_DATAPLANE_PICK_BACKEND_H

#include <stdbool.h>
#include <stdint.h>

#include <mailrail/explain.h>
#include <mailrail/pins.h>
#include <mailrail/snapshot.h>

/* What becomes of the packet's pin. */
enum pin_fate {
	PIN_AS_IT_IS,
	PIN_REFRESHED, /* to @pin of the decision */
	PIN_MADE,      /* @pin of the decision, if there is room */
};

struct pick {
	struct mr_pick to;
	enum pin_fate fate;
	struct mr_pin pin;
};

/* Of the packet. */
struct pick_segment {
	bool is_segment; /* false: an ICMP error, a later fragment: follows pins and makes none */
	bool opens;	 /* a SYN of a new session */
	bool ends;	 /* FIN or RST */
	uint32_t now_s;
};

/* @pin: of the session, NULL: it has none. */
struct pick pick_decide(const struct mr_snapshot *snapshot, mr_slot word, const struct mr_pin *pin,
			const struct pick_segment *segment);

#endif
