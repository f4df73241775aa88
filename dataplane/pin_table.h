/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The workers' side of the pin table: <mailrail/pins.h> says what a pin is and how the sides
 * share one. Buckets of four pins fill one cache line; a session may be in either of two
 * buckets, and goes to the emptier one, so that a table twice as large as its budget has room
 * up to the budget (Azar et al., "Balanced Allocations", 1994).
 */
#ifndef MAILRAIL_DATAPLANE_PIN_TABLE_H
#define MAILRAIL_DATAPLANE_PIN_TABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_common.h>
#include <rte_prefetch.h>

#include <mailrail/pins.h>

#define PIN_BUCKET_ENTRIES 4

struct pin_entry {
	_Atomic uint64_t tag;
	_Atomic uint64_t data;
};
static_assert(sizeof(struct pin_entry) == 16, "a pin of the budget takes two entries, 32 bytes");

struct pin_bucket {
	struct pin_entry entries[PIN_BUCKET_ENTRIES];
} __rte_cache_aligned;

struct mr_pin_table {
	uint32_t bucket_count;
	uint32_t budget;
	_Atomic uint32_t count;
	struct pin_bucket *buckets;
};

/* data: bits 0..15 backend, 16..23 state, 32..63 seen_s. Never 0: states start at 1. */
static inline uint64_t pin_pack(const struct mr_pin *pin)
{
	return (uint64_t)pin->backend | (uint64_t)pin->state << 16 | (uint64_t)pin->seen_s << 32;
}

static inline struct mr_pin pin_unpack(uint64_t data)
{
	return (struct mr_pin){
		.backend = (mr_backend_id)data,
		.state = (enum mr_pin_state)(data >> 16 & 0xff),
		.seen_s = (uint32_t)(data >> 32),
	};
}

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

/* False: the pin changed or was removed meanwhile; look it up again. */
static inline bool pin_entry_update(struct pin_entry *entry, uint64_t old_data,
				    const struct mr_pin *pin)
{
	return atomic_compare_exchange_strong_explicit(&entry->data, &old_data, pin_pack(pin),
						       memory_order_acq_rel, memory_order_relaxed);
}

#endif
