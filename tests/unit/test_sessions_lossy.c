/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sessions never move, on a network that loses, repeats, delays and reorders packets, up to two
 * minutes (RFC 9293, section 3.4.1: the maximum segment lifetime), between mailrail and clients
 * that repeat SYNs, vanish, and use the same addresses and ports again, at once or later. The
 * changes are those of ../lib/session_changes.h, the model is of what has arrived. What is promised
 * of a session, named by its addresses and ports:
 *
 * - from its first SYN to its first FIN or RST to arrive, and as long as no more time passes
 *   without any of its packets than it has at that stage (SYN only: a minute; then session_idle),
 *   every packet goes where its SYN went, if that backend is neither down nor disabled;
 * - after the FIN or RST all but a SYN do so for another minute;
 * - a SYN that arrives again may go elsewhere, to a backend that may get new sessions, only as the
 *   first packet to arrive after its slot has changed. Then the session is there, as if it
 *   had begun, and it is counted, under pins_repeatable;
 * - a SYN after the FIN or RST, or after so much silence, opens a new session, at a backend that
 *   may get new ones, or where the old one was;
 * - what arrives of a session that is not remembered goes to some backend that lives, and to the
 *   same one from then on.
 *
 * Nothing is promised that would need to know the order in which packets were sent: a late FIN of a
 * session before ends the promise of a new one with the same addresses and ports, which has a
 * minute from packet to packet then, and so does a late SYN. Whatever arrives late, no session but
 * its own sees any of it, and in the end nothing is remembered.
 *
 * `test_sessions_lossy SEED` and `test_sessions_lossy SEED SEQUENCES`: ../lib/sequences.h.
 */
#include <inttypes.h>
#include <string.h>

#include "../lib/sequences.h"
#include "../lib/session_changes.h"
#include "../lib/test_eal.h"
#include "../lib/unit.h"

#define CLIENTS		  80
#define IN_FLIGHT_MAX	  300
#define BURST_MAX	  8
#define LIFETIME_S	  120
#define OPERATIONS_MAX	  300
#define DEFAULT_SEQUENCES 2000

/* What a client is doing. */
enum doing {
	IDLE, /* nothing, yet or any more */
	OPENING,
	TALKING,
	ENDING, /* has sent a FIN */
};

/* A client's address and port, and a service's. */
struct flow {
	enum doing doing;
	bool again; /* it had a session before */
	uint32_t pool;
	uint64_t hash;
	/* What has arrived of it. */
	bool remembered; /* what is below holds, for as long as no more time passes than may */
	bool reached;	 /* the SYN of what the client is doing, at a backend */
	enum mr_pin_state state;
	mr_backend_id backend;
	uint64_t since;	 /* number of the view that led it there, or since which it is lost */
	uint32_t last_s; /* of its last segment */
	mr_slot word;	 /* its slot's, as the last segment met it */
	uint64_t word_number;
};

struct letter {
	struct flow *flow;
	uint8_t flags;
	uint8_t kind;
	uint8_t fragment;
	uint32_t sent_s;
};

static struct {
	struct world *world;
	struct flow flows[CLIENTS];
	struct letter letters[IN_FLIGHT_MAX];
	uint32_t letter_count;
	uint64_t moved; /* by a SYN that arrived again */
} model;

static struct sequences sequences;

/* Over all sequences: or they would have tested nothing. */
static struct {
	uint64_t arrived, moved, repeatable, reused, adopted, restarts;
} total;

/* --- the network */

static void post(struct flow *flow, const struct letter *letter)
{
	const uint32_t copies = draw(8) == 0 ? 2 : draw(10) > 0;

	for (uint32_t i = 0; i < copies && model.letter_count < IN_FLIGHT_MAX; i++) {
		struct letter *posted = &model.letters[model.letter_count++];

		*posted = *letter;
		posted->flow = flow;
		posted->sent_s = model.world->now_s;
	}
}

static void post_segment(struct flow *flow, uint8_t flags)
{
	post(flow, &(struct letter){.flags = flags});
}

static struct letter take_letter(void)
{
	struct letter *taken = &model.letters[draw(model.letter_count)];
	const struct letter letter = *taken;

	*taken = model.letters[--model.letter_count];
	return letter;
}

static void lose_old_letters(void)
{
	for (uint32_t i = model.letter_count; i-- > 0;) {
		if (model.world->now_s - model.letters[i].sent_s > LIFETIME_S)
			model.letters[i] = model.letters[--model.letter_count];
	}
}

/* --- clients, who do not know what arrives, except that servers answer SYNs */

static void begin(struct flow *flow)
{
	if (flow->hash == 0) {
		flow->hash = draw_hash();
		flow->pool = draw(WORLD_POOLS);
	} else {
		flow->again = true;
	}
	flow->doing = OPENING;
	flow->reached = false;
	post_segment(flow, RTE_TCP_SYN_FLAG);
}

static void go_on_opening(struct flow *flow)
{
	if (!flow->reached || draw(3) == 0) {
		post_segment(flow, RTE_TCP_SYN_FLAG);
		return;
	}
	flow->doing = TALKING;
	post_segment(flow, RTE_TCP_ACK_FLAG);
}

static void talk(struct flow *flow)
{
	switch (draw(20)) {
	case 0:
		post_segment(flow, RTE_TCP_RST_FLAG);
		flow->doing = IDLE;
		break;
	case 1:
		flow->doing = IDLE; /* without a word */
		break;
	case 2:
	case 3:
		post_segment(flow, RTE_TCP_FIN_FLAG | RTE_TCP_ACK_FLAG);
		flow->doing = ENDING;
		break;
	case 4:
		post(flow, &(struct letter){.kind = PACKET_ICMP_ERROR});
		break;
	case 5:
		post(flow, &(struct letter){.fragment = FRAGMENT_LATER});
		break;
	default:
		post_segment(flow, RTE_TCP_ACK_FLAG);
		break;
	}
}

static void go_on_ending(struct flow *flow)
{
	const uint8_t fin = draw(2) == 0 ? RTE_TCP_FIN_FLAG : 0;

	if (draw(3) == 0)
		flow->doing = IDLE;
	else
		post_segment(flow, fin | RTE_TCP_ACK_FLAG);
}

static void act(struct flow *flow)
{
	switch (flow->doing) {
	case IDLE:
		begin(flow);
		break;
	case OPENING:
		go_on_opening(flow);
		break;
	case TALKING:
		talk(flow);
		break;
	case ENDING:
		go_on_ending(flow);
		break;
	}
}

/* --- what must hold */

/*
 * While a slot was steady nobody took down that a session of these addresses and ports had ended,
 * or that another had begun: what a pin of the first says of its stage may hold for the second.
 */
static uint32_t patience_s(const struct flow *flow)
{
	const enum mr_pin_state state = flow->again ? MR_PIN_CLOSING : flow->state;

	return world_patience_s(model.world, flow->pool, state);
}

static bool is_remembered(const struct flow *flow)
{
	return flow->remembered && model.world->now_s - flow->last_s <= patience_s(flow);
}

static void lose(struct flow *flow, uint64_t number)
{
	flow->remembered = false;
	flow->since = number;
}

static void learn(struct flow *flow, const struct world_view *view, mr_backend_id backend)
{
	uint64_t number;

	flow->remembered = true;
	flow->backend = backend;
	flow->since = view->number;
	if (world_dies_later(model.world, view, backend, &number))
		lose(flow, number);
}

/* Of a session that may have begun before: does this SYN belong to it, as far as one can know? */
static void judge_syn(struct flow *flow, const struct world_view *view,
		      const struct world_packet *packet)
{
	const bool remembered = is_remembered(flow);
	const bool repeated = remembered && flow->state != MR_PIN_CLOSING && !flow->again;
	const bool stayed = packet->backend == flow->backend;

	if (packet->verdict != UNDECIDED) {
		CU_ASSERT_EQUAL_FATAL(view->eligible[flow->pool], 0);
		CU_ASSERT_FALSE_FATAL(repeated && world_word(view, packet) == flow->word);
		lose(flow, view->number);
		return;
	}
	if (repeated && world_word(view, packet) == flow->word)
		CU_ASSERT_TRUE_FATAL(stayed);
	if (!stayed)
		CU_ASSERT_TRUE_FATAL(world_is_eligible(view, packet->backend));
	model.moved += repeated && !stayed;
	if (!remembered || !stayed || flow->state == MR_PIN_CLOSING)
		flow->state = MR_PIN_EMBRYONIC;
	flow->reached = true;
	if (!remembered || !stayed)
		learn(flow, view, packet->backend);
}

static void judge_segment(struct flow *flow, const struct world_view *view,
			  const struct letter *letter, const struct world_packet *packet)
{
	const bool ends = letter->flags & (RTE_TCP_FIN_FLAG | RTE_TCP_RST_FLAG);

	if (is_remembered(flow)) {
		CU_ASSERT_EQUAL_FATAL(packet->verdict, UNDECIDED);
		CU_ASSERT_EQUAL_FATAL(packet->backend, flow->backend);
	} else if (packet->verdict == UNDECIDED) {
		learn(flow, view, packet->backend);
	} else {
		lose(flow, view->number);
	}
	if (ends)
		flow->state = MR_PIN_CLOSING;
	else if (flow->state == MR_PIN_EMBRYONIC)
		flow->state = MR_PIN_ESTABLISHED;
}

static void judge(const struct world_view *view, const struct letter *letter,
		  const struct world_packet *packet)
{
	struct flow *flow = letter->flow;
	const bool segment = letter->kind == PACKET_TCP && letter->fragment != FRAGMENT_LATER;

	total.arrived++;
	if (packet->verdict == UNDECIDED)
		CU_ASSERT_TRUE_FATAL(world_is_alive(view, packet->backend));
	if (!segment) {
		if (is_remembered(flow))
			CU_ASSERT_EQUAL_FATAL(packet->backend, flow->backend);
		return;
	}
	if (letter->flags == RTE_TCP_SYN_FLAG)
		judge_syn(flow, view, packet);
	else
		judge_segment(flow, view, letter, packet);
	flow->last_s = model.world->now_s;
	if (view->number >= flow->word_number) {
		flow->word = world_word(view, packet);
		flow->word_number = view->number;
	}
}

/* What is not remembered is looked at by the newest snapshot: an older one may know more of it. */
static uint64_t needed_view(const struct flow *flow)
{
	return flow->word_number == 0 || is_remembered(flow) ? flow->since
							     : model.world->publications;
}

static void deliver(void)
{
	const uint32_t wanted = RTE_MIN(draw(2) == 0 ? 1 : 1 + draw(BURST_MAX), model.letter_count);
	struct letter letters[BURST_MAX];
	struct world_packet packets[BURST_MAX];
	const struct world_view *view;
	uint64_t since = 0;

	if (wanted == 0)
		return;
	for (uint32_t i = 0; i < wanted; i++) {
		letters[i] = take_letter();
		packets[i] = (struct world_packet){
			.hash = letters[i].flow->hash,
			.pool = letters[i].flow->pool,
			.flags = letters[i].flags,
			.kind = letters[i].kind,
			.fragment = letters[i].fragment,
		};
		since = RTE_MAX(since, needed_view(letters[i].flow));
	}
	view = world_send(model.world, draw(WORLD_WORKERS), since, packets, wanted);
	for (uint32_t i = 0; i < wanted; i++)
		judge(view, &letters[i], &packets[i]);
}

/* Clients send a few packets more, and some of those on their way arrive. */
static void converse(void)
{
	for (uint32_t i = draw(8); i > 0; i--)
		act(&model.flows[draw(CLIENTS)]);
	for (uint32_t i = draw(4); i > 0; i--)
		deliver();
}

/* A backend that lives does not vanish while it has sessions. */
static void on_change(void *context, const struct world_view *view)
{
	(void)context;
	for (uint32_t i = 0; i < CLIENTS; i++) {
		struct flow *flow = &model.flows[i];

		if (!flow->remembered || world_is_alive(view, flow->backend))
			continue;
		if (is_remembered(flow))
			CU_ASSERT_TRUE_FATAL(view->standing[flow->backend] & WORLD_KNOWN);
		lose(flow, view->number);
	}
}

/* --- time and changes */

/* What has been silent for too long is forgotten, also if it could have been silent for longer
 * later. */
static void forget_silent(void)
{
	for (uint32_t i = 0; i < CLIENTS; i++) {
		struct flow *flow = &model.flows[i];

		if (flow->remembered && !is_remembered(flow))
			lose(flow, model.world->publications);
	}
}

static void pass_time(uint32_t seconds)
{
	forget_silent();
	world_set_time(model.world, model.world->now_s + seconds);
	forget_silent();
	lose_old_letters();
}

/* Where the clock has gone back, all that counts by it goes back as well. */
static void restart(void)
{
	changes_restart(model.world, forget_silent, deliver);
	for (uint32_t i = 0; i < CLIENTS; i++)
		model.flows[i].last_s = RTE_MIN(model.flows[i].last_s, model.world->now_s);
	for (uint32_t i = 0; i < model.letter_count; i++)
		model.letters[i].sent_s = RTE_MIN(model.letters[i].sent_s, model.world->now_s);
}

/* --- sequences */

static void end_sequence(void)
{
	struct world *world = model.world;

	while (model.letter_count > 0)
		deliver();
	world_set_time(world, world->now_s + WORLD_SILENCE_S(CHANGES_LONGEST_IDLE_S));
	world_assert_nothing_is_remembered(world);
	CU_ASSERT_FATAL(model.moved <= WORLD_COUNTER(world, pins_repeatable));
	total.moved += model.moved;
	total.repeatable += WORLD_COUNTER(world, pins_repeatable);
	total.reused += WORLD_COUNTER(world, pins_reused);
	total.adopted += WORLD_COUNTER(world, pins_adopted);
	total.restarts += world->lives - 1;
	model.world = NULL;
	world_destroy(world);
}

static void run_sequence(void)
{
	const uint32_t operations = 20 + draw(1 + draw(OPERATIONS_MAX));

	memset(&model, 0, sizeof(model));
	model.world = world_create(&(struct world_shape){0}, on_change, NULL);
	for (uint32_t i = 0; i < operations; i++) {
		const uint32_t kind = draw(200);

		if (kind < 165)
			converse();
		else if (kind < 180)
			changes_make(model.world, forget_silent);
		else if (kind < 190)
			world_sweep_step(model.world);
		else if (kind < 197)
			pass_time(draw(8) == 0 ? draw(CHANGES_LONGEST_IDLE_S / 2) : draw(20));
		else
			restart();
	}
	end_sequence();
}

static void test_sessions_never_move(void)
{
	sequences_run(&sequences, run_sequence);
	printf("%" PRIu64 " packets, %" PRIu64 " pins of older sessions, %" PRIu64
	       " addresses and ports used again, %" PRIu64
	       " SYNs that may have been repeated across "
	       "a change, %" PRIu64 " sessions that such a SYN has moved, %" PRIu64 " restarts: ",
	       total.arrived, total.adopted, total.reused, total.repeatable, total.moved,
	       total.restarts);
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
	status = unit_run("sessions_lossy", tests);
	sequences_report(&sequences, argv[0], status);
	if (model.world != NULL)
		world_remove_files(model.world);
	test_eal_stop();
	return status;
}
