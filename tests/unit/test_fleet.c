/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fleets that follow one another: only what has changed is made anew, and is what it would be if
 * all had been; and names are found among thousands.
 */
#include "fleet.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/config_text.h"
#include "../lib/no_dataplane.h"
#include "../lib/unit.h"

#define POOLS	   6
#define HUBS	   5
#define TABLE_SIZE 251
#define CHANGES	   400

static struct no_dataplane dataplane = {.now_s = 1000};

/* What is wanted of a hub. */
struct hub {
	bool configured;
	uint32_t weight;
	const char *state;
};

struct wish {
	bool configured[POOLS];
	struct hub hubs[POOLS][HUBS];
};

struct world {
	struct roster *roster;
	struct config *config;
	struct fleet *fleet;
};

static uint32_t draw(uint32_t limit)
{
	return (uint32_t)rand() % limit;
}

/* Appends to a text that has room. */
__attribute__((format(printf, 2, 3))) static void add(char **end, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	*end += vsprintf(*end, format, arguments);
	va_end(arguments);
}

static void add_pool(char **end, const struct wish *wish, uint32_t pool)
{
	const char *comma = "";

	add(end, "{'name': 'pool%u', 'table_size': %u, 'backends': [", pool, TABLE_SIZE);
	for (uint32_t i = 0; i < HUBS; i++) {
		const struct hub *hub = &wish->hubs[pool][i];

		if (!hub->configured)
			continue;
		add(end,
		    "%s{'name': 'hub%u', 'address': '10.0.%u.%u', 'weight': %u, 'state': '%s'}",
		    comma, i, pool, i + 1, hub->weight, hub->state);
		comma = ", ";
	}
	add(end, "]}");
}

static struct config *config_of(const struct wish *wish)
{
	static char pools[POOLS * HUBS * 128];
	const char *comma = "";
	char *end = pools;

	pools[0] = '\0';
	for (uint32_t i = 0; i < POOLS; i++) {
		if (!wish->configured[i])
			continue;
		add(&end, "%s", comma);
		add_pool(&end, wish, i);
		comma = ", ";
	}
	return config_from_text(
		"{'node': {'name': 'n', 'key': "
		"'0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'}, 'ports': "
		"[{'name': 'p', 'device': 'af_packet:eth0'}], 'pools': [%s]}",
		pools);
}

/* Takes @config over. The former fleet lives on. */
static struct fleet *follow(struct world *world, struct config *config)
{
	struct mr_error error = {""};
	struct fleet *former = world->fleet;

	CU_ASSERT_EQUAL_FATAL(fleet_create(world->roster, config, former, &world->fleet, &error),
			      0);
	return former;
}

static void world_init(struct world *world, struct config *config)
{
	*world = (struct world){.roster = calloc(1, sizeof(*world->roster)), .config = config};
	CU_ASSERT_PTR_NOT_NULL_FATAL(world->roster);
	world->roster->dp = no_dataplane_handle(&dataplane);
	follow(world, config);
}

static void world_fini(struct world *world)
{
	fleet_destroy(world->fleet);
	roster_fini(world->roster);
	free(world->roster);
	config_free(world->config);
}

/* Does each slot's current backend follow from what members may get now? */
static bool is_as_built_anew(const struct pool *pool)
{
	struct maglev_backend backends[2 * HUBS];
	uint16_t table[TABLE_SIZE];

	CU_ASSERT_FATAL(pool->member_count <= 2 * HUBS);
	for (uint32_t i = 0; i < pool->member_count; i++) {
		const struct member *member = &pool->members[i];

		backends[i] = (struct maglev_backend){
			.place = member->backend->place,
			.weight = member_is_eligible(member) ? member->weight : 0,
			.value = member->backend->id,
		};
	}
	CU_ASSERT_EQUAL_FATAL(maglev_build(backends, pool->member_count, TABLE_SIZE, table), 0);
	for (uint32_t i = 0; i < TABLE_SIZE; i++) {
		const mr_backend_id current = table[i] == MAGLEV_NONE ? MR_BACKEND_NONE : table[i];

		if (mr_slot_current(pool->slots->words[i]) != current)
			return false;
	}
	return true;
}

/* Nobody keeps sessions that cannot. */
static bool bases_are_alive(const struct pool *pool)
{
	for (uint32_t i = 0; i < TABLE_SIZE; i++) {
		const mr_backend_id base = mr_slot_base(pool->slots->words[i]);
		const struct member *member = pool_find_member(pool, base);

		if (base != MR_BACKEND_NONE && (member == NULL || !member_is_alive(member)))
			return false;
	}
	return true;
}

static bool counts_are_right(const struct pool *pool)
{
	uint32_t moving = 0;

	for (uint32_t i = 0; i < TABLE_SIZE; i++)
		moving += mr_slot_moving(pool->slots->words[i]);
	for (uint32_t m = 0; m < pool->member_count; m++) {
		const struct member *member = &pool->members[m];
		uint32_t slots = 0, bases = 0;

		for (uint32_t i = 0; i < TABLE_SIZE; i++) {
			const mr_slot word = pool->slots->words[i];
			const bool is_current = mr_slot_current(word) == member->backend->id;

			slots += is_current;
			bases += !is_current && mr_slot_base(word) == member->backend->id;
		}
		if (member->slots != slots || member->base_slots != bases)
			return false;
	}
	return pool->moving_slots == moving;
}

static void draw_hub(struct hub *hub)
{
	static const char *const states[] = {"enabled", "enabled", "drain", "disabled"};

	hub->configured = draw(4) != 0;
	hub->weight = draw(4) * 50;
	hub->state = states[draw(4)];
}

static void draw_wish(struct wish *wish)
{
	for (uint32_t p = 0; p < POOLS; p++) {
		wish->configured[p] = true;
		for (uint32_t i = 0; i < HUBS; i++)
			draw_hub(&wish->hubs[p][i]);
	}
}

/* The change is of that pool only; what health has found meanwhile is of it too. */
static void change_pool(struct world *world, struct wish *wish, uint32_t pool)
{
	struct pool *running;
	char name[16];

	snprintf(name, sizeof(name), "pool%u", pool);
	running = fleet_find_pool(world->fleet, name);
	switch (draw(4)) {
	case 0:
		wish->configured[pool] = !wish->configured[pool];
		break;
	case 1:
		if (running != NULL && running->member_count > 0)
			running->members[draw(running->member_count)].backend->verdict =
				draw(2) == 0 ? HEALTH_UP : HEALTH_DOWN;
		break;
	default:
		draw_hub(&wish->hubs[pool][draw(HUBS)]);
		break;
	}
}

/* Of every other pool the very table, of the changed one what a table made anew says. */
static void check_change(const struct world *world, const struct fleet *former, const char *changed)
{
	for (uint32_t i = 0; i < world->fleet->pool_count; i++) {
		const struct pool *pool = &world->fleet->pools[i];
		const struct pool *before = fleet_find_pool(former, pool->name);

		if (strcmp(pool->name, changed) != 0) {
			CU_ASSERT_PTR_NOT_NULL_FATAL(before);
			CU_ASSERT_PTR_EQUAL(pool->slots, before->slots);
			CU_ASSERT_EQUAL(pool->changed_s, before->changed_s);
		}
		CU_ASSERT(is_as_built_anew(pool));
		CU_ASSERT(bases_are_alive(pool));
		CU_ASSERT(counts_are_right(pool));
	}
}

static void test_only_what_changed_is_made_anew(void)
{
	struct world world;
	struct wish wish;

	srand(unit_seed());
	draw_wish(&wish);
	world_init(&world, config_of(&wish));
	for (uint32_t i = 0; i < CHANGES; i++) {
		const uint32_t pool = draw(POOLS);
		struct config *config;
		struct fleet *former;
		char name[16];

		dataplane.now_s++;
		change_pool(&world, &wish, pool);
		snprintf(name, sizeof(name), "pool%u", pool);
		config = config_of(&wish);
		former = follow(&world, config);
		check_change(&world, former, name);
		fleet_destroy(former);
		config_free(world.config);
		world.config = config;
	}
	world_fini(&world);
}

/* As at every refresh. */
static void test_verdicts_advance_their_pool(void)
{
	struct world world;
	struct wish wish;

	srand(unit_seed());
	draw_wish(&wish);
	for (uint32_t i = 0; i < HUBS; i++)
		wish.hubs[0][i] = (struct hub){true, 100, "enabled"};
	world_init(&world, config_of(&wish));
	for (uint32_t i = 0; i < CHANGES; i++) {
		struct pool *pool = &world.fleet->pools[0];
		struct backend *backend = pool->members[draw(pool->member_count)].backend;
		const enum health_verdict verdict = draw(2) == 0 ? HEALTH_UP : HEALTH_DOWN;
		const bool differs = verdict == HEALTH_DOWN ? backend->verdict != HEALTH_DOWN
							    : backend->verdict == HEALTH_DOWN;
		struct mr_slots *slots = mr_slots_get(pool->slots);

		backend->verdict = verdict;
		CU_ASSERT_EQUAL(pool_advance(pool, pool->slots, ++dataplane.now_s), 0);
		CU_ASSERT_EQUAL(pool->slots == slots, !differs);
		CU_ASSERT(is_as_built_anew(pool));
		CU_ASSERT(bases_are_alive(pool));
		CU_ASSERT(counts_are_right(pool));
		mr_slots_put(slots);
	}
	world_fini(&world);
}

/* It gets nothing before and after: that it may no longer keep what it has makes the difference. */
static void test_who_drains_goes_down(void)
{
	struct world world;
	struct wish wish;
	struct config *config;
	struct pool *pool;

	draw_wish(&wish);
	for (uint32_t i = 0; i < HUBS; i++)
		wish.hubs[0][i] = (struct hub){true, 100, "enabled"};
	world_init(&world, config_of(&wish));
	wish.hubs[0][2].state = "drain";
	config = config_of(&wish);
	fleet_destroy(follow(&world, config));
	config_free(world.config);
	world.config = config;
	pool = &world.fleet->pools[0];
	CU_ASSERT(pool->members[2].base_slots > 0);
	pool->members[2].backend->verdict = HEALTH_DOWN;
	CU_ASSERT_EQUAL(pool_advance(pool, pool->slots, ++dataplane.now_s), 0);
	CU_ASSERT_EQUAL(pool->members[2].base_slots, 0);
	CU_ASSERT(bases_are_alive(pool));
	CU_ASSERT(counts_are_right(pool));
	world_fini(&world);
}

/* --- thousands */

#define MANY 3000

/* @first: the number of the first service; pools and services are numbered against each other. */
static struct config *many(uint32_t first)
{
	char *pools = malloc(MANY * 64), *services = malloc(MANY * 160);
	char *pool = pools, *service = services;
	struct config *config;

	CU_ASSERT_FATAL(pools != NULL && services != NULL);
	for (uint32_t i = 0; i < MANY; i++) {
		const uint32_t number = first + i;

		add(&pool, "%s{'name': 'pool%u', 'table_size': 2, 'backends': []}",
		    i > 0 ? ", " : "", MANY - 1 - i);
		add(&service,
		    "%s{'name': 's%u', 'namespace': 'x.org', 'addresses': ['10.1.%u.%u'], "
		    "'ports': [25], 'pool': 'pool%u'}",
		    i > 0 ? ", " : "", number, number >> 8, number & 255, i);
	}
	config = config_from_text(
		"{'node': {'name': 'n', 'key': "
		"'0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'}, 'ports': "
		"[{'name': 'p', 'device': 'af_packet:eth0'}], 'pools': [%s], 'services': [%s]}",
		pools, services);
	free(pools);
	free(services);
	return config;
}

static void test_thousands_of_names(void)
{
	struct world world;
	struct config *config;
	struct fleet *former;

	world_init(&world, many(0));
	for (uint32_t i = 0; i < MANY; i++) {
		CU_ASSERT_EQUAL(world.fleet->service_ids[i], i);
		CU_ASSERT_EQUAL(world.fleet->service_pools[i], MANY - 1 - i);
	}
	/* Half of the services go, and as many come. Who stays keeps its id. */
	config = many(MANY / 2);
	former = follow(&world, config);
	for (uint32_t i = 0; i < MANY; i++) {
		CU_ASSERT_EQUAL(world.fleet->service_ids[i], MANY / 2 + i);
		CU_ASSERT_PTR_EQUAL(world.fleet->pools[i].slots, former->pools[i].slots);
	}
	fleet_destroy(former);
	roster_release_services(world.roster, world.fleet);
	config_free(world.config);
	/* The ids of those who have gone are given again. */
	world.config = many(0);
	fleet_destroy(follow(&world, world.config));
	config_free(config);
	for (uint32_t i = 0; i < MANY; i++)
		CU_ASSERT_EQUAL(world.fleet->service_ids[i], i);
	world_fini(&world);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_only_what_changed_is_made_anew),
		UNIT_TEST(test_verdicts_advance_their_pool),
		UNIT_TEST(test_who_drains_goes_down),
		UNIT_TEST(test_thousands_of_names),
		CU_TEST_INFO_NULL,
	};

	return unit_run("fleet", tests);
}
