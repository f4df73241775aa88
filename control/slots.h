/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How a pool's slots go from one table to the next, so that sessions never move: the rules of
 * base, current and moving. Pure functions over words; control thread.
 */
#ifndef MAILRAIL_CONTROL_SLOTS_H
#define MAILRAIL_CONTROL_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

#include <mailrail/snapshot.h>

/* Whether sessions may stay with @backend; never asked about MR_BACKEND_NONE. */
typedef bool slots_alive_fn(const void *context, mr_backend_id backend);

/*
 * One slot's next word, when its current backend becomes @current. *@out_stamp: sessions that
 * nobody remembers may have begun up to now, so that unknown_s must be set to now.
 */
mr_slot slot_advance(mr_slot previous, mr_backend_id current, slots_alive_fn *alive,
		     const void *context, bool *out_stamp);

/*
 * One slot's next word when time has passed: steady again if no pin differed from its current
 * backend (@pinned_elsewhere false) from @looked_s on, and no older session can be left that
 * nobody had remembered by then.
 */
mr_slot slot_settle(mr_slot previous, bool pinned_elsewhere, uint32_t unknown_s, uint32_t looked_s,
		    uint32_t idle_s);

#endif
