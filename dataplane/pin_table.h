/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The workers' side of the pin table: <mailrail/pins.h> says what a pin is and how the sides
 * share one. Buckets of four pins fill one cache line; a session may be in either of two
 * buckets, and goes to the emptier one, so that a table twice as large as its budget has room
 * up to the budget (Azar et al., "Balanced Allocations", 1994).
 */
#ifndef MAILRAIL_DATAPLANE_PIN_TABLE_H
#define MAILRAIL_DATAPLANE_PIN_TABLE_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_common.h>
#include <rte_prefetch.h>

#include <mailrail/pins.h>

#define PIN_BUCKET_ENTRIES 4

/*
 * All zero, or a whole pin: @tag is its session's hash (never 0), @data is pin_pack()'s. Both
 * change together, in one step.
 */
struct pin_entry {
	_Atomic uint64_t tag;
	_Atomic uint64_t data;
} __rte_aligned(16);
static_assert(sizeof(struct pin_entry) == 16, "a pin of the budget takes two entries, 32 bytes");

struct pin_bucket {
	struct pin_entry entries[PIN_BUCKET_ENTRIES];
} __rte_cache_aligned;
static_assert(sizeof(struct pin_bucket) == RTE_CACHE_LINE_SIZE, "a bucket is one memory access");

/* Where a table lies. */
struct pin_memory {
	void *mapping;
	size_t bytes;
	size_t offset; /* of the buckets, to the end of the mapping */
	int fd;	       /* of the file, -1: memory of the process */
};

struct mr_pin_table {
	uint32_t bucket_count;
	uint32_t budget;
	struct pin_bucket *buckets;
	int64_t epoch_s; /* CLOCK_BOOTTIME when the table's clock stood at 0 */
	struct pin_memory memory;
	_Atomic uint32_t count __rte_cache_aligned; /* apart from what workers only read */
};

/*
 * A pin of the session @hash in one word: bits 0..15 backend, 16..23 state, 24..31 a check of all
 * others and of @hash, 32..63 seen_s. Never 0: states start at 1. The check finds every single
 * wrong bit.
 */
uint64_t pin_pack(uint64_t hash, const struct mr_pin *pin);

static inline struct mr_pin pin_unpack(uint64_t data)
{
	return (struct mr_pin){
		.backend = (mr_backend_id)data,
		.state = (enum mr_pin_state)(data >> 16 & 0xff),
		.seen_s = (uint32_t)(data >> 32),
	};
}

static inline bool pins_equal(const struct mr_pin *a, const struct mr_pin *b)
{
	return a->backend == b->backend && a->state == b->state && a->seen_s == b->seen_s;
}

/* Is this what an entry of @table in bucket @bucket may hold, in use (@tag is not 0)? */
bool pin_is_whole(const struct mr_pin_table *table, const struct pin_bucket *bucket, uint64_t tag,
		  uint64_t data);

/* Maps 32 even bits evenly to a bucket, as mr_session_slot() does to a slot. */
static inline struct pin_bucket *pin_bucket_at(const struct mr_pin_table *table, uint32_t bits)
{
	return &table->buckets[(uint64_t)bits * table->bucket_count >> 32];
}

static inline struct pin_bucket *pin_bucket_first(const struct mr_pin_table *table, uint64_t hash)
{
	return pin_bucket_at(table, (uint32_t)hash);
}

/* A multiplier from L'Ecuyer's tables (2^64, "Tables of LCGs", 1999) spreads the other choice. */
static inline struct pin_bucket *pin_bucket_second(const struct mr_pin_table *table, uint64_t hash)
{
	return pin_bucket_at(table, (uint32_t)(hash * 0xd1342543de82ef95ULL >> 32));
}

static inline void pin_table_prefetch(const struct mr_pin_table *table, uint64_t hash)
{
	rte_prefetch0(pin_bucket_first(table, hash));
	rte_prefetch0(pin_bucket_second(table, hash));
}

/* NULL: not pinned. Otherwise @out_data is what the entry held. */
struct pin_entry *pin_table_lookup(const struct mr_pin_table *table, uint64_t hash,
				   uint64_t *out_data);

/* False: the budget is used up (or, rarely, both buckets are full). */
bool pin_table_add(struct mr_pin_table *table, uint64_t hash, const struct mr_pin *pin);

/*
 * Puts @pin in the place of the newest embryonic pin that lies where it could lie. False: there
 * is none.
 */
bool pin_table_evict(struct mr_pin_table *table, uint64_t hash, const struct mr_pin *pin);

/*
 * Changes the pin that @entry held as @old_data. One that has ended meanwhile, for nobody knew of
 * this packet yet, begins anew; one that another worker has changed is as fresh as can be.
 */
void pin_table_refresh(struct mr_pin_table *table, struct pin_entry *entry, uint64_t hash,
		       uint64_t old_data, const struct mr_pin *pin);

/* False: the pin changed or was removed meanwhile; look it up again. */
bool pin_entry_update(struct pin_entry *entry, uint64_t hash, uint64_t old_data,
		      const struct mr_pin *pin);

/* For pin_file.c: the buckets that a table of @budget pins has at least. */
uint32_t pin_bucket_count(uint32_t budget);

/*
 * Likewise: a table in @memory, which it owns from then on, as it owns the file; its clock stands
 * at 0, and what the buckets hold is not counted. NULL: no memory, and @memory is as it was.
 */
struct mr_pin_table *pin_table_on(const struct pin_memory *memory, uint32_t budget);

/* Seconds of CLOCK_BOOTTIME, which goes on while the machine sleeps. */
int64_t pin_boottime_s(void);

#endif
