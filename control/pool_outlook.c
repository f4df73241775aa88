/* SPDX-License-Identifier: BSD-3-Clause */
#include "pool_outlook.h"

#include <errno.h>
#include <stdlib.h>

/* The slots where a backend is base, but not current. */
struct bases {
	uint32_t moving_since_s; /* the latest of them */
	uint32_t unknown_s;	 /* when one of them last met, or may have got, a session */
};

static uint32_t later(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* Workers' clocks may be a moment ahead. */
static uint32_t age_s(uint32_t since_s, uint32_t now_s)
{
	return now_s > since_s ? now_s - since_s : 0;
}

/* @bases by id. Returns the age of the slot that has been moving for longest. */
static uint32_t read_slots(const struct mr_slots *slots, uint32_t now_s, struct bases *bases)
{
	uint32_t oldest_s = 0;

	for (uint32_t i = 0; i < slots->size; i++) {
		const mr_slot word = slots->words[i];
		struct bases *base = &bases[mr_slot_base(word)];

		if (!mr_slot_moving(word))
			continue;
		oldest_s = later(oldest_s, age_s(mr_slots_moving_since_s(slots, i), now_s));
		if (mr_slot_base(word) == mr_slot_current(word))
			continue;
		base->moving_since_s =
			later(base->moving_since_s, mr_slots_moving_since_s(slots, i));
		base->unknown_s = later(base->unknown_s, mr_slots_unknown_s(slots, i, now_s));
	}
	return oldest_s;
}

static struct member_outlook look(const struct pool *pool, const struct member *member,
				  const struct bases *base, uint32_t now_s)
{
	const uint32_t idle_s = pool->session_idle_s;
	const uint32_t met_s = later(base->moving_since_s, base->unknown_s);
	/* Pins made before a change by workers that had not seen it are in the next pass only. */
	const bool swept = pool->moving_slots == 0 || pool->swept_s > later(pool->changed_s, met_s);
	uint32_t end_s = swept && member->backend->pins == 0 ? now_s : now_s + 1;

	if (member->slots > 0)
		return (struct member_outlook){.closed = false};
	if (member->base_slots > 0)
		end_s = later(end_s, met_s + idle_s + 1);
	if (member->backend->pins > 0)
		end_s = later(end_s, member->backend->pins_end_s);
	return (struct member_outlook){
		.closed = true,
		.exact = member->base_slots == 0 ? swept
						 : age_s(base->moving_since_s, now_s) > idle_s &&
							   pool->swept_s > pool->changed_s,
		.quiet_in_s = end_s - now_s,
	};
}

int pool_outlook_make(const struct pool *pool, uint32_t now_s, struct pool_outlook *out)
{
	struct bases *bases = calloc(MR_BACKEND_NONE + 1, sizeof(*bases));
	struct pool_outlook outlook = {
		.members = calloc(pool->member_count + 1, sizeof(*outlook.members)),
	};

	if (bases == NULL || outlook.members == NULL) {
		free(bases);
		free(outlook.members);
		return -ENOMEM;
	}
	outlook.changed_ago_s = age_s(pool->changed_s, now_s);
	outlook.oldest_base_s = read_slots(pool->slots, now_s, bases);
	for (uint32_t i = 0; i < pool->member_count; i++) {
		const struct member *member = &pool->members[i];

		outlook.members[i] = look(pool, member, &bases[member->backend->id], now_s);
	}
	free(bases);
	*out = outlook;
	return 0;
}

void pool_outlook_fini(struct pool_outlook *outlook)
{
	free(outlook->members);
}
