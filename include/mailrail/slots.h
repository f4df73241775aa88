/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A pool's slots: the table that workers read, and notes about moving slots, which workers and
 * control write. All of it takes 7 bytes per slot and a little more: 459,904 bytes for 65537 slots
 * (mr_slots_bytes()), shared by all workers. From some 260,000 slots on it is in huge pages.
 */
#ifndef MAILRAIL_SLOTS_H
#define MAILRAIL_SLOTS_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mailrail/limits.h>

/*
 * Stable: a backend keeps its id from snapshot to snapshot until it is gone for good, because
 * pins and counters name it by id.
 */
typedef uint16_t mr_backend_id;

#define MR_BACKEND_NONE ((mr_backend_id)0x7fff)

/*
 * One slot of a pool's table, in one word: bits 0..15 current, 16..30 base, 31 moving.
 * Steady (moving = 0): every session goes to current, and base equals current.
 * Moving: a SYN goes to current and is pinned, an unknown session goes to base.
 */
typedef uint32_t mr_slot;

static inline mr_slot mr_slot_make(mr_backend_id current, mr_backend_id base, bool moving)
{
	return (uint32_t)current | (uint32_t)base << 16 | (uint32_t)moving << 31;
}

static inline mr_backend_id mr_slot_current(mr_slot slot)
{
	return slot & 0x7fff;
}

static inline mr_backend_id mr_slot_base(mr_slot slot)
{
	return slot >> 16 & 0x7fff;
}

static inline bool mr_slot_moving(mr_slot slot)
{
	return slot >> 31;
}

/*
 * A moment in 16 bits: mr_clock_s() in units of two seconds, without the high bits. These follow
 * from the moment of reading, of which it is at most MR_STAMP_PAST_S behind, or ahead: clocks of
 * threads differ, and a pass over the pins looks back to its beginning. What is older reads as
 * younger, never the other way round.
 */
typedef uint16_t mr_stamp;

#define MR_STAMP_UNIT_S 2U
#define MR_STAMP_PAST	49152U /* units; the other quarter is ahead */
#define MR_STAMP_PAST_S (MR_STAMP_PAST * MR_STAMP_UNIT_S)

static inline mr_stamp mr_stamp_make(uint32_t time_s)
{
	return (mr_stamp)(time_s / MR_STAMP_UNIT_S);
}

/* The last second of those that it may be of. */
static inline uint32_t mr_stamp_read(mr_stamp stamp, uint32_t now_s)
{
	const uint32_t now = now_s / MR_STAMP_UNIT_S;
	const uint32_t age = (mr_stamp)(now - stamp);
	const uint32_t ahead = (mr_stamp)(stamp - now);
	const uint32_t time = age <= MR_STAMP_PAST ? now - (age < now ? age : now) : now + ahead;

	return time * MR_STAMP_UNIT_S + MR_STAMP_UNIT_S - 1;
}

/*
 * A stamp that is older than this is made that old again (mr_slots_keep_forgotten()): it is known
 * to be older than any session_idle, and never gets as old as one reads.
 */
#define MR_STAMP_FORGOTTEN_S 90000U
static_assert(MR_SESSION_IDLE_MAX_S + 2 * MR_STAMP_UNIT_S < MR_STAMP_FORGOTTEN_S,
	      "every idle session is forgotten by then");
static_assert(MR_STAMP_FORGOTTEN_S + 3600 < MR_STAMP_PAST_S, "passes have an hour to get there");

/* Moments since which slots are moving; more than these are rarely there at a time. */
#define MR_SLOT_ERAS 256

/*
 * What is noted about a pool's slots; one block for all tables that it ever had of one size. Only
 * what is noted about moving slots has a meaning.
 */
struct mr_slot_notes {
	uint32_t references;
	uint32_t era_count;
	uint32_t last_era;
	uint32_t era_s[MR_SLOT_ERAS];
	uint8_t *eras; /* per slot, its index into era_s */
	/* Per slot, when it last met a session that it did not know, or may have got one. */
	mr_stamp unknown[];
};

/*
 * Shared by every snapshot in which the table did not change: counted references, taken and
 * dropped by the control thread only.
 */
struct mr_slots {
	uint32_t references;
	uint32_t size;
	struct mr_slot_notes *notes;
	mr_slot words[];
};

/*
 * A table of @size slots with one reference, words all 0. With @previous (same size) it shares
 * that table's notes, else it gets new ones, of time 0. NULL: no memory. These and all below:
 * control thread, unless they say otherwise.
 */
struct mr_slots *mr_slots_create(uint32_t size, struct mr_slots *previous);
struct mr_slots *mr_slots_get(struct mr_slots *slots);
void mr_slots_put(struct mr_slots *slots);

/* A table of its own, with notes of its own, that says the same. NULL: no memory. */
struct mr_slots *mr_slots_copy(const struct mr_slots *slots);

/* The memory of a table of @size slots, notes included. Pure. */
size_t mr_slots_bytes(uint32_t size);

/* Any thread. @now_s: mr_clock_s(). */
static inline void mr_slots_note_unknown(const struct mr_slots *slots, uint32_t slot,
					 uint32_t now_s)
{
	__atomic_store_n(&slots->notes->unknown[slot], mr_stamp_make(now_s), __ATOMIC_RELAXED);
}

/* When that was last, at most a second later than it was; it may be a moment ahead of @now_s. */
static inline uint32_t mr_slots_unknown_s(const struct mr_slots *slots, uint32_t slot,
					  uint32_t now_s)
{
	return mr_stamp_read(__atomic_load_n(&slots->notes->unknown[slot], __ATOMIC_RELAXED),
			     now_s);
}

/* Once in an hour at least for every moving slot, so that what is old never looks young. */
void mr_slots_keep_forgotten(struct mr_slots *slots, uint32_t slot, uint32_t now_s);

/* @slot has its base since @since_s. */
void mr_slots_note_moving(struct mr_slots *slots, uint32_t slot, uint32_t since_s);

/*
 * Since when it has. Of more than MR_SLOT_ERAS moments the oldest are not told apart: a later one
 * stands for all of them.
 */
static inline uint32_t mr_slots_moving_since_s(const struct mr_slots *slots, uint32_t slot)
{
	return slots->notes->era_s[slots->notes->eras[slot]];
}

#endif
