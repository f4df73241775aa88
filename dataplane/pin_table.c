/* SPDX-License-Identifier: BSD-3-Clause */
#include "pin_table.h"

#include <errno.h>
#include <stdlib.h>

#include <rte_malloc.h>

struct mr_pin_table *mr_pin_table_create(uint32_t budget)
{
	struct mr_pin_table *table = rte_zmalloc("pin_table", sizeof(*table), RTE_CACHE_LINE_SIZE);
	const uint64_t entries = 2ULL * RTE_MAX(budget, 1U);
	const uint32_t buckets =
		(uint32_t)((entries + PIN_BUCKET_ENTRIES - 1) / PIN_BUCKET_ENTRIES);

	if (table == NULL) {
		errno = ENOMEM;
		return NULL;
	}
	table->buckets =
		rte_zmalloc("pins", (size_t)buckets * sizeof(*table->buckets), RTE_CACHE_LINE_SIZE);
	if (table->buckets == NULL) {
		rte_free(table);
		errno = ENOMEM;
		return NULL;
	}
	table->bucket_count = buckets;
	table->budget = budget;
	return table;
}

void mr_pin_table_destroy(struct mr_pin_table *table)
{
	if (table == NULL)
		return;
	rte_free(table->buckets);
	rte_free(table);
}

uint32_t mr_pin_table_count(const struct mr_pin_table *table)
{
	return atomic_load_explicit(&table->count, memory_order_relaxed);
}

uint32_t mr_pin_table_budget(const struct mr_pin_table *table)
{
	return table->budget;
}

static struct pin_entry *bucket_lookup(struct pin_bucket *bucket, uint64_t hash, uint64_t *out_data)
{
	for (unsigned int i = 0; i < PIN_BUCKET_ENTRIES; i++) {
		struct pin_entry *entry = &bucket->entries[i];
		uint64_t data;

		if (atomic_load_explicit(&entry->tag, memory_order_acquire) != hash)
			continue;
		data = atomic_load_explicit(&entry->data, memory_order_acquire);
		/* Between the two loads the entry may have been removed and given to another. */
		if (data == 0 || atomic_load_explicit(&entry->tag, memory_order_relaxed) != hash)
			continue;
		*out_data = data;
		return entry;
	}
	return NULL;
}

struct pin_entry *pin_table_lookup(const struct mr_pin_table *table, uint64_t hash,
				   uint64_t *out_data)
{
	struct pin_entry *entry = bucket_lookup(pin_bucket_first(table, hash), hash, out_data);

	if (entry == NULL)
		entry = bucket_lookup(pin_bucket_second(table, hash), hash, out_data);
	return entry;
}

bool mr_pin_table_find(const struct mr_pin_table *table, uint64_t hash, struct mr_pin *out_pin)
{
	uint64_t data;

	if (pin_table_lookup(table, hash, &data) == NULL)
		return false;
	*out_pin = pin_unpack(data);
	return true;
}

static unsigned int bucket_free(const struct pin_bucket *bucket)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < PIN_BUCKET_ENTRIES; i++)
		count += atomic_load_explicit(&bucket->entries[i].tag, memory_order_relaxed) == 0;
	return count;
}

static bool bucket_add(struct pin_bucket *bucket, uint64_t hash, uint64_t data)
{
	for (unsigned int i = 0; i < PIN_BUCKET_ENTRIES; i++) {
		struct pin_entry *entry = &bucket->entries[i];
		uint64_t free_tag = 0;

		if (!atomic_compare_exchange_strong_explicit(&entry->tag, &free_tag, hash,
							     memory_order_acq_rel,
							     memory_order_relaxed))
			continue;
		atomic_store_explicit(&entry->data, data, memory_order_release);
		return true;
	}
	return false;
}

bool pin_table_add(struct mr_pin_table *table, uint64_t hash, const struct mr_pin *pin)
{
	struct pin_bucket *emptier = pin_bucket_first(table, hash);
	struct pin_bucket *other = pin_bucket_second(table, hash);
	const uint64_t data = pin_pack(pin);

	if (atomic_fetch_add_explicit(&table->count, 1, memory_order_relaxed) >= table->budget)
		goto err_uncount;
	if (bucket_free(other) > bucket_free(emptier)) {
		struct pin_bucket *swap = emptier;

		emptier = other;
		other = swap;
	}
	if (bucket_add(emptier, hash, data) || bucket_add(other, hash, data))
		return true;
err_uncount:
	atomic_fetch_sub_explicit(&table->count, 1, memory_order_relaxed);
	return false;
}

static void entry_remove(struct mr_pin_table *table, struct pin_entry *entry, uint64_t data)
{
	if (!atomic_compare_exchange_strong_explicit(&entry->data, &data, 0, memory_order_acq_rel,
						     memory_order_relaxed))
		return; /* refreshed a moment ago: alive */
	atomic_store_explicit(&entry->tag, 0, memory_order_release);
	atomic_fetch_sub_explicit(&table->count, 1, memory_order_relaxed);
}

static void bucket_sweep(struct mr_pin_table *table, struct pin_bucket *bucket,
			 mr_pin_keep_fn *keep, void *context)
{
	for (unsigned int i = 0; i < PIN_BUCKET_ENTRIES; i++) {
		struct pin_entry *entry = &bucket->entries[i];
		const uint64_t tag = atomic_load_explicit(&entry->tag, memory_order_acquire);
		const uint64_t data = atomic_load_explicit(&entry->data, memory_order_acquire);
		struct mr_pin pin;

		if (tag == 0 || data == 0)
			continue;
		pin = pin_unpack(data);
		if (!keep(context, tag, &pin))
			entry_remove(table, entry, data);
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
