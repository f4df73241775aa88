/* SPDX-License-Identifier: BSD-3-Clause */
/* When a worker sleeps, and how long it asks to, on machines that wake it more or less late. */
#include "idle.h"

#include <sys/prctl.h>
#include <time.h>

#include <rte_cycles.h>

#include <mailrail/limits.h>

#include "../lib/unit.h"

#define HZ	 UINT64_C(2445000000)
#define SLEEP_NS (MR_WORKER_SLEEP_US * 1000U)

static struct idle begin(enum mr_poll poll)
{
	struct idle idle;

	idle_begin(&idle, poll, HZ);
	return idle;
}

/* As many sleeps, each of which ends @late_ns too late. */
static void sleep_late(struct idle *idle, unsigned int count, uint64_t late_ns)
{
	for (unsigned int i = 0; i < count; i++) {
		const uint32_t asked_ns = idle_sleep_ns(idle);

		CU_ASSERT(asked_ns >= IDLE_SLEEP_MIN_NS && asked_ns <= SLEEP_NS);
		idle_learn(idle, asked_ns, asked_ns + late_ns);
	}
}

static void test_only_adaptive_sleeps(void)
{
	const struct idle busy = begin(MR_POLL_BUSY), adaptive = begin(MR_POLL_ADAPTIVE);

	CU_ASSERT_FALSE(idle_is_sleepy(&busy, busy.since + HZ));
	CU_ASSERT(idle_is_sleepy(&adaptive, adaptive.since + HZ));
}

/* It first waits for as long as a sleep costs, which is less than one lasts. */
static void test_patience(void)
{
	const struct idle idle = begin(MR_POLL_ADAPTIVE);

	CU_ASSERT(idle.patience > 0);
	CU_ASSERT(idle.patience < HZ / US_PER_S * MR_WORKER_SLEEP_US);
	CU_ASSERT_FALSE(idle_is_sleepy(&idle, idle.since));
	CU_ASSERT_FALSE(idle_is_sleepy(&idle, idle.since + idle.patience - 1));
	CU_ASSERT(idle_is_sleepy(&idle, idle.since + idle.patience));
}

static void test_woken_in_time(void)
{
	struct idle idle = begin(MR_POLL_ADAPTIVE);

	sleep_late(&idle, 1000, 0);
	CU_ASSERT_EQUAL(idle_sleep_ns(&idle), SLEEP_NS);
}

/* Asleep for MR_WORKER_SLEEP_US, the delay included. */
static void test_woken_late(void)
{
	const uint32_t late_ns = SLEEP_NS / 3;
	struct idle idle = begin(MR_POLL_ADAPTIVE);

	sleep_late(&idle, 1000, late_ns);
	CU_ASSERT(idle_sleep_ns(&idle) + late_ns >= SLEEP_NS);
	CU_ASSERT(idle_sleep_ns(&idle) + late_ns <= SLEEP_NS + SLEEP_NS / 50);
	sleep_late(&idle, 1000, 0);
	CU_ASSERT(idle_sleep_ns(&idle) >= SLEEP_NS - SLEEP_NS / 50);
}

static void test_always_too_late(void)
{
	struct idle idle = begin(MR_POLL_ADAPTIVE);

	sleep_late(&idle, 1000, 4 * SLEEP_NS);
	CU_ASSERT_EQUAL(idle_sleep_ns(&idle), IDLE_SLEEP_MIN_NS);
}

/* The core was another's for four milliseconds. */
static void test_one_delay_changes_little(void)
{
	struct idle idle = begin(MR_POLL_ADAPTIVE);

	sleep_late(&idle, 1, 4000000);
	CU_ASSERT(idle_sleep_ns(&idle) >= SLEEP_NS - SLEEP_NS / 4);
}

static void test_woken_early(void)
{
	struct idle idle = begin(MR_POLL_ADAPTIVE);

	idle_learn(&idle, SLEEP_NS, 0);
	CU_ASSERT_EQUAL(idle_sleep_ns(&idle), SLEEP_NS);
}

/* A kernel that may be late, to wake several at once, is not told so by a busy thread. */
static void test_timer_slack(void)
{
	const int before = prctl(PR_GET_TIMERSLACK);

	begin(MR_POLL_BUSY);
	CU_ASSERT_EQUAL(prctl(PR_GET_TIMERSLACK), before);
	begin(MR_POLL_ADAPTIVE);
	CU_ASSERT_EQUAL(prctl(PR_GET_TIMERSLACK), 1);
	prctl(PR_SET_TIMERSLACK, 0);
}

static void test_sleeps_as_long_as_it_asks(void)
{
	struct idle idle;
	struct timespec began, ended;
	int64_t slept_ns;

	idle_begin(&idle, MR_POLL_ADAPTIVE, HZ);
	clock_gettime(CLOCK_MONOTONIC, &began);
	idle_sleep(&idle);
	clock_gettime(CLOCK_MONOTONIC, &ended);
	slept_ns = (ended.tv_sec - began.tv_sec) * NS_PER_S + ended.tv_nsec - began.tv_nsec;
	CU_ASSERT(slept_ns >= SLEEP_NS);
	prctl(PR_SET_TIMERSLACK, 0);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_only_adaptive_sleeps),
		UNIT_TEST(test_patience),
		UNIT_TEST(test_woken_in_time),
		UNIT_TEST(test_woken_late),
		UNIT_TEST(test_always_too_late),
		UNIT_TEST(test_one_delay_changes_little),
		UNIT_TEST(test_woken_early),
		UNIT_TEST(test_timer_slack),
		UNIT_TEST(test_sleeps_as_long_as_it_asks),
		CU_TEST_INFO_NULL,
	};

	return unit_run("idle", tests);
}
