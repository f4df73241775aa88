/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is known of the sessions of a pool's backends, and how long it takes at most to know of
 * those that have been silent so far. Pure functions over a pool and a time; control thread.
 */
#ifndef MAILRAIL_CONTROL_POOL_OUTLOOK_H
#define MAILRAIL_CONTROL_POOL_OUTLOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "pool.h"

struct member_outlook {
	bool closed; /* gets no new sessions; else nothing below is set */
	/* Its pins are all its sessions: every one had session_idle to speak and be met. */
	bool exact;
	/*
	 * Until it is known to have no session, if nobody speaks any more; 0: it is known. A pass
	 * over the pins that the answer still waits for counts as one second.
	 */
	uint32_t quiet_in_s;
};

struct pool_outlook {
	uint32_t changed_ago_s;		/* its table, for new sessions */
	uint32_t oldest_base_s;		/* for how long a slot has been moving at most */
	struct member_outlook *members; /* in the order of the pool's */
};

/* @now_s as mr_dataplane_clock_s(). -ENOMEM. */
int pool_outlook_make(const struct pool *pool, uint32_t now_s, struct pool_outlook *out);
void pool_outlook_fini(struct pool_outlook *outlook);

#endif
