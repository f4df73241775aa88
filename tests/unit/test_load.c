/* SPDX-License-Identifier: BSD-3-Clause */
#include "load.h"

#include "../lib/no_dataplane.h"
#include "../lib/unit.h"

static struct no_dataplane dataplane;
static struct event_base *base;

/* A second in which 1000 cycles passed. */
static void second(struct load *load, uint64_t *now_ms, uint64_t busy_cycles, uint64_t rounds,
		   uint64_t packets)
{
	*now_ms += 1000;
	dataplane.counters.cycles += 1000;
	dataplane.counters.busy_cycles += busy_cycles;
	dataplane.counters.busy_rounds += rounds;
	dataplane.counters.rx_packets += packets;
	load_step(load, *now_ms);
}

static void test_figures(void)
{
	struct load *load = load_create(base, no_dataplane_handle(&dataplane));
	struct load_figures figures;
	uint64_t now_ms = 10000000000000;

	CU_ASSERT_PTR_NOT_NULL_FATAL(load);
	CU_ASSERT_FALSE(load_get(load, 0, 1).known);
	load_step(load, now_ms);
	second(load, &now_ms, 250, 10, 25);
	figures = load_get(load, 0, 1);
	CU_ASSERT(figures.known);
	CU_ASSERT_EQUAL(figures.busy_permille, 250);
	CU_ASSERT_EQUAL(figures.packets_per_s, 25);
	CU_ASSERT_EQUAL(figures.packet_cycles, 10);
	CU_ASSERT_EQUAL(figures.packets_per_100_rounds, 250);
	second(load, &now_ms, 0, 0, 0);
	figures = load_get(load, 0, 1);
	CU_ASSERT(figures.known);
	CU_ASSERT_EQUAL(figures.busy_permille, 0);
	CU_ASSERT_EQUAL(figures.packet_cycles, 0);
	CU_ASSERT_EQUAL(figures.packets_per_100_rounds, 0);
	figures = load_get(load, 0, 2);
	CU_ASSERT_EQUAL(figures.busy_permille, 125);
	CU_ASSERT_EQUAL(figures.packets_per_s, 12);
	load_destroy(load);
}

/* Of a minute, however long it goes on. */
static void test_minute(void)
{
	struct load *load = load_create(base, no_dataplane_handle(&dataplane));
	uint64_t now_ms = 10000000000000;

	CU_ASSERT_PTR_NOT_NULL_FATAL(load);
	load_step(load, now_ms);
	for (int i = 0; i < 3 * LOAD_SECONDS; i++)
		second(load, &now_ms, 1000, 1, 1);
	CU_ASSERT_EQUAL(load_get(load, 0, LOAD_SECONDS).busy_permille, 1000);
	for (int i = 0; i < LOAD_SECONDS / 2; i++)
		second(load, &now_ms, 0, 0, 0);
	CU_ASSERT_EQUAL(load_get(load, 0, LOAD_SECONDS / 2).busy_permille, 0);
	CU_ASSERT_EQUAL(load_get(load, 0, LOAD_SECONDS).busy_permille, 500);
	for (int i = 0; i < LOAD_SECONDS / 2; i++)
		second(load, &now_ms, 0, 0, 0);
	CU_ASSERT_EQUAL(load_get(load, 0, LOAD_SECONDS).busy_permille, 0);
	load_destroy(load);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_figures),
		UNIT_TEST(test_minute),
		CU_TEST_INFO_NULL,
	};
	int status;

	base = event_base_new();
	status = unit_run("load", tests);
	event_base_free(base);
	return status;
}
