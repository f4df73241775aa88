/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pins: remembered session -> backend pairs, held only for sessions on moving slots.
 *
 * One table for all workers, because RSS may hand a session to another worker, and one that
 * outlives the process, because sessions do: it lies in a file that is mapped again at the next
 * start. Lock-free: workers look up, add, refresh and evict; the control thread expires. A pin is
 * one word of 16 bytes that changes in one step (compare and exchange), so that the table is
 * whole at every moment, that of a kill too, and every pin carries a check of its own bits.
 */
#ifndef MAILRAIL_PINS_H
#define MAILRAIL_PINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mailrail/error.h>
#include <mailrail/snapshot.h>

enum mr_pin_state {
	MR_PIN_EMBRYONIC = 1, /* SYN seen, no more */
	MR_PIN_ESTABLISHED,
	MR_PIN_CLOSING, /* FIN or RST seen from the client */
};

struct mr_pin {
	mr_backend_id backend;
	enum mr_pin_state state;
	uint32_t seen_s; /* mr_clock_s() of the last packet */
};

struct mr_pin_table;

/*
 * Room for @budget pins, 32 bytes each, in memory of the process. Control thread. Returns NULL
 * and sets errno when there is none. Destroy only after the workers have stopped.
 */
struct mr_pin_table *mr_pin_table_create(uint32_t budget);

/*
 * The same in the file @path, created when it is not there, and taken up with the pins in it when
 * it is. @key_check: 8 bytes that follow from node.key, for without the key pins mean nothing.
 * A file of another budget is replaced by one with room for @budget, into which its pins go
 * as far as they fit. All of it is in memory afterwards: no worker waits for a page.
 * -EBUSY: another process holds it. -EBADMSG: not a whole file of this version and key; it
 * is as it was. -ENOSPC, -EACCES ...: what the file system says. @error names the file and why.
 */
int mr_pin_table_open(const char *path, uint32_t budget, uint64_t key_check,
		      struct mr_pin_table **out, struct mr_error *error);

/* Frees memory and lets go of the file, which stays as it is. */
void mr_pin_table_destroy(struct mr_pin_table *table);

/*
 * The clock that pins are stamped by, in seconds, goes on where a former process left it: never
 * behind the newest pin. Any thread.
 */
uint32_t mr_pin_table_clock_s(const struct mr_pin_table *table);

/* Any thread. @out_pin is untouched on a miss. */
bool mr_pin_table_find(const struct mr_pin_table *table, uint64_t hash, struct mr_pin *out_pin);

/* Pins held now, and the budget. Any thread; the count is exact when no worker is adding. */
uint32_t mr_pin_table_count(const struct mr_pin_table *table);
uint32_t mr_pin_table_budget(const struct mr_pin_table *table);

/*
 * The memory that the table takes, and how much of it lay in huge pages when it was made: in
 * small ones, each packet of a pinned session may wait for the TLB. Any thread.
 */
size_t mr_pin_table_bytes(const struct mr_pin_table *table);
size_t mr_pin_table_huge_bytes(const struct mr_pin_table *table);

/*
 * Entries of the table, free ones too, and the pin that is in one of them: as long as it lives it
 * stays there. False: there is none. Any thread.
 */
uint32_t mr_pin_table_entries(const struct mr_pin_table *table);
bool mr_pin_table_read(const struct mr_pin_table *table, uint32_t entry, uint64_t *out_hash,
		       struct mr_pin *out_pin);

/*
 * Control thread: calls @keep for every pin in the next @entries entries behind *@cursor and
 * removes those for which it returns false. Wraps at the end; returns true when it did, with
 * *@cursor back at 0. A pin that a worker refreshes meanwhile is kept.
 */
typedef bool mr_pin_keep_fn(void *context, uint64_t hash, const struct mr_pin *pin);
bool mr_pin_table_sweep(struct mr_pin_table *table, uint32_t *cursor, uint32_t entries,
			mr_pin_keep_fn *keep, void *context);

#endif
