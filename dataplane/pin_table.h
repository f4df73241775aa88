/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The workers' side of the pin table: <mailrail/pins.h> says what a pin is and how the sides
 * share one. Buckets of four pins fill one cache line. A session may be in either of two buckets:
 * in its first, as long as there are less than PIN_BUCKET_COMFORT pins, else in the emptier one
 * (Azar et al., "Balanced Allocations", 1994), so that a table twice as large as its budget has
 * room up to the budget, and a lookup mostly is one memory access. Of a million random sessions
 * (tests/unit/test_pin_table.c), by how much of the budget they use:
 *
 *	used                            1/4    1/2    3/4    all
 *	in the first bucket             97 %   91 %   85 %   81 %
 *	refused, both buckets full      0      0      0      34
 *
 * Always the emptier one: 14 refused, 73 % in the first bucket; the first up to three pins: 292
 * refused, 90 %.
 */
#ifndef MAILRAIL_DATAPLANE_PIN_TABLE_H
#define MAILRAIL_DATAPLANE_PIN_TABLE_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__SSE4_1__)
#include <immintrin.h>
#endif

#include <rte_common.h>
#include <rte_prefetch.h>

#include <mailrail/pins.h>

#include "pin_memory.h"

#define PIN_BUCKET_ENTRIES 4
#define PIN_BUCKET_COMFORT 2

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

struct mr_pin_table {
	uint32_t bucket_count;
	uint32_t budget;
	struct pin_bucket *buckets;
	int64_t epoch_s; /* CLOCK_BOOTTIME when the table's clock stood at 0 */
	struct pin_memory memory;
	size_t huge_bytes;			    /* of the memory, when the table was made */
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

static inline uint64_t pin_entry_tag(const struct pin_entry *entry)
{
	return atomic_load_explicit(&entry->tag, memory_order_acquire);
}

/* The first bucket alone, where a pin is that is not in a crowd. */
static inline void pin_table_prefetch(const struct mr_pin_table *table, uint64_t hash)
{
	rte_prefetch0(pin_bucket_first(table, hash));
}

static inline void pin_table_prefetch_second(const struct mr_pin_table *table, uint64_t hash)
{
	rte_prefetch0(pin_bucket_second(table, hash));
}

/*
 * A bit for each entry that has the tag @hash. All four are compared before anything is decided,
 * since which one it is cannot be foretold.
 */
static inline unsigned int pin_bucket_matches_portable(const struct pin_bucket *bucket,
						       uint64_t hash)
{
	unsigned int matches = 0;

#pragma GCC unroll 4
	for (unsigned int i = 0; i < PIN_BUCKET_ENTRIES; i++)
		matches |= (unsigned int)(pin_entry_tag(&bucket->entries[i]) == hash) << i;
	return matches;
}

/* SSE4.1 is of every x86 that DPDK runs on. */
#if defined(__SSE4_1__)
static inline __m128i pin_entry_two_tags(const struct pin_entry *entry)
{
	return _mm_set_epi64x((long long)pin_entry_tag(&entry[1]),
			      (long long)pin_entry_tag(&entry[0]));
}

/* Its twin, at half the price. */
static inline unsigned int pin_bucket_matches(const struct pin_bucket *bucket, uint64_t hash)
{
	const __m128i wanted = _mm_set1_epi64x((long long)hash);
	const __m128i low = _mm_cmpeq_epi64(pin_entry_two_tags(&bucket->entries[0]), wanted);
	const __m128i high = _mm_cmpeq_epi64(pin_entry_two_tags(&bucket->entries[2]), wanted);

	return (unsigned int)_mm_movemask_ps(_mm_castsi128_ps(_mm_packs_epi32(low, high)));
}
#else
static inline unsigned int pin_bucket_matches(const struct pin_bucket *bucket, uint64_t hash)
{
	return pin_bucket_matches_portable(bucket, hash);
}
#endif

/* NULL: not there. Otherwise @out_data is what the entry held. */
static inline struct pin_entry *pin_bucket_lookup(struct pin_bucket *bucket, uint64_t hash,
						  uint64_t *out_data)
{
	unsigned int matches = pin_bucket_matches(bucket, hash);

	for (; matches != 0; matches &= matches - 1) {
		struct pin_entry *entry = &bucket->entries[__builtin_ctz(matches)];
		const uint64_t data = atomic_load_explicit(&entry->data, memory_order_acquire);

		/* Between the two loads the entry may have been removed and given to another. */
		if (data == 0 || atomic_load_explicit(&entry->tag, memory_order_relaxed) != hash)
			continue;
		*out_data = data;
		return entry;
	}
	return NULL;
}

/*
 * For bursts: where this is false, the second bucket is worth a prefetch. Says nothing for sure,
 * as pins come and go.
 */
static inline bool pin_table_is_in_first(const struct mr_pin_table *table, uint64_t hash)
{
	return pin_bucket_matches(pin_bucket_first(table, hash), hash) != 0;
}

/* Each of them NULL: not pinned there. */
static inline struct pin_entry *pin_table_lookup_first(const struct mr_pin_table *table,
						       uint64_t hash, uint64_t *out_data)
{
	return pin_bucket_lookup(pin_bucket_first(table, hash), hash, out_data);
}

static inline struct pin_entry *pin_table_lookup_second(const struct mr_pin_table *table,
							uint64_t hash, uint64_t *out_data)
{
	return pin_bucket_lookup(pin_bucket_second(table, hash), hash, out_data);
}

static inline struct pin_entry *pin_table_lookup(const struct mr_pin_table *table, uint64_t hash,
						 uint64_t *out_data)
{
	struct pin_entry *entry = pin_table_lookup_first(table, hash, out_data);

	return entry != NULL ? entry : pin_table_lookup_second(table, hash, out_data);
}

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
