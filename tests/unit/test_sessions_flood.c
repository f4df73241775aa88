/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sessions when the budget of pins is used up: a flood of SYNs onto moving slots, while sessions go
 * on and new ones begin. What holds: never more pins than the budget; an established session that
 * has its pin keeps it, and its backend; a new session that finds no room goes to its slot's base
 * and is led there from then on; only a session with an embryonic pin can be moved, by one that is
 * older, and each of these is counted; when the flood is over, state returns to zero.
 *
 * SEED in the environment repeats a run.
 */
#include <inttypes.h>

#include "../lib/session_world.h"
#include "../lib/test_eal.h"
#include "../lib/unit.h"

#define BUDGET	   1024
#define OLDER	   400 /* sessions from before the change */
#define PINNED	   200 /* established between the change and the flood */
#define NEWER	   400 /* sessions that begin in the middle of the flood */
#define FLOOD_SYNS 200000
/* Three quarters of their slots move. */
#define MORE_THAN_PINS 3000
#define BURST	       32

struct session {
	uint64_t hash;
	mr_backend_id backend;
	mr_slot word; /* that its SYN met */
	bool refused;
};

static struct world *world;

static struct world_packet send_one(uint64_t hash, uint8_t flags)
{
	struct world_packet packet = {.hash = hash, .flags = flags};

	world_send(world, draw(WORLD_WORKERS), world->publications, &packet, 1);
	return packet;
}

static void open_session(struct session *session)
{
	const uint64_t refused = WORLD_COUNTER(world, pins_refused);
	struct world_packet packet;

	session->hash = draw_hash();
	packet = send_one(session->hash, RTE_TCP_SYN_FLAG);
	CU_ASSERT_EQUAL_FATAL(packet.verdict, UNDECIDED);
	session->backend = packet.backend;
	session->word = world_word(&world->views[0], &packet);
	session->refused = WORLD_COUNTER(world, pins_refused) > refused;
	CU_ASSERT_EQUAL_FATAL(session->backend, session->refused ? mr_slot_base(session->word)
								 : mr_slot_current(session->word));
}

/* Whether it is still where its SYN went. */
static bool speak(const struct session *session)
{
	return send_one(session->hash, RTE_TCP_ACK_FLAG).backend == session->backend;
}

static void flood(uint32_t syns)
{
	struct world_packet packets[BURST];

	for (uint32_t sent = 0; sent < syns; sent += BURST) {
		for (uint32_t i = 0; i < BURST; i++)
			packets[i] = (struct world_packet){
				.hash = draw_hash(),
				.flags = RTE_TCP_SYN_FLAG,
			};
		world_send(world, draw(WORLD_WORKERS), world->publications, packets, BURST);
		CU_ASSERT_FATAL(world_pins(world) <= BUDGET);
	}
}

/* Most slots of the first pool begin to move: half of its backends are replaced. */
static void change_half(void)
{
	for (uint32_t n = 0; n < WORLD_HUBS; n++) {
		struct world_hub *hub = &world->pools[0].hubs[n];

		if (n % 2 == 0)
			hub->configured = !hub->configured;
	}
	world_apply(world);
	world_check_health(world);
	CU_ASSERT_FATAL(world_moving_slots(world) > 0);
}

static uint32_t speak_all(const struct session *sessions, uint32_t count)
{
	uint32_t stayed = 0;

	for (uint32_t i = 0; i < count; i++)
		stayed += speak(&sessions[i]);
	return stayed;
}

static void end_all(const struct session *sessions, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		send_one(sessions[i].hash, RTE_TCP_RST_FLAG);
}

/* A pool is flooded in all of its life: before anybody is pinned, and when everybody is. */
static void test_flood_pushes_out_nobody(void)
{
	static struct session older[OLDER], pinned[PINNED], newer[NEWER];
	uint32_t refused = 0, stayed;
	uint64_t evicted;

	world = world_create(&(struct world_shape){.budget = BUDGET}, NULL, NULL);
	for (uint32_t i = 0; i < OLDER; i++)
		open_session(&older[i]);
	CU_ASSERT_EQUAL_FATAL(speak_all(older, OLDER), OLDER);
	CU_ASSERT_EQUAL_FATAL(world_pins(world), 0);

	change_half();
	for (uint32_t i = 0; i < PINNED; i++)
		open_session(&pinned[i]);
	CU_ASSERT_EQUAL_FATAL(speak_all(pinned, PINNED), PINNED);
	flood(FLOOD_SYNS);
	CU_ASSERT_FATAL(world_pins(world) > BUDGET / 2);
	CU_ASSERT_FATAL(WORLD_COUNTER(world, pins_refused) > 0);
	/* Those from before have no pin yet, and find room at the cost of embryonic ones. */
	CU_ASSERT_EQUAL_FATAL(speak_all(older, OLDER), OLDER);
	CU_ASSERT_FATAL(WORLD_COUNTER(world, pins_evicted) > 0);
	for (uint32_t round = 0; round < 5; round++) {
		flood(FLOOD_SYNS / 10);
		CU_ASSERT_EQUAL_FATAL(speak_all(older, OLDER), OLDER);
		CU_ASSERT_EQUAL_FATAL(speak_all(pinned, PINNED), PINNED);
	}

	for (uint32_t i = 0; i < NEWER; i++) {
		open_session(&newer[i]);
		refused += newer[i].refused;
	}
	CU_ASSERT_FATAL(refused > 0);
	evicted = WORLD_COUNTER(world, pins_evicted);
	stayed = speak_all(newer, NEWER);
	evicted = WORLD_COUNTER(world, pins_evicted) - evicted;
	CU_ASSERT_FATAL(NEWER - stayed <= evicted);
	for (uint32_t i = 0; i < NEWER; i++)
		CU_ASSERT_TRUE_FATAL(!newer[i].refused || speak(&newer[i]));
	printf("[%" PRIu64 " refused, %" PRIu64 " evicted, %" PRIu64 " deferred] ",
	       WORLD_COUNTER(world, pins_refused), WORLD_COUNTER(world, pins_evicted),
	       WORLD_COUNTER(world, pins_deferred));

	/* The flood ends: what it left goes first, then the sessions. */
	world_set_time(world, world->now_s + WORLD_EMBRYONIC_S + 1 + WORLD_SKEW_S);
	CU_ASSERT_EQUAL_FATAL(speak_all(older, OLDER), OLDER);
	CU_ASSERT_EQUAL_FATAL(speak_all(pinned, PINNED), PINNED);
	world_sweep(world);
	CU_ASSERT_FATAL(world_pins(world) <= OLDER + PINNED + NEWER);
	end_all(older, OLDER);
	end_all(pinned, PINNED);
	end_all(newer, NEWER);
	world_set_time(world, world->now_s + WORLD_SILENCE_S(world->pools[0].idle_s));
	world_assert_nothing_is_remembered(world);
	world_destroy(world);
	world = NULL;
}

/* Those that find no room keep their slots moving, for as long as they speak now and then. */
static void test_more_sessions_than_pins(void)
{
	static struct session sessions[MORE_THAN_PINS];

	world = world_create(&(struct world_shape){.budget = BUDGET}, NULL, NULL);
	for (uint32_t i = 0; i < MORE_THAN_PINS; i++)
		open_session(&sessions[i]);
	change_half();
	for (uint32_t round = 0; round < 16; round++) {
		CU_ASSERT_EQUAL_FATAL(speak_all(sessions, MORE_THAN_PINS), MORE_THAN_PINS);
		CU_ASSERT_FATAL(world_pins(world) <= BUDGET);
		world_set_time(world, world->now_s + world->pools[0].idle_s / 4);
		world_sweep(world);
	}
	CU_ASSERT_FATAL(WORLD_COUNTER(world, pins_deferred) > 0);
	end_all(sessions, MORE_THAN_PINS);
	world_set_time(world, world->now_s + WORLD_SILENCE_S(world->pools[0].idle_s));
	world_assert_nothing_is_remembered(world);
	world_destroy(world);
	world = NULL;
}

/* Where slots are steady a flood leaves nothing behind, however long it is. */
static void test_flood_on_steady_slots_leaves_nothing(void)
{
	world = world_create(&(struct world_shape){.budget = BUDGET}, NULL, NULL);
	flood(FLOOD_SYNS);
	CU_ASSERT_EQUAL_FATAL(world_pins(world), 0);
	CU_ASSERT_EQUAL_FATAL(WORLD_COUNTER(world, pins_refused), 0);
	world_assert_nothing_is_remembered(world);
	world_destroy(world);
	world = NULL;
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_flood_pushes_out_nobody),
		UNIT_TEST(test_more_sessions_than_pins),
		UNIT_TEST(test_flood_on_steady_slots_leaves_nothing),
		CU_TEST_INFO_NULL,
	};
	int status;

	if (test_eal_start() < 0)
		return 2;
	srandom(unit_seed());
	status = unit_run("sessions_flood", tests);
	if (world != NULL)
		world_remove_files(world);
	test_eal_stop();
	return status;
}
