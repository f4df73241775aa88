/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sessions never move: the real configuration, fleet, snapshot, pick_backend and pin sweep
 * under random operations, against a plain model that remembers the backend of every open
 * session. What holds after every packet: a session whose backend has neither gone down nor
 * been disabled since its SYN goes where its SYN went; a SYN goes to a backend that may get new
 * sessions. ICMP errors and later fragments go where their session goes. At the end, when all
 * sessions have ended: no pin, no moving slot, no backend leaving.
 *
 * The seed is printed; `test_sessions SEED` runs the sequences of that seed again, and
 * `test_sessions SEED SEQUENCES` more of them.
 *
 * Seen to fail with each of these single-line faults:
 * - slots.c: the base of a slot that is already moving becomes its old current;
 * - slots.c: unknown_s is never stamped, so that slots become steady too early;
 * - pick_backend.c: a SYN on a moving slot is not pinned;
 * - pick_backend.c: an unknown session on a moving slot goes to current, or an ICMP error of it;
 * - pin_sweep.c: pins away from current are not noted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <mailrail/dataplane.h>

#include "../lib/test_eal.h"
#include "../lib/unit.h"
#include "compile.h"
#include "config.h"
#include "fleet.h"
#include "packet.h"
#include "pin_sweep.h"
#include "worker.h"

#define TABLE_SIZE   251
#define IDLE_S	     900
#define HANDSHAKE_S  60 /* a SYN that is followed by nothing for longer may be forgotten */
#define SESSIONS     400
#define NAMES	     8
#define OPERATIONS   600u
#define WORKERS	     2
#define PIN_BUDGET   4096
#define FATE_UNKNOWN MR_BACKEND_NONE

/* What the operator wants of one of NAMES backends. */
struct wish {
	bool configured;
	uint32_t weight;
	enum config_backend_state state;
	bool down; /* what health checks find */
};

struct session {
	bool open;
	bool established; /* more than a SYN was sent */
	uint64_t hash;
	mr_backend_id backend; /* where its SYN went; FATE_UNKNOWN: it was cut, anything goes */
	uint32_t last_s;
	uint32_t worker;
};

static struct {
	struct wish wishes[NAMES];
	struct session sessions[SESSIONS];
	struct roster roster;
	struct config *config;
	struct fleet *fleet;
	struct mr_pin_table *pins;
	struct pin_sweep *sweep;
	struct mr_snapshot *snapshot;
	struct mr_snapshot *former; /* still read by workers that lag behind */
	struct worker workers[WORKERS];
	bool lags[WORKERS];
	struct mr_worker_counters counters[WORKERS];
	uint32_t now_s;
} world;

/* What dataplane.c gives the control thread. */
uint32_t mr_dataplane_worker_count(const struct mr_dataplane *dp)
{
	(void)dp;
	return WORKERS;
}

const struct mr_worker_counters *mr_dataplane_counters(const struct mr_dataplane *dp,
						       uint32_t worker)
{
	(void)dp;
	return &world.counters[worker];
}

uint32_t mr_dataplane_clock_s(const struct mr_dataplane *dp)
{
	(void)dp;
	return world.now_s;
}

struct mr_pin_table *mr_dataplane_pins(struct mr_dataplane *dp)
{
	(void)dp;
	return world.pins;
}

static void catch_up(void)
{
	for (uint32_t i = 0; i < WORKERS; i++)
		world.lags[i] = false;
	mr_snapshot_destroy(world.former);
	world.former = NULL;
}

bool mr_dataplane_reclaim(struct mr_dataplane *dp)
{
	(void)dp;
	catch_up();
	return true;
}

static uint32_t draw(uint32_t below)
{
	return (uint32_t)random() % below;
}

static uint64_t draw_hash(void)
{
	return (uint64_t)random() << 42 ^ (uint64_t)random() << 21 ^ (uint64_t)random() ^ 1;
}

/* The wishes as an operator would write them, backends in random order. */
static struct config *write_config(void)
{
	static const char *const states[] = {"enabled", "drain", "disabled"};
	struct field_errors errors = {0};
	json_t *backends = json_array();
	json_t *neighbours = json_array();
	const uint32_t first = draw(NAMES);
	struct config *config;
	json_t *json;

	for (uint32_t i = 0; i < NAMES; i++) {
		const uint32_t n = (first + i) % NAMES;
		const struct wish *wish = &world.wishes[n];
		json_t *backend, *neighbour;

		neighbour = json_pack("{s:o,s:s}", "address", json_sprintf("10.0.0.%u", 20 + n),
				      "mac", "02:00:00:00:00:01");
		json_array_append_new(neighbours, neighbour);
		if (!wish->configured)
			continue;
		backend = json_pack("{s:o,s:o,s:i,s:s}", "name", json_sprintf("hub%u", n),
				    "address", json_sprintf("10.0.0.%u", 20 + n), "weight",
				    (int)wish->weight, "state", states[wish->state]);
		json_array_append_new(backends, backend);
	}
	json = json_pack("{s:{s:s,s:s},s:[{s:s,s:s,s:o}],s:[{s:s,s:s,s:i,s:o,s:{s:s}}],"
			 "s:[{s:s,s:s,s:[s],s:[i],s:s}]}",
			 "node", "name", "lb1", "key",
			 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
			 "ports", "name", "wan", "device", "net_null0", "neighbours", neighbours,
			 "pools", "name", "hubs", "forwarding", "l2dsr", "table_size", TABLE_SIZE,
			 "backends", backends, "health", "type", "smtp", "services", "name", "smtp",
			 "namespace", "mail.example.com", "addresses", "10.0.0.10", "ports", 25,
			 "pool", "hubs");
	config = config_decode(json, &errors);
	field_errors_print(&errors, stderr);
	field_errors_fini(&errors);
	json_decref(json);
	CU_ASSERT_PTR_NOT_NULL_FATAL(config);
	return config;
}

static void publish(void)
{
	static const struct way_ports ports;
	static const struct way_facts facts = {.ports = &ports};
	struct mr_steering steering = {0};
	struct mr_endpoint *endpoints = compile_endpoints(world.fleet, &steering.endpoint_count);

	CU_ASSERT_PTR_NOT_NULL_FATAL(endpoints);
	steering.endpoints = endpoints;
	catch_up();
	world.former = world.snapshot;
	world.snapshot = compile_snapshot(world.fleet, &facts, &steering, 1);
	free(endpoints);
	CU_ASSERT_PTR_NOT_NULL_FATAL(world.snapshot);
	CU_ASSERT_FATAL(pin_sweep_restart(world.sweep, world.fleet) == 0);
	for (uint32_t i = 0; i < WORKERS; i++)
		world.lags[i] = world.former != NULL && draw(2) == 0;
}

static void apply(void)
{
	struct config *config = write_config();
	struct mr_error error;
	struct fleet *fleet;

	CU_ASSERT_FATAL(fleet_create(&world.roster, config, world.fleet, &fleet, &error) == 0);
	fleet_destroy(world.fleet);
	config_free(world.config);
	world.fleet = fleet;
	world.config = config;
	publish();
}

static void refresh(void)
{
	struct pool *pool = &world.fleet->pools[0];

	CU_ASSERT_FATAL(pool_advance(pool, pool->slots, world.now_s) == 0);
	publish();
}

/* Sessions of a backend that may not keep them are cut: the model no longer cares. */
static void cut_sessions(void)
{
	for (uint32_t i = 0; i < SESSIONS; i++) {
		struct session *session = &world.sessions[i];
		const struct member *member;

		if (!session->open || session->backend == FATE_UNKNOWN)
			continue;
		member = pool_find_member(&world.fleet->pools[0], session->backend);
		if (member == NULL || !member_is_alive(member))
			session->backend = FATE_UNKNOWN;
	}
}

static void set_health(uint32_t name, bool down)
{
	struct pool *pool = &world.fleet->pools[0];
	char text[8];

	world.wishes[name].down = down;
	snprintf(text, sizeof(text), "hub%u", name);
	for (uint32_t i = 0; i < pool->member_count; i++) {
		if (strcmp(pool->members[i].backend->name, text) == 0)
			pool->members[i].backend->verdict = down ? HEALTH_DOWN : HEALTH_UP;
	}
}

static struct packet send_as(const struct session *session, uint8_t flags, enum packet_kind kind,
			     enum packet_fragment fragment)
{
	struct burst burst = {.count = 1};
	struct worker *worker = &world.workers[session->worker];
	const struct mr_snapshot *snapshot =
		world.lags[session->worker] ? world.former : world.snapshot;

	burst.packets[0] = (struct packet){
		.verdict = UNDECIDED,
		.backend = MR_BACKEND_NONE,
		.hash = session->hash,
		.kind = (uint8_t)kind,
		.fragment = (uint8_t)fragment,
		.tcp_flags = flags,
		.service = world.fleet->service_ids[0],
	};
	worker->now_s = world.now_s;
	pick_backend(worker, snapshot, &burst);
	return burst.packets[0];
}

static struct packet send_packet(const struct session *session, uint8_t flags)
{
	return send_as(session, flags, PACKET_TCP, FRAGMENT_NONE);
}

static void open_session(struct session *session)
{
	const struct member *member;
	struct packet packet;

	*session = (struct session){
		.open = true,
		.hash = draw_hash(),
		.last_s = world.now_s,
		.worker = draw(WORKERS),
	};
	world.lags[session->worker] = false;
	packet = send_packet(session, RTE_TCP_SYN_FLAG);
	session->backend = packet.backend;
	if (packet.verdict != UNDECIDED) {
		session->open = false;
		return;
	}
	member = pool_find_member(&world.fleet->pools[0], packet.backend);
	CU_ASSERT_PTR_NOT_NULL_FATAL(member);
	CU_ASSERT_FATAL(member_is_eligible(member));
}

static void continue_session(struct session *session)
{
	const struct packet packet = send_packet(session, RTE_TCP_ACK_FLAG);

	session->last_s = world.now_s;
	session->established = true;
	if (session->backend != FATE_UNKNOWN)
		CU_ASSERT_EQUAL_FATAL(packet.backend, session->backend);
}

/* What tells nothing of the session keeps it neither alive nor pinned. */
static void follow_session(const struct session *session)
{
	const struct packet packet = draw(2) == 0
					     ? send_as(session, 0, PACKET_ICMP_ERROR, FRAGMENT_NONE)
					     : send_as(session, 0, PACKET_TCP, FRAGMENT_LATER);

	if (session->backend != FATE_UNKNOWN)
		CU_ASSERT_EQUAL_FATAL(packet.backend, session->backend);
}

static void close_session(struct session *session)
{
	const uint8_t last = draw(2) == 0 ? RTE_TCP_RST_FLAG : RTE_TCP_FIN_FLAG;

	continue_session(session);
	send_packet(session, last | RTE_TCP_ACK_FLAG);
	session->open = false;
}

/* A session that has been silent for too long may be forgotten: it speaks before that. */
static void pass_time(uint32_t seconds)
{
	world.now_s += seconds;
	for (uint32_t i = 0; i < SESSIONS; i++) {
		struct session *session = &world.sessions[i];
		const uint32_t patience_s = session->established ? IDLE_S : HANDSHAKE_S;

		if (session->open && world.now_s - session->last_s > patience_s / 2)
			continue_session(session);
	}
}

static void sweep_once(void)
{
	struct pool *pool = &world.fleet->pools[0];
	bool changed = false;

	while (!pin_sweep_step(world.sweep))
		;
	roster_release(&world.roster);
	for (uint32_t i = 0; i < pool->member_count; i++)
		pool->members[i].backend->pins =
			pin_sweep_pins(world.sweep, pool->members[i].backend->id);
	CU_ASSERT_FATAL(pool_settle(pool, pin_sweep_pinned_elsewhere(world.sweep, 0), world.now_s,
				    IDLE_S, &changed) == 0);
	for (uint32_t i = pool->member_count; i-- > 0;) {
		struct member *member = &pool->members[i];

		if (!member->leaving || member->backend->slots > 0 ||
		    member->backend->base_slots > 0 || member->backend->pins > 0)
			continue;
		fleet_remove_member(pool, member);
		changed = true;
	}
	if (changed)
		refresh();
}

static void session_operation(void)
{
	struct session *session = &world.sessions[draw(SESSIONS)];

	if (!session->open)
		open_session(session);
	else if (draw(6) == 0)
		close_session(session);
	else if (draw(4) == 0)
		follow_session(session);
	else
		continue_session(session);
}

static void change_operation(void)
{
	const uint32_t name = draw(NAMES);
	struct wish *wish = &world.wishes[name];

	switch (draw(8)) {
	case 0:
		wish->configured = !wish->configured;
		apply();
		if (wish->configured)
			set_health(name, false);
		refresh();
		break;
	case 1:
	case 2:
		wish->state =
			draw(3) == 0 ? CONFIG_BACKEND_DISABLED : (enum config_backend_state)draw(2);
		apply();
		break;
	case 3:
		wish->weight = draw(4) * 100;
		apply();
		break;
	case 4:
	case 5:
		set_health(name, !wish->down);
		refresh();
		break;
	case 6:
		apply(); /* the same again, in another order */
		break;
	default:
		pass_time(draw(IDLE_S / 3));
		break;
	}
	cut_sessions();
}

static void world_init(void)
{
	struct config *config;
	struct mr_error error;

	memset(&world, 0, sizeof(world));
	world.now_s = 1;
	world.pins = mr_pin_table_create(PIN_BUDGET);
	world.sweep = pin_sweep_create(NULL, IDLE_S);
	CU_ASSERT_FATAL(world.pins != NULL && world.sweep != NULL);
	for (uint32_t i = 0; i < WORKERS; i++)
		world.workers[i] = (struct worker){
			.index = i,
			.counters = &world.counters[i],
			.pins = world.pins,
		};
	for (uint32_t i = 0; i < NAMES; i++)
		world.wishes[i] = (struct wish){.configured = i < NAMES / 2, .weight = 100};
	config = write_config();
	CU_ASSERT_FATAL(fleet_create(&world.roster, config, NULL, &world.fleet, &error) == 0);
	world.config = config;
	publish();
}

static void world_fini(void)
{
	mr_snapshot_destroy(world.former);
	mr_snapshot_destroy(world.snapshot);
	fleet_destroy(world.fleet);
	roster_fini(&world.roster);
	config_free(world.config);
	pin_sweep_destroy(world.sweep);
	mr_pin_table_destroy(world.pins);
}

static void assert_nothing_is_remembered(void)
{
	const struct pool *pool = &world.fleet->pools[0];

	CU_ASSERT_EQUAL_FATAL(mr_pin_table_count(world.pins), 0);
	CU_ASSERT_EQUAL_FATAL(pool->moving_slots, 0);
	CU_ASSERT_EQUAL_FATAL(pool->member_count, world.config->pools[0].backend_count);
	for (uint32_t i = 0; i < TABLE_SIZE; i++)
		CU_ASSERT_FALSE_FATAL(mr_slot_moving(pool->slots->words[i]));
}

static void run_sequence(void)
{
	world_init();
	for (uint32_t i = 0; i < OPERATIONS; i++) {
		const uint32_t kind = draw(100);

		if (kind < 85)
			session_operation();
		else if (kind < 95)
			change_operation();
		else
			sweep_once();
	}
	for (uint32_t i = 0; i < SESSIONS; i++) {
		if (world.sessions[i].open)
			close_session(&world.sessions[i]);
	}
	world.now_s += IDLE_S + 2;
	/* One pass ends pins and settles slots, the next sees the last members out. */
	for (uint32_t i = 0; i < 4; i++)
		sweep_once();
	assert_nothing_is_remembered();
	world_fini();
}

static unsigned int seed;
static unsigned int sequences = 300;

static void test_sessions_never_move(void)
{
	uint64_t pinned = 0;

	printf("[seed %u, %u sequences of %u operations] ", seed, sequences, OPERATIONS);
	fflush(stdout);
	srandom(seed);
	for (unsigned int i = 0; i < sequences; i++) {
		run_sequence();
		for (uint32_t w = 0; w < WORKERS; w++)
			pinned += world.counters[w].pins_created + world.counters[w].pins_adopted;
	}
	CU_ASSERT(pinned > 0); /* or the sequences have tested nothing */
}

/* A million sessions and SYNs on steady slots leave no trace. */
static void test_steady_state_remembers_nothing(void)
{
	world_init();
	for (uint32_t i = 0; i < 1000000; i++) {
		struct session session = {.hash = draw_hash(), .worker = i % WORKERS};
		const mr_backend_id backend = send_packet(&session, RTE_TCP_SYN_FLAG).backend;

		CU_ASSERT_EQUAL_FATAL(send_packet(&session, RTE_TCP_ACK_FLAG).backend, backend);
	}
	assert_nothing_is_remembered();
	world_fini();
}

int main(int argc, char **argv)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_sessions_never_move),
		UNIT_TEST(test_steady_state_remembers_nothing),
		CU_TEST_INFO_NULL,
	};
	int status;

	seed = argc > 1 ? (unsigned int)strtoul(argv[1], NULL, 10) : (unsigned int)time(NULL);
	if (argc > 2)
		sequences = (unsigned int)strtoul(argv[2], NULL, 10);
	if (test_eal_start() < 0)
		return 2;
	status = unit_run("sessions", tests);
	test_eal_stop();
	return status;
}
