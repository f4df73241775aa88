/* SPDX-License-Identifier: BSD-3-Clause */
#include "session_world.h"

#include <stdlib.h>

#include <CUnit/Basic.h>

bool world_is_alive(const struct world_view *view, mr_backend_id backend)
{
	return backend < WORLD_IDS && view->standing[backend] & WORLD_ALIVE;
}

bool world_is_eligible(const struct world_view *view, mr_backend_id backend)
{
	return backend < WORLD_IDS && view->standing[backend] & WORLD_ELIGIBLE;
}

bool world_dies_later(const struct world *world, const struct world_view *view,
		      mr_backend_id backend, uint64_t *out_number)
{
	if (world->saved.number > 0 && !world_is_alive(&world->saved, backend)) {
		*out_number = world->saved.number;
		return true;
	}
	for (const struct world_view *newer = world->views; newer < view; newer++) {
		if (world_is_alive(newer, backend))
			continue;
		*out_number = newer->number;
		return true;
	}
	return false;
}

static const struct mr_slots *slots_in(const struct world_view *view, uint32_t pool)
{
	return view->snapshot->pools[pool].slots;
}

mr_slot world_word(const struct world_view *view, const struct world_packet *packet)
{
	const struct mr_slots *slots = slots_in(view, packet->pool);

	return slots->words[mr_session_slot(packet->hash, slots->size)];
}

static const struct world_view *view_since(struct world *world, uint32_t worker, uint64_t since)
{
	while (world->workers[worker].lag > 0 &&
	       world->views[world->workers[worker].lag].number < since)
		world->workers[worker].lag--;
	return &world->views[world->workers[worker].lag];
}

/* What there is to count of pins. */
struct tally {
	uint64_t made, found_no_room, rehashed, reused, repeatable;
};

static struct tally tally_of(const struct mr_worker_counters *counters)
{
	return (struct tally){
		.made = counters->pins_created + counters->pins_adopted,
		.found_no_room = counters->pins_refused + counters->pins_deferred,
		.rehashed = counters->pins_rehashed,
		.reused = counters->pins_reused,
		.repeatable = counters->pins_repeatable,
	};
}

/* What a single packet must have changed in @before, by what it met. */
static void audit(uint32_t now_s, const struct world_view *view, const struct world_packet *packet,
		  const struct mr_pin *pin, const struct tally *before, const struct tally *after)
{
	const mr_slot word = world_word(view, packet);
	const bool segment = packet->kind == PACKET_TCP && packet->fragment != FRAGMENT_LATER;
	const bool opens = segment && packet->flags == RTE_TCP_SYN_FLAG;
	const bool heeds = segment && mr_slot_moving(word);
	const bool apart = mr_slot_base(word) != mr_slot_current(word) &&
			   !(opens && mr_slot_current(word) == MR_BACKEND_NONE);
	const bool unpinned = heeds && pin == NULL && apart;
	const bool served = packet->verdict == UNDECIDED;
	const bool reuses = heeds && opens && pin != NULL && pin->state != MR_PIN_EMBRYONIC;
	const bool anew = reuses && pin->state == MR_PIN_CLOSING;
	const bool homeless = heeds && pin != NULL && !world_is_alive(view, pin->backend);
	const bool recent = now_s < view->snapshot->pools[packet->pool].changed_s + MR_SYN_REPEAT_S;

	CU_ASSERT_EQUAL_FATAL(after->made - before->made + after->found_no_room -
				      before->found_no_room,
			      unpinned);
	CU_ASSERT_EQUAL_FATAL(after->reused - before->reused, reuses && served);
	CU_ASSERT_EQUAL_FATAL(after->rehashed - before->rehashed, homeless && served && !anew);
	CU_ASSERT_EQUAL_FATAL(after->repeatable - before->repeatable,
			      opens && after->made > before->made && recent);
}

/* Up to WORLD_SKEW_S from the control thread's, as each reads it at another moment. */
static uint32_t clock_of_worker(const struct world *world)
{
	const uint32_t drawn = draw(16);

	if (drawn > 2 * WORLD_SKEW_S || world->now_s < WORLD_SKEW_S)
		return world->now_s;
	return world->now_s + drawn - WORLD_SKEW_S;
}

/* What its pin must say after a single packet on a moving slot; @pin: what it says. */
static void audit_state(const struct world_view *view, const struct world_packet *packet,
			const struct mr_pin *pin)
{
	const bool segment = packet->kind == PACKET_TCP && packet->fragment != FRAGMENT_LATER;
	bool is_right;

	if (!segment || packet->verdict != UNDECIDED || !mr_slot_moving(world_word(view, packet)) ||
	    mr_slot_base(world_word(view, packet)) == mr_slot_current(world_word(view, packet)))
		return;
	if (packet->flags & (RTE_TCP_FIN_FLAG | RTE_TCP_RST_FLAG))
		is_right = pin->state == MR_PIN_CLOSING;
	else if (packet->flags == RTE_TCP_SYN_FLAG)
		is_right = pin->state != MR_PIN_CLOSING;
	else
		is_right = pin->state != MR_PIN_EMBRYONIC;
	CU_ASSERT_TRUE_FATAL(is_right);
}

static void run_burst(struct world *world, uint32_t worker, const struct world_view *view,
		      struct world_packet *packets, uint32_t count)
{
	static struct burst burst;

	burst.count = count;
	for (uint32_t i = 0; i < count; i++)
		burst.packets[i] = (struct packet){
			.verdict = UNDECIDED,
			.backend = MR_BACKEND_NONE,
			.hash = packets[i].hash,
			.kind = packets[i].kind,
			.fragment = packets[i].fragment,
			.tcp_flags = packets[i].flags,
			.service = world->fleet->service_ids[packets[i].pool],
		};
	world->workers[worker].worker.now_s = clock_of_worker(world);
	pick_backend(&world->workers[worker].worker, view->snapshot, &burst);
	for (uint32_t i = 0; i < count; i++) {
		packets[i].backend = burst.packets[i].backend;
		packets[i].verdict = burst.packets[i].verdict;
	}
}

const struct world_view *world_send(struct world *world, uint32_t worker, uint64_t since,
				    struct world_packet *packets, uint32_t count)
{
	const struct world_view *view = view_since(world, worker, since);
	const struct mr_worker_counters *counters = &world->counters[worker];
	const struct mr_pin_table *pins = world->workers[worker].worker.pins;
	const struct tally before = tally_of(counters);
	struct tally after;
	struct mr_pin pin;
	const bool pinned = mr_pin_table_find(pins, packets[0].hash, &pin);

	run_burst(world, worker, view, packets, count);
	after = tally_of(counters);
	if (count > 1)
		return view;
	audit(world->workers[worker].worker.now_s, view, packets, pinned ? &pin : NULL, &before,
	      &after);
	if (mr_pin_table_find(pins, packets[0].hash, &pin))
		audit_state(view, packets, &pin);
	return view;
}
