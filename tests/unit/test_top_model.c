/* SPDX-License-Identifier: BSD-3-Clause */
/* What mailrailctl top makes of two samples. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/unit.h"
#include "top_model.h"

/* Ended by NULL; "pool" stands for all that a sample has of it. */
static struct top_sample sample(uint64_t at_ns, int sessions, int packets)
{
	struct top_sample out = {.at_ns = at_ns};

	out.parts[TOP_SERVICES] =
		json_pack("{s:[{s:s, s:[s], s:i, s:i, s:i, s:i, s:i}]}", "services", "name", "smtp",
			  "addresses", "10.0.0.10", "serving", 1, "backends", 2, "sessions",
			  sessions, "packets", packets, "bytes", packets * 100);
	out.parts[TOP_POOLS] =
		json_pack("{s:[{s:s, s:s, s:i, s:i, s:i}]}", "pools", "name", "hub", "forwarding",
			  "l2dsr", "serving", 0, "backends", 2, "pins", 17);
	out.parts[TOP_BACKENDS] = json_pack(
		"{s:[{s:s, s:s, s:s, s:i, s:i, s:i, s:i}, {s:s, s:s, s:s, s:i, s:i, s:i, s:i}]}",
		"backends", "pool", "hub", "name", "b", "health", "up", "sessions", sessions,
		"packets", packets, "bytes", 0, "pins", 3, "pool", "hub", "name", "a", "health",
		"down", "sessions", 0, "packets", packets / 2, "bytes", 0, "pins", 9);
	out.parts[TOP_WORKERS] =
		json_pack("{s:[{s:i, s:{s:i, s:i}}]}", "workers", "core", 1, "last_second",
			  "busy_permille", 250, "packets_per_s", 1234);
	out.parts[TOP_STATS] = json_pack("{s:{s:i, s:i}}", "pins", "count", 17, "budget", 1000);
	return out;
}

static void assert_near(double value, double wanted)
{
	CU_ASSERT_TRUE(fabs(value - wanted) < 0.001);
}

static void test_rates(void)
{
	struct top_model model = {0};
	struct top_sample first = sample(1000000000, 10, 1000);
	struct top_sample second = sample(3000000000, 30, 1400);

	top_model_take(&model, &first);
	assert_near(model.sessions_s, 0);
	assert_near(model.services.list[0].packets_s, 0);
	top_model_take(&model, &second);
	assert_near(model.sessions_s, 10);
	assert_near(model.services.list[0].packets_s, 200);
	assert_near(model.services.list[0].bits_s, 160000);
	CU_ASSERT_STRING_EQUAL(model.services.list[0].state, "1/2");
	CU_ASSERT_STRING_EQUAL(model.services.list[0].health, "up");
	CU_ASSERT_STRING_EQUAL(model.backends.list[0].name, "hub/b");
	assert_near(model.pools.list[0].packets_s, 300);
	CU_ASSERT_STRING_EQUAL(model.pools.list[0].health, "down");
	assert_near(model.workers[0].busy, 0.25);
	assert_near(model.packets_s, 1234);
	CU_ASSERT_EQUAL(model.pins, 17);
	top_model_fini(&model);
}

/* After a restart the counters begin anew. */
static void test_restart(void)
{
	struct top_model model = {0};
	struct top_sample first = sample(1000000000, 10, 1000);
	struct top_sample second = sample(2000000000, 2, 5);

	top_model_take(&model, &first);
	top_model_take(&model, &second);
	assert_near(model.sessions_s, 0);
	top_model_forget(&model);
	CU_ASSERT_EQUAL(model.now.at_ns, 0);
	top_model_fini(&model);
}

static void test_missing(void)
{
	struct top_model model = {0};
	struct top_sample empty = {.at_ns = 5};

	top_model_take(&model, &empty);
	CU_ASSERT_EQUAL(model.services.count, 0);
	CU_ASSERT_EQUAL(model.worker_count, 0);
	top_model_fini(&model);
}

static void test_sort(void)
{
	struct top_model model = {0};
	struct top_sample only = sample(1, 0, 0);

	top_model_take(&model, &only);
	top_rows_sort(&model.backends, TOP_SORT_NONE, false);
	CU_ASSERT_STRING_EQUAL(model.backends.list[0].name, "hub/b");
	top_rows_sort(&model.backends, TOP_SORT_NAME, false);
	CU_ASSERT_STRING_EQUAL(model.backends.list[0].name, "hub/a");
	top_rows_sort(&model.backends, TOP_SORT_PINS, true);
	CU_ASSERT_STRING_EQUAL(model.backends.list[0].name, "hub/b");
	top_model_fini(&model);
}

/* The latest are kept. */
static void test_events(void)
{
	struct top_model model = {0};
	json_t *event = json_pack("{s:i, s:i, s:s, s:{s:s, s:s, s:s}}", "sequence", 1, "time_ms", 0,
				  "kind", "backend.down", "details", "pool", "hub", "backend", "a",
				  "reason", "connect: refused");

	for (int i = 0; i < TOP_EVENTS_KEPT + 3; i++)
		top_model_hear(&model, event);
	CU_ASSERT_EQUAL(model.event_count, TOP_EVENTS_KEPT + 3);
	CU_ASSERT_STRING_EQUAL(model.events[0].text, "backend.down hub/a: connect: refused");
	json_decref(event);
	top_model_fini(&model);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_rates), UNIT_TEST(test_restart), UNIT_TEST(test_missing),
		UNIT_TEST(test_sort),  UNIT_TEST(test_events),	CU_TEST_INFO_NULL,
	};

	return unit_run("top_model", tests);
}
