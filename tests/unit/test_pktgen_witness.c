/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "../lib/unit.h"
#include "witness.h"

#define FRAME_BYTES 100

static struct witness *witness;

static void begin(void)
{
	witness = witness_create(ROSTER_BY_MAC);
	CU_ASSERT_PTR_NOT_NULL_FATAL(witness);
}

static uint16_t backend(uint8_t number)
{
	const struct dissected packet = {.to.addr_bytes = {2, 0, 0, 0, 0, number}};

	return roster_find(&witness->roster, &packet);
}

static void see_at(uint32_t session, uint32_t number, uint8_t at)
{
	const struct stamp stamp = {.session = session, .number = number, .age = 1000};

	witness_see(witness, &stamp, backend(at), FRAME_BYTES);
}

static void see(uint32_t session, uint32_t number)
{
	see_at(session, number, 1);
}

static void see_short(uint32_t session, uint32_t number)
{
	const struct stamp stamp = {
		.session = session,
		.number = number & 0xffff,
		.number_is_short = true,
	};

	witness_see(witness, &stamp, backend(1), FRAME_BYTES);
}

/* missing, reordered, duplicates, unsure */
static void check(uint64_t missing, uint64_t reordered, uint64_t duplicates, uint64_t unsure)
{
	CU_ASSERT_EQUAL(witness->counts.missing, missing);
	CU_ASSERT_EQUAL(witness->counts.reordered, reordered);
	CU_ASSERT_EQUAL(witness->counts.duplicates, duplicates);
	CU_ASSERT_EQUAL(witness->counts.unsure, unsure);
	witness_destroy(witness);
}

static void test_packets_in_order_are_well(void)
{
	begin();
	for (uint32_t i = 0; i < 1000; i++)
		see(5, i);
	CU_ASSERT_EQUAL(witness->counts.packets, 1000);
	CU_ASSERT_EQUAL(witness->counts.bytes, 1000 * FRAME_BYTES);
	CU_ASSERT_EQUAL(witness->counts.sessions, 1);
	CU_ASSERT_EQUAL(witness->latency.total, 1000);
	check(0, 0, 0, 0);
}

static void test_a_gap_is_missing(void)
{
	begin();
	see(5, 0);
	see(5, 4);
	check(3, 0, 0, 0);
}

static void test_the_first_packets_may_be_missing(void)
{
	begin();
	see(5, 2);
	see(5, 0);
	check(1, 1, 0, 0);
}

static void test_what_comes_late_is_reordered_and_not_missing(void)
{
	begin();
	see(5, 0);
	see(5, 3);
	see(5, 1);
	see(5, 2);
	see(5, 4);
	check(0, 2, 0, 0);
}

static void test_what_comes_twice_is_a_duplicate(void)
{
	begin();
	see(5, 0);
	see(5, 0);
	see(5, 1);
	see(5, 0);
	check(0, 0, 2, 0);
}

static void test_what_comes_very_late_is_unsure(void)
{
	begin();
	see(5, 0);
	see(5, 100);
	see(5, 36);
	see(5, 37);
	check(97, 2, 0, 1);
}

static void test_short_numbers_go_round(void)
{
	begin();
	for (uint32_t i = 0; i < 200000; i++)
		see_short(5, i);
	see_short(5, 200002);
	see_short(5, 200001);
	see_short(5, 200001);
	check(1, 1, 1, 0);
}

static void test_a_session_at_two_backends_is_broken_once(void)
{
	begin();
	see_at(5, 0, 1);
	see_at(6, 0, 2);
	see_at(5, 1, 2);
	see_at(5, 2, 1);
	see_at(5, 3, 2);
	see_at(6, 1, 2);
	CU_ASSERT_EQUAL(witness->counts.sessions, 2);
	CU_ASSERT_EQUAL(witness->counts.broken_sessions, 1);
	CU_ASSERT_EQUAL(witness->counts.broken_packets, 2);
	CU_ASSERT_EQUAL(witness->roster.count, 2);
	CU_ASSERT_EQUAL(witness->roster.backends[0].packets, 2);
	CU_ASSERT_EQUAL(witness->roster.backends[0].sessions, 1);
	CU_ASSERT_EQUAL(witness->roster.backends[1].packets, 4);
	check(0, 0, 0, 0);
}

static void see_syn_at(uint32_t session, uint32_t number, uint8_t at)
{
	const struct stamp stamp = {.session = session, .number = number, .syn = true};

	witness_see(witness, &stamp, backend(at), FRAME_BYTES);
}

static void test_a_repeated_syn_may_move_until_something_follows(void)
{
	begin();
	see_syn_at(5, 0, 1);
	see_syn_at(5, 1, 2);
	see_at(5, 2, 2);
	CU_ASSERT_EQUAL(witness->counts.moved_syns, 1);
	CU_ASSERT_EQUAL(witness->counts.broken_sessions, 0);
	see_syn_at(5, 3, 1);
	CU_ASSERT_EQUAL(witness->counts.moved_syns, 1);
	CU_ASSERT_EQUAL(witness->counts.broken_sessions, 1);
	check(0, 0, 0, 0);
}

static void test_the_next_session_of_a_place_may_be_elsewhere(void)
{
	begin();
	see_at(planned_session(5, 1), 0, 1);
	see_at(planned_session(5, 2), 0, 2);
	see_at(planned_session(5, 1), 1, 1);
	see_at(planned_session(5, 2), 1, 2);
	CU_ASSERT_EQUAL(witness->counts.sessions, 2);
	CU_ASSERT_EQUAL(witness->counts.broken_sessions, 0);
	check(0, 1, 0, 1);
}

static void test_generations_go_round(void)
{
	begin();
	for (uint32_t i = 0; i < 1000; i++)
		see(planned_session(5, (uint8_t)i), 0);
	CU_ASSERT_EQUAL(witness->counts.sessions, 1000);
	check(0, 0, 0, 0);
}

static void test_a_reset_forgets_everything(void)
{
	begin();
	see(5, 0);
	witness_reset(witness);
	see(5, 0);
	CU_ASSERT_EQUAL(witness->counts.packets, 1);
	CU_ASSERT_EQUAL(witness->roster.count, 1);
	check(0, 0, 0, 0);
}

static void test_more_backends_than_there_is_room_for_are_others(void)
{
	char text[ROSTER_TEXT_MAX];

	begin();
	for (uint32_t i = 0; i < ROSTER_MAX + 10; i++) {
		struct dissected packet = {.to.addr_bytes = {2, 0, 0, 0}};

		packet.to.addr_bytes[4] = (uint8_t)(i >> 8);
		packet.to.addr_bytes[5] = (uint8_t)i;
		CU_ASSERT_EQUAL(roster_find(&witness->roster, &packet),
				i < ROSTER_MAX ? i : ROSTER_OTHERS);
	}
	roster_format(&witness->roster, 0x123, text);
	CU_ASSERT_STRING_EQUAL(text, "02:00:00:00:01:23");
	witness_destroy(witness);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_packets_in_order_are_well),
		UNIT_TEST(test_a_gap_is_missing),
		UNIT_TEST(test_the_first_packets_may_be_missing),
		UNIT_TEST(test_what_comes_late_is_reordered_and_not_missing),
		UNIT_TEST(test_what_comes_twice_is_a_duplicate),
		UNIT_TEST(test_what_comes_very_late_is_unsure),
		UNIT_TEST(test_short_numbers_go_round),
		UNIT_TEST(test_a_session_at_two_backends_is_broken_once),
		UNIT_TEST(test_a_repeated_syn_may_move_until_something_follows),
		UNIT_TEST(test_the_next_session_of_a_place_may_be_elsewhere),
		UNIT_TEST(test_generations_go_round),
		UNIT_TEST(test_a_reset_forgets_everything),
		UNIT_TEST(test_more_backends_than_there_is_room_for_are_others),
		CU_TEST_INFO_NULL,
	};

	return unit_run("pktgen witness", tests);
}
