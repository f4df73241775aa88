/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The pin table: alone against a reference model, and under two threads that add, refresh and
 * evict while a third one expires.
 */
#include "pin_table.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_cycles.h>

#include "../lib/test_eal.h"
#include "../lib/unit.h"

#define BUDGET	 1024
#define SESSIONS 3000
#define STEPS	 200000
#define MILLION	 1000000

static uint64_t random_state;

/* SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): a bijection of a counter, so never twice. */
static uint64_t mix(uint64_t value)
{
	value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9ULL;
	value = (value ^ value >> 27) * 0x94d049bb133111ebULL;
	return value ^ value >> 31;
}

static uint64_t random_u64(void)
{
	random_state += 0x9e3779b97f4a7c15ULL;
	return mix(random_state);
}

/* The hash of session number @index; not 0. */
static uint64_t hash_of(uint64_t index)
{
	return mix(index + 1);
}

static bool keep_none(void *context, uint64_t hash, const struct mr_pin *pin)
{
	(void)context, (void)hash, (void)pin;
	return false;
}

static bool keep_all(void *context, uint64_t hash, const struct mr_pin *pin)
{
	uint32_t *visited = context;

	(void)hash, (void)pin;
	++*visited;
	return true;
}

static void test_pack(void)
{
	const struct mr_pin pins[] = {
		{0, MR_PIN_EMBRYONIC, 0},
		{0x7ffe, MR_PIN_ESTABLISHED, UINT32_MAX},
		{12345, MR_PIN_CLOSING, 1U << 31},
	};

	for (size_t i = 0; i < RTE_DIM(pins); i++) {
		const struct mr_pin back = pin_unpack(pin_pack(hash_of(i), &pins[i]));

		CU_ASSERT(pins_equal(&back, &pins[i]));
		CU_ASSERT_NOT_EQUAL(pin_pack(hash_of(i), &pins[i]), 0);
	}
}

/*
 * Each of the 128 bits of a pin, of many pins. One bucket, so that no bit of the hash is found out
 * by the place.
 */
static void test_every_wrong_bit_shows(void)
{
	struct mr_pin_table *table = mr_pin_table_create(1);
	uint32_t missed = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(table);
	for (uint32_t i = 0; i < 1000; i++) {
		const struct mr_pin pin = {
			.backend = (mr_backend_id)(random_u64() % MR_BACKEND_NONE),
			.state = (enum mr_pin_state)(1 + random_u64() % 3),
			.seen_s = (uint32_t)random_u64(),
		};
		const uint64_t hash = hash_of(i);
		const uint64_t data = pin_pack(hash, &pin);

		CU_ASSERT(pin_is_whole(table, table->buckets, hash, data));
		for (unsigned int bit = 0; bit < 64; bit++) {
			missed += pin_is_whole(table, table->buckets, hash ^ 1ULL << bit, data);
			missed += pin_is_whole(table, table->buckets, hash, data ^ 1ULL << bit);
		}
	}
	CU_ASSERT_EQUAL(missed, 0);
	/* Nor does one bit make a pin where there was none. */
	for (unsigned int bit = 0; bit < 64; bit++) {
		missed += pin_is_whole(table, table->buckets, 1ULL << bit, 0);
		missed += pin_is_whole(table, table->buckets, 0, 1ULL << bit);
	}
	CU_ASSERT_EQUAL(missed, 0);
	mr_pin_table_destroy(table);
}

static void test_add_find_update_remove(void)
{
	struct mr_pin_table *table = mr_pin_table_create(BUDGET);
	const struct mr_pin pin = {7, MR_PIN_EMBRYONIC, 100};
	const struct mr_pin later = {7, MR_PIN_ESTABLISHED, 101};
	struct mr_pin found = {1, MR_PIN_CLOSING, 1};
	const struct mr_pin untouched = found;
	struct pin_entry *entry;
	uint64_t data = 0;
	uint32_t cursor = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(table);
	CU_ASSERT_EQUAL(mr_pin_table_budget(table), BUDGET);
	CU_ASSERT_FALSE(mr_pin_table_find(table, hash_of(1), &found));
	CU_ASSERT(pins_equal(&found, &untouched));
	CU_ASSERT(pin_table_add(table, hash_of(1), &pin));
	CU_ASSERT_EQUAL(mr_pin_table_count(table), 1);
	CU_ASSERT(mr_pin_table_find(table, hash_of(1), &found) && pins_equal(&found, &pin));
	CU_ASSERT_FALSE(mr_pin_table_find(table, hash_of(2), &found));

	entry = pin_table_lookup(table, hash_of(1), &data);
	CU_ASSERT_PTR_NOT_NULL_FATAL(entry);
	CU_ASSERT(pin_entry_update(entry, hash_of(1), data, &later));
	CU_ASSERT_FALSE(pin_entry_update(entry, hash_of(1), data, &pin));
	CU_ASSERT(mr_pin_table_find(table, hash_of(1), &found) && pins_equal(&found, &later));

	/* Neither an old nor the last word brings a removed pin back. */
	CU_ASSERT(mr_pin_table_sweep(table, &cursor, UINT32_MAX, keep_none, NULL));
	data = pin_pack(hash_of(1), &later);
	CU_ASSERT_FALSE(pin_entry_update(entry, hash_of(1), data, &later));
	CU_ASSERT_EQUAL(entry->tag, 0);
	CU_ASSERT_EQUAL(entry->data, 0);
	CU_ASSERT_FALSE(mr_pin_table_find(table, hash_of(1), &found));
	CU_ASSERT_EQUAL(mr_pin_table_count(table), 0);
	mr_pin_table_destroy(table);
	mr_pin_table_destroy(NULL);
}

/*
 * There is room for the budget and for no pin more. Both buckets of a session may be full before
 * that; the header calls it rare, and this holds it to less than one in a thousand.
 */
static void test_budget(void)
{
	static const uint32_t budgets[] = {0, 1, 2, 3, 5, 1000, 1024, 1025, 65536};

	for (size_t i = 0; i < RTE_DIM(budgets); i++) {
		struct mr_pin_table *table = mr_pin_table_create(budgets[i]);
		const struct mr_pin pin = {3, MR_PIN_ESTABLISHED, 9};
		uint32_t crowded = 0, added = 0, found_count = 0;
		struct mr_pin found;

		CU_ASSERT_PTR_NOT_NULL_FATAL(table);
		for (; added < budgets[i] && crowded <= budgets[i]; crowded++) {
			while (added < budgets[i] &&
			       pin_table_add(table, hash_of(added + crowded), &pin))
				added++;
		}
		CU_ASSERT_EQUAL(added, budgets[i]);
		CU_ASSERT(crowded <= 1 + budgets[i] / 1000);
		CU_ASSERT_FALSE(pin_table_add(table, hash_of(1000000), &pin));
		CU_ASSERT_EQUAL(mr_pin_table_count(table), budgets[i]);
		for (uint32_t j = 0; j < added + crowded; j++)
			found_count += mr_pin_table_find(table, hash_of(j), &found);
		CU_ASSERT_EQUAL(found_count, budgets[i]);
		mr_pin_table_destroy(table);
	}
}

/* Of the first @used sessions, those that are found in their first bucket. */
static uint32_t count_in_first(const struct mr_pin_table *table, uint32_t used)
{
	uint32_t count = 0;
	uint64_t data;

	for (uint32_t i = 0; i < used; i++)
		count += pin_table_lookup_first(table, hash_of(i), &data) != NULL;
	return count;
}

/*
 * What the header says of a million sessions: by how much of the budget they use, most are where
 * a lookup finds them with one memory access, and next to none is refused.
 */
static void test_million(void)
{
	static const struct {
		uint32_t used, in_first_min, refused_max;
	} rows[] = {
		{MILLION / 4, 240000, 0},
		{MILLION / 2, 450000, 0},
		{MILLION / 4 * 3, 630000, 10},
		{MILLION, 800000, 60},
	};
	struct mr_pin_table *table = mr_pin_table_create(MILLION);
	const struct mr_pin pin = {3, MR_PIN_ESTABLISHED, 9};
	uint32_t used = 0, refused = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(table);
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		uint64_t data;

		for (; used < rows[i].used; used++) {
			const bool added = pin_table_add(table, hash_of(used), &pin);

			refused += !added;
			CU_ASSERT_FATAL(added ==
					(pin_table_lookup(table, hash_of(used), &data) != NULL));
		}
		CU_ASSERT(count_in_first(table, used) >= rows[i].in_first_min);
		CU_ASSERT(refused <= rows[i].refused_max);
	}
	CU_ASSERT_EQUAL(mr_pin_table_count(table), MILLION - refused);
	mr_pin_table_destroy(table);
}

/*
 * A former version put pins into the emptier bucket from the start: what lies in the second one is
 * found, refreshed, evicted and removed as anything else, while the first one is empty.
 */
static void test_second_bucket_alone(void)
{
	struct mr_pin_table *table = mr_pin_table_create(BUDGET);
	const struct mr_pin pin = {3, MR_PIN_EMBRYONIC, 9}, fresh = {4, MR_PIN_EMBRYONIC, 10};
	uint32_t cursor = 0;
	uint64_t data = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(table);
	for (uint32_t i = 0; i < BUDGET; i++) {
		struct pin_bucket *second = pin_bucket_second(table, hash_of(i));
		struct pin_entry *entry = &second->entries[i % PIN_BUCKET_ENTRIES];
		struct mr_pin found = {0};

		if (second == pin_bucket_first(table, hash_of(i)))
			continue;
		entry->data = pin_pack(hash_of(i), &pin);
		entry->tag = hash_of(i);
		table->count = 1;
		CU_ASSERT_FALSE(pin_table_is_in_first(table, hash_of(i)));
		CU_ASSERT_PTR_NULL(pin_table_lookup_first(table, hash_of(i), &data));
		CU_ASSERT_PTR_EQUAL(pin_table_lookup_second(table, hash_of(i), &data), entry);
		CU_ASSERT_PTR_EQUAL(pin_table_lookup(table, hash_of(i), &data), entry);
		pin_table_refresh(table, entry, hash_of(i), data, &fresh);
		CU_ASSERT(mr_pin_table_find(table, hash_of(i), &found));
		CU_ASSERT(pins_equal(&found, &fresh));
		CU_ASSERT(pin_table_evict(table, hash_of(i), &pin));
		CU_ASSERT(mr_pin_table_sweep(table, &cursor, UINT32_MAX, keep_none, NULL));
		CU_ASSERT_EQUAL(mr_pin_table_count(table), 0);
		CU_ASSERT_FALSE(mr_pin_table_find(table, hash_of(i), &found));
	}
	mr_pin_table_destroy(table);
}

/* The fast comparison of tags says what the plain one says, also where they differ in one bit. */
static void test_matches_twins(void)
{
	struct pin_bucket bucket = {0};
	unsigned int seen = 0;

	for (uint32_t i = 0; i < STEPS; i++) {
		const uint64_t hash = random_u64();
		const uint64_t choice = random_u64();
		unsigned int expected = 0;

		for (unsigned int j = 0; j < PIN_BUCKET_ENTRIES; j++) {
			const bool same = choice >> j & 1;
			const unsigned int bit = choice >> (8 + 8 * j) & 63;

			bucket.entries[j].tag = same ? hash : hash ^ UINT64_C(1) << bit;
			bucket.entries[j].data = hash; /* no tag of anything */
			expected |= (unsigned int)same << j;
		}
		CU_ASSERT_EQUAL_FATAL(pin_bucket_matches(&bucket, hash), expected);
		CU_ASSERT_EQUAL_FATAL(pin_bucket_matches_portable(&bucket, hash), expected);
		seen |= 1U << expected;
	}
	CU_ASSERT_EQUAL(seen, 0xffff);
}

/* Sweeping in small steps visits every pin once per round. */
static void test_sweep_visits_each_once(void)
{
	static const uint32_t steps[] = {1, 3, 4, 5, 100, UINT32_MAX};
	struct mr_pin_table *table = mr_pin_table_create(BUDGET);
	const struct mr_pin pin = {3, MR_PIN_ESTABLISHED, 9};

	CU_ASSERT_PTR_NOT_NULL_FATAL(table);
	for (uint32_t i = 0; i < BUDGET; i++)
		CU_ASSERT(pin_table_add(table, hash_of(i), &pin));
	for (size_t i = 0; i < RTE_DIM(steps); i++) {
		uint32_t cursor = 0, visited = 0, calls = 1;

		while (!mr_pin_table_sweep(table, &cursor, steps[i], keep_all, &visited))
			calls++;
		CU_ASSERT_EQUAL(cursor, 0);
		CU_ASSERT_EQUAL(visited, BUDGET);
		CU_ASSERT(calls <= 2 * BUDGET);
	}
	CU_ASSERT_EQUAL(mr_pin_table_count(table), BUDGET);
	mr_pin_table_destroy(table);
}

/* Entry by entry, as somebody who turns pages does. */
static void test_read_finds_each_once(void)
{
	struct mr_pin_table *table = mr_pin_table_create(BUDGET);
	const struct mr_pin pin = {.backend = 7, .state = MR_PIN_ESTABLISHED, .seen_s = 42};
	uint32_t found = 0;

	CU_ASSERT(mr_pin_table_entries(table) >= 2 * BUDGET);
	for (uint64_t i = 0; i < BUDGET / 2; i++)
		CU_ASSERT(pin_table_add(table, hash_of(i), &pin));
	for (uint32_t entry = 0; entry < mr_pin_table_entries(table); entry++) {
		struct mr_pin read;
		uint64_t hash;

		if (!mr_pin_table_read(table, entry, &hash, &read))
			continue;
		found++;
		CU_ASSERT(pins_equal(&read, &pin));
		CU_ASSERT(mr_pin_table_find(table, hash, &read));
	}
	CU_ASSERT_EQUAL(found, BUDGET / 2);
	mr_pin_table_destroy(table);
}

/* A worker's refresh between the sweep's question and its answer. */
struct refresh {
	struct mr_pin_table *table;
	struct mr_pin fresh;
};

static bool refresh_then_drop(void *context, uint64_t hash, const struct mr_pin *pin)
{
	const struct refresh *refresh = context;
	uint64_t data = 0;
	struct pin_entry *entry = pin_table_lookup(refresh->table, hash, &data);

	(void)pin;
	CU_ASSERT_PTR_NOT_NULL_FATAL(entry);
	CU_ASSERT(pin_entry_update(entry, hash, data, &refresh->fresh));
	return false;
}

static void test_refreshed_pin_is_kept(void)
{
	struct mr_pin_table *table = mr_pin_table_create(BUDGET);
	const struct mr_pin pin = {3, MR_PIN_ESTABLISHED, 9};
	struct refresh refresh = {table, {3, MR_PIN_ESTABLISHED, 900}};
	struct mr_pin found;
	uint32_t cursor = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(table);
	CU_ASSERT(pin_table_add(table, hash_of(1), &pin));
	mr_pin_table_sweep(table, &cursor, UINT32_MAX, refresh_then_drop, &refresh);
	CU_ASSERT(mr_pin_table_find(table, hash_of(1), &found));
	CU_ASSERT_EQUAL(found.seen_s, 900);
	CU_ASSERT_EQUAL(mr_pin_table_count(table), 1);
	mr_pin_table_destroy(table);
}

/* A sweep between a worker's look at a pin and its refresh. */
static void test_ended_pin_begins_anew(void)
{
	struct mr_pin_table *table = mr_pin_table_create(BUDGET);
	const struct mr_pin pin = {3, MR_PIN_ESTABLISHED, 9};
	const struct mr_pin fresh = {3, MR_PIN_CLOSING, 900};
	const struct mr_pin late = {3, MR_PIN_ESTABLISHED, 901};
	struct mr_pin found;
	uint64_t data = 0;
	struct pin_entry *entry;
	uint32_t cursor = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(table);
	CU_ASSERT(pin_table_add(table, hash_of(1), &pin));
	entry = pin_table_lookup(table, hash_of(1), &data);
	CU_ASSERT_PTR_NOT_NULL_FATAL(entry);
	mr_pin_table_sweep(table, &cursor, UINT32_MAX, keep_none, NULL);
	pin_table_refresh(table, entry, hash_of(1), data, &fresh);
	CU_ASSERT(mr_pin_table_find(table, hash_of(1), &found) && pins_equal(&found, &fresh));
	/* It is there, only other than it was: left alone, and not there twice. */
	pin_table_refresh(table, entry, hash_of(1), data, &late);
	CU_ASSERT(mr_pin_table_find(table, hash_of(1), &found) && pins_equal(&found, &fresh));
	CU_ASSERT_EQUAL(mr_pin_table_count(table), 1);
	mr_pin_table_destroy(table);
}

/* An entry given to another session is not given up for what its former one did. */
static bool evict_then_drop(void *context, uint64_t hash, const struct mr_pin *pin)
{
	const struct refresh *refresh = context;

	(void)pin;
	if (hash != hash_of(1))
		return true;
	CU_ASSERT(pin_table_evict(refresh->table, hash_of(2), &refresh->fresh));
	return false;
}

static void test_evicting_pin_is_kept(void)
{
	struct mr_pin_table *table = mr_pin_table_create(1);
	const struct mr_pin pin = {3, MR_PIN_EMBRYONIC, 9};
	struct refresh refresh = {table, {4, MR_PIN_ESTABLISHED, 9}};
	struct mr_pin found;
	uint32_t cursor = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(table);
	CU_ASSERT(pin_table_add(table, hash_of(1), &pin));
	mr_pin_table_sweep(table, &cursor, UINT32_MAX, evict_then_drop, &refresh);
	CU_ASSERT_FALSE(mr_pin_table_find(table, hash_of(1), &found));
	CU_ASSERT(mr_pin_table_find(table, hash_of(2), &found));
	CU_ASSERT_EQUAL(mr_pin_table_count(table), 1);
	mr_pin_table_destroy(table);
}

/* One bucket, so that all lie where the newcomers could lie. */
static void test_evict(void)
{
	struct mr_pin_table *table = mr_pin_table_create(2);
	const struct mr_pin pins[] = {{1, MR_PIN_EMBRYONIC, 50}, {2, MR_PIN_EMBRYONIC, 60}};
	const struct mr_pin older = {3, MR_PIN_ESTABLISHED, 55};
	struct mr_pin found;

	CU_ASSERT_PTR_NOT_NULL_FATAL(table);
	CU_ASSERT_FALSE(pin_table_evict(table, hash_of(3), &older));
	CU_ASSERT(pin_table_add(table, hash_of(1), &pins[0]));
	CU_ASSERT(pin_table_add(table, hash_of(2), &pins[1]));
	CU_ASSERT_FALSE(pin_table_add(table, hash_of(3), &older));

	CU_ASSERT(pin_table_evict(table, hash_of(3), &older));
	CU_ASSERT(mr_pin_table_find(table, hash_of(1), &found) && pins_equal(&found, &pins[0]));
	CU_ASSERT_FALSE(mr_pin_table_find(table, hash_of(2), &found));
	CU_ASSERT(mr_pin_table_find(table, hash_of(3), &found) && pins_equal(&found, &older));
	CU_ASSERT_EQUAL(mr_pin_table_count(table), 2);

	CU_ASSERT(pin_table_evict(table, hash_of(4), &older));
	CU_ASSERT_FALSE(mr_pin_table_find(table, hash_of(1), &found));
	/* Established pins never go. */
	CU_ASSERT_FALSE(pin_table_evict(table, hash_of(5), &older));
	CU_ASSERT(mr_pin_table_find(table, hash_of(3), &found));
	CU_ASSERT(mr_pin_table_find(table, hash_of(4), &found));
	CU_ASSERT_EQUAL(mr_pin_table_count(table), 2);
	mr_pin_table_destroy(table);
}

static bool has_embryonic(const struct pin_bucket *bucket)
{
	for (unsigned int i = 0; i < PIN_BUCKET_ENTRIES; i++)
		if (pin_unpack(bucket->entries[i].data).state == MR_PIN_EMBRYONIC)
			return true;
	return false;
}

/* Neither does a closing one; and whoever is given a place is found there. */
static void test_evict_in_a_large_table(void)
{
	struct mr_pin_table *table = mr_pin_table_create(BUDGET);
	uint32_t established = 0, evicted = 0, found_count = 0;
	struct mr_pin found;

	CU_ASSERT_PTR_NOT_NULL_FATAL(table);
	for (uint32_t i = 0; mr_pin_table_count(table) < BUDGET; i++) {
		const struct mr_pin pin = {
			.backend = (mr_backend_id)i,
			.state = i % 2 == 0 ? MR_PIN_EMBRYONIC : MR_PIN_CLOSING,
			.seen_s = i,
		};

		established += pin_table_add(table, hash_of(i), &pin) && i % 2 != 0;
	}
	for (uint32_t i = 0; i < BUDGET; i++) {
		const struct mr_pin pin = {1, MR_PIN_ESTABLISHED, 9};
		const uint64_t hash = hash_of(1000000 + i);

		if (!pin_table_evict(table, hash, &pin)) {
			CU_ASSERT_FALSE(has_embryonic(pin_bucket_first(table, hash)));
			CU_ASSERT_FALSE(has_embryonic(pin_bucket_second(table, hash)));
			continue;
		}
		evicted++;
		found_count += mr_pin_table_find(table, hash, &found);
	}
	CU_ASSERT(evicted > BUDGET / 4);
	CU_ASSERT_EQUAL(found_count, evicted);
	CU_ASSERT_EQUAL(mr_pin_table_count(table), BUDGET);
	for (uint32_t i = 1; i < 3 * BUDGET; i += 2)
		established -= mr_pin_table_find(table, hash_of(i), &found);
	CU_ASSERT_EQUAL(established, 0);
	mr_pin_table_destroy(table);
}

/* A second later it is a second later. */
static void test_clock(void)
{
	struct mr_pin_table *table = mr_pin_table_create(1);

	CU_ASSERT_PTR_NOT_NULL_FATAL(table);
	CU_ASSERT(mr_pin_table_clock_s(table) <= 1);
	table->epoch_s -= 100;
	CU_ASSERT(mr_pin_table_clock_s(table) >= 100);
	CU_ASSERT(mr_pin_table_clock_s(table) <= 101);
	mr_pin_table_destroy(table);
}

/* The reference: an array by session number. */
struct model {
	uint32_t count;
	uint32_t crowded; /* refused below the budget: both buckets full */
	bool pinned[SESSIONS];
	struct mr_pin pins[SESSIONS];
	struct mr_pin_table *table;
	uint32_t oldest_s; /* what the sweep keeps */
};

static struct mr_pin random_pin(uint32_t now_s)
{
	return (struct mr_pin){
		.backend = (mr_backend_id)(random_u64() % 1000),
		.state = (enum mr_pin_state)(1 + random_u64() % 3),
		.seen_s = now_s,
	};
}

static void model_packet(struct model *model, uint32_t session, uint32_t now_s)
{
	const struct mr_pin pin = random_pin(now_s);
	const uint64_t hash = hash_of(session);
	uint64_t data;
	struct pin_entry *entry = pin_table_lookup(model->table, hash, &data);

	CU_ASSERT_EQUAL_FATAL(entry != NULL, model->pinned[session]);
	if (entry != NULL) {
		const struct mr_pin found = pin_unpack(data);

		CU_ASSERT_FATAL(pins_equal(&found, &model->pins[session]));
		CU_ASSERT_FATAL(pin_entry_update(entry, hash, data, &pin));
	} else {
		const bool added = pin_table_add(model->table, hash, &pin);

		CU_ASSERT_FALSE_FATAL(added && model->count == BUDGET);
		if (!added) {
			model->crowded += model->count < BUDGET;
			return;
		}
		model->pinned[session] = true;
		model->count++;
	}
	model->pins[session] = pin;
}

static bool keep_recent(void *context, uint64_t hash, const struct mr_pin *pin)
{
	const struct model *model = context;

	(void)hash;
	return pin->seen_s >= model->oldest_s;
}

static void model_sweep(struct model *model)
{
	uint32_t cursor = 0;

	while (!mr_pin_table_sweep(model->table, &cursor, 64, keep_recent, model))
		;
	for (uint32_t i = 0; i < SESSIONS; i++) {
		struct mr_pin found;

		if (model->pinned[i] && model->pins[i].seen_s < model->oldest_s) {
			model->pinned[i] = false;
			model->count--;
		}
		CU_ASSERT_EQUAL_FATAL(mr_pin_table_find(model->table, hash_of(i), &found),
				      model->pinned[i]);
	}
}

static void test_random_against_model(void)
{
	struct model *model = calloc(1, sizeof(*model));

	CU_ASSERT_PTR_NOT_NULL_FATAL(model);
	model->table = mr_pin_table_create(BUDGET);
	CU_ASSERT_PTR_NOT_NULL_FATAL(model->table);
	for (uint32_t now_s = 0; now_s < STEPS; now_s++) {
		model_packet(model, (uint32_t)(random_u64() % SESSIONS), now_s);
		CU_ASSERT_EQUAL_FATAL(mr_pin_table_count(model->table), model->count);
		if (now_s % 2000 != 1999)
			continue;
		model->oldest_s = now_s - (uint32_t)(random_u64() % 2000);
		model_sweep(model);
	}
	model->oldest_s = UINT32_MAX;
	model_sweep(model);
	CU_ASSERT_EQUAL(mr_pin_table_count(model->table), 0);
	CU_ASSERT(model->crowded < STEPS / 1000);
	mr_pin_table_destroy(model->table);
	free(model);
}

/*
 * Two workers meet the same few sessions while the control thread removes whatever it sees.
 * Each session has one backend: a pin that shows another one's is a mix-up of entries. Half of
 * the sessions are embryonic, and give way to the others.
 */
#define HAMMER_BUDGET	64
#define HAMMER_SESSIONS 256
#define HAMMER_SECONDS	1

struct hammer {
	struct mr_pin_table *table;
	uint64_t deadline;
	_Atomic uint32_t working;
	_Atomic uint64_t added, updated, evicted, mixed_up, over_budget;
	_Atomic uint32_t seed;
};

static mr_backend_id backend_of(uint32_t session)
{
	return (mr_backend_id)(session + 1);
}

static void hammer_packet(struct hammer *hammer, uint32_t session, uint32_t now_s)
{
	const bool embryonic = session % 2 == 0;
	const struct mr_pin pin = {
		.backend = backend_of(session),
		.state = embryonic ? MR_PIN_EMBRYONIC : MR_PIN_ESTABLISHED,
		.seen_s = now_s,
	};
	const uint64_t hash = hash_of(session);
	uint64_t data;
	struct pin_entry *entry = pin_table_lookup(hammer->table, hash, &data);

	if (entry != NULL) {
		hammer->mixed_up += pin_unpack(data).backend != pin.backend;
		hammer->updated += pin_entry_update(entry, hash, data, &pin);
	} else if (pin_table_add(hammer->table, hash, &pin)) {
		hammer->added++;
	} else if (!embryonic) {
		hammer->evicted += pin_table_evict(hammer->table, hash, &pin);
	}
}

static void *hammer_work(void *arg)
{
	struct hammer *hammer = arg;
	uint64_t state = random_state + ++hammer->seed;

	for (uint32_t now_s = 1; rte_rdtsc() < hammer->deadline; now_s++) {
		state += 0x9e3779b97f4a7c15ULL;
		hammer_packet(hammer, (uint32_t)(mix(state) % HAMMER_SESSIONS), now_s);
	}
	hammer->working--;
	return NULL;
}

static bool check_and_drop(void *context, uint64_t hash, const struct mr_pin *pin)
{
	struct hammer *hammer = context;
	const uint32_t session = (uint32_t)(pin->backend - 1);

	hammer->mixed_up += session >= HAMMER_SESSIONS || hash_of(session) != hash;
	return false;
}

static void test_threads(void)
{
	struct hammer hammer = {
		.table = mr_pin_table_create(HAMMER_BUDGET),
		.deadline = rte_rdtsc() + HAMMER_SECONDS * rte_get_tsc_hz(),
		.working = 2,
	};
	pthread_t threads[2];
	uint32_t cursor = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(hammer.table);
	for (size_t i = 0; i < RTE_DIM(threads); i++)
		CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, hammer_work, &hammer), 0);
	while (hammer.working > 0) {
		mr_pin_table_sweep(hammer.table, &cursor, 16, check_and_drop, &hammer);
		/* Each worker may have counted one pin that it is about to give up. */
		hammer.over_budget += mr_pin_table_count(hammer.table) > HAMMER_BUDGET + 2;
	}
	for (size_t i = 0; i < RTE_DIM(threads); i++)
		pthread_join(threads[i], NULL);
	cursor = 0;
	mr_pin_table_sweep(hammer.table, &cursor, UINT32_MAX, check_and_drop, &hammer);
	printf("%lu added, %lu refreshed, %lu evicted ", hammer.added, hammer.updated,
	       hammer.evicted);
	CU_ASSERT_EQUAL(hammer.mixed_up, 0);
	CU_ASSERT_EQUAL(hammer.over_budget, 0);
	CU_ASSERT(hammer.added > HAMMER_BUDGET);
	CU_ASSERT(hammer.evicted > HAMMER_BUDGET);
	CU_ASSERT_EQUAL(mr_pin_table_count(hammer.table), 0);
	mr_pin_table_destroy(hammer.table);
}

/* SEED in the environment repeats a run. */
int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_pack),
		UNIT_TEST(test_every_wrong_bit_shows),
		UNIT_TEST(test_add_find_update_remove),
		UNIT_TEST(test_budget),
		UNIT_TEST(test_million),
		UNIT_TEST(test_second_bucket_alone),
		UNIT_TEST(test_matches_twins),
		UNIT_TEST(test_sweep_visits_each_once),
		UNIT_TEST(test_read_finds_each_once),
		UNIT_TEST(test_refreshed_pin_is_kept),
		UNIT_TEST(test_ended_pin_begins_anew),
		UNIT_TEST(test_evicting_pin_is_kept),
		UNIT_TEST(test_evict),
		UNIT_TEST(test_evict_in_a_large_table),
		UNIT_TEST(test_clock),
		UNIT_TEST(test_random_against_model),
		UNIT_TEST(test_threads),
		CU_TEST_INFO_NULL,
	};
	const char *seed = getenv("SEED");
	int status;

	if (test_eal_start() < 0)
		return 2;
	random_state = seed != NULL ? strtoull(seed, NULL, 0) : rte_rdtsc();
	printf("SEED=%#lx\n", random_state);
	status = unit_run("pin_table", tests);
	test_eal_stop();
	return status;
}
