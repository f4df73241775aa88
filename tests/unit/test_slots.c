/* SPDX-License-Identifier: BSD-3-Clause */
#include "slots.h"

#include "../lib/unit.h"

enum { A = 1, B = 2, C = 3 };

/* Context: a bit set of the backends that live. */
static bool is_alive(const void *context, mr_backend_id backend)
{
	const unsigned int *living = context;

	return *living >> backend & 1;
}

#define ALL (1u << A | 1u << B | 1u << C)

static mr_slot advance(mr_slot slot, mr_backend_id current, unsigned int living, bool *stamp)
{
	return slot_advance(slot, current, is_alive, &living, stamp);
}

#define ASSERT_SLOT(slot, current, base, moving) \
	CU_ASSERT_EQUAL(slot, mr_slot_make(current, base, moving))

static void test_same_backend_stays_steady(void)
{
	bool stamp;

	ASSERT_SLOT(advance(mr_slot_make(A, A, false), A, ALL, &stamp), A, A, false);
	CU_ASSERT_FALSE(stamp);
}

static void test_change_moves_and_stamps(void)
{
	bool stamp;

	ASSERT_SLOT(advance(mr_slot_make(A, A, false), B, ALL, &stamp), B, A, true);
	CU_ASSERT_TRUE(stamp);
}

static void test_second_change_keeps_oldest_base(void)
{
	bool stamp;

	ASSERT_SLOT(advance(mr_slot_make(B, A, true), C, ALL, &stamp), C, A, true);
	CU_ASSERT_FALSE(stamp);
}

static void test_way_back_keeps_moving_for_pins(void)
{
	bool stamp;

	ASSERT_SLOT(advance(mr_slot_make(B, A, true), A, ALL, &stamp), A, A, true);
	CU_ASSERT_FALSE(stamp);
	/* Sessions began on A without pins meanwhile: their time counts from now. */
	ASSERT_SLOT(advance(mr_slot_make(A, A, true), C, ALL, &stamp), C, A, true);
	CU_ASSERT_TRUE(stamp);
}

static void test_dead_base_hands_over_at_once(void)
{
	bool stamp;

	/* Moving until a pass has seen that no pin is left from before it was steady. */
	ASSERT_SLOT(advance(mr_slot_make(A, A, false), B, ALL & ~(1u << A), &stamp), B, B, true);
	CU_ASSERT_FALSE(stamp);
	ASSERT_SLOT(advance(mr_slot_make(B, A, true), C, ALL & ~(1u << A), &stamp), C, C, true);
	CU_ASSERT_FALSE(stamp);
}

static void test_nobody_left_keeps_base(void)
{
	bool stamp;

	ASSERT_SLOT(advance(mr_slot_make(A, A, false), MR_BACKEND_NONE, ALL, &stamp),
		    MR_BACKEND_NONE, A, true);
	ASSERT_SLOT(advance(mr_slot_make(MR_BACKEND_NONE, A, true), B, ALL, &stamp), B, A, true);
	ASSERT_SLOT(advance(mr_slot_make(A, A, false), MR_BACKEND_NONE, 0, &stamp), MR_BACKEND_NONE,
		    MR_BACKEND_NONE, true);
}

static void test_first_backend_after_none_is_steady(void)
{
	bool stamp;

	ASSERT_SLOT(advance(mr_slot_make(MR_BACKEND_NONE, MR_BACKEND_NONE, false), A, ALL, &stamp),
		    A, A, false);
}

static void test_settle(void)
{
	const mr_slot moving = mr_slot_make(B, A, true);
	const mr_slot back = mr_slot_make(A, A, true);

	ASSERT_SLOT(slot_settle(moving, false, 100, 111, 10), B, B, false);
	CU_ASSERT_EQUAL(slot_settle(moving, false, 100, 110, 10), moving);
	CU_ASSERT_EQUAL(slot_settle(moving, true, 100, 111, 10), moving);
	CU_ASSERT_EQUAL(slot_settle(moving, false, 101, 100, 10), moving);
	ASSERT_SLOT(slot_settle(back, false, 100, 100, 10), A, A, false);
	CU_ASSERT_EQUAL(slot_settle(back, true, 100, 1000, 10), back);
	CU_ASSERT_EQUAL(slot_settle(mr_slot_make(C, C, false), false, 0, 1000, 10),
			mr_slot_make(C, C, false));
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_same_backend_stays_steady),
		UNIT_TEST(test_change_moves_and_stamps),
		UNIT_TEST(test_second_change_keeps_oldest_base),
		UNIT_TEST(test_way_back_keeps_moving_for_pins),
		UNIT_TEST(test_dead_base_hands_over_at_once),
		UNIT_TEST(test_nobody_left_keeps_base),
		UNIT_TEST(test_first_backend_after_none_is_steady),
		UNIT_TEST(test_settle),
		CU_TEST_INFO_NULL,
	};

	return unit_run("slots", tests);
}
