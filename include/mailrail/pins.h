/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pins: remembered session -> backend pairs, held only for sessions on moving slots.
 *
 * One table for all workers, because RSS may hand a session to another worker. Lock-free:
 * workers look up, add and refresh; the control thread expires. A pin is two words:
 * @tag (the session hash, 0: entry free) and @data (0: not valid yet, or being removed).
 *
 *   add:     CAS tag 0 -> hash, then store data      (worker)
 *   refresh: CAS data old -> new, never from 0       (worker)
 *   remove:  CAS data old -> 0, then store tag 0     (control thread)
 *
 * so that a refresh can never bring a removed pin back to life, and a freshly claimed entry
 * never shows its predecessor's data.
 */
#ifndef MAILRAIL_PINS_H
#define MAILRAIL_PINS_H

#include <stdbool.h>
#include <stdint.h>

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
 * Room for @budget pins, 32 bytes each. Control thread. Returns NULL and sets errno
 * when there is no memory. Destroy only after the workers have stopped.
 */
struct mr_pin_table *mr_pin_table_create(uint32_t budget);
void mr_pin_table_destroy(struct mr_pin_table *table);

/* Any thread. @out_pin is untouched on a miss. */
bool mr_pin_table_find(const struct mr_pin_table *table, uint64_t hash, struct mr_pin *out_pin);

/* Pins held now, and the budget. Any thread; the count is exact when no worker is adding. */
uint32_t mr_pin_table_count(const struct mr_pin_table *table);
uint32_t mr_pin_table_budget(const struct mr_pin_table *table);

/*
 * Control thread: calls @keep for every pin in the next @entries entries behind *@cursor and
 * removes those for which it returns false. Wraps at the end; returns true when it did, with
 * *@cursor back at 0. A pin that a worker refreshes meanwhile is kept.
 */
typedef bool mr_pin_keep_fn(void *context, uint64_t hash, const struct mr_pin *pin);
bool mr_pin_table_sweep(struct mr_pin_table *table, uint32_t *cursor, uint32_t entries,
			mr_pin_keep_fn *keep, void *context);

#endif
