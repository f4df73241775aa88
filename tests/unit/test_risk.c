/* SPDX-License-Identifier: BSD-3-Clause */
/* Sessions at risk: counted over all workers, and forgotten after the longest session_idle. */
#include "risk.h"

#include "../lib/unit.h"
#include "clock.h"

#define WORKERS 2

static struct mr_worker_counters counters[WORKERS];

/* What dataplane.c gives the control thread. */
uint32_t mr_dataplane_worker_count(const struct mr_dataplane *dp)
{
	(void)dp;
	return WORKERS;
}

const struct mr_worker_counters *mr_dataplane_counters(const struct mr_dataplane *dp,
						       uint32_t worker)
{
	(void)dp;
	return &counters[worker];
}

static struct event_base *base;

static struct risk *begin(struct config_pool *pools, uint32_t pool_count)
{
	const struct config config = {.pools = pools, .pool_count = pool_count};
	struct risk *risk = risk_create(base, NULL);

	CU_ASSERT_PTR_NOT_NULL_FATAL(risk);
	CU_ASSERT_EQUAL_FATAL(risk_follow(risk, &config), 0);
	return risk;
}

static void test_counts_of_all_workers(void)
{
	struct config_pool pool = {.session_idle_ms = 900000};
	struct risk *risk = begin(&pool, 1);

	CU_ASSERT_EQUAL(risk_sessions(risk), 0);
	CU_ASSERT(risk_knows_all(risk));
	counters[0].pins_refused += 3;
	counters[1].pins_refused += 4;
	counters[1].pins_evicted += 5;
	CU_ASSERT_EQUAL(risk_sessions(risk), 12);
	CU_ASSERT_FALSE(risk_knows_all(risk));
	risk_destroy(risk);
}

/* An older session that waits for room is not lost, but it is not known. */
static void test_deferred_is_not_known(void)
{
	struct config_pool pool = {.session_idle_ms = 900000};
	struct risk *risk;

	counters[0] = counters[1] = (struct mr_worker_counters){0};
	risk = begin(&pool, 1);
	counters[1].pins_deferred++;
	CU_ASSERT_EQUAL(risk_sessions(risk), 0);
	CU_ASSERT_FALSE(risk_knows_all(risk));
	risk_destroy(risk);
}

/* The longest session_idle counts, wherever it stands; and a counter's past is forgotten in it. */
static void test_window(void)
{
	struct config_pool pools[] = {
		{.session_idle_ms = 16}, {.session_idle_ms = 320}, {.session_idle_ms = 32}};
	const uint64_t before_ms = clock_monotonic_ms();
	struct risk *risk;

	counters[0].pins_refused = 7;
	risk = begin(pools, 3);
	while (risk_sessions(risk) > 0 && clock_monotonic_ms() < before_ms + 30000)
		event_base_loop(base, EVLOOP_ONCE);
	CU_ASSERT_EQUAL(risk_sessions(risk), 0);
	CU_ASSERT(risk_knows_all(risk));
	CU_ASSERT(clock_monotonic_ms() >= before_ms + 300);
	counters[1].pins_evicted++;
	CU_ASSERT_EQUAL(risk_sessions(risk), 1);
	risk_destroy(risk);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_counts_of_all_workers),
		UNIT_TEST(test_deferred_is_not_known),
		UNIT_TEST(test_window),
		CU_TEST_INFO_NULL,
	};
	int status;

	base = event_base_new();
	status = unit_run("risk", tests);
	event_base_free(base);
	return status;
}
