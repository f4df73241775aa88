/* SPDX-License-Identifier: BSD-3-Clause */
#include "pin_sweep.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <mailrail/pins.h>

/* About 200 microseconds of work. */
#define ENTRIES_PER_STEP 65536

/*
 * A SYN that its server has answered is followed within seconds; after a client's FIN or RST
 * the server's own side ends soon. Both are short beside an established session's silence.
 */
#define EMBRYONIC_S 60
#define CLOSING_S   60

/* Where a backend's pins belong during one pass. */
struct owner {
	const struct pool *pool; /* NULL: no member of a pool */
	bool alive;
	uint32_t pool_index;
	uint32_t pins;
};

struct pin_sweep {
	struct mr_dataplane *dp;
	uint32_t idle_s;
	uint32_t now_s;
	uint32_t cursor;
	bool complete;		   /* the results below are those of a whole pass */
	const struct fleet *fleet; /* NULL: nothing to sweep */
	bool **pinned_elsewhere;   /* by pool, by slot */
	uint32_t pool_count;
	struct owner owners[MR_BACKENDS_MAX + 1];
};

struct pin_sweep *pin_sweep_create(struct mr_dataplane *dp, uint32_t idle_s)
{
	struct pin_sweep *sweep = calloc(1, sizeof(*sweep));

	if (sweep == NULL)
		return NULL;
	sweep->dp = dp;
	sweep->idle_s = idle_s;
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
		sweep->pinned_elsewhere[i] = calloc(fleet->pools[i].table_size, sizeof(bool));
		if (sweep->pinned_elsewhere[i] == NULL)
			return -ENOMEM;
		sweep->pool_count++;
	}
	sweep->fleet = fleet;
	return 0;
}

static void begin_pass(struct pin_sweep *sweep)
{
	const struct fleet *fleet = sweep->fleet;

	sweep->complete = false;
	memset(sweep->owners, 0, sizeof(sweep->owners));
	for (uint32_t p = 0; p < fleet->pool_count; p++) {
		const struct pool *pool = &fleet->pools[p];

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

static uint32_t silence_allowed_s(const struct pin_sweep *sweep, enum mr_pin_state state)
{
	uint32_t allowed_s = sweep->idle_s;

	switch (state) {
	case MR_PIN_EMBRYONIC:
		allowed_s = EMBRYONIC_S;
		break;
	case MR_PIN_CLOSING:
		allowed_s = CLOSING_S;
		break;
	case MR_PIN_ESTABLISHED:
		break;
	}
	return allowed_s < sweep->idle_s ? allowed_s : sweep->idle_s;
}

/* A worker's clock may be a moment ahead of @now_s: such a pin is as fresh as can be. */
static bool is_silent(const struct pin_sweep *sweep, const struct mr_pin *pin)
{
	return sweep->now_s > pin->seen_s &&
	       sweep->now_s - pin->seen_s > silence_allowed_s(sweep, pin->state);
}

static bool keep_pin(void *context, uint64_t hash, const struct mr_pin *pin)
{
	struct pin_sweep *sweep = context;
	struct owner *owner = &sweep->owners[pin->backend & MR_BACKEND_NONE];
	const struct pool *pool = owner->pool;
	uint32_t slot;

	if (pool == NULL || !owner->alive || is_silent(sweep, pin))
		return false;
	slot = mr_session_slot(hash, pool->slots->size);
	if (!mr_slot_moving(pool->slots->words[slot]))
		return false;
	if (mr_slot_current(pool->slots->words[slot]) != pin->backend)
		sweep->pinned_elsewhere[owner->pool_index][slot] = true;
	owner->pins++;
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
