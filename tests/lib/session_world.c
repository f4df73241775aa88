/* SPDX-License-Identifier: BSD-3-Clause */
#include "session_world.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CUnit/Basic.h>

#include "compile.h"
#include "log.h"
#include "session_files.h"

#define SECOND_TABLE_SIZE 101
#define TABLE_SIZE	  251
#define IDLE_S		  900
#define SECOND_IDLE_S	  120
#define BUDGET		  1024
#define TABLE_SUFFIX	  ".table"

static const char *const pool_names[WORLD_POOLS] = {"hubs", "edges"};

/* --- what dataplane.c gives the control thread; its dataplane is the world */

static struct world *world_of(const struct mr_dataplane *dp)
{
	return (struct world *)(uintptr_t)dp;
}

static struct mr_dataplane *dataplane_of(struct world *world)
{
	return (struct mr_dataplane *)world;
}

uint32_t mr_dataplane_worker_count(const struct mr_dataplane *dp)
{
	(void)dp;
	return WORLD_WORKERS;
}

const struct mr_worker_counters *mr_dataplane_counters(const struct mr_dataplane *dp,
						       uint32_t worker)
{
	return &world_of(dp)->counters[worker];
}

uint32_t mr_dataplane_clock_s(const struct mr_dataplane *dp)
{
	return world_of(dp)->now_s;
}

struct mr_pin_table *mr_dataplane_pins(struct mr_dataplane *dp)
{
	return session_state_pins(world_of(dp)->state);
}

static void drop_views_behind(struct world *world, uint32_t count)
{
	while (world->view_count > count)
		mr_snapshot_destroy(world->views[--world->view_count].snapshot);
}

/* Workers that lag may take until the next question. */
bool mr_dataplane_reclaim(struct mr_dataplane *dp)
{
	struct world *world = world_of(dp);
	uint32_t most = 0;

	for (uint32_t i = 0; i < WORLD_WORKERS; i++) {
		if (draw(2) == 0)
			world->workers[i].lag = 0;
		most = RTE_MAX(most, world->workers[i].lag);
	}
	drop_views_behind(world, most + 1);
	return most == 0;
}

/* --- chance */

uint32_t draw(uint32_t below)
{
	return (uint32_t)random() % below;
}

uint64_t draw_hash(void)
{
	return (uint64_t)random() << 42 ^ (uint64_t)random() << 21 ^ (uint64_t)random() ^ 1;
}

/* --- configuration */

static json_t *hub_json(uint32_t pool, uint32_t n, const struct world_hub *hub)
{
	static const char *const states[] = {"enabled", "drain", "disabled"};

	return json_pack("{s:o,s:o,s:i,s:s}", "name", json_sprintf("hub%u", n), "address",
			 json_sprintf("10.%u.%u.%u", pool, hub->address, n), "weight",
			 (int)hub->weight, "state", states[hub->state]);
}

/* Backends in random order. */
static json_t *pool_json(uint32_t p, const struct world_pool *pool)
{
	json_t *backends = json_array();

	for (uint32_t n = 0; n < WORLD_HUBS; n++) {
		if (!pool->hubs[n].configured)
			continue;
		json_array_insert_new(backends, draw((uint32_t)json_array_size(backends) + 1),
				      hub_json(p, n, &pool->hubs[n]));
	}
	return json_pack("{s:s,s:s,s:i,s:o,s:o,s:{s:s}}", "name", pool_names[p], "forwarding",
			 "l2dsr", "table_size", (int)pool->table_size, "session_idle",
			 json_sprintf("%us", pool->idle_s), "backends", backends, "health", "type",
			 "smtp");
}

/* Every address that a hub may have, so that no kernel is asked for the way there. */
static json_t *neighbours_json(void)
{
	json_t *neighbours = json_array();

	for (uint32_t i = 0; i < WORLD_POOLS * WORLD_HUBS * 2; i++) {
		json_t *address =
			json_sprintf("10.%u.%u.%u", i / WORLD_HUBS / 2, i % 2, i / 2 % WORLD_HUBS);

		json_array_append_new(neighbours, json_pack("{s:o,s:s}", "address", address, "mac",
							    "02:00:00:00:00:01"));
	}
	return neighbours;
}

static json_t *world_json(const struct world *world)
{
	json_t *pools = json_array(), *services = json_array();

	for (uint32_t p = 0; p < WORLD_POOLS; p++) {
		json_array_append_new(pools, pool_json(p, &world->pools[p]));
		json_array_append_new(services,
				      json_pack("{s:s,s:s,s:[s],s:[i],s:s}", "name", pool_names[p],
						"namespace", "mail.example.com", "addresses",
						"10.9.0.10", "ports", 25 + (int)p, "pool",
						pool_names[p]));
	}
	return json_pack("{s:{s:s,s:s},s:{s:i,s:s},s:[{s:s,s:s,s:o}],s:o,s:o}", "node", "name",
			 "lb1", "key",
			 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
			 "sessions", "pins", (int)world->budget, "state", world->directory, "ports",
			 "name", "wan", "device", "net_null0", "neighbours", neighbours_json(),
			 "pools", pools, "services", services);
}

static struct config *write_config(const struct world *world)
{
	struct field_errors errors = {0};
	json_t *json = world_json(world);
	struct config *config = config_decode(json, &errors);

	field_errors_print(&errors, stderr);
	field_errors_fini(&errors);
	json_decref(json);
	CU_ASSERT_PTR_NOT_NULL_FATAL(config);
	return config;
}

/* --- from the fleet to what workers see */

static struct world_hub *hub_at(struct world *world, const struct mr_addr *address)
{
	return &world->pools[address->bytes[13]].hubs[address->bytes[15]];
}

static uint8_t standing_of(const struct member *member)
{
	uint8_t standing = WORLD_KNOWN;

	if (member_is_alive(member))
		standing |= WORLD_ALIVE;
	if (member_is_eligible(member))
		standing |= WORLD_ELIGIBLE;
	return standing;
}

static void fill_standing(const struct world *world, struct world_view *view)
{
	memset(view->standing, 0, sizeof(view->standing));
	memset(view->eligible, 0, sizeof(view->eligible));
	for (uint32_t p = 0; p < WORLD_POOLS; p++) {
		const struct pool *pool = &world->fleet->pools[p];

		for (uint32_t i = 0; i < pool->member_count; i++) {
			const mr_backend_id id = pool->members[i].backend->id;

			CU_ASSERT_FATAL(id < WORLD_IDS);
			view->standing[id] = standing_of(&pool->members[i]);
			view->eligible[p] += member_is_eligible(&pool->members[i]);
		}
	}
}

static void tell(struct world *world, const struct world_view *view)
{
	if (world->changed != NULL)
		world->changed(world->context, view);
}

static void save(struct world *world)
{
	struct mr_error error;

	CU_ASSERT_FATAL(session_state_save(world->state, world->fleet, &error) == 0);
	world->saved_some = false;
	for (uint32_t id = 0; id < WORLD_IDS; id++) {
		const struct backend *backend = world->roster->backends[id];

		world->down_when_saved[id] = backend != NULL && backend->verdict == HEALTH_DOWN;
	}
}

static struct mr_snapshot *compile(const struct world *world)
{
	static const struct way_ports ports;
	struct way_neighbours neighbours;
	const struct way_facts facts = {.ports = &ports, .neighbours = &neighbours};
	struct mr_steering steering = {0};
	struct mr_endpoint *endpoints = compile_endpoints(world->fleet, &steering.endpoint_count);
	struct mr_snapshot *snapshot;

	CU_ASSERT_PTR_NOT_NULL_FATAL(endpoints);
	steering.endpoints = endpoints;
	CU_ASSERT_FATAL(way_neighbours_init(world->fleet->config, &neighbours) == 0);
	snapshot = compile_snapshot(world->fleet, &facts, &steering, 1);
	way_neighbours_fini(&neighbours);
	free(endpoints);
	CU_ASSERT_PTR_NOT_NULL_FATAL(snapshot);
	return snapshot;
}

/* Each worker may go on with what it has, up to the oldest view that there is room for. */
static void publish(struct world *world)
{
	struct mr_snapshot *snapshot = compile(world);

	drop_views_behind(world, WORLD_VIEWS - 1);
	memmove(&world->views[1], &world->views[0], world->view_count * sizeof(world->views[0]));
	world->view_count++;
	world->views[0].snapshot = snapshot;
	world->views[0].number = ++world->publications;
	fill_standing(world, &world->views[0]);
	for (uint32_t i = 0; i < WORLD_WORKERS; i++) {
		const uint32_t lag = world->workers[i].lag + 1;

		world->workers[i].lag = lag < world->view_count && draw(2) == 0 ? lag : 0;
	}
	CU_ASSERT_FATAL(pin_sweep_restart(world->sweep, world->fleet) == 0);
	tell(world, &world->views[0]);
}

/* Whatever it was, workers may only see it when the next process would find it as well. */
static void release(struct world *world)
{
	save(world);
	publish(world);
}

/* The backends that are asked for come first, each at its address. */
static void assert_members_are_configured(const struct world *world)
{
	for (uint32_t p = 0; p < WORLD_POOLS; p++) {
		const struct config_pool *config = &world->config->pools[p];

		for (uint32_t i = 0; i < config->backend_count; i++)
			CU_ASSERT_TRUE_FATAL(
				mr_addr_equal(&world->fleet->pools[p].members[i].backend->address,
					      &config->backends[i].address));
	}
}

static void replace_fleet(struct world *world)
{
	struct config *config = write_config(world);
	struct mr_error error;
	struct fleet *fleet;

	CU_ASSERT_FATAL(fleet_create(world->roster, config, world->fleet, &fleet, &error) == 0);
	fleet_destroy(world->fleet);
	config_free(world->config);
	world->fleet = fleet;
	world->config = config;
	assert_members_are_configured(world);
}

void world_apply(struct world *world)
{
	replace_fleet(world);
	release(world);
}

static void refresh(struct world *world)
{
	for (uint32_t p = 0; p < WORLD_POOLS; p++) {
		struct pool *pool = &world->fleet->pools[p];

		CU_ASSERT_FATAL(pool_advance(pool, pool->slots, world->now_s) == 0);
	}
	release(world);
}

void world_check_health(struct world *world)
{
	for (uint32_t p = 0; p < WORLD_POOLS; p++) {
		const struct pool *pool = &world->fleet->pools[p];

		for (uint32_t i = 0; i < pool->member_count; i++) {
			struct backend *backend = pool->members[i].backend;
			const struct world_hub *hub = hub_at(world, &backend->address);

			backend->verdict =
				hub->down[backend->address.bytes[14]] ? HEALTH_DOWN : HEALTH_UP;
		}
	}
	refresh(world);
}

/* --- files */

/* What stands beside the directory: @what follows its name. */
static void path_beside(const struct world *world, const char *what, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s.%s", world->directory, what);
}

static void copy_of_files(const struct world *world, char path[PATH_MAX])
{
	path_beside(world, "copy", path);
	CU_ASSERT_FATAL(mkdir(path, 0700) == 0);
	files_copy(world->directory, path);
}

void world_save_only(struct world *world, enum world_saved saved)
{
	char before[PATH_MAX];

	if (saved == WORLD_SAVED_SOME)
		copy_of_files(world, before);
	replace_fleet(world);
	save(world);
	if (saved == WORLD_SAVED_SOME) {
		world->saved_some = true;
		files_undo_some(before, world->directory, TABLE_SUFFIX);
		files_remove(before);
	}
	world->saved.number = world->publications + 1;
	fill_standing(world, &world->saved);
	tell(world, &world->saved);
}

/* --- the life of a process */

/* A restart is no news of a server. */
static void assert_verdicts_are_kept(const struct world *world)
{
	for (uint32_t id = 0; id < WORLD_IDS && !world->saved_some; id++) {
		const struct backend *backend = world->roster->backends[id];

		if (backend != NULL)
			CU_ASSERT_EQUAL_FATAL(backend->verdict == HEALTH_DOWN,
					      world->down_when_saved[id]);
	}
}

/* The clock goes on from what was written down last: never behind it, and from there if asked. */
static void go_on_with_clock(struct world *world, bool rebooted)
{
	const uint32_t clock_s = mr_pin_table_clock_s(session_state_pins(world->state));

	if (rebooted || clock_s > world->now_s)
		world->now_s = clock_s;
}

static void start(struct world *world, bool rebooted)
{
	struct fleet *former;
	struct mr_error error;

	world->saved.number = 0;
	world->config = write_config(world);
	CU_ASSERT_FATAL(session_state_open(world->config, &world->state, &error) == 0);
	go_on_with_clock(world, rebooted);
	world->roster = calloc(1, sizeof(*world->roster));
	world->sweep = pin_sweep_create(dataplane_of(world));
	CU_ASSERT_FATAL(world->roster != NULL && world->sweep != NULL);
	world->roster->dp = dataplane_of(world);
	for (uint32_t i = 0; i < WORLD_WORKERS; i++) {
		world->workers[i].lag = 0;
		world->workers[i].worker = (struct worker){
			.index = i,
			.counters = &world->counters[i],
			.pins = session_state_pins(world->state),
		};
	}
	CU_ASSERT_FATAL(session_state_recover(world->state, world->roster, &former) == 0);
	CU_ASSERT_EQUAL_FATAL(former != NULL, world->lives > 0);
	assert_verdicts_are_kept(world);
	CU_ASSERT_FATAL(fleet_create(world->roster, world->config, former, &world->fleet, &error) ==
			0);
	fleet_destroy(former);
	assert_members_are_configured(world);
	release(world);
	world->lives++;
}

/* The memory of a process that is gone; nothing of it writes to the files. */
static void forget_process(struct world *world)
{
	drop_views_behind(world, 0);
	fleet_destroy(world->fleet);
	roster_fini(world->roster);
	free(world->roster);
	config_free(world->config);
	pin_sweep_destroy(world->sweep);
	session_state_close(world->state);
}

void world_restart(struct world *world, bool rebooted)
{
	char copy[PATH_MAX];

	/* What is closed in order could still write: the next process finds what is there now. */
	copy_of_files(world, copy);
	forget_process(world);
	files_remove(world->directory);
	CU_ASSERT_FATAL(rename(copy, world->directory) == 0);
	start(world, rebooted);
}

static void wish_half(struct world_pool *pool)
{
	for (uint32_t n = 0; n < WORLD_HUBS; n++)
		pool->hubs[n] = (struct world_hub){
			.configured = n < WORLD_HUBS / 2,
			.weight = 100,
			.state = CONFIG_BACKEND_ENABLED,
		};
}

struct world *world_create(const struct world_shape *shape, world_changed_fn *changed,
			   void *context)
{
	struct world *world = calloc(1, sizeof(*world));

	log_set_level(LOG_WARNING);
	CU_ASSERT_PTR_NOT_NULL_FATAL(world);
	world->counters = calloc(WORLD_WORKERS, sizeof(*world->counters));
	CU_ASSERT_PTR_NOT_NULL_FATAL(world->counters);
	world->changed = changed;
	world->context = context;
	world->now_s = 1 + WORLD_SKEW_S;
	world->budget = shape->budget > 0 ? shape->budget : BUDGET;
	world->pools[0].table_size = shape->table_size > 0 ? shape->table_size : TABLE_SIZE;
	world->pools[0].idle_s = IDLE_S;
	world->pools[1].table_size = SECOND_TABLE_SIZE;
	world->pools[1].idle_s = SECOND_IDLE_S;
	for (uint32_t p = 0; p < WORLD_POOLS; p++)
		wish_half(&world->pools[p]);
	snprintf(world->directory, sizeof(world->directory), "/dev/shm/mailrail-sessions-%d",
		 getpid());
	files_remove(world->directory);
	start(world, false);
	world_check_health(world);
	return world;
}

void world_remove_files(const struct world *world)
{
	char path[PATH_MAX];

	files_remove(world->directory);
	path_beside(world, "copy", path);
	files_remove(path);
	path_beside(world, "refused", path);
	files_remove(path);
}

void world_destroy(struct world *world)
{
	forget_process(world);
	files_remove(world->directory);
	free(world->counters);
	free(world);
}

/* --- time */

void world_set_time(struct world *world, uint32_t now_s)
{
	world->now_s = now_s;
	for (uint32_t i = 0; i < WORLD_WORKERS; i++)
		world->workers[i].lag = 0;
}

uint32_t world_patience_s(const struct world *world, uint32_t pool, enum mr_pin_state state)
{
	const uint32_t idle_s =
		RTE_MIN(world->pools[pool].idle_s, world->fleet->pools[pool].session_idle_s) -
		WORLD_SKEW_S;

	switch (state) {
	case MR_PIN_EMBRYONIC:
		return RTE_MIN(idle_s, WORLD_EMBRYONIC_S - WORLD_SKEW_S);
	case MR_PIN_CLOSING:
		return RTE_MIN(idle_s, WORLD_CLOSING_S - WORLD_SKEW_S);
	case MR_PIN_ESTABLISHED:
		break;
	}
	return idle_s;
}

/* --- housekeeping */

/* Whether some member has left for good. */
static bool let_members_leave(struct pool *pool)
{
	bool left = false;

	for (uint32_t i = pool->member_count; i-- > 0;) {
		struct member *member = &pool->members[i];

		if (!member->leaving || member->slots > 0 || member->base_slots > 0 ||
		    member->backend->pins > 0)
			continue;
		fleet_remove_member(pool, member);
		left = true;
	}
	return left;
}

static void finish_pass(struct world *world)
{
	bool changed = false;

	roster_release(world->roster);
	for (uint32_t p = 0; p < WORLD_POOLS; p++) {
		struct pool *pool = &world->fleet->pools[p];
		bool settled = false;

		for (uint32_t i = 0; i < pool->member_count; i++)
			pool->members[i].backend->pins =
				pin_sweep_pins(world->sweep, pool->members[i].backend->id);
		if (pool->moving_slots > 0)
			CU_ASSERT_FATAL(
				pool_settle(pool, pin_sweep_pinned_elsewhere(world->sweep, p),
					    pin_sweep_began_s(world->sweep), &settled) == 0);
		changed |= let_members_leave(pool) || settled;
	}
	if (changed)
		refresh(world);
}

bool world_sweep_step(struct world *world)
{
	if (!pin_sweep_step(world->sweep))
		return false;
	finish_pass(world);
	return true;
}

void world_sweep(struct world *world)
{
	while (!world_sweep_step(world))
		;
}

uint32_t world_pins(const struct world *world)
{
	return mr_pin_table_count(session_state_pins(world->state));
}

uint32_t world_moving_slots(const struct world *world)
{
	uint32_t moving = 0;

	for (uint32_t p = 0; p < WORLD_POOLS; p++)
		for (uint32_t i = 0; i < world->pools[p].table_size; i++)
			moving +=
				mr_slot_moving(world->views[0].snapshot->pools[p].slots->words[i]);
	return moving;
}

uint32_t world_roster_ids(const struct world *world)
{
	uint32_t ids = 0;

	for (uint32_t id = 0; id < MR_BACKENDS_MAX; id++)
		ids += world->roster->backends[id] != NULL;
	return ids;
}

uint64_t world_counter(const struct world *world, size_t offset)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < WORLD_WORKERS; i++)
		sum += *(const uint64_t *)((const char *)&world->counters[i] + offset);
	return sum;
}

void world_assert_nothing_is_remembered(struct world *world)
{
	uint32_t configured = 0;

	/* One pass ends pins and settles slots, the next sees the last members out. */
	for (uint32_t i = 0; i < 4; i++)
		world_sweep(world);
	for (uint32_t p = 0; p < WORLD_POOLS; p++) {
		const struct pool *pool = &world->fleet->pools[p];

		CU_ASSERT_EQUAL_FATAL(pool->moving_slots, 0);
		CU_ASSERT_EQUAL_FATAL(pool->member_count, world->config->pools[p].backend_count);
		configured += pool->member_count;
	}
	CU_ASSERT_EQUAL_FATAL(world_pins(world), 0);
	CU_ASSERT_EQUAL_FATAL(world_moving_slots(world), 0);
	CU_ASSERT_EQUAL_FATAL(world_roster_ids(world), configured);
}
