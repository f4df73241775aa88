/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tables of slots and the notes about them: what they share, what they say of a moment in fewer
 * bits than it has, and what they weigh.
 */
#include <mailrail/slots.h>

#include <string.h>

#include <rte_common.h>
#include <rte_memory.h>

#include "../lib/unit.h"

#define SIZE 17

static uint64_t random_state;

/* SplitMix64 (Steele, Lea, Flood, OOPSLA 2014). */
static uint32_t random_below(uint32_t limit)
{
	uint64_t value = random_state += 0x9e3779b97f4a7c15ULL;

	value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9ULL;
	value = (value ^ value >> 27) * 0x94d049bb133111ebULL;
	return (uint32_t)((value ^ value >> 31) % limit);
}

static struct mr_slots *create(uint32_t size, struct mr_slots *previous)
{
	struct mr_slots *slots = mr_slots_create(size, previous);

	CU_ASSERT_PTR_NOT_NULL_FATAL(slots);
	return slots;
}

static void test_start_empty(void)
{
	struct mr_slots *slots = create(655373, NULL);
	uint64_t sum = 0;

	CU_ASSERT_EQUAL(slots->references, 1);
	CU_ASSERT_EQUAL(slots->size, 655373);
	for (uint32_t i = 0; i < slots->size; i++)
		sum |= slots->words[i] | slots->notes->unknown[i] |
		       mr_slots_moving_since_s(slots, i);
	CU_ASSERT_EQUAL(sum, 0);
	mr_slots_put(slots);
}

/* The row "memory" of what is promised, and what the header says of it. */
static void test_bytes(void)
{
	CU_ASSERT(mr_slots_bytes(65537) <= 512 << 10);
	CU_ASSERT_EQUAL(mr_slots_bytes(65537), 459904);
	for (uint32_t size = 2; size < 1000000; size = 3 * size + 1) {
		CU_ASSERT(mr_slots_bytes(size) >= 7 * (size_t)size);
		CU_ASSERT(mr_slots_bytes(size) <=
			  7 * (size_t)size + (size < 1 << 18 ? 1280 : 2 * RTE_PGSIZE_2M));
	}
}

/* All of each block is there, to the last byte: the sanitizers see what is not. */
static void test_edges(void)
{
	for (uint32_t size = 1; size < 200; size++) {
		struct mr_slots *slots = create(size, NULL);

		for (uint32_t i = 0; i < size; i++) {
			slots->words[i] = UINT32_MAX - i;
			mr_slots_note_unknown(slots, i, 2 * i);
			mr_slots_note_moving(slots, i, 7 * i);
		}
		for (uint32_t i = 0; i < size; i++) {
			CU_ASSERT_EQUAL(slots->words[i], UINT32_MAX - i);
			CU_ASSERT_EQUAL(mr_slots_unknown_s(slots, i, 500), 2 * i + 1);
			CU_ASSERT_EQUAL(mr_slots_moving_since_s(slots, i), 7 * i);
		}
		mr_slots_put(slots);
	}
}

/* Notes are the pool's: the next table sees them, and outlives the one before. */
static void test_notes_are_shared(void)
{
	struct mr_slots *first = create(SIZE, NULL);
	struct mr_slots *second = create(SIZE, first);
	struct mr_slots *stranger = create(SIZE, NULL);

	CU_ASSERT_PTR_EQUAL(second->notes, first->notes);
	CU_ASSERT_PTR_NOT_EQUAL(stranger->notes, first->notes);
	mr_slots_note_moving(first, 3, 1003);
	mr_slots_note_unknown(first, 16, 4711);
	first->words[16] = 1;
	CU_ASSERT_EQUAL(second->words[16], 0);
	mr_slots_put(first);
	CU_ASSERT_EQUAL(mr_slots_unknown_s(second, 16, 4711), 4711);
	CU_ASSERT_EQUAL(mr_slots_moving_since_s(second, 3), 1003);
	CU_ASSERT_EQUAL(mr_slots_moving_since_s(second, 4), 0);
	CU_ASSERT_EQUAL(mr_slots_moving_since_s(stranger, 3), 0);
	mr_slots_put(second);
	mr_slots_put(stranger);
	mr_slots_put(NULL);
}

static void test_copy_is_its_own(void)
{
	struct mr_slots *slots = create(SIZE, NULL);
	struct mr_slots *copy;

	for (uint32_t i = 0; i < SIZE; i++) {
		slots->words[i] = i;
		mr_slots_note_moving(slots, i, 100 + i);
		mr_slots_note_unknown(slots, i, 200 + 2 * i);
	}
	copy = mr_slots_copy(slots);
	CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
	for (uint32_t i = 0; i < SIZE; i++) {
		mr_slots_note_moving(slots, i, 1000);
		mr_slots_note_unknown(slots, i, 1000);
		slots->words[i] = 1000;
	}
	mr_slots_put(slots);
	mr_slots_note_moving(copy, 0, 4711);
	CU_ASSERT_EQUAL(mr_slots_moving_since_s(copy, 0), 4711);
	for (uint32_t i = 1; i < SIZE; i++) {
		CU_ASSERT_EQUAL(copy->words[i], i);
		CU_ASSERT_EQUAL(mr_slots_moving_since_s(copy, i), 100 + i);
		CU_ASSERT_EQUAL(mr_slots_unknown_s(copy, i, 300), 201 + 2 * i);
	}
	mr_slots_put(copy);
}

/* --- stamps */

/*
 * Whatever the time is and however old the stamp: it is never taken for older than it is, and
 * within what it promises to tell apart, for younger by a second at most.
 */
static void test_stamps(void)
{
	for (uint32_t i = 0; i < 2000000; i++) {
		const uint32_t now_s = random_below(i % 2 == 0 ? 300000 : INT32_MAX);
		const uint32_t age_s = random_below(i % 3 == 0 ? 10 : 4 * MR_STAMP_PAST_S);
		const uint32_t time_s = now_s > age_s ? now_s - age_s : 0;
		const uint32_t read_s = mr_stamp_read(mr_stamp_make(time_s), now_s);

		CU_ASSERT_FATAL(read_s >= time_s);
		if (now_s - time_s <= MR_STAMP_PAST_S)
			CU_ASSERT_FATAL(read_s <= time_s + 1);
	}
}

/* The clock of who noted it, or its moment, may be ahead of the reader's. */
static void test_stamps_ahead(void)
{
	const uint32_t ahead_max_s = (0xffff - MR_STAMP_PAST) * MR_STAMP_UNIT_S - 2;

	for (uint32_t i = 0; i < 2000000; i++) {
		const uint32_t now_s = random_below(i % 2 == 0 ? 1000 : INT32_MAX);
		const uint32_t time_s = now_s + random_below(i % 3 == 0 ? 10 : ahead_max_s);
		const uint32_t read_s = mr_stamp_read(mr_stamp_make(time_s), now_s);

		CU_ASSERT_FATAL(read_s >= time_s);
		CU_ASSERT_FATAL(read_s <= time_s + 1);
	}
}

/*
 * A slot that keeps its base for weeks, because of one long session: it is met now and then, and
 * looked at as passes do. Between them the age of what was noted is known, or is more than any
 * session_idle; and it never looks young again.
 */
static void test_forgotten_stays_so(void)
{
	struct mr_slots *slots = create(1, NULL);
	uint32_t noted_s = 1000, now_s = 1000;
	uint32_t forgotten = 0;

	mr_slots_note_unknown(slots, 0, noted_s);
	for (uint32_t i = 0; i < 200000; i++) {
		uint32_t age_s, read_s;

		now_s += 1 + random_below(3600);
		read_s = mr_slots_unknown_s(slots, 0, now_s);
		CU_ASSERT_FATAL(read_s >= noted_s);
		age_s = now_s > read_s ? now_s - read_s : 0;
		if (now_s - noted_s > MR_SESSION_IDLE_MAX_S + 1) {
			CU_ASSERT_FATAL(age_s > MR_SESSION_IDLE_MAX_S);
			forgotten++;
		} else {
			CU_ASSERT_FATAL(read_s <= noted_s + 1);
		}
		mr_slots_keep_forgotten(slots, 0, now_s);
		if (random_below(100) != 0)
			continue;
		noted_s = now_s + random_below(3);
		mr_slots_note_unknown(slots, 0, noted_s);
	}
	CU_ASSERT(forgotten > 10000);
	mr_slots_put(slots);
}

static void test_keep_forgotten_leaves_the_rest(void)
{
	struct mr_slots *slots = create(1, NULL);
	const uint32_t now_s = 1000000;

	for (uint32_t age_s = 0; age_s <= MR_STAMP_FORGOTTEN_S; age_s++) {
		mr_slots_note_unknown(slots, 0, now_s - age_s);
		mr_slots_keep_forgotten(slots, 0, now_s);
		CU_ASSERT_EQUAL_FATAL(slots->notes->unknown[0], mr_stamp_make(now_s - age_s));
	}
	mr_slots_note_unknown(slots, 0, now_s + 2);
	mr_slots_keep_forgotten(slots, 0, now_s);
	CU_ASSERT_EQUAL(slots->notes->unknown[0], mr_stamp_make(now_s + 2));
	/* The clock has not gone that far: nothing was that long ago. */
	mr_slots_note_unknown(slots, 0, 0);
	mr_slots_keep_forgotten(slots, 0, 1000);
	CU_ASSERT_EQUAL(slots->notes->unknown[0], 0);
	mr_slots_put(slots);
}

/* --- eras */

/*
 * Changes of random slots at random moments, against an array of those: exact for the last
 * MR_SLOT_ERAS moments, and of what is older never said to be older than it is.
 */
static void test_eras(void)
{
	enum { SLOTS = 500, CHANGES = 3000 };
	struct mr_slots *slots = create(SLOTS, NULL);
	static uint32_t since_s[SLOTS], change_of[SLOTS];
	uint32_t now_s = 1, older = 0;

	for (uint32_t change = 1; change <= CHANGES; change++) {
		now_s += 1 + random_below(1000);
		for (uint32_t i = 0; i < SLOTS; i++) {
			/* Few, so that there are slots of long ago. */
			if (random_below(400) != 0)
				continue;
			mr_slots_note_moving(slots, i, now_s);
			since_s[i] = now_s;
			change_of[i] = change;
		}
		for (uint32_t i = 0; i < SLOTS; i++) {
			const uint32_t said_s = mr_slots_moving_since_s(slots, i);

			CU_ASSERT_FATAL(said_s >= since_s[i] && said_s <= now_s);
			/* One of the eras is that of the slots that never moved, in the beginning.
			 */
			if (change - change_of[i] < MR_SLOT_ERAS - 1)
				CU_ASSERT_EQUAL_FATAL(said_s, since_s[i]);
			older += said_s != since_s[i];
		}
	}
	CU_ASSERT(older > 0);
	mr_slots_put(slots);
}

/* As from a file of a version that told all moments apart, in no order. */
static void test_eras_in_any_order(void)
{
	enum { SLOTS = 2000 };
	struct mr_slots *slots = create(SLOTS, NULL);
	uint32_t since_s[SLOTS];

	for (uint32_t i = 0; i < SLOTS; i++) {
		since_s[i] = 1 + random_below(i % 2 == 0 ? 300 : 100000);
		mr_slots_note_moving(slots, i, since_s[i]);
	}
	for (uint32_t i = 0; i < SLOTS; i++) {
		CU_ASSERT(mr_slots_moving_since_s(slots, i) >= since_s[i]);
		CU_ASSERT(mr_slots_moving_since_s(slots, i) <= 100000);
	}
	mr_slots_put(slots);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_start_empty),
		UNIT_TEST(test_bytes),
		UNIT_TEST(test_edges),
		UNIT_TEST(test_notes_are_shared),
		UNIT_TEST(test_copy_is_its_own),
		UNIT_TEST(test_stamps),
		UNIT_TEST(test_stamps_ahead),
		UNIT_TEST(test_forgotten_stays_so),
		UNIT_TEST(test_keep_forgotten_leaves_the_rest),
		UNIT_TEST(test_eras),
		UNIT_TEST(test_eras_in_any_order),
		CU_TEST_INFO_NULL,
	};

	return unit_run("slot_table", tests);
}
