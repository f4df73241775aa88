/* SPDX-License-Identifier: BSD-3-Clause */
#include "session_changes.h"

#include <CUnit/Basic.h>

static void wish_presence(struct world_hub *hub)
{
	hub->configured = !hub->configured;
	if (hub->configured)
		hub->address ^= draw(2);
	/* Half of them are drained first. */
	if (hub->configured || hub->state == CONFIG_BACKEND_DRAIN)
		hub->state = CONFIG_BACKEND_ENABLED;
}

static void wish_another_idle(struct world_pool *pool)
{
	static const uint32_t idles_s[] = {30, 120, 300, CHANGES_LONGEST_IDLE_S};

	pool->idle_s = idles_s[draw(RTE_DIM(idles_s))];
}

static void wish_health_of_all(struct world_pool *pool, bool down)
{
	for (uint32_t n = 0; n < WORLD_HUBS; n++)
		pool->hubs[n].down[0] = pool->hubs[n].down[1] = down;
}

/* One more wish, or one more thing that happens to servers. */
static void wish(struct world *world, changes_fn *wished)
{
	struct world_pool *pool = &world->pools[draw(WORLD_POOLS)];
	struct world_hub *hub = &pool->hubs[draw(WORLD_HUBS)];

	switch (draw(16)) {
	case 0:
	case 1:
	case 2:
		wish_presence(hub);
		break;
	case 3:
	case 4:
		hub->state = CONFIG_BACKEND_DRAIN;
		break;
	case 5:
		hub->state = CONFIG_BACKEND_DISABLED;
		break;
	case 6:
		hub->state = CONFIG_BACKEND_ENABLED;
		break;
	case 7:
		hub->weight = draw(4) * 100;
		break;
	case 8:
	case 9: /* slow start: from next to nothing to all in steps */
		hub->weight = hub->weight < 100 ? RTE_MIN(hub->weight + 30, 100U) : 1;
		break;
	case 10:
	case 11:
	case 12:
		hub->down[draw(2)] ^= true;
		break;
	case 13:
		wish_another_idle(pool);
		break;
	case 14:
		if (draw(3) == 0)
			wish_health_of_all(pool, draw(2) == 0);
		break;
	default: /* what is wished is as it was, in another order */
		break;
	}
	wished();
}

static void assert_same_again_changes_nothing(struct world *world)
{
	struct mr_slots *slots[WORLD_POOLS];

	for (uint32_t p = 0; p < WORLD_POOLS; p++)
		slots[p] = mr_slots_get(world->fleet->pools[p].slots);
	world_apply(world);
	for (uint32_t p = 0; p < WORLD_POOLS; p++) {
		CU_ASSERT_PTR_EQUAL_FATAL(world->fleet->pools[p].slots, slots[p]);
		mr_slots_put(slots[p]);
	}
}

static void change_once(struct world *world, changes_fn *wished)
{
	wish(world, wished);
	switch (draw(4)) {
	case 0:
		world_apply(world);
		assert_same_again_changes_nothing(world);
		break;
	case 1:
		world_check_health(world);
		break;
	default:
		world_apply(world);
		world_check_health(world);
		break;
	}
}

/* Several changes, one upon the other, now and then with no packet between them. */
void changes_make(struct world *world, changes_fn *wished)
{
	for (uint32_t i = draw(3) > 0 ? 1 : 1 + draw(4); i > 0; i--)
		change_once(world, wished);
}

void changes_restart(struct world *world, changes_fn *wished, changes_fn *exchange)
{
	for (uint32_t i = draw(3); i > 0; i--)
		wish(world, wished);
	if (draw(2) == 0) {
		world_save_only(world, draw(2) == 0 ? WORLD_SAVED_ALL : WORLD_SAVED_SOME);
		for (uint32_t i = draw(10); i > 0; i--)
			exchange();
		if (draw(2) == 0)
			wish(world, wished);
	}
	if (draw(4) == 0)
		world->budget = CHANGES_BUDGET_MIN << draw(3);
	world_restart(world, draw(8) == 0);
	if (draw(2) == 0)
		world_check_health(world);
}
