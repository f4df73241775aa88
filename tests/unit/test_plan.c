/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Plans: their numbers are what the change then does, over random changes of two pools; they
 * leave no trace in what runs; sessions that would be pinned are counted from what backends got
 * of late; changes that keep every session have no cause of broken ones, and each of the others
 * has its own, with its place. Real configurations, fleets and tables; counters are the test's.
 */
#include "plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/config_text.h"
#include "../lib/no_dataplane.h"
#include "../lib/unit.h"

#define ROUNDS	 300
#define BACKENDS 6u

static struct no_dataplane dataplane;

static const char frame[] =
	"{\"node\": {\"name\": \"n\", \"key\": "
	"\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"}, "
	"\"ports\": [{\"name\": \"p\", \"device\": \"net_null0\", \"twin\": false}], "
	"\"workers\": {\"cores\": [0]}, \"pools\": [%s], \"services\": [%s]}";

#define BACKEND(name, address, more) \
	"{\"name\": \"" name "\", \"address\": \"" address "\"" more "}"
#define POOL_OF(name, more, backends)                                               \
	"{\"name\": \"" name "\", \"forwarding\": \"l2dsr\", \"table_size\": 251, " \
	"\"health\": {\"type\": \"none\"}, " more "\"backends\": [" backends "]}"
#define B1    BACKEND("b1", "10.0.0.1", "")
#define B2    BACKEND("b2", "10.0.0.2", "")
#define B3    BACKEND("b3", "10.0.0.3", "")
#define PLAIN POOL_OF("a", "", B1 ", " B2)
#define OTHER POOL_OF("o", "", BACKEND("b1", "10.0.0.1", ""))
#define SERVICE_OF(name, addresses, ports, pool, more)                                        \
	"{\"name\": \"" name "\", \"namespace\": \"x.org\", \"addresses\": [" addresses "], " \
	"\"ports\": [" ports "], \"pool\": \"" pool "\"" more "}"
#define SMTP SERVICE_OF("s", "\"10.0.0.9\", \"10.0.0.8\"", "25, 587", "a", "")

static struct config *decode(const char *pools, const char *services)
{
	return config_from_text(frame, pools, services);
}

/* A fleet in force. */
struct world {
	struct roster roster;
	struct config *config;
	struct fleet *fleet;
};

/* Takes @next. */
static void world_apply(struct world *world, struct config *next)
{
	struct mr_error error = {""};
	struct fleet *fleet;

	CU_ASSERT_EQUAL_FATAL(fleet_create(&world->roster, next, world->fleet, &fleet, &error), 0);
	fleet_destroy(world->fleet);
	config_free(world->config);
	world->fleet = fleet;
	world->config = next;
}

static struct world *world_create(struct config *config)
{
	struct world *world = calloc(1, sizeof(*world));

	CU_ASSERT_PTR_NOT_NULL_FATAL(world);
	memset(&dataplane.counters, 0, sizeof(dataplane.counters));
	world->roster.dp = no_dataplane_handle(&dataplane);
	world_apply(world, config);
	return world;
}

static void world_destroy(struct world *world)
{
	fleet_destroy(world->fleet);
	config_free(world->config);
	roster_fini(&world->roster);
	free(world);
}

/* Every configured backend has got @sessions of late, and holds @pins. */
static void load(const struct world *world, uint64_t sessions, uint32_t pins)
{
	for (uint32_t id = 0; id < MR_BACKENDS_MAX; id++) {
		if (world->roster.backends[id] == NULL)
			continue;
		dataplane.counters.backends[id].sessions = sessions;
		world->roster.backends[id]->pins = pins;
	}
	for (uint32_t i = 0; i < world->config->service_count; i++)
		dataplane.counters.services[world->fleet->service_ids[i]].sessions = 1000000;
}

static struct plan plan_of(const struct world *world, const struct config *next, bool assume_up)
{
	struct mr_error error = {""};
	struct plan plan;

	CU_ASSERT_EQUAL_FATAL(plan_make(world->fleet, next, assume_up, &plan, &error), 0);
	return plan;
}

static const struct plan_pool *find_pool(const struct plan *plan, const char *name)
{
	for (uint32_t i = 0; i < plan->pool_count; i++) {
		if (strcmp(plan->pools[i].name, name) == 0)
			return &plan->pools[i];
	}
	return NULL;
}

static const struct plan_backend *find_backend(const struct plan_pool *pool,
					       const struct backend *backend)
{
	for (uint32_t i = 0; i < pool->backend_count; i++) {
		const struct plan_backend *row = &pool->backends[i];

		if (strcmp(row->name, backend->name) == 0 &&
		    mr_addr_equal(&row->address, &backend->address))
			return row;
	}
	return NULL;
}

static uint32_t draw(uint32_t below)
{
	return (uint32_t)random() % below;
}

/* What the operator wants of BACKENDS backends of each pool. */
static struct wish {
	bool configured;
	uint32_t subnet; /* part of its address */
	uint32_t weight;
	const char *state;
} wishes[2][BACKENDS];

/* A backend comes, goes, changes address, weight or state. */
static void change_wish(void)
{
	static const char *const states[] = {"enabled", "enabled", "drain", "disabled"};
	struct wish *wish = &wishes[draw(2)][draw(BACKENDS)];

	switch (draw(4)) {
	case 0:
		wish->configured = !wish->configured;
		break;
	case 1:
		wish->subnet = draw(2);
		break;
	case 2:
		wish->weight = draw(4) * 50;
		break;
	default:
		wish->state = states[draw(4)];
		break;
	}
}

static void write_backends(const struct wish *wish, char *out, size_t size)
{
	out[0] = '\0';
	for (uint32_t i = 0; i < BACKENDS; i++, wish++) {
		const size_t used = strlen(out);

		if (wish->configured)
			snprintf(out + used, size - used,
				 "%s{\"name\": \"b%u\", \"address\": \"10.0.%u.%u\", \"weight\": "
				 "%u, \"state\": \"%s\"}",
				 used > 0 ? ", " : "", i, wish->subnet, i + 1, wish->weight,
				 wish->state);
	}
}

/* The next of a row of configurations; now and then pool o is not there. */
static struct config *draw_config(void)
{
	char pools[4096], backends[2][2048];

	for (uint32_t changes = draw(3); changes-- > 0;)
		change_wish();
	for (uint32_t i = 0; i < 2; i++)
		write_backends(wishes[i], backends[i], sizeof(backends[i]));
	snprintf(pools, sizeof(pools), POOL_OF("a", "", "%s"), backends[0]);
	if (draw(8) > 0)
		snprintf(pools + strlen(pools), sizeof(pools) - strlen(pools),
			 ", " POOL_OF("o", "", "%s"), backends[1]);
	return decode(pools, SMTP);
}

static void check_members(const struct plan_pool *planned, const struct pool *before,
			  const struct pool *after)
{
	for (uint32_t i = 0; i < after->member_count; i++) {
		const struct member *member = &after->members[i];
		const struct member *old =
			before != NULL ? pool_find_member(before, member->backend->id) : NULL;
		const struct plan_backend *row = find_backend(planned, member->backend);

		if (row == NULL) {
			CU_ASSERT(member->leaving && (old == NULL || old->leaving));
			continue;
		}
		CU_ASSERT(old == NULL || !old->leaving || !member->leaving);
		CU_ASSERT_EQUAL(row->slots_after, member->slots);
		CU_ASSERT_EQUAL(row->slots_before, old != NULL ? old->slots : 0);
		CU_ASSERT_EQUAL(row->share_after_ppm, (uint64_t)member->slots * 1000000 / 251);
		CU_ASSERT_EQUAL(row->change == PLAN_GOES, member->leaving);
		CU_ASSERT_FALSE(row->awaits_probe);
	}
}

static void check_pool(const struct plan *plan, const struct pool *before, const struct pool *after)
{
	const struct plan_pool *planned = find_pool(plan, after->name);
	uint32_t moved = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(planned);
	CU_ASSERT_EQUAL(planned->change, before == NULL ? PLAN_COMES : PLAN_STAYS);
	check_members(planned, before, after);
	for (uint32_t i = 0; before != NULL && i < after->table_size; i++)
		moved += mr_slot_current(before->slots->words[i]) !=
			 mr_slot_current(after->slots->words[i]);
	CU_ASSERT_EQUAL(planned->slots_to_move, moved);
	if (before != NULL)
		CU_ASSERT_EQUAL(planned->moving_slots, before->moving_slots);
}

/* The change itself, on a fleet made of the one in force as balancer_apply() does. */
static void check_against_change(struct world *world, const struct plan *plan, struct config *next)
{
	struct mr_error error = {""};
	struct fleet *after;

	CU_ASSERT_EQUAL_FATAL(fleet_create(&world->roster, next, world->fleet, &after, &error), 0);
	for (uint32_t i = 0; i < after->pool_count; i++)
		check_pool(plan, fleet_find_pool(world->fleet, after->pools[i].name),
			   &after->pools[i]);
	for (uint32_t i = 0; i < world->fleet->pool_count; i++) {
		const char *name = world->fleet->pools[i].name;

		if (fleet_find_pool(after, name) == NULL)
			CU_ASSERT_EQUAL(find_pool(plan, name)->change, PLAN_GOES);
	}
	fleet_destroy(world->fleet);
	config_free(world->config);
	world->fleet = after;
	world->config = next;
}

static void test_numbers(void)
{
	struct world *world = world_create(decode(PLAIN, SMTP));

	for (uint32_t i = 0; i < 2 * BACKENDS; i++)
		wishes[i / BACKENDS][i % BACKENDS] = (struct wish){true, 0, 100, "enabled"};
	for (uint32_t i = 0; i < ROUNDS; i++) {
		struct config *next = draw_config();
		struct plan plan = plan_of(world, next, draw(2));

		check_against_change(world, &plan, next);
		plan_fini(&plan);
		dataplane.now_s++;
	}
	world_destroy(world);
}

/* Older sessions lose their backend, and new ones keep theirs. */
static void test_lost_base_moves_nothing(void)
{
	struct world *world = world_create(decode(PLAIN, SMTP));
	struct config *next = decode(
		POOL_OF("a", "", B1 ", " BACKEND("b2", "10.0.0.2", ", \"state\": \"disabled\"")),
		SMTP);
	struct plan plan;

	world_apply(world,
		    decode(POOL_OF("a", "",
				   B1 ", " BACKEND("b2", "10.0.0.2", ", \"state\": \"drain\"")),
			   SMTP));
	plan = plan_of(world, next, true);
	CU_ASSERT_EQUAL(plan.pools[0].moving_slots, 125);
	CU_ASSERT_EQUAL(plan.pools[0].slots_to_move, 0);
	CU_ASSERT_EQUAL(plan.break_count, 1);
	plan_fini(&plan);
	config_free(next);
	world_destroy(world);
}

/* All that a fleet and its roster hold, in one number. */
static uint64_t digest(const struct world *world)
{
	uint64_t sum = 14695981039346656037ULL; /* FNV-1a's offset basis and prime */

#define ADD(value) (sum = (sum ^ (uint64_t)(value)) * 1099511628211ULL)
	for (uint32_t id = 0; id < MR_BACKENDS_MAX; id++) {
		const struct backend *backend = world->roster.backends[id];

		ADD(backend != NULL);
		if (backend == NULL)
			continue;
		ADD(backend->references);
		ADD(backend->verdict);
		ADD(backend->trusted);
	}
	for (uint32_t id = 0; id < MR_SERVICES_MAX; id++)
		ADD(world->roster.services[id] != NULL);
	for (uint32_t i = 0; i < world->fleet->pool_count; i++) {
		const struct pool *pool = &world->fleet->pools[i];

		ADD(pool->moving_slots);
		ADD(pool->changed_s);
		ADD(pool->slots->references);
		for (uint32_t m = 0; m < pool->member_count; m++) {
			ADD(pool->members[m].slots);
			ADD(pool->members[m].base_slots);
		}
		for (uint32_t slot = 0; slot < pool->table_size; slot++) {
			ADD(pool->slots->words[slot]);
			ADD(pool->slots->notes->unknown[slot]);
			ADD(mr_slots_moving_since_s(pool->slots, slot));
		}
	}
#undef ADD
	return sum;
}

/* Bases that would be lost, verdicts that would be overruled, ids that would be taken. */
static void test_leaves_no_trace(void)
{
	struct world *world = world_create(decode(PLAIN, SMTP));
	struct config *next =
		decode(POOL_OF("a", "",
			       BACKEND("b1", "10.0.0.1",
				       ", \"state\": \"disabled\"") ", " B2 ", " B3) ", " OTHER,
		       SMTP ", " SERVICE_OF("t", "\"10.0.0.7\"", "25", "o", ""));
	struct plan plan;
	uint64_t before;

	dataplane.now_s += 5;
	world_apply(world, decode(POOL_OF("a", "", B2), SMTP)); /* slots move: b1 is base */
	CU_ASSERT(world->fleet->pools[0].moving_slots > 0);
	world->roster.backends[1]->verdict = HEALTH_DOWN;
	before = digest(world);
	dataplane.now_s += 5;
	plan = plan_of(world, next, true);
	CU_ASSERT_EQUAL(digest(world), before);
	plan_fini(&plan);
	plan = plan_of(world, next, false);
	CU_ASSERT_EQUAL(digest(world), before);
	plan_fini(&plan);
	config_free(next);
	world_destroy(world);
}

static struct config *decode_probed(const char *backends)
{
	char pools[2048];

	snprintf(pools, sizeof(pools),
		 "{\"name\": \"a\", \"forwarding\": \"l2dsr\", \"table_size\": 251, \"backends\": "
		 "[%s]}",
		 backends);
	return decode(pools, SMTP);
}

/* What an operator wants to know are the shares once the new server is up. */
static void test_new_backends_are_assumed_up(void)
{
	struct world *world = world_create(decode_probed(B1));
	struct config *next = decode_probed(B1 ", " B2);
	struct plan now, later;

	load(world, 1000, 0);
	now = plan_of(world, next, false);
	later = plan_of(world, next, true);
	CU_ASSERT_EQUAL(now.pools[0].slots_to_move, 0);
	CU_ASSERT_EQUAL(now.pools[0].backends[1].slots_after, 0);
	CU_ASSERT(now.pools[0].backends[1].awaits_probe);
	CU_ASSERT_FALSE(now.pools[0].backends[0].awaits_probe); /* trusted from the start */

	CU_ASSERT_EQUAL(later.pools[0].backends[1].slots_after, 125);
	CU_ASSERT_EQUAL(later.pools[0].slots_to_move, 125);
	CU_ASSERT_EQUAL(now.sessions_pinned, 0);
	CU_ASSERT_EQUAL(later.sessions_pinned, (1000 * 125 + 250) / 251);
	CU_ASSERT(later.pools[0].backends[1].awaits_probe);
	world_apply(world, next);
	CU_ASSERT_EQUAL(world->fleet->pools[0].members[1].slots, 0);
	world->fleet->pools[0].members[1].backend->verdict = HEALTH_UP;
	CU_ASSERT_EQUAL(pool_advance(&world->fleet->pools[0], world->fleet->pools[0].slots,
				     dataplane.now_s),
			0);
	CU_ASSERT_EQUAL(world->fleet->pools[0].members[1].slots, 125);
	plan_fini(&now);
	plan_fini(&later);
	world_destroy(world);
}

static uint64_t pinned_by(const struct world *world, const char *pools)
{
	struct config *next = decode(pools, SMTP);
	struct plan plan = plan_of(world, next, true);
	const uint64_t pinned = plan.sessions_pinned;

	CU_ASSERT_EQUAL(plan.sessions_broken, 0);
	CU_ASSERT_EQUAL(plan.break_count, 0);
	CU_ASSERT_EQUAL(plan.pools[0].sessions_pinned, pinned);
	plan_fini(&plan);
	config_free(next);
	return pinned;
}

static void test_sessions_pinned(void)
{
	struct world *world = world_create(decode(PLAIN, SMTP));
	uint64_t all, some;

	load(world, 1000, 0);
	CU_ASSERT_EQUAL(pinned_by(world, PLAIN), 0);
	/* Every session of b2, none of b1. */
	all = pinned_by(world, POOL_OF("a", "", B1));
	CU_ASSERT_EQUAL(all, 1000);
	CU_ASSERT_EQUAL(pinned_by(world, POOL_OF("a", "",
						 B1 ", " BACKEND("b2", "10.0.0.2",
								 ", \"state\": \"drain\""))),
			all);
	/* A third of both, and some that move between them. */
	some = pinned_by(world, POOL_OF("a", "", B1 ", " B2 ", " B3));
	CU_ASSERT(some >= 2000 / 3 && some < 2000 / 3 + 200);
	/* Those that are pinned stay so. */
	load(world, 1000, 7);
	CU_ASSERT_EQUAL(pinned_by(world, PLAIN), 14);
	CU_ASSERT_EQUAL(pinned_by(world, POOL_OF("a", "", B1)), all + 14);
	/* What b2 got before it left the table is remembered as it speaks. */
	load(world, 1000, 0);
	world_apply(world, decode(POOL_OF("a", "", B1), SMTP));
	CU_ASSERT_EQUAL(pinned_by(world, POOL_OF("a", "", B1)), 1000);
	/* What was long ago does not count. */
	for (uint32_t i = 0; i < WINDOW_STEPS; i++)
		window_step(&world->roster.backends[1]->sessions, 1000);
	CU_ASSERT_EQUAL(pinned_by(world, POOL_OF("a", "", B1)), 0);
	world_destroy(world);
}

/* No session breaks when backends come, go, drain, are weighed or written in another order. */
static void test_graceful(void)
{
	static const struct {
		const char *pools;
		const char *services;
	} rows[] = {
		{PLAIN, SMTP},
		{POOL_OF("a", "", B2 ", " B1), SMTP},
		{POOL_OF("a", "", B1), SMTP},
		{POOL_OF("a", "", ""), SMTP},
		{POOL_OF("a", "", B1 ", " B2 ", " B3), SMTP},
		{POOL_OF("a", "", B1 ", " BACKEND("b2", "10.0.0.22", "")), SMTP},
		{POOL_OF("a", "", B1 ", " BACKEND("b2", "10.0.0.2", ", \"weight\": 7")), SMTP},
		{POOL_OF("a", "", B1 ", " BACKEND("b2", "10.0.0.2", ", \"weight\": 0")), SMTP},
		{POOL_OF("a", "\"session_idle\": \"20m\", ", B1 ", " B2), SMTP},
		{POOL_OF("a", "\"session_idle\": \"1m\", ", B1 ", " B2), SMTP},
		{OTHER ", " PLAIN, SMTP},
		/* The same places of the same pool, under other names and in other parts. */
		{PLAIN, SERVICE_OF("new", "\"10.0.0.8\"", "25, 587", "a", "") ", " SERVICE_OF(
				"more", "\"10.0.0.9\"", "587, 25, 465", "a", "")},
		{PLAIN, SMTP ", " SERVICE_OF("t", "\"10.0.0.7\"", "25", "a",
					     ", \"exclude\": {\"sources\": [\"10.0.0.0/8\"]}")},
	};
	struct world *world = world_create(decode(PLAIN, SMTP));

	load(world, 1000, 3);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config *next = decode(rows[i].pools, rows[i].services);
		struct plan plan = plan_of(world, next, true);

		CU_ASSERT_EQUAL(plan.sessions_broken, 0);
		CU_ASSERT_EQUAL(plan.break_count, 0);
		plan_fini(&plan);
		config_free(next);
	}
	world_destroy(world);
}

#define UNKNOWN UINT64_MAX

/* Both backends have about 1003 sessions, every service has 2006. */
static const struct break_row {
	const char *pools;
	const char *services;
	enum plan_document document;
	const char *pointer;
	uint64_t sessions;
	uint64_t broken;
} break_rows[] = {
	{POOL_OF("a", "", B2 ", " BACKEND("b1", "10.0.0.1", ", \"state\": \"disabled\"")), SMTP,
	 PLAN_NEW, "/pools/0/backends/1/state", 1003, 1003},
	{POOL_OF("a", "\"session_idle\": \"1m\", ", B1), SMTP, PLAN_NEW, "/pools/0/session_idle",
	 UNKNOWN, 0},
	{PLAIN, "", PLAN_RUNNING, "/services/0", 2006, 2006},
	{"", "", PLAN_RUNNING, "/services/0", 2006, 2006},
	{PLAIN, SERVICE_OF("other", "\"10.0.0.7\"", "25", "a", ""), PLAN_RUNNING, "/services/0",
	 2006, 2006},
	{PLAIN, SERVICE_OF("s", "\"10.0.0.9\"", "25, 587", "a", ""), PLAN_RUNNING,
	 "/services/0/addresses/1", 2006, 2006},
	{PLAIN, SERVICE_OF("s", "\"10.0.0.9\", \"10.0.0.8\"", "25", "a", ""), PLAN_RUNNING,
	 "/services/0/ports/1", 2006, 2006},
	{PLAIN, SERVICE_OF("s", "\"10.0.0.9\", \"10.0.0.8\"", "25, 588", "a", ""), PLAN_RUNNING,
	 "/services/0/ports/1", 2006, 2006},
	{PLAIN, SERVICE_OF("other", "\"10.0.0.9\", \"10.0.0.8\"", "465", "a", ""), PLAN_RUNNING,
	 "/services/0", 2006, 2006},
	{OTHER, SERVICE_OF("s", "\"10.0.0.9\", \"10.0.0.8\"", "25, 587", "o", ""), PLAN_NEW,
	 "/services/0/pool", 2006, 2006},
	{PLAIN ", " OTHER,
	 SERVICE_OF("t", "\"10.0.0.9\"", "25", "o",
		    "") ", " SERVICE_OF("u", "\"10.0.0.8\"", "25, 587", "a",
					"") ", " SERVICE_OF("v", "\"10.0.0.9\"", "587", "a", ""),
	 PLAN_NEW, "/services/0/pool", 2006, 2006},
	{PLAIN,
	 SERVICE_OF("s", "\"10.0.0.9\", \"10.0.0.8\"", "25, 587", "a",
		    ", \"exclude\": {\"sources\": [\"10.0.0.0/8\"]}"),
	 PLAN_NEW, "/services/0/exclude/sources/0", UNKNOWN, 0},
};

static void check_break(const struct world *world, const struct break_row *row)
{
	struct config *next = decode(row->pools, row->services);
	struct plan plan = plan_of(world, next, true);
	const struct plan_break *cause = plan.breaks;

	CU_ASSERT_EQUAL_FATAL(plan.break_count, 1);
	CU_ASSERT_STRING_EQUAL(cause->pointer, row->pointer);
	CU_ASSERT_EQUAL(cause->document, row->document);
	CU_ASSERT_EQUAL(cause->sessions_known, row->sessions != UNKNOWN);
	if (cause->sessions_known)
		CU_ASSERT_EQUAL(cause->sessions, row->sessions);
	CU_ASSERT_EQUAL(plan.sessions_broken, row->broken);
	plan_fini(&plan);
	config_free(next);
}

static void test_breaks(void)
{
	struct world *world = world_create(decode(PLAIN, SMTP));

	load(world, 1000, 3);
	for (size_t i = 0; i < sizeof(break_rows) / sizeof(break_rows[0]); i++)
		check_break(world, &break_rows[i]);
	world_destroy(world);
}

#define ONE_ADDRESS SERVICE_OF("s", "\"10.0.0.9\"", "25", "a", "")
#define MODE_POOL(forwarding)                                                         \
	"{\"name\": \"a\", \"forwarding\": \"" forwarding "\", \"table_size\": 251, " \
	"\"health\": {\"type\": \"none\"}, \"backends\": [" B1 ", " B2 "]}"

/* To nat and from nat, unlike between the others, servers are spoken to under another address. */
static void test_forwarding(void)
{
	static const struct {
		const char *before, *after;
		uint64_t broken;
	} rows[] = {
		{MODE_POOL("l2dsr"), MODE_POOL("nat"), 2000},
		{MODE_POOL("nat"), MODE_POOL("gue"), 2000},
		{MODE_POOL("l2dsr"), MODE_POOL("gue"), 0},
		{MODE_POOL("nat"), MODE_POOL("nat"), 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct world *world = world_create(decode(rows[i].before, ONE_ADDRESS));
		struct config *next = decode(rows[i].after, ONE_ADDRESS);
		struct plan plan;

		load(world, 1000, 0);
		plan = plan_of(world, next, true);
		CU_ASSERT_EQUAL(plan.sessions_broken, rows[i].broken);
		CU_ASSERT_EQUAL_FATAL(plan.break_count, rows[i].broken > 0);
		if (plan.break_count > 0)
			CU_ASSERT_STRING_EQUAL(plan.breaks[0].pointer, "/pools/0/forwarding");
		plan_fini(&plan);
		config_free(next);
		world_destroy(world);
	}
}

/* Several causes for the same sessions, which break only once. */
static void test_breaks_add_up(void)
{
	struct world *world = world_create(decode(PLAIN, SMTP));
	struct config *next =
		decode(POOL_OF("a", "", BACKEND("b1", "10.0.0.1", ", \"state\": \"disabled\"")),
		       SERVICE_OF("s", "\"10.0.0.9\"", "25", "a", ""));
	struct plan plan;

	load(world, 1000, 3);
	plan = plan_of(world, next, true);
	CU_ASSERT_EQUAL(plan.break_count, 3);
	CU_ASSERT_EQUAL(plan.sessions_broken, 2006);
	plan_fini(&plan);
	config_free(next);

	/* Who has no sessions loses none: disabled, or down, before. */
	world->roster.backends[0]->verdict = HEALTH_DOWN;
	next = decode(
		POOL_OF("a", "", BACKEND("b1", "10.0.0.1", ", \"state\": \"disabled\"") ", " B2),
		SMTP);
	plan = plan_of(world, next, true);
	CU_ASSERT_EQUAL(plan.break_count, 0);
	plan_fini(&plan);
	config_free(next);
	world_destroy(world);
}

/* All ports are others, the address is the same. */
static void test_other_ports(void)
{
	struct world *world = world_create(decode(PLAIN, SMTP));
	struct config *next =
		decode(PLAIN, SERVICE_OF("s", "\"10.0.0.9\", \"10.0.0.8\"", "26, 588", "a", ""));
	struct plan plan = plan_of(world, next, true);

	CU_ASSERT_EQUAL_FATAL(plan.break_count, 2);
	CU_ASSERT_STRING_EQUAL(plan.breaks[0].pointer, "/services/0/ports/0");
	CU_ASSERT_STRING_EQUAL(plan.breaks[1].pointer, "/services/0/ports/1");
	plan_fini(&plan);
	config_free(next);
	world_destroy(world);
}

/* Only what is excluded anew. */
static void test_exclusions(void)
{
	static const char before[] =
		SERVICE_OF("s", "\"10.0.0.9\"", "25", "a",
			   ", \"exclude\": {\"sources\": [\"10.0.0.0/9\", \"10.128.0.0/9\"]}");
	static const char after[] =
		SERVICE_OF("s", "\"10.0.0.9\"", "25", "a",
			   ", \"exclude\": {\"sources\": [\"10.0.0.0/8\", \"2001:db8::/32\", "
			   "\"192.0.2.0/24\", \"10.1.0.0/16\"], \"action\": \"drop\"}");
	struct world *world = world_create(decode(PLAIN, before));
	struct config *next = decode(PLAIN, after);
	struct plan plan = plan_of(world, next, true);

	CU_ASSERT_EQUAL_FATAL(plan.break_count, 1);
	CU_ASSERT_STRING_EQUAL(plan.breaks[0].pointer, "/services/0/exclude/sources/1");
	CU_ASSERT_STRING_EQUAL(plan.breaks[0].message,
			       "service s excludes 2 more sources, 2001:db8::/32 first: sessions "
			       "from there end");
	plan_fini(&plan);
	config_free(next);
	world_destroy(world);
}

static void test_refusal(void)
{
	struct world *world = world_create(decode(PLAIN, SMTP));
	struct config *next =
		decode("{\"name\": \"a\", \"forwarding\": \"l2dsr\", \"table_size\": 503, "
		       "\"backends\": [" B1 "]}",
		       SMTP);
	struct mr_error error = {""};
	struct plan plan;
	const uint64_t before = digest(world);

	CU_ASSERT(plan_make(world->fleet, next, true, &plan, &error) < 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "/pools/0/table_size"));
	CU_ASSERT_EQUAL(digest(world), before);
	config_free(next);
	world_destroy(world);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_numbers),
		UNIT_TEST(test_lost_base_moves_nothing),
		UNIT_TEST(test_leaves_no_trace),
		UNIT_TEST(test_new_backends_are_assumed_up),
		UNIT_TEST(test_sessions_pinned),
		UNIT_TEST(test_graceful),
		UNIT_TEST(test_breaks),
		UNIT_TEST(test_forwarding),
		UNIT_TEST(test_other_ports),
		UNIT_TEST(test_breaks_add_up),
		UNIT_TEST(test_exclusions),
		UNIT_TEST(test_refusal),
		CU_TEST_INFO_NULL,
	};

	srandom(unit_seed());
	return unit_run("plan", tests);
}
