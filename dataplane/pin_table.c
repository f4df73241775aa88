/* SPDX-License-Identifier: BSD-3-Clause */
/* rte_atomic128_cmp_exchange() is marked experimental since DPDK 19.05, unchanged ever since. */
#define ALLOW_EXPERIMENTAL_API

#include "pin_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rte_atomic.h>
#include <rte_hash_crc.h>

/* How often pin_table_evict() begins anew when the pin that it chose changes under its hands. */
#define EVICT_TRIES 4

#ifndef FIRST_UP_TO
#define FIRST_UP_TO 3
#endif
#define CHECK_SHIFT 24
#define CHECK_MASK  (UINT64_C(0xff) << CHECK_SHIFT)

uint32_t pin_bucket_count(uint32_t budget)
{
	const uint64_t entries = 2ULL * RTE_MAX(budget, 1U);

	return (uint32_t)((entries + PIN_BUCKET_ENTRIES - 1) / PIN_BUCKET_ENTRIES);
}

int64_t pin_boottime_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec;
}

struct mr_pin_table *pin_table_on(const struct pin_memory *memory, uint32_t budget)
{
	struct mr_pin_table *table = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(*table));

	if (table == NULL)
		return NULL;
	*table = (struct mr_pin_table){
		.bucket_count =
			(uint32_t)((memory->bytes - memory->offset) / sizeof(struct pin_bucket)),
		.budget = budget,
		.buckets = (struct pin_bucket *)((char *)memory->mapping + memory->offset),
		.epoch_s = pin_boottime_s(),
		.memory = *memory,
		.huge_bytes = pin_memory_huge_bytes(memory),
	};
	return table;
}

struct mr_pin_table *mr_pin_table_create(uint32_t budget)
{
	struct pin_memory memory = {
		.bytes = pin_bucket_count(budget) * sizeof(struct pin_bucket),
		.fd = -1,
	};
	const int rc = pin_memory_map(&memory);
	struct mr_pin_table *table;

	if (rc < 0) {
		errno = -rc;
		return NULL;
	}
	table = pin_table_on(&memory, budget);
	if (table == NULL)
		pin_memory_unmap(&memory);
	return table;
}

void mr_pin_table_destroy(struct mr_pin_table *table)
{
	if (table == NULL)
		return;
	pin_memory_unmap(&table->memory);
	if (table->memory.fd >= 0)
		close(table->memory.fd);
	free(table);
}

uint32_t mr_pin_table_clock_s(const struct mr_pin_table *table)
{
	return (uint32_t)(pin_boottime_s() - table->epoch_s);
}

uint32_t mr_pin_table_count(const struct mr_pin_table *table)
{
	return atomic_load_explicit(&table->count, memory_order_relaxed);
}

uint32_t mr_pin_table_budget(const struct mr_pin_table *table)
{
	return table->budget;
}

size_t mr_pin_table_bytes(const struct mr_pin_table *table)
{
	return table->memory.bytes;
}

size_t mr_pin_table_huge_bytes(const struct mr_pin_table *table)
{
	return table->huge_bytes;
}

/*
 * A byte of the CRC-32C of both words. CRCs are linear: that one wrong bit shows in this byte, of
 * whatever pin, can be tried out bit by bit.
 */
static uint64_t check_of(uint64_t hash, uint64_t data)
{
	const uint32_t crc = rte_hash_crc_8byte(data & ~CHECK_MASK, rte_hash_crc_8byte(hash, 0));

	return (uint64_t)(crc & 0xff) << CHECK_SHIFT;
}

uint64_t pin_pack(uint64_t hash, const struct mr_pin *pin)
{
	const uint64_t data =
		(uint64_t)pin->backend | (uint64_t)pin->state << 16 | (uint64_t)pin->seen_s << 32;

	return data | check_of(hash, data);
}

bool pin_is_whole(const struct mr_pin_table *table, const struct pin_bucket *bucket, uint64_t tag,
		  uint64_t data)
{
	const struct mr_pin pin = pin_unpack(data);

	return tag != 0 && (data & CHECK_MASK) == check_of(tag, data) &&
	       pin.state >= MR_PIN_EMBRYONIC && pin.state <= MR_PIN_CLOSING &&
	       pin.backend < MR_BACKEND_NONE &&
	       (bucket == pin_bucket_first(table, tag) || bucket == pin_bucket_second(table, tag));
}

/* The only way in which an entry ever changes. False: it was not @old. */
static bool entry_exchange(struct pin_entry *entry, uint64_t old_tag, uint64_t old_data,
			   uint64_t tag, uint64_t data)
{
	rte_int128_t expected = {.val = {old_tag, old_data}};
	const rte_int128_t wanted = {.val = {tag, data}};

	return rte_atomic128_cmp_exchange((rte_int128_t *)entry, &expected, &wanted, 0,
					  __ATOMIC_ACQ_REL, __ATOMIC_RELAXED) != 0;
}

bool mr_pin_table_find(const struct mr_pin_table *table, uint64_t hash, struct mr_pin *out_pin)
{
	uint64_t data;

	if (pin_table_lookup(table, hash, &data) == NULL)
		return false;
	*out_pin = pin_unpack(data);
	return true;
}

static unsigned int bucket_count(const struct pin_bucket *bucket)
{
	return PIN_BUCKET_ENTRIES - (unsigned int)__builtin_popcount(pin_bucket_matches(bucket, 0));
}

/* Where a pin that comes now is to go, as the header says. */
static struct pin_bucket *choose_bucket(struct pin_bucket *first, struct pin_bucket *second)
{
	const unsigned int count = bucket_count(first);

	return count < PIN_BUCKET_COMFORT || count <= bucket_count(second) ? first : second;
}

static bool bucket_add(struct pin_bucket *bucket, uint64_t hash, uint64_t data)
{
	for (unsigned int i = 0; i < PIN_BUCKET_ENTRIES; i++) {
		struct pin_entry *entry = &bucket->entries[i];

		if (atomic_load_explicit(&entry->tag, memory_order_relaxed) == 0 &&
		    entry_exchange(entry, 0, 0, hash, data))
			return true;
	}
	return false;
}

bool pin_table_add(struct mr_pin_table *table, uint64_t hash, const struct mr_pin *pin)
{
	struct pin_bucket *first = pin_bucket_first(table, hash);
	struct pin_bucket *second = pin_bucket_second(table, hash);
	const uint64_t data = pin_pack(hash, pin);
	struct pin_bucket *chosen;

	if (atomic_fetch_add_explicit(&table->count, 1, memory_order_relaxed) >= table->budget)
		goto err_uncount;
	chosen = choose_bucket(first, second);
	if (bucket_add(chosen, hash, data) ||
	    bucket_add(chosen == first ? second : first, hash, data))
		return true;
err_uncount:
	atomic_fetch_sub_explicit(&table->count, 1, memory_order_relaxed);
	return false;
}

/* An entry as it was when it was looked at. */
struct candidate {
	struct pin_entry *entry; /* NULL: none yet */
	uint64_t tag;
	uint64_t data;
};

static void bucket_seek_newest(struct pin_bucket *bucket, struct candidate *newest)
{
	for (unsigned int i = 0; i < PIN_BUCKET_ENTRIES; i++) {
		struct pin_entry *entry = &bucket->entries[i];
		const uint64_t tag = atomic_load_explicit(&entry->tag, memory_order_acquire);
		const uint64_t data = atomic_load_explicit(&entry->data, memory_order_acquire);
		const struct mr_pin pin = pin_unpack(data);

		if (tag == 0 || pin.state != MR_PIN_EMBRYONIC)
			continue;
		if (newest->entry == NULL || pin.seen_s > pin_unpack(newest->data).seen_s)
			*newest = (struct candidate){entry, tag, data};
	}
}

bool pin_table_evict(struct mr_pin_table *table, uint64_t hash, const struct mr_pin *pin)
{
	const uint64_t data = pin_pack(hash, pin);

	for (unsigned int i = 0; i < EVICT_TRIES; i++) {
		struct candidate newest = {NULL};

		bucket_seek_newest(pin_bucket_first(table, hash), &newest);
		bucket_seek_newest(pin_bucket_second(table, hash), &newest);
		if (newest.entry == NULL)
			return false;
		if (entry_exchange(newest.entry, newest.tag, newest.data, hash, data))
			return true;
	}
	return false;
}

bool pin_entry_update(struct pin_entry *entry, uint64_t hash, uint64_t old_data,
		      const struct mr_pin *pin)
{
	return entry_exchange(entry, hash, old_data, hash, pin_pack(hash, pin));
}

void pin_table_refresh(struct mr_pin_table *table, struct pin_entry *entry, uint64_t hash,
		       uint64_t old_data, const struct mr_pin *pin)
{
	uint64_t found;

	if (!pin_entry_update(entry, hash, old_data, pin) &&
	    pin_table_lookup(table, hash, &found) == NULL)
		pin_table_add(table, hash, pin);
}

/* What is in @entry, in one piece. False: nothing. */
static bool entry_read(const struct pin_entry *entry, uint64_t *out_tag, uint64_t *out_data)
{
	const uint64_t tag = atomic_load_explicit(&entry->tag, memory_order_acquire);
	const uint64_t data = atomic_load_explicit(&entry->data, memory_order_acquire);

	/* Again: between the two loads the entry may have been given to another. */
	if (tag == 0 || data == 0 || atomic_load_explicit(&entry->tag, memory_order_relaxed) != tag)
		return false;
	*out_tag = tag;
	*out_data = data;
	return true;
}

uint32_t mr_pin_table_entries(const struct mr_pin_table *table)
{
	return table->bucket_count * PIN_BUCKET_ENTRIES;
}

bool mr_pin_table_read(const struct mr_pin_table *table, uint32_t entry, uint64_t *out_hash,
		       struct mr_pin *out_pin)
{
	const struct pin_bucket *bucket = &table->buckets[entry / PIN_BUCKET_ENTRIES];
	uint64_t data;

	if (!entry_read(&bucket->entries[entry % PIN_BUCKET_ENTRIES], out_hash, &data))
		return false;
	*out_pin = pin_unpack(data);
	return true;
}

static void bucket_sweep(struct mr_pin_table *table, struct pin_bucket *bucket,
			 mr_pin_keep_fn *keep, void *context)
{
	for (unsigned int i = 0; i < PIN_BUCKET_ENTRIES; i++) {
		struct pin_entry *entry = &bucket->entries[i];
		uint64_t tag, data;
		struct mr_pin pin;

		if (!entry_read(entry, &tag, &data))
			continue;
		pin = pin_unpack(data);
		/* What is refreshed meanwhile stays: it is alive. */
		if (!keep(context, tag, &pin) && entry_exchange(entry, tag, data, 0, 0))
			atomic_fetch_sub_explicit(&table->count, 1, memory_order_relaxed);
	}
}

bool mr_pin_table_sweep(struct mr_pin_table *table, uint32_t *cursor, uint32_t entries,
			mr_pin_keep_fn *keep, void *context)
{
	const uint32_t buckets = table->bucket_count;
	const uint32_t wanted = RTE_MAX(entries / PIN_BUCKET_ENTRIES, 1U);
	const uint32_t end = buckets - *cursor > wanted ? *cursor + wanted : buckets;

	for (uint32_t i = *cursor; i < end; i++)
		bucket_sweep(table, &table->buckets[i], keep, context);
	*cursor = end == buckets ? 0 : end;
	return end == buckets;
}
