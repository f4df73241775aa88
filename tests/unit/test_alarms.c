/* SPDX-License-Identifier: BSD-3-Clause */
/* Which changes are events, and which are not. */
#include "../lib/unit.h"
#include "alarms.h"

static struct event_base *base;
static struct events *events;
static struct alarms *alarms;

static void begin(void)
{
	base = event_base_new();
	CU_ASSERT_EQUAL_FATAL(events_create(base, &events), 0);
	alarms = alarms_create(events);
	CU_ASSERT_PTR_NOT_NULL_FATAL(alarms);
}

static void end(void)
{
	alarms_destroy(alarms);
	events_destroy(events);
	event_base_free(base);
}

/* Two pools with one backend each; services a and b on the first, c on the second. */
struct world {
	struct backend backends[2];
	struct member members[2];
	struct pool pools[2];
	struct config_service configured[3];
	struct config config;
	mr_service_id ids[3];
	uint32_t service_pools[3];
	struct fleet fleet;
};

static void world_init(struct world *world)
{
	static char names[][2] = {"a", "b", "c"};
	static char pools[][8] = {"first", "second"};

	*world = (struct world){0};
	for (uint32_t i = 0; i < 2; i++) {
		world->backends[i].verdict = HEALTH_UP;
		world->members[i] = (struct member){.backend = &world->backends[i], .weight = 1};
		world->pools[i] = (struct pool){
			.name = pools[i], .members = &world->members[i], .member_count = 1};
	}
	for (uint32_t i = 0; i < 3; i++) {
		world->configured[i].name = names[i];
		world->ids[i] = (mr_service_id)(i + 7);
		world->service_pools[i] = i / 2;
	}
	world->config.services = world->configured;
	world->config.service_count = 3;
	world->fleet = (struct fleet){
		.config = &world->config,
		.pools = world->pools,
		.pool_count = 2,
		.service_ids = world->ids,
		.service_pools = world->service_pools,
	};
}

static void check_counts(enum event_kind kind, uint64_t kind_count, enum event_kind other,
			 uint64_t other_count)
{
	CU_ASSERT_EQUAL(events_count(events, kind), kind_count);
	CU_ASSERT_EQUAL(events_count(events, other), other_count);
}

static void test_services(void)
{
	struct world world;

	world_init(&world);
	begin();
	alarms_look_at_services(alarms, &world.fleet);
	CU_ASSERT_EQUAL(events_sequence(events), 0);

	world.backends[0].verdict = HEALTH_DOWN;
	alarms_look_at_services(alarms, &world.fleet);
	alarms_look_at_services(alarms, &world.fleet);
	check_counts(EVENT_SERVICE_UNHEALTHY, 2, EVENT_SERVICE_HEALTHY, 0);

	world.members[1].state = CONFIG_BACKEND_DRAIN;
	alarms_look_at_services(alarms, &world.fleet);
	check_counts(EVENT_SERVICE_UNHEALTHY, 3, EVENT_SERVICE_HEALTHY, 0);

	world.backends[0].verdict = HEALTH_UP;
	alarms_look_at_services(alarms, &world.fleet);
	check_counts(EVENT_SERVICE_UNHEALTHY, 3, EVENT_SERVICE_HEALTHY, 2);
	end();
}

static void test_unhealthy_at_first(void)
{
	struct world world;

	world_init(&world);
	begin();
	world.members[1].weight = 0;
	alarms_look_at_services(alarms, &world.fleet);
	check_counts(EVENT_SERVICE_UNHEALTHY, 1, EVENT_SERVICE_HEALTHY, 0);
	end();
}

/* The next holder of an id has no past. */
static void test_id_used_again(void)
{
	struct world world;

	world_init(&world);
	begin();
	world.backends[1].verdict = HEALTH_DOWN;
	alarms_look_at_services(alarms, &world.fleet);
	check_counts(EVENT_SERVICE_UNHEALTHY, 1, EVENT_SERVICE_HEALTHY, 0);
	world.config.service_count = 2;
	alarms_look_at_services(alarms, &world.fleet);
	world.config.service_count = 3;
	world.backends[1].verdict = HEALTH_UP;
	alarms_look_at_services(alarms, &world.fleet);
	check_counts(EVENT_SERVICE_UNHEALTHY, 1, EVENT_SERVICE_HEALTHY, 0);
	end();
}

static void test_pins(void)
{
	static const struct {
		uint32_t count;
		uint64_t scarce, ample;
	} steps[] = {
		{0, 0, 0},   {899, 0, 0}, {900, 1, 0}, {1000, 1, 0},
		{750, 1, 0}, {749, 1, 1}, {899, 1, 1}, {UINT32_MAX, 2, 1},
	};

	begin();
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		alarms_look_at_pins(alarms, steps[i].count, 1000);
		check_counts(EVENT_PINS_SCARCE, steps[i].scarce, EVENT_PINS_AMPLE, steps[i].ample);
	}
	end();
}

static void test_ports(void)
{
	begin();
	alarms_look_at_port(alarms, 0, "lan", true);
	alarms_look_at_port(alarms, 1, "wan", false);
	check_counts(EVENT_PORT_DOWN, 1, EVENT_PORT_UP, 0);
	alarms_look_at_port(alarms, 1, "wan", false);
	alarms_look_at_port(alarms, 1, "wan", true);
	check_counts(EVENT_PORT_DOWN, 1, EVENT_PORT_UP, 1);
	end();
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_services),      UNIT_TEST(test_unhealthy_at_first),
		UNIT_TEST(test_id_used_again), UNIT_TEST(test_pins),
		UNIT_TEST(test_ports),	       CU_TEST_INFO_NULL,
	};

	return unit_run("alarms", tests);
}
