/* SPDX-License-Identifier: BSD-3-Clause */
#include "crowd.h"

#include <errno.h>
#include <stdlib.h>

#include "random.h"

#define TICK_BITS     14 /* a tick is 16.4 microseconds */
#define TICKS_MAX     (UINT32_C(1) << 30)
#define ARRIVALS_SEED UINT64_C(0x6172726976616c73)

int crowd_create(struct crowd *crowd, const struct crowd_config *config)
{
	*crowd = (struct crowd){.config = *config, .next_serial = config->first_serial};
	crowd->sessions = calloc(config->slot_count, sizeof(*crowd->sessions));
	crowd->free = malloc(config->slot_count * sizeof(*crowd->free));
	if (!crowd->sessions || !crowd->free) {
		crowd_destroy(crowd);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < config->slot_count; i++)
		crowd->free[i] = i;
	crowd->free_count = config->slot_count;
	wheel_init(&crowd->wheel, crowd->sessions, sizeof(*crowd->sessions));
	return 0;
}

void crowd_destroy(struct crowd *crowd)
{
	free(crowd->sessions);
	free(crowd->free);
	*crowd = (struct crowd){0};
}

static uint64_t draw(const struct crowd *crowd, uint64_t serial, uint64_t what)
{
	return random_mix(random_mix(crowd->config.seed + serial) ^ what);
}

/* Puts the session off until its next packet. */
static void wait_for_step(struct crowd *crowd, uint32_t slot, uint64_t now_tick)
{
	struct crowd_session *session = &crowd->sessions[slot];
	const struct script_step *step = &crowd->config.scripts->steps[session->step];
	const uint64_t random = draw(crowd, session->serial, session->number);
	const uint64_t gap_ns =
		scripts_gap(crowd->config.scripts, step->gap_us * UINT64_C(1000), random);
	uint64_t ticks = gap_ns >> TICK_BITS;

	if (ticks > TICKS_MAX)
		ticks = TICKS_MAX;
	wheel_add(&crowd->wheel, slot, (uint32_t)(now_tick + ticks));
}

static void begin_session(struct crowd *crowd, uint64_t now_tick)
{
	const struct scripts *scripts = crowd->config.scripts;
	const uint64_t serial = crowd->next_serial;
	struct crowd_session *session;
	uint32_t slot, kind;

	crowd->next_serial += crowd->config.serial_step;
	if (crowd->free_count == 0) {
		crowd->crowded_out++;
		return;
	}
	slot = crowd->free[crowd->free_first];
	crowd->free_first =
		crowd->free_first + 1 < crowd->config.slot_count ? crowd->free_first + 1 : 0;
	crowd->free_count--;
	kind = draw_pick(&scripts->kind_draw, draw(crowd, serial, UINT64_MAX));
	session = &crowd->sessions[slot];
	*session = (struct crowd_session){
		.serial = serial,
		.step = scripts->first[kind],
		.left = scripts->steps[scripts->first[kind]].count,
		.kind = (uint8_t)kind,
		.generation = (uint8_t)(session->generation + 1),
		.is_v6 = clients_is_v6(crowd->config.clients, serial),
	};
	crowd->begun++;
	wait_for_step(crowd, slot, now_tick);
}

static void end_session(struct crowd *crowd, uint32_t slot)
{
	uint32_t last = crowd->free_first + crowd->free_count;

	if (last >= crowd->config.slot_count)
		last -= crowd->config.slot_count;
	crowd->free[last] = slot;
	crowd->free_count++;
	crowd->ended++;
}

/* True: a session arrives before @tick ends and before anything else is due. */
static bool take_arrival(struct crowd *crowd, uint64_t until_ns)
{
	const double mean_ns = 1e9 / crowd->config.sessions_per_second;
	const uint64_t arrival_tick = (uint64_t)crowd->arrival_ns >> TICK_BITS;
	uint64_t gap_ns;

	if (crowd->arrival_ns > (double)until_ns || arrival_tick > crowd->tick)
		return false;
	begin_session(crowd, crowd->tick);
	if (!crowd->config.scripts->exponential) {
		crowd->arrival_ns += mean_ns;
		return true;
	}
	gap_ns = scripts_gap(crowd->config.scripts, (uint64_t)(mean_ns * 1024),
			     draw(crowd, crowd->next_serial, ARRIVALS_SEED));
	crowd->arrival_ns += (double)gap_ns / 1024;
	return true;
}

/* Takes the next session whose time has come, letting new ones in on the way. */
static bool take_due(struct crowd *crowd, uint64_t until_ns, uint32_t *out_slot)
{
	const uint64_t until_tick = until_ns >> TICK_BITS;

	for (;;) {
		const uint64_t arrival_tick = (uint64_t)crowd->arrival_ns >> TICK_BITS;
		uint64_t stop = arrival_tick < until_tick ? arrival_tick : until_tick;
		bool taken;

		if (stop < crowd->tick)
			stop = crowd->tick;
		if (stop > crowd->tick + TICKS_MAX)
			stop = crowd->tick + TICKS_MAX;
		taken = wheel_take(&crowd->wheel, (uint32_t)stop, out_slot);
		crowd->tick += crowd->wheel.now - (uint32_t)crowd->tick;
		if (taken)
			return true;
		if (!take_arrival(crowd, until_ns) && crowd->tick >= until_tick)
			return false;
	}
}

/* Of the packet that is next: a full one has less room over IPv6. */
static uint16_t payload_of(const struct crowd *crowd, const struct crowd_session *session)
{
	const struct scripts *scripts = crowd->config.scripts;
	const uint16_t bytes = scripts->steps[session->step].payload_bytes;

	return session->is_v6 && bytes > scripts->v6_payload_max ? scripts->v6_payload_max : bytes;
}

static void move_on(struct crowd *crowd, uint32_t slot)
{
	struct crowd_session *session = &crowd->sessions[slot];
	const struct script_step *step = &crowd->config.scripts->steps[session->step];

	session->number++;
	session->offset += payload_of(crowd, session);
	if (--session->left == 0) {
		if (step->last) {
			end_session(crowd, slot);
			return;
		}
		session->step++;
		session->left = step[1].count;
	}
	wait_for_step(crowd, slot, crowd->tick);
}

bool crowd_next(struct crowd *crowd, uint64_t until_ns, struct planned *out)
{
	const struct crowd_session *session;
	const struct script_step *step;
	uint32_t slot;

	if (!take_due(crowd, until_ns, &slot))
		return false;
	session = &crowd->sessions[slot];
	step = &crowd->config.scripts->steps[session->step];
	*out = (struct planned){
		.serial = session->serial,
		.time_ns = crowd->tick << TICK_BITS,
		.session = planned_session(crowd->config.first_slot + slot, session->generation),
		.number = session->number,
		.offset = session->offset,
		.payload_bytes = payload_of(crowd, session),
		.tcp_flags = step->tcp_flags,
		.kind = session->kind,
	};
	move_on(crowd, slot);
	return true;
}
