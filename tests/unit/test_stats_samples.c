/* SPDX-License-Identifier: BSD-3-Clause */
/* Answers that are kept, until when, and what has grown since. The clock is the test's. */
#include "stats_samples.h"

#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../lib/unit.h"
#include "rpc_stats_growth.h"

static int64_t later_ms;
static int64_t wall_ms; /* ... and by so much more on the wall */

/* In place of libc's: time passes when a test says so. */
int clock_gettime(clockid_t clock_id, struct timespec *tp)
{
	const int rc = (int)syscall(SYS_clock_gettime, clock_id, tp);
	const int64_t ms = tp->tv_sec * 1000 + tp->tv_nsec / 1000000 + later_ms +
			   (clock_id == CLOCK_REALTIME ? wall_ms : 0);

	tp->tv_sec = ms / 1000;
	tp->tv_nsec = ms % 1000 * 1000000;
	return rc;
}

/* The number of one that is kept, with @backends of them. */
static uint64_t keep(struct stats_samples *samples, uint32_t backends)
{
	struct stats_sample *sample = stats_sample_create(
		&(struct stats_sample_sizes){.worker_count = 1, .backend_count = backends});
	uint64_t number;

	CU_ASSERT_PTR_NOT_NULL_FATAL(sample);
	stats_samples_stamp(samples, sample);
	number = sample->number;
	stats_samples_keep(samples, sample);
	return number;
}

static void test_numbers(void)
{
	struct stats_samples *samples = stats_samples_create();
	const uint64_t first = keep(samples, 0), second = keep(samples, 0);
	uint64_t third;

	CU_ASSERT(first > 1500000000000ULL);
	CU_ASSERT(second > first);
	wall_ms = -3600 * 1000; /* the clock is set back */
	third = keep(samples, 0);
	wall_ms = 0;
	CU_ASSERT_EQUAL(third, second + 1);
	CU_ASSERT_PTR_NOT_NULL(stats_samples_find(samples, first));
	CU_ASSERT_EQUAL(stats_samples_find(samples, second)->number, second);
	CU_ASSERT_PTR_NULL(stats_samples_find(samples, third + 1));
	CU_ASSERT_PTR_NULL(stats_samples_find(samples, 0));
	stats_samples_destroy(samples);
}

static void test_count(void)
{
	struct stats_samples *samples = stats_samples_create();
	const uint64_t first = keep(samples, 0), second = keep(samples, 0);

	for (int i = 2; i < STATS_SAMPLES_MAX; i++)
		keep(samples, 0);
	CU_ASSERT_EQUAL(stats_samples_oldest(samples), first);
	keep(samples, 0);
	CU_ASSERT_EQUAL(stats_samples_oldest(samples), second);
	CU_ASSERT_PTR_NULL(stats_samples_find(samples, first));
	CU_ASSERT_PTR_NOT_NULL(stats_samples_find(samples, second));
	CU_ASSERT_EQUAL(stats_samples_use(samples).samples, STATS_SAMPLES_MAX);
	stats_samples_destroy(samples);
}

static void test_age(void)
{
	struct stats_samples *samples = stats_samples_create();
	const uint64_t first = keep(samples, 0);

	later_ms += STATS_SAMPLE_AGE_MS - 1000;
	CU_ASSERT_PTR_NOT_NULL(stats_samples_find(samples, first));
	keep(samples, 0);
	later_ms += 2000;
	CU_ASSERT_PTR_NULL(stats_samples_find(samples, first));
	CU_ASSERT_EQUAL(stats_samples_use(samples).samples, 1);
	later_ms += STATS_SAMPLE_AGE_MS;
	CU_ASSERT_EQUAL(stats_samples_oldest(samples), 0);
	CU_ASSERT_EQUAL(stats_samples_use(samples).bytes, 0);
	stats_samples_destroy(samples);
}

static void test_bytes(void)
{
	const uint32_t half = STATS_SAMPLES_BYTES_MAX / 2 / sizeof(struct flow_sample);
	struct stats_samples *samples = stats_samples_create();
	const uint64_t first = keep(samples, half / 2), second = keep(samples, half);

	CU_ASSERT_PTR_NOT_NULL(stats_samples_find(samples, first));
	keep(samples, half);
	CU_ASSERT_PTR_NULL(stats_samples_find(samples, first));
	CU_ASSERT_PTR_NULL(stats_samples_find(samples, second));
	CU_ASSERT(stats_samples_use(samples).bytes <= STATS_SAMPLES_BYTES_MAX);
	/* The latest is kept, however large. */
	CU_ASSERT_PTR_NOT_NULL(stats_samples_find(samples, keep(samples, 3 * half)));
	CU_ASSERT_EQUAL(stats_samples_use(samples).samples, 1);
	stats_samples_destroy(samples);
}

#define FLOW(packets, bytes, sessions)   \
	{                                \
		packets, bytes, sessions \
	}

/* In another order, one gone, one new, one that was removed and made again meanwhile. */
static void test_growth(void)
{
	struct worker_stats worker = {.core = 3, .rx_packets = 1500, .cycles = 9000};
	struct service_stats services[] = {{(char *)"new", FLOW(7, 70, 1)},
					   {(char *)"old", FLOW(110, 1100, 11)}};
	struct backend_stats backends[] = {{(char *)"p", (char *)"b", FLOW(25, 250, 5)},
					   {(char *)"p", (char *)"a", FLOW(5, 60, 1)},
					   {(char *)"q", (char *)"a", FLOW(90, 900, 9)}};
	struct port_stats port = {(char *)"wan", {.mtu = 0}, {.rx_packets = 100, .tx_bytes = 10}};
	const struct stats_rows rows = {&worker, 1, services, 2, backends, 3, &port, 1};
	struct stats_samples *samples = stats_samples_create();
	struct stats_sample *before = stats_sample_create(&(struct stats_sample_sizes){1, 1, 1, 3});
	struct stats_sample *now = stats_sample_create(&(struct stats_sample_sizes){1, 1, 2, 3});
	const struct stats_sample *earlier;
	struct stats_growth growth = {0};

	worker.verdicts[0] = 50;
	before->workers[0] = (struct worker_stats){.core = 3, .rx_packets = 500, .cycles = 1000};
	before->workers[0].verdicts[0] = 20;
	before->ports[0].rx_packets = 40;
	before->services[0] = (struct flow_sample){stats_flow_key("", "old"), FLOW(100, 1000, 10)};
	before->backends[0] = (struct flow_sample){stats_flow_key("p", "gone"), FLOW(1, 1, 1)};
	before->backends[1] = (struct flow_sample){stats_flow_key("p", "b"), FLOW(20, 200, 2)};
	before->backends[2] = (struct flow_sample){stats_flow_key("p", "a"), FLOW(50, 500, 5)};
	stats_samples_stamp(samples, before);
	stats_samples_keep(samples, before);
	later_ms += 4000;
	stats_samples_stamp(samples, now);
	earlier = stats_samples_find(samples, before->number);
	CU_ASSERT_PTR_NOT_NULL_FATAL(earlier);
	now->time_ms = earlier->time_ms + 4000;
	CU_ASSERT(rpc_stats_growth(&rows, now, earlier, &growth));

	CU_ASSERT_EQUAL(growth.since, before->number);
	CU_ASSERT_EQUAL(growth.elapsed_ms, 4000);
	CU_ASSERT_EQUAL(growth.total.rx_packets, 1000);
	CU_ASSERT_EQUAL(growth.total_per_s.rx_packets, 250);
	CU_ASSERT_EQUAL(growth.total.verdicts[0], 30);
	CU_ASSERT_EQUAL(growth.total_per_s.verdicts[0], 8); /* rounded */
	CU_ASSERT_EQUAL(growth.workers[0].core, 3);
	CU_ASSERT_EQUAL(growth.workers[0].cycles, 8000);
	CU_ASSERT_EQUAL(growth.services[0].flow.counters.packets, 7);
	CU_ASSERT_EQUAL(growth.services[1].flow.counters.packets, 10);
	CU_ASSERT_EQUAL(growth.services[1].flow.counters.sessions, 1);
	CU_ASSERT_EQUAL(growth.services[1].flow.per_s.bytes, 25);
	CU_ASSERT_EQUAL(growth.backends[0].flow.counters.packets, 5);
	CU_ASSERT_EQUAL(growth.backends[1].flow.counters.packets, 5);
	CU_ASSERT_EQUAL(growth.backends[1].flow.counters.bytes, 60);
	CU_ASSERT_EQUAL(growth.backends[2].flow.counters.sessions, 9);
	CU_ASSERT_EQUAL(growth.ports[0].counters.rx_packets, 60);
	CU_ASSERT_EQUAL(growth.ports[0].per_s.rx_packets, 15);
	shape_fini(&rpc_stats_growth_shape, &growth);
	stats_sample_free(now);
	stats_samples_destroy(samples);
}

/* Names of pool and backend do not run together. */
static void test_keys(void)
{
	CU_ASSERT_NOT_EQUAL(stats_flow_key("ab", "c"), stats_flow_key("a", "bc"));
	CU_ASSERT_NOT_EQUAL(stats_flow_key("", "a"), stats_flow_key("a", ""));
	CU_ASSERT_EQUAL(stats_flow_key("a", "b"), stats_flow_key("a", "b"));
}

static void test_rates(void)
{
	const struct mr_flow_counters growth = FLOW(3, UINT64_MAX / 2, 0);
	struct mr_flow_counters per_s;

	stats_flow_per_s(&growth, 0, &per_s);
	CU_ASSERT_EQUAL(per_s.packets, 0);
	stats_flow_per_s(&growth, 1000, &per_s);
	CU_ASSERT_EQUAL(per_s.packets, 3);
	CU_ASSERT_EQUAL(per_s.bytes, UINT64_MAX / 2);
	stats_flow_per_s(&growth, 2000, &per_s);
	CU_ASSERT_EQUAL(per_s.packets, 2);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_numbers), UNIT_TEST(test_count),	 UNIT_TEST(test_age),
		UNIT_TEST(test_bytes),	 UNIT_TEST(test_growth), UNIT_TEST(test_keys),
		UNIT_TEST(test_rates),	 CU_TEST_INFO_NULL,
	};

	return unit_run("stats_samples", tests);
}
