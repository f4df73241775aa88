/* SPDX-License-Identifier: BSD-3-Clause */
#include "pin_sweep.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <mailrail/pins.h>

/* About 200 microseconds of work. */
#define ENTRIES_PER_STEP 65536

/* Where a backend's pins belong during one pass. */
struct owner {
	const struct pool *pool; /* NULL: no member of a pool */
	bool alive;
	uint32_t pool_index;
	uint32_t pins;
	uint32_t pins_end_s; /* when the last of them ends, if nobody speaks */
};

struct pin_sweep {
	struct mr_dataplane *dp;
	uint64_t silent;
	uint32_t created_s;
	uint32_t began_s; /* the pass */
	uint32_t now_s;
	uint32_t cursor;
	bool complete;		   /* the results below are those of a whole pass */
	const struct fleet *fleet; /* NULL: nothing to sweep */
	bool **pinned_elsewhere;   /* by pool, by slot; NULL: none of the pool's slots moves */
	uint32_t pool_count;
	struct owner owners[MR_BACKENDS_MAX + 1];
};

struct pin_sweep *pin_sweep_create(struct mr_dataplane *dp)
{
	struct pin_sweep *sweep = calloc(1, sizeof(*sweep));

	if (sweep == NULL)
		return NULL;
	sweep->dp = dp;
	sweep->created_s = mr_dataplane_clock_s(dp);
	return sweep;
}

static void free_results(struct pin_sweep *sweep)
{
	for (uint32_t i = 0; i < sweep->pool_count; i++)
		free(sweep->pinned_elsewhere[i]);
	free(sweep->pinned_elsewhere);
	sweep->pinned_elsewhere = NULL;
	sweep->pool_count = 0;
}

void pin_sweep_destroy(struct pin_sweep *sweep)
{
	if (sweep == NULL)
		return;
	free_results(sweep);
	free(sweep);
}

int pin_sweep_restart(struct pin_sweep *sweep, const struct fleet *fleet)
{
	free_results(sweep);
	sweep->fleet = NULL;
	sweep->cursor = 0;
	sweep->complete = false;
	sweep->pinned_elsewhere = calloc(fleet->pool_count + 1, sizeof(*sweep->pinned_elsewhere));
	if (sweep->pinned_elsewhere == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < fleet->pool_count; i++) {
		sweep->pool_count++;
		if (fleet->pools[i].moving_slots == 0)
			continue;
		sweep->pinned_elsewhere[i] = calloc(fleet->pools[i].table_size, sizeof(bool));
		if (sweep->pinned_elsewhere[i] == NULL)
			return -ENOMEM;
	}
	sweep->fleet = fleet;
	return 0;
}

static void begin_pass(struct pin_sweep *sweep)
{
	const struct fleet *fleet = sweep->fleet;

	sweep->complete = false;
	sweep->began_s = mr_dataplane_clock_s(sweep->dp);
	memset(sweep->owners, 0, sizeof(sweep->owners));
	for (uint32_t p = 0; p < fleet->pool_count; p++) {
		const struct pool *pool = &fleet->pools[p];

		if (sweep->pinned_elsewhere[p] != NULL)
			memset(sweep->pinned_elsewhere[p], 0, pool->table_size * sizeof(bool));
		for (uint32_t m = 0; m < pool->member_count; m++) {
			const struct member *member = &pool->members[m];

			sweep->owners[member->backend->id] = (struct owner){
				.pool = pool,
				.alive = member_is_alive(member),
				.pool_index = p,
			};
		}
	}
}

static uint32_t silence_allowed_s(uint32_t idle_s, enum mr_pin_state state)
{
	uint32_t allowed_s = idle_s;

	switch (state) {
	case MR_PIN_EMBRYONIC:
		allowed_s = PIN_SWEEP_EMBRYONIC_S;
		break;
	case MR_PIN_CLOSING:
		allowed_s = PIN_SWEEP_CLOSING_S;
		break;
	case MR_PIN_ESTABLISHED:
		break;
	}
	return allowed_s < idle_s ? allowed_s : idle_s;
}

/*
 * When @pin ends, if nobody speaks. Before this process began its session may have spoken, and
 * nobody heard it.
 */
static uint32_t end_of(const struct pin_sweep *sweep, const struct pool *pool,
		       const struct mr_pin *pin)
{
	const uint32_t heard_s = pin->seen_s > sweep->created_s ? pin->seen_s : sweep->created_s;

	return heard_s + silence_allowed_s(pool->session_idle_s, pin->state) + 1;
}

static bool keep_pin(void *context, uint64_t hash, const struct mr_pin *pin)
{
	struct pin_sweep *sweep = context;
	struct owner *owner = &sweep->owners[pin->backend & MR_BACKEND_NONE];
	const struct pool *pool = owner->pool;
	bool *pinned = sweep->pinned_elsewhere[owner->pool_index];
	uint32_t slot, end_s;

	if (pool == NULL || !owner->alive)
		return false;
	slot = mr_session_slot(hash, pool->slots->size);
	if (!mr_slot_moving(pool->slots->words[slot]))
		return false;
	end_s = end_of(sweep, pool, pin);
	if (sweep->now_s >= end_s) {
		sweep->silent += pin->state == MR_PIN_ESTABLISHED;
		return false;
	}
	/* NULL: the pool has moved on, and this could not be begun anew. */
	if (mr_slot_current(pool->slots->words[slot]) != pin->backend && pinned != NULL)
		pinned[slot] = true;
	owner->pins++;
	if (end_s > owner->pins_end_s)
		owner->pins_end_s = end_s;
	return true;
}

bool pin_sweep_step(struct pin_sweep *sweep)
{
	if (sweep->fleet == NULL)
		return false;
	if (sweep->cursor == 0) {
		if (!mr_dataplane_reclaim(sweep->dp))
			return false; /* a worker may still add pins by an older snapshot */
		begin_pass(sweep);
	}
	sweep->now_s = mr_dataplane_clock_s(sweep->dp);
	sweep->complete = mr_pin_table_sweep(mr_dataplane_pins(sweep->dp), &sweep->cursor,
					     ENTRIES_PER_STEP, keep_pin, sweep);
	return sweep->complete;
}

const bool *pin_sweep_pinned_elsewhere(const struct pin_sweep *sweep, uint32_t pool)
{
	return sweep->pinned_elsewhere[pool];
}

uint32_t pin_sweep_pins(const struct pin_sweep *sweep, mr_backend_id backend)
{
	return sweep->owners[backend].pins;
}

uint32_t pin_sweep_pins_end_s(const struct pin_sweep *sweep, mr_backend_id backend)
{
	return sweep->owners[backend].pins_end_s;
}

uint32_t pin_sweep_began_s(const struct pin_sweep *sweep)
{
	return sweep->began_s;
}

uint64_t pin_sweep_silent(const struct pin_sweep *sweep)
{
	return sweep->silent;
}
