/* SPDX-License-Identifier: BSD-3-Clause */
/* What is known of sessions, over a small table that is set slot by slot. */
#include "pool_outlook.h"

#include "../lib/unit.h"

#define NOW_S  10001
#define IDLE_S 900

enum { DRAINED, OTHER, MEMBERS };

/* A pool of two backends, whose ids are their places; the first one has been drained. */
struct world {
	struct backend backends[MEMBERS];
	struct member members[MEMBERS];
	struct pool pool;
	struct pool_outlook outlook;
};

/* @moving slots of four move from the drained backend to the other, since @since_s. */
static void set_up(struct world *world, uint32_t moving, uint32_t since_s)
{
	*world = (struct world){0};
	world->pool = (struct pool){
		.session_idle_s = IDLE_S,
		.changed_s = since_s,
		.swept_s = NOW_S,
		.members = world->members,
		.member_count = MEMBERS,
		.moving_slots = moving,
		.slots = mr_slots_create(4, NULL),
	};
	CU_ASSERT_PTR_NOT_NULL_FATAL(world->pool.slots);
	for (uint32_t i = 0; i < 4; i++) {
		const bool moves = i < moving;

		world->pool.slots->words[i] = mr_slot_make(OTHER, moves ? DRAINED : OTHER, moves);
		mr_slots_note_moving(world->pool.slots, i, moves ? since_s : 0);
		mr_slots_note_unknown(world->pool.slots, i, moves ? since_s : 0);
	}
	for (uint32_t i = 0; i < MEMBERS; i++) {
		world->backends[i].id = (mr_backend_id)i;
		world->members[i].backend = &world->backends[i];
	}
	world->members[OTHER].slots = 4;
	world->members[DRAINED].base_slots = moving;
}

static struct member_outlook look_at(struct world *world)
{
	struct member_outlook drained;

	CU_ASSERT_EQUAL_FATAL(pool_outlook_make(&world->pool, NOW_S, &world->outlook), 0);
	drained = world->outlook.members[DRAINED];
	CU_ASSERT_FALSE(world->outlook.members[OTHER].closed);
	CU_ASSERT_FALSE(world->outlook.members[OTHER].exact);
	CU_ASSERT(drained.closed);
	pool_outlook_fini(&world->outlook);
	return drained;
}

static void tear_down(struct world *world)
{
	mr_slots_put(world->pool.slots);
}

/* A moment after the drain: nothing is known, and it takes a whole session_idle to know. */
static void test_just_drained(void)
{
	struct world world;
	struct member_outlook drained;

	set_up(&world, 3, NOW_S - 10);
	drained = look_at(&world);
	CU_ASSERT_FALSE(drained.exact);
	CU_ASSERT_EQUAL(drained.quiet_in_s, IDLE_S - 10 + 1);
	CU_ASSERT_EQUAL(world.outlook.oldest_base_s, 10);
	CU_ASSERT_EQUAL(world.outlook.changed_ago_s, 10);
	tear_down(&world);
}

/* One slot met a session that nobody knew: only from then on can it fall silent. */
static void test_met_later(void)
{
	struct world world;

	set_up(&world, 3, NOW_S - 500);
	mr_slots_note_unknown(world.pool.slots, 1, NOW_S - 100);
	CU_ASSERT_EQUAL(look_at(&world).quiet_in_s, IDLE_S - 100 + 1);
	/* What is noted in units of two seconds counts as of the later one. */
	mr_slots_note_unknown(world.pool.slots, 1, NOW_S - 101);
	CU_ASSERT_EQUAL(look_at(&world).quiet_in_s, IDLE_S - 100 + 1);
	world.backends[DRAINED].pins = 1;
	world.backends[DRAINED].pins_end_s = NOW_S + 850;
	CU_ASSERT_EQUAL(look_at(&world).quiet_in_s, 850);
	tear_down(&world);
}

/* After a session_idle everybody has spoken: what is pinned is what there is. */
static void test_exact_after_idle(void)
{
	struct world world;
	struct member_outlook drained;

	set_up(&world, 3, NOW_S - IDLE_S);
	CU_ASSERT_FALSE(look_at(&world).exact);
	tear_down(&world);

	set_up(&world, 3, NOW_S - IDLE_S - 1);
	world.backends[DRAINED].pins = 2;
	world.backends[DRAINED].pins_end_s = NOW_S + 77;
	drained = look_at(&world);
	CU_ASSERT(drained.exact);
	CU_ASSERT_EQUAL(drained.quiet_in_s, 77);
	/* One of its slots began to move later. */
	mr_slots_note_moving(world.pool.slots, 2, NOW_S - 5);
	drained = look_at(&world);
	CU_ASSERT_FALSE(drained.exact);
	CU_ASSERT_EQUAL(drained.quiet_in_s, IDLE_S - 5 + 1);
	tear_down(&world);
}

/* Other backends' sessions may keep the slots moving: this one has none. */
static void test_quiet_on_moving_slots(void)
{
	struct world world;
	struct member_outlook drained;

	set_up(&world, 3, NOW_S - IDLE_S - 2);
	drained = look_at(&world);
	CU_ASSERT(drained.exact);
	CU_ASSERT_EQUAL(drained.quiet_in_s, 0);
	CU_ASSERT_EQUAL(world.outlook.oldest_base_s, IDLE_S + 2);
	tear_down(&world);
}

/* Pins made just before a change are counted by the next pass: until then nothing is sure. */
static void test_waits_for_the_sweep(void)
{
	struct world world;

	set_up(&world, 3, NOW_S - 5000);
	world.pool.changed_s = NOW_S - 1;
	world.pool.swept_s = NOW_S - 1;
	CU_ASSERT_FALSE(look_at(&world).exact);
	CU_ASSERT_EQUAL(look_at(&world).quiet_in_s, 1);
	world.members[DRAINED].base_slots = 0;
	CU_ASSERT_FALSE(look_at(&world).exact);
	CU_ASSERT_EQUAL(look_at(&world).quiet_in_s, 1);
	world.pool.swept_s = NOW_S;
	CU_ASSERT(look_at(&world).exact);
	CU_ASSERT_EQUAL(look_at(&world).quiet_in_s, 0);
	/* The pin is about to be swept; it has been silent for too long. */
	world.backends[DRAINED].pins = 1;
	world.backends[DRAINED].pins_end_s = NOW_S - 1;
	CU_ASSERT_EQUAL(look_at(&world).quiet_in_s, 1);
	tear_down(&world);
}

/* Steady, as after a start: nobody needs to be met, no pass is made. */
static void test_steady(void)
{
	struct world world;
	struct member_outlook drained;

	set_up(&world, 0, NOW_S - 5);
	world.pool.swept_s = 0;
	drained = look_at(&world);
	CU_ASSERT(drained.exact);
	CU_ASSERT_EQUAL(drained.quiet_in_s, 0);
	CU_ASSERT_EQUAL(world.outlook.oldest_base_s, 0);
	tear_down(&world);
}

/* Slots whose base and current are one again have no older sessions of somebody else. */
static void test_agreed_slots(void)
{
	struct world world;

	set_up(&world, 1, NOW_S - 10);
	world.pool.slots->words[0] = mr_slot_make(DRAINED, DRAINED, true);
	world.members[DRAINED].slots = 1;
	world.members[DRAINED].base_slots = 0;
	CU_ASSERT_EQUAL_FATAL(pool_outlook_make(&world.pool, NOW_S, &world.outlook), 0);
	CU_ASSERT_FALSE(world.outlook.members[DRAINED].closed);
	CU_ASSERT_EQUAL(world.outlook.oldest_base_s, 10);
	pool_outlook_fini(&world.outlook);
	tear_down(&world);
}

/* A worker's clock may be ahead of the control thread's. */
static void test_clock_ahead(void)
{
	struct world world;

	set_up(&world, 3, NOW_S + 2);
	CU_ASSERT_EQUAL(look_at(&world).quiet_in_s, IDLE_S + 3);
	CU_ASSERT_EQUAL(world.outlook.oldest_base_s, 0);
	CU_ASSERT_EQUAL(world.outlook.changed_ago_s, 0);
	tear_down(&world);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_just_drained),
		UNIT_TEST(test_met_later),
		UNIT_TEST(test_exact_after_idle),
		UNIT_TEST(test_quiet_on_moving_slots),
		UNIT_TEST(test_waits_for_the_sweep),
		UNIT_TEST(test_steady),
		UNIT_TEST(test_agreed_slots),
		UNIT_TEST(test_clock_ahead),
		CU_TEST_INFO_NULL,
	};

	return unit_run("pool_outlook", tests);
}
