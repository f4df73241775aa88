/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sessions never move: the real code (../lib/session_world.h) under random operations, against a
 * plain model that remembers the backend of every open session. Clients and network behave well
 * here; test_sessions_lossy.c has those that do not. What holds for every packet, whichever worker
 * it comes to and however old the snapshot that this one reads:
 *
 * - a session whose backend has neither gone down nor been disabled goes where its SYN went;
 * - once it has been given to another backend because its own was gone, it stays there;
 * - a SYN goes to a backend that may get new sessions, and is refused when there is none; one with
 *   the addresses and ports of a session before may go where that was, as a pin may not have heard
 *   of the end of its session, which came while the slot was steady;
 * - nothing goes to a backend that is down or disabled;
 * - ICMP errors and later fragments go where their session goes.
 *
 * Operations are packets, time, sweeps and what ../lib/session_changes.h draws. In the end, when
 * all sessions have ended: no pin, no moving slot, no backend leaving.
 *
 * `test_sessions SEED` and `test_sessions SEED SEQUENCES`: ../lib/sequences.h.
 *
 * Each of these faults of a line or two was seen to be caught, within the sequences of one run, by
 * this test, by test_sessions_lossy (L) or by test_sessions_flood (F); where no letter stands, by
 * this one and L:
 * - slots.c: the base of a slot that is already moving becomes its former current; unknown_s is
 *   never stamped; a slot settles although pins are elsewhere, or two seconds early (only here); a
 *   steady slot whose backend is gone stays steady, so that pins of its last move are believed
 *   later (only here, in sequence 968 of one seed); its silence is subtracted without looking which
 *   is greater (only here);
 * - pool.c: a slot is stamped with 0; slots settle after a minute, whatever session_idle says;
 * - pick_backend.c: an unknown session goes to current; a SYN is not pinned; ICMP errors make and
 *   refresh pins; the pin of a backend that is gone is followed; FIN and RST are not noted; a SYN
 *   goes to current although its session has not ended (L); a refused SYN goes to current (F);
 *   unknown sessions do not stamp their slot (F);
 * - pin_table.c: only one of a session's two buckets is looked at; one pin more than the budget
 * (F); established pins are evicted (F);
 * - pin_file.c: established pins are not carried over to a file of another budget;
 * - pin_sweep.c: pins away from current are not noted; established pins end after a minute; a pass
 *   does not wait until workers have left older snapshots;
 * - session_state.c, saved_tables.c: recovered slots are not stamped; verdicts are forgotten; a
 *   table is not written when only its backends have changed;
 * - fleet.c: removed backends vanish at once; another address is taken for the same backend; ids
 *   are given again while backends are in use.
 */
#include <inttypes.h>
#include <string.h>

#include "../lib/sequences.h"
#include "../lib/session_changes.h"
#include "../lib/test_eal.h"
#include "../lib/unit.h"

#define SESSIONS	  200
#define BURST_MAX	  12
#define OPERATIONS_MAX	  300
#define LARGE_TABLE_SIZE  4093
#define LARGE_BUDGET	  40000 /* a pass over so many pins takes two steps */
#define DEFAULT_SEQUENCES 2000

struct session {
	bool open;
	bool reused; /* it has addresses and ports of a session before */
	bool cut;    /* its backend is gone: it goes anywhere, until a segment has said where */
	enum mr_pin_state state; /* of its client */
	uint32_t pool;
	uint64_t hash;
	mr_backend_id backend;
	struct mr_addr address; /* of the backend: ids are given again, addresses here are not */
	uint64_t since;		/* number of the view that led it there, or cut it */
	uint32_t last_s;
	uint32_t burst; /* the last one that it had a packet in */
};

/* A packet of a burst and the session that it is of. */
struct step {
	struct session *session;
	bool opens;
	bool segment;
};

static struct {
	struct world *world;
	struct session sessions[SESSIONS];
	uint32_t bursts;
	/* Of a burst that is being made. */
	struct step steps[BURST_MAX];
	struct world_packet packets[BURST_MAX];
	uint32_t count;
	uint64_t since;
} model;

static struct sequences sequences;

/* Over all sequences: or they would have tested nothing. */
static struct {
	uint64_t pinned, adopted, rehashed, reused, restarts;
} total;

/* --- what must hold */

static const struct backend *backend_of(mr_backend_id id)
{
	CU_ASSERT_PTR_NOT_NULL_FATAL(model.world->roster->backends[id]);
	return model.world->roster->backends[id];
}

static void cut(struct session *session, uint64_t number)
{
	session->cut = true;
	session->since = number;
}

/* The session has been led to @backend. */
static void learn(struct session *session, const struct world_view *view, mr_backend_id backend)
{
	uint64_t number;

	session->cut = false;
	session->backend = backend;
	session->address = backend_of(backend)->address;
	session->since = view->number;
	if (world_dies_later(model.world, view, backend, &number))
		cut(session, number);
}

/* Its later packets of the same burst may leave a pin: no other session gets its hash. */
static void refuse(struct session *session)
{
	session->open = false;
	session->hash = 0;
}

static void judge_syn(struct session *session, const struct world_view *view,
		      const struct world_packet *packet)
{
	if (packet->verdict != UNDECIDED) {
		CU_ASSERT_EQUAL_FATAL(view->eligible[session->pool], 0);
		refuse(session);
		return;
	}
	if (!session->reused || packet->backend != session->backend)
		CU_ASSERT_TRUE_FATAL(world_is_eligible(view, packet->backend));
	learn(session, view, packet->backend);
}

static void judge(const struct world_view *view, const struct step *step,
		  const struct world_packet *packet)
{
	struct session *session = step->session;
	const bool forwarded = packet->verdict == UNDECIDED;

	if (forwarded)
		CU_ASSERT_TRUE_FATAL(world_is_alive(view, packet->backend));
	if (step->opens) {
		judge_syn(session, view, packet);
	} else if (!session->cut) {
		CU_ASSERT_TRUE_FATAL(forwarded);
		CU_ASSERT_EQUAL_FATAL(packet->backend, session->backend);
		CU_ASSERT_TRUE_FATAL(
			mr_addr_equal(&session->address, &backend_of(session->backend)->address));
	} else if (session->open && step->segment && forwarded) {
		learn(session, view, packet->backend);
	}
}

/* A backend that lives does not vanish while it has sessions. */
static void on_change(void *context, const struct world_view *view)
{
	(void)context;
	for (uint32_t i = 0; i < SESSIONS; i++) {
		struct session *session = &model.sessions[i];

		if (!session->open || session->cut || world_is_alive(view, session->backend))
			continue;
		CU_ASSERT_TRUE_FATAL(view->standing[session->backend] & WORLD_KNOWN);
		cut(session, view->number);
	}
}

/* --- packets */

static struct world_packet *add_step(struct session *session, const struct step *step)
{
	struct world_packet *packet = &model.packets[model.count];

	*packet = (struct world_packet){.hash = session->hash, .pool = session->pool};
	model.steps[model.count++] = *step;
	session->burst = model.bursts;
	/* An older snapshot may lead it to a base that has been forgotten by now. */
	if (session->cut && !step->opens)
		session->since = model.world->publications;
	model.since = RTE_MAX(model.since, session->since);
	return packet;
}

/*
 * With the addresses and ports of the session before, or with others. Not those of one that has
 * ended while nobody was there for it: its pin may not have heard of that.
 */
static void plan_open(struct session *session)
{
	session->reused = session->hash != 0 && !session->cut && draw(4) == 0;
	if (!session->reused) {
		session->hash = draw_hash();
		session->pool = draw(WORLD_POOLS);
		session->since = 0;
	}
	session->open = true;
	session->cut = true; /* until the SYN has been led somewhere */
	session->state = MR_PIN_EMBRYONIC;
	session->last_s = model.world->now_s;
	add_step(session, &(struct step){session, true, true})->flags = RTE_TCP_SYN_FLAG;
}

static void plan_segment(struct session *session, uint8_t flags)
{
	session->last_s = model.world->now_s;
	if (session->state == MR_PIN_EMBRYONIC)
		session->state = MR_PIN_ESTABLISHED;
	add_step(session, &(struct step){session, false, true})->flags = flags;
}

/* After a FIN the client still acknowledges what the server sends; after a reset all is over. */
static void plan_end(struct session *session)
{
	if (session->state == MR_PIN_CLOSING || draw(2) == 0) {
		plan_segment(session, RTE_TCP_RST_FLAG | RTE_TCP_ACK_FLAG);
		session->open = false;
	} else {
		plan_segment(session, RTE_TCP_FIN_FLAG | RTE_TCP_ACK_FLAG);
	}
	session->state = MR_PIN_CLOSING;
}

/* What tells nothing of the session keeps it neither alive nor pinned. */
static void plan_companion(struct session *session)
{
	struct world_packet *packet = add_step(session, &(struct step){session, false, false});

	if (draw(2) == 0)
		packet->kind = PACKET_ICMP_ERROR;
	else
		packet->fragment = FRAGMENT_LATER;
}

/* Only the clients' last words and first words of one session do not share a burst. */
static void plan_any(struct session *session)
{
	if (!session->open && session->burst == model.bursts)
		return;
	if (!session->open)
		plan_open(session);
	else if (draw(6) == 0)
		plan_end(session);
	else if (draw(4) == 0)
		plan_companion(session);
	else
		plan_segment(session, RTE_TCP_ACK_FLAG);
}

static void begin_burst(void)
{
	model.bursts++;
	model.count = 0;
	model.since = 0;
}

static void send_burst(void)
{
	const struct world_view *view;

	if (model.count == 0)
		return;
	view = world_send(model.world, draw(WORLD_WORKERS), model.since, model.packets,
			  model.count);
	for (uint32_t i = 0; i < model.count; i++)
		judge(view, &model.steps[i], &model.packets[i]);
}

/* A few sessions, some of them several times. */
static void exchange_packets(void)
{
	const uint32_t wanted = draw(2) == 0 ? 1 : 1 + draw(BURST_MAX);
	const uint32_t first = draw(SESSIONS);

	begin_burst();
	for (uint32_t i = 0; i < wanted; i++)
		plan_any(&model.sessions[(first + draw(3) + draw(2) * i) % SESSIONS]);
	send_burst();
}

static void speak(struct session *session)
{
	begin_burst();
	plan_segment(session, RTE_TCP_ACK_FLAG);
	send_burst();
}

/* --- time */

/* A pin that has not heard of a new session yet may still count the time from the end of the old.
 */
static uint32_t deadline_s(const struct session *session)
{
	const enum mr_pin_state state = session->reused ? MR_PIN_CLOSING : session->state;

	return session->last_s + world_patience_s(model.world, session->pool, state);
}

/* The time at which a session must speak, or @until_s; those that must now do. */
static uint32_t next_deadline_s(uint32_t until_s)
{
	for (uint32_t i = 0; i < SESSIONS; i++) {
		struct session *session = &model.sessions[i];

		if (!session->open)
			continue;
		if (deadline_s(session) <= model.world->now_s)
			speak(session);
		until_s = RTE_MIN(until_s, deadline_s(session));
	}
	return until_s;
}

/* A session that is silent for longer than it may be forgotten: it speaks in the last second. */
static void pass_time(uint32_t seconds)
{
	const uint32_t until_s = model.world->now_s + seconds;

	while (model.world->now_s < until_s)
		world_set_time(model.world, next_deadline_s(until_s));
}

/* Who has been silent for too long by what is wished now speaks before it takes effect. */
static void speak_in_time(void)
{
	next_deadline_s(UINT32_MAX);
}

/* The clock may have gone back to the last moment that was written down. */
static void restart(void)
{
	changes_restart(model.world, speak_in_time, exchange_packets);
	for (uint32_t i = 0; i < SESSIONS; i++) {
		struct session *session = &model.sessions[i];

		session->last_s = RTE_MIN(session->last_s, model.world->now_s);
	}
}

/* --- sequences */

static void close_sessions(void)
{
	for (uint32_t i = 0; i < SESSIONS; i++) {
		struct session *session = &model.sessions[i];

		begin_burst();
		while (session->open && model.count < BURST_MAX)
			plan_end(session);
		send_burst();
	}
}

static void begin_sequence(void)
{
	struct world_shape shape = {0};

	if (draw(16) == 0)
		shape = (struct world_shape){LARGE_TABLE_SIZE, LARGE_BUDGET};
	memset(&model, 0, sizeof(model));
	model.world = world_create(&shape, on_change, NULL);
}

static void end_sequence(void)
{
	struct world *world = model.world;

	close_sessions();
	world_set_time(world, world->now_s + WORLD_SILENCE_S(CHANGES_LONGEST_IDLE_S));
	world_assert_nothing_is_remembered(world);
	total.pinned += WORLD_COUNTER(world, pins_created);
	total.adopted += WORLD_COUNTER(world, pins_adopted);
	total.rehashed += WORLD_COUNTER(world, pins_rehashed);
	total.reused += WORLD_COUNTER(world, pins_reused);
	total.restarts += world->lives - 1;
	model.world = NULL;
	world_destroy(world);
}

static void run_sequence(void)
{
	const uint32_t operations = 20 + draw(1 + draw(OPERATIONS_MAX));

	begin_sequence();
	for (uint32_t i = 0; i < operations; i++) {
		const uint32_t kind = draw(200);

		if (kind < 160)
			exchange_packets();
		else if (kind < 180)
			changes_make(model.world, speak_in_time);
		else if (kind < 192)
			world_sweep_step(model.world);
		else if (kind < 197)
			pass_time(draw(CHANGES_LONGEST_IDLE_S / 2));
		else
			restart();
	}
	end_sequence();
}

static void test_sessions_never_move(void)
{
	sequences_run(&sequences, run_sequence);
	printf("%" PRIu64 " pins of new sessions, %" PRIu64 " of older ones, %" PRIu64
	       " sessions of backends that were gone, %" PRIu64 " addresses and ports used again, "
	       "%" PRIu64 " restarts: ",
	       total.pinned, total.adopted, total.rehashed, total.reused, total.restarts);
}

int main(int argc, char **argv)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_sessions_never_move),
		CU_TEST_INFO_NULL,
	};
	int status;

	sequences = sequences_of(argc, argv, DEFAULT_SEQUENCES);
	if (test_eal_start() < 0)
		return 2;
	status = unit_run("sessions", tests);
	sequences_report(&sequences, argv[0], status);
	if (model.world != NULL)
		world_remove_files(model.world);
	test_eal_stop();
	return status;
}
