/* SPDX-License-Identifier: BSD-3-Clause */
#include "../lib/unit.h"
#include "random.h"
#include "wheel.h"

#define TIMERS 20000

static struct timer {
	struct wheel_node node;
	uint32_t due;
	bool waits;
} timers[TIMERS];

static void begin(struct wheel *wheel, uint32_t now)
{
	for (uint32_t i = 0; i < TIMERS; i++)
		timers[i].waits = false;
	wheel_init(wheel, timers, sizeof(timers[0]));
	wheel->now = now;
}

static void add(struct wheel *wheel, uint32_t timer, uint32_t delay)
{
	timers[timer].due = wheel->now + delay;
	timers[timer].waits = true;
	wheel_add(wheel, timer, timers[timer].due);
}

/* Delays of all sizes, so that every level and every border between levels is met. */
static uint32_t delay_of(uint64_t random)
{
	return (uint32_t)(random >> 32) >> (4 + random % 28);
}

/* Every timer comes in its tick, in order, exactly once, and is added anew a few times. */
static void run_through(uint32_t start)
{
	uint64_t random = unit_seed();
	uint32_t index, taken = 0, wrong = 0, last;
	struct wheel wheel;

	begin(&wheel, start);
	for (uint32_t i = 0; i < TIMERS; i++)
		add(&wheel, i, delay_of(random = random_mix(random)));
	last = wheel.now;
	while (taken < 5 * TIMERS && wheel_take(&wheel, wheel.now + (1U << 30), &index)) {
		wrong += !timers[index].waits || timers[index].due != wheel.now ||
			 (int32_t)(wheel.now - last) < 0;
		last = wheel.now;
		timers[index].waits = false;
		if (taken++ < 4 * TIMERS)
			add(&wheel, index, delay_of(random = random_mix(random)));
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_EQUAL(taken, 5 * TIMERS);
	for (uint32_t i = 0; i < TIMERS; i++)
		wrong += timers[i].waits;
	CU_ASSERT_EQUAL(wrong, 0);
}

static void test_timers_come_in_order_each_in_its_tick(void)
{
	run_through(0);
}

static void test_ticks_may_wrap(void)
{
	run_through(UINT32_MAX - 100000);
}

static void test_nothing_comes_early(void)
{
	struct wheel wheel;
	uint32_t index;

	begin(&wheel, 0);
	add(&wheel, 7, 70000);
	CU_ASSERT_FALSE(wheel_take(&wheel, 69999, &index));
	CU_ASSERT_EQUAL(wheel.now, 69999);
	CU_ASSERT_TRUE(wheel_take(&wheel, 70000, &index));
	CU_ASSERT_EQUAL(index, 7);
	CU_ASSERT_FALSE(wheel_take(&wheel, 1000000, &index));
}

static void test_what_is_due_now_comes_in_the_order_of_adding(void)
{
	struct wheel wheel;
	uint32_t index = 0;

	begin(&wheel, 5);
	for (uint32_t i = 0; i < 10; i++)
		add(&wheel, i, 0);
	for (uint32_t i = 0; i < 10; i++) {
		CU_ASSERT_TRUE(wheel_take(&wheel, 5, &index));
		CU_ASSERT_EQUAL(index, i);
	}
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_timers_come_in_order_each_in_its_tick),
		UNIT_TEST(test_ticks_may_wrap),
		UNIT_TEST(test_nothing_comes_early),
		UNIT_TEST(test_what_is_due_now_comes_in_the_order_of_adding),
		CU_TEST_INFO_NULL,
	};

	return unit_run("pktgen wheel", tests);
}
