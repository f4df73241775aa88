/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The way of a session's packets through match_service.c and pick_backend.c, by the same
 * functions, as a list of steps.
 */
#include "explain.h"

#include <string.h>

#include "pick_backend.h"

static struct mr_pick stay_on_base(mr_slot word)
{
	const mr_backend_id base = mr_slot_base(word);

	return (struct mr_pick){base, base != MR_BACKEND_NONE ? MR_PICK_REFUSED : MR_PICK_NOBODY};
}

/*
 * A new session that finds no room for its pin goes to base, as pick_backend.c has it. (That both
 * places of its hash are taken in a table with room is so rare that it is not foreseen.)
 */
static struct mr_pick decide(const struct mr_snapshot *snapshot, const struct mr_pin_table *pins,
			     const struct mr_explanation *so_far, bool opens)
{
	const struct pick_segment segment = {
		.is_segment = true,
		.opens = opens,
		.now_s = so_far->now_s,
	};
	const struct pick pick = pick_decide(snapshot, so_far->word,
					     so_far->has_pin ? &so_far->pin : NULL, &segment);

	if (pick.fate == PIN_MADE && opens && mr_pin_table_count(pins) >= mr_pin_table_budget(pins))
		return stay_on_base(so_far->word);
	return pick.to;
}

static void explain_access(const struct mr_service *service, const struct mr_tuple *tuple,
			   struct mr_explanation *out)
{
	out->excluded = service->exclude != NULL &&
			mr_access_list_find(service->exclude, &tuple->client, &out->exclusion);
	if (out->excluded)
		out->exclude_action = service->exclude_action;
}

void explain_session(const struct mr_snapshot *snapshot, const struct mr_pin_table *pins,
		     uint32_t now_s, const struct mr_tuple *tuple, struct mr_explanation *out)
{
	const struct mr_endpoint *endpoint =
		mr_snapshot_find_endpoint(snapshot, &tuple->service, tuple->service_port);
	const struct mr_service *service;
	const struct mr_slots *slots;

	memset(out, 0, sizeof(*out));
	if (endpoint == NULL)
		return;
	service = &snapshot->services[endpoint->service];
	slots = snapshot->pools[service->pool].slots;
	out->has_service = true;
	out->service = endpoint->service;
	explain_access(service, tuple, out);
	out->hash = mr_session_hash(&snapshot->hash_key, tuple);
	out->slot = mr_session_slot(out->hash, slots->size);
	out->word = slots->words[out->slot];
	out->now_s = now_s;
	/* Workers ask for pins on moving slots only. */
	out->has_pin = mr_slot_moving(out->word) && mr_pin_table_find(pins, out->hash, &out->pin);
	out->syn = decide(snapshot, pins, out, true);
	out->segment = decide(snapshot, pins, out, false);
}
