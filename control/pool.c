/* SPDX-License-Identifier: BSD-3-Clause */
#include "pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "slots.h"

struct backend *backend_get(struct backend *backend)
{
	backend->references++;
	return backend;
}

bool member_is_alive(const struct member *member)
{
	return member->state != CONFIG_BACKEND_DISABLED && member->backend->verdict != HEALTH_DOWN;
}

bool member_is_eligible(const struct member *member)
{
	const struct backend *backend = member->backend;
	const bool healthy = backend->verdict == HEALTH_UP ||
			     (backend->verdict == HEALTH_UNKNOWN && backend->trusted);

	return healthy && !member->leaving && member->weight > 0 &&
	       member->state == CONFIG_BACKEND_ENABLED;
}

bool pool_has_tunnel(const struct pool *pool)
{
	switch (pool->forwarding) {
	case MR_FORWARDING_IPIP:
	case MR_FORWARDING_GUE:
		return true;
	case MR_FORWARDING_L2DSR:
	case MR_FORWARDING_NAT:
		return false;
	}
	return false;
}

struct member *pool_find_member(const struct pool *pool, mr_backend_id id)
{
	for (uint32_t i = 0; i < pool->member_count; i++) {
		if (pool->members[i].backend->id == id)
			return &pool->members[i];
	}
	return NULL;
}

struct member *pool_find_member_near(const struct pool *pool, mr_backend_id id, uint32_t place)
{
	if (place < pool->member_count && pool->members[place].backend->id == id)
		return &pool->members[place];
	return pool_find_member(pool, id);
}

/* The pool's members as their table of slots asks for them: by id, in one read. */
struct alive_ids {
	bool alive[MR_BACKENDS_MAX];
};

static bool id_is_alive(const void *context, mr_backend_id id)
{
	const struct alive_ids *ids = context;

	return ids->alive[id];
}

static struct alive_ids *alive_ids_create(const struct pool *pool)
{
	struct alive_ids *ids = calloc(1, sizeof(*ids));

	for (uint32_t i = 0; ids != NULL && i < pool->member_count; i++)
		ids->alive[pool->members[i].backend->id] = member_is_alive(&pool->members[i]);
	return ids;
}

static struct pool_input input_of(const struct member *member)
{
	return (struct pool_input){
		.weight = member_is_eligible(member) ? member->weight : 0,
		.id = member->backend->id,
		.alive = member_is_alive(member),
	};
}

/* NULL: no memory. */
static struct pool_input *inputs_create(const struct pool *pool)
{
	struct pool_input *inputs = calloc(pool->member_count + 1, sizeof(*inputs));

	for (uint32_t i = 0; inputs != NULL && i < pool->member_count; i++)
		inputs[i] = input_of(&pool->members[i]);
	return inputs;
}

static bool inputs_are(const struct pool *pool, const struct pool_input *inputs)
{
	if (pool->inputs == NULL || pool->input_count != pool->member_count)
		return false;
	for (uint32_t i = 0; i < pool->member_count; i++) {
		const struct pool_input *before = &pool->inputs[i];

		if (before->id != inputs[i].id || before->weight != inputs[i].weight ||
		    before->alive != inputs[i].alive)
			return false;
	}
	return true;
}

static int build_table(const struct pool *pool, const struct pool_input *inputs, uint16_t *table)
{
	struct maglev_backend *backends = calloc(pool->member_count + 1, sizeof(*backends));
	int rc;

	if (backends == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < pool->member_count; i++) {
		backends[i] = (struct maglev_backend){
			.place = pool->members[i].backend->place,
			.weight = inputs[i].weight,
			.value = inputs[i].id,
		};
	}
	rc = maglev_build(backends, pool->member_count, pool->table_size, table);
	free(backends);
	return rc;
}

/* In what a table of slots differs from the one before it. */
struct advance {
	bool changed;	      /* in anything */
	bool changed_current; /* in where new sessions go */
	uint32_t rehashed;    /* slots whose base was given up, with its sessions */
};

static void advance_slot(struct mr_slots *next, uint32_t slot, mr_slot old, mr_backend_id current,
			 const struct alive_ids *ids, uint32_t now_s)
{
	bool stamp;
	const mr_slot word = slot_advance(old, current, id_is_alive, ids, &stamp);

	next->words[slot] = word;
	if (stamp)
		mr_slots_note_unknown(next, slot, now_s);
	/* Stamped again where sessions have begun at the base meanwhile: it is met afresh. */
	if (mr_slot_moving(word) &&
	    (stamp || !mr_slot_moving(old) || mr_slot_base(word) != mr_slot_base(old)))
		mr_slots_note_moving(next, slot, now_s);
}

/* A new pool's slots are steady. */
static struct advance advance_words(struct mr_slots *next, const struct mr_slots *previous,
				    const uint16_t *table, const struct alive_ids *ids,
				    uint32_t now_s)
{
	struct advance advance = {.changed = previous == NULL, .changed_current = previous == NULL};

	for (uint32_t i = 0; i < next->size; i++) {
		const mr_backend_id current = table[i] == MAGLEV_NONE ? MR_BACKEND_NONE : table[i];
		const mr_slot old = previous != NULL ? previous->words[i]
						     : mr_slot_make(current, current, false);

		if (old == mr_slot_make(current, current, false)) {
			next->words[i] =
				old; /* steady where it stays: who gets sessions is alive */
			continue;
		}
		advance_slot(next, i, old, current, ids, now_s);
		advance.changed |= next->words[i] != old;
		advance.changed_current |= current != mr_slot_current(old);
		advance.rehashed +=
			mr_slot_base(old) != MR_BACKEND_NONE && !ids->alive[mr_slot_base(old)];
	}
	return advance;
}

static void count_slots(struct pool *pool)
{
	uint32_t *current = calloc(2 * (MR_BACKEND_NONE + 1), sizeof(*current));
	uint32_t *base;

	if (current == NULL)
		return; /* keeps the counts of the last table: they are for the eye only */
	base = current + MR_BACKEND_NONE + 1;
	pool->moving_slots = 0;
	for (uint32_t i = 0; i < pool->slots->size; i++) {
		const mr_slot word = pool->slots->words[i];

		current[mr_slot_current(word)]++;
		base[mr_slot_base(word)] += mr_slot_base(word) != mr_slot_current(word);
		pool->moving_slots += mr_slot_moving(word);
	}
	for (uint32_t i = 0; i < pool->member_count; i++) {
		struct member *member = &pool->members[i];

		member->slots = current[member->backend->id];
		member->base_slots = base[member->backend->id];
	}
	free(current);
}

void pool_take_slots(struct pool *pool, struct mr_slots *slots)
{
	mr_slots_put(pool->slots);
	pool->slots = slots;
	count_slots(pool);
}

int pool_inherit(struct pool *pool, const struct pool *previous)
{
	pool->slots = mr_slots_get(previous->slots);
	pool->moving_slots = previous->moving_slots;
	for (uint32_t i = 0; i < pool->member_count; i++) {
		struct member *member = &pool->members[i];
		const struct member *before =
			pool_find_member_near(previous, member->backend->id, i);

		member->slots = before != NULL ? before->slots : 0;
		member->base_slots = before != NULL ? before->base_slots : 0;
	}
	if (previous->inputs == NULL)
		return 0;
	pool->inputs = calloc(previous->input_count + 1, sizeof(*pool->inputs));
	if (pool->inputs == NULL)
		return -ENOMEM;
	memcpy(pool->inputs, previous->inputs, previous->input_count * sizeof(*pool->inputs));
	pool->input_count = previous->input_count;
	return 0;
}

static int advance_slots(struct pool *pool, struct mr_slots *previous,
			 const struct pool_input *inputs, uint32_t now_s)
{
	uint16_t *table = malloc(pool->table_size * sizeof(*table));
	struct alive_ids *ids = alive_ids_create(pool);
	struct mr_slots *next = mr_slots_create(pool->table_size, previous);
	struct advance advance;
	int rc = -ENOMEM;

	if (table == NULL || ids == NULL || next == NULL)
		goto err_free;
	rc = build_table(pool, inputs, table);
	if (rc < 0)
		goto err_free;
	advance = advance_words(next, previous, table, ids, now_s);
	if (!advance.changed) {
		mr_slots_put(next);
		next = mr_slots_get(previous);
	}
	if (advance.changed_current)
		pool->changed_s = now_s;
	pool->rehashed_slots += advance.rehashed;
	pool_take_slots(pool, next);
	next = NULL;
err_free:
	mr_slots_put(next);
	free(ids);
	free(table);
	return rc;
}

int pool_advance(struct pool *pool, struct mr_slots *previous, uint32_t now_s)
{
	struct pool_input *inputs = inputs_create(pool);
	int rc;

	if (inputs == NULL)
		return -ENOMEM;
	if (previous != NULL && previous == pool->slots && inputs_are(pool, inputs)) {
		free(inputs);
		return 0;
	}
	rc = advance_slots(pool, previous, inputs, now_s);
	if (rc < 0) {
		free(inputs);
		return rc;
	}
	free(pool->inputs);
	pool->inputs = inputs;
	pool->input_count = pool->member_count;
	return 0;
}

int pool_settle(struct pool *pool, const bool *pinned_elsewhere, uint32_t began_s,
		bool *out_changed)
{
	const struct mr_slots *previous = pool->slots;
	struct mr_slots *next;
	bool changed = false;

	*out_changed = false;
	if (pinned_elsewhere == NULL)
		return 0;
	next = mr_slots_create(pool->table_size, pool->slots);
	if (next == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < next->size; i++) {
		const uint32_t unknown_s = mr_slots_unknown_s(previous, i, began_s);

		next->words[i] = slot_settle(previous->words[i], pinned_elsewhere[i], unknown_s,
					     began_s, pool->session_idle_s);
		if (mr_slot_moving(next->words[i]))
			mr_slots_keep_forgotten(next, i, began_s);
		changed |= next->words[i] != previous->words[i];
	}
	if (changed)
		pool_take_slots(pool, next);
	else
		mr_slots_put(next);
	*out_changed = changed;
	return 0;
}

void pool_fini(struct pool *pool)
{
	for (uint32_t i = 0; i < pool->member_count; i++)
		pool->members[i].backend->references--;
	mr_slots_put(pool->slots);
	free(pool->inputs);
	free(pool->members);
	free(pool->name);
}
