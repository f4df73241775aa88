/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The short way against the long one: what takes it, what must not, and that nobody can tell from
 * frames, counters and pins which one a packet took.
 *
 *	test_express [SEED [BURSTS]]
 */
#include "packet.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/express_frames.h"
#include "../lib/express_world.h"
#include "../lib/rig_unit.h"
#include "fragments.h"
#include "pin_table.h"

#define BURSTS_OF_A_WORLD 64
#define FRAMES_EACH	  100 /* of each difference, and of each mode and family */
#define PIN_BUDGET	  200 /* few enough to be refused */
#define PINS_MAX	  (4 * PIN_BUDGET)
#define JOURNAL_BYTES	  (1 << 20)
#define CLOCK_HZ	  (1ULL << 54) /* months a second: none passes by itself */
#define CROWD		  4	       /* sessions */
#define SAMPLE_EACH	  16	       /* bursts */

static struct rig *rig;
static uint32_t burst_count = 20000;

/* --- counters: of services and backends those that there are */

static void counters_copy(struct mr_worker_counters *to, const struct mr_worker_counters *from)
{
	memcpy(to, from, offsetof(struct mr_worker_counters, services));
	memcpy(to->services, from->services, EXPRESS_SERVICES * sizeof(to->services[0]));
	memcpy(to->backends, from->backends, EXPRESS_BACKENDS * sizeof(to->backends[0]));
}

static bool counters_equal(const struct mr_worker_counters *a, const struct mr_worker_counters *b)
{
	return memcmp(a, b, offsetof(struct mr_worker_counters, services)) == 0 &&
	       memcmp(a->services, b->services, EXPRESS_SERVICES * sizeof(a->services[0])) == 0 &&
	       memcmp(a->backends, b->backends, EXPRESS_BACKENDS * sizeof(a->backends[0])) == 0;
}

/* --- the short way by itself */

static void world_enter(const struct express_world *world)
{
	rig->worker.ports = world->ports;
}

static void world_leave(struct express_world *world)
{
	atomic_store(&rig->published, NULL);
	rig->worker.ports = rig->ports;
	express_world_destroy(world);
}

static void inject(const struct express_frame *frame)
{
	struct rte_mbuf *mbuf = express_frame_to_mbuf(frame, rig->mbufs);

	CU_ASSERT_FATAL(mbuf != NULL && rig_inject_mbuf(rig, frame->ring, mbuf));
}

/* A frame of @burst is as it came. */
static bool is_untouched(const struct packet *packet, const struct express_frame *frame)
{
	uint8_t room[FRAME_BYTES_MAX];

	return packet->verdict == UNDECIDED && packet->tx_port == NO_PORT &&
	       packet->mbuf->data_off == frame->headroom && packet->mbuf->pkt_len == frame->count &&
	       memcmp(rte_pktmbuf_read(packet->mbuf, 0, frame->count, room), frame->bytes,
		      frame->count) == 0;
}

/* express() on a burst of this one frame; true: it took it. Else nothing has happened. */
static bool takes(const struct express_world *world, const struct express_frame *frame)
{
	static struct mr_worker_counters before;
	struct burst burst;
	bool taken;

	inject(frame);
	CU_ASSERT_EQUAL_FATAL(rig_receive(rig, frame->ring, &burst), 1);
	counters_copy(&before, rig->worker.counters);
	taken = express(&rig->worker, world->snapshot, &burst);
	if (taken)
		CU_ASSERT_EQUAL(burst.packets[0].verdict, MR_FORWARDED);
	if (!taken && burst.packets[0].verdict == UNDECIDED) {
		CU_ASSERT(is_untouched(&burst.packets[0], frame));
		CU_ASSERT(counters_equal(rig->worker.counters, &before));
	}
	rig_discard(&burst);
	return taken;
}

static uint32_t pool_of(const struct express_world *world, mr_service_id service)
{
	return world->snapshot->services[service].pool;
}

/* Every mode but nat, whatever the outer family, and every family of clients. */
static void test_takes_every_mode(void)
{
	struct express_world world;

	express_world_create(&world, rig, EXPRESS_WORLD_PLAIN);
	world_enter(&world);
	for (uint32_t i = 0; i < FRAMES_EACH; i++) {
		for (mr_service_id service = 0; service < EXPRESS_SERVICES; service++) {
			const bool is_nat = pool_of(&world, service) == MR_FORWARDING_NAT;
			struct express_frame frame;

			express_frame_make(&frame, &world, express_chance(RIG_PORTS), service,
					   i % 2 == 0);
			CU_ASSERT_EQUAL(takes(&world, &frame), !is_nat);
		}
	}
	world_leave(&world);
}

/* Without heads, nothing is known of how a port's plain frames begin. */
static void test_port_without_heads(void)
{
	struct express_world world;

	express_world_create(&world, rig, EXPRESS_WORLD_PLAIN);
	for (uint32_t i = 0; i < RIG_PORTS; i++)
		world.ports[i].heads = (struct heads){0};
	world_enter(&world);
	for (uint32_t i = 0; i < FRAMES_EACH; i++) {
		struct express_frame frame;

		express_frame_make_any(&frame, &world);
		CU_ASSERT_FALSE(takes(&world, &frame));
	}
	world_leave(&world);
}

/* A frame that would take the short way, were it not for @difference. False: it cannot be. */
static bool make_different(const struct express_world *world,
			   const struct express_difference *difference, struct express_frame *frame)
{
	mr_service_id service;

	do
		service = (mr_service_id)express_chance(EXPRESS_SERVICES);
	while (pool_of(world, service) == MR_FORWARDING_NAT);
	express_frame_make(frame, world, express_chance(RIG_PORTS), service,
			   express_chance(2) == 0);
	return express_frame_differ(frame, difference);
}

static void check_difference(const struct express_world *world,
			     const struct express_difference *difference)
{
	uint32_t wrong = 0;

	for (uint32_t i = 0; i < FRAMES_EACH; i++) {
		struct express_frame frame;
		bool taken;

		if (!make_different(world, difference, &frame))
			continue;
		taken = takes(world, &frame);
		wrong += difference->way != EXPRESS_EITHER &&
			 taken != (difference->way == EXPRESS_SHORT);
	}
	if (wrong > 0)
		printf("%s: %u the wrong way ", difference->name, wrong);
	CU_ASSERT_EQUAL(wrong, 0);
}

/* In several worlds, as what differs has to do with tags. */
static void test_one_difference(void)
{
	for (uint32_t i = 0; i < 6; i++) {
		struct express_world world;

		express_world_create(&world, rig, EXPRESS_WORLD_PLAIN);
		world_enter(&world);
		for (uint32_t j = 0; j < express_difference_count(); j++)
			check_difference(&world, express_difference_at(j));
		world_leave(&world);
	}
}

/* One that is not plain goes the long way alone. */
static void check_mixed_burst(const struct express_world *world, uint32_t stranger)
{
	struct express_frame frame, strange;
	struct burst burst;

	for (uint32_t i = 0; i < BURST_SIZE; i++) {
		express_frame_make(&frame, world, 0, MR_FORWARDING_L2DSR, i % 2 == 0);
		if (i == stranger) {
			frame.bytes[RTE_ETHER_ADDR_LEN - 1] ^= 1;
			strange = frame;
		}
		inject(&frame);
	}
	CU_ASSERT_EQUAL_FATAL(rig_receive(rig, 0, &burst), BURST_SIZE);
	CU_ASSERT_FALSE(express(&rig->worker, world->snapshot, &burst));
	for (uint32_t i = 0; i < BURST_SIZE; i++) {
		const struct packet *packet = &burst.packets[i];

		CU_ASSERT(i == stranger ? is_untouched(packet, &strange)
					: packet->verdict == MR_FORWARDED);
	}
	rig_discard(&burst);
}

static void test_mixed_burst(void)
{
	struct express_world world;

	express_world_create(&world, rig, EXPRESS_WORLD_PLAIN);
	world_enter(&world);
	for (uint32_t stranger = 0; stranger < BURST_SIZE; stranger++)
		check_mixed_burst(&world, stranger);
	world_leave(&world);
}

/* --- beside the long way */

/* A worker of its own; both have the rig's rings. */
struct side {
	struct worker worker;
	struct port ports[RIG_PORTS];
};

/* What has left, and by which ring: ring, segments and length before each frame. */
struct journal {
	uint32_t bytes;
	uint8_t data[JOURNAL_BYTES];
};

static struct side short_side, long_side;
static struct journal short_journal, long_journal;

static void side_create(struct side *side)
{
	struct worker *worker = &side->worker;

	memcpy((void *)worker, &rig->worker, sizeof(*worker));
	worker->counters = calloc(1, sizeof(*worker->counters));
	worker->pins = mr_pin_table_create(PIN_BUDGET);
	worker->fragments = fragment_table_create(SOCKET_ID_ANY);
	worker->ports = side->ports;
	worker->clock_hz = CLOCK_HZ;
	worker->clock_base_s = 1;
	if (worker->counters == NULL || worker->pins == NULL || worker->fragments == NULL)
		abort();
}

static void side_destroy(struct side *side)
{
	fragment_table_destroy(side->worker.fragments);
	mr_pin_table_destroy(side->worker.pins);
	free(side->worker.counters);
}

static bool keep_none(void *context, uint64_t hash, const struct mr_pin *pin)
{
	(void)context, (void)hash, (void)pin;
	return false;
}

static void forget_pins(const struct side *side)
{
	uint32_t cursor = 0;

	mr_pin_table_sweep(side->worker.pins, &cursor, UINT32_MAX, keep_none, NULL);
}

static void sides_enter(const struct express_world *world)
{
	memcpy(short_side.ports, world->ports, sizeof(short_side.ports));
	memcpy(long_side.ports, world->ports, sizeof(long_side.ports));
	for (uint32_t i = 0; i < RIG_PORTS; i++)
		long_side.ports[i].heads = (struct heads){0};
	forget_pins(&short_side);
	forget_pins(&long_side);
	atomic_store(&rig->published, world->snapshot);
}

static void elapse(struct side *side, uint32_t seconds)
{
	side->worker.clock_base_s += seconds;
	side->worker.next_second = 0;
}

static void append(struct journal *journal, const void *data, uint32_t bytes)
{
	CU_ASSERT_FATAL(journal->bytes + bytes <= JOURNAL_BYTES);
	memcpy(&journal->data[journal->bytes], data, bytes);
	journal->bytes += bytes;
}

static void write_down(struct journal *journal, uint32_t ring, struct rte_mbuf *mbuf)
{
	const uint32_t facts[] = {ring, mbuf->nb_segs, rte_pktmbuf_pkt_len(mbuf)};
	uint32_t bytes = 0;

	append(journal, facts, sizeof(facts));
	for (const struct rte_mbuf *segment = mbuf; segment != NULL; segment = segment->next) {
		append(journal, rte_pktmbuf_mtod(segment, void *), segment->data_len);
		bytes += segment->data_len;
	}
	CU_ASSERT_EQUAL(bytes, rte_pktmbuf_pkt_len(mbuf));
	rte_pktmbuf_free(mbuf);
}

/* One round with all of these frames. */
static void play(struct side *side, const struct express_frame *frames, uint32_t count,
		 struct journal *journal)
{
	for (uint32_t i = 0; i < count; i++)
		inject(&frames[i]);
	worker_round(&side->worker);
	journal->bytes = 0;
	for (uint32_t ring = 0; ring < RIG_RINGS; ring++) {
		struct rte_mbuf *mbuf;

		while ((mbuf = rig_collect(rig, ring)) != NULL)
			write_down(journal, ring, mbuf);
	}
	/* Of what is counted, only these tell how long something took. */
	side->worker.counters->cycles = 0;
	side->worker.counters->busy_cycles = 0;
	memset(side->worker.counters->longest_rounds, 0,
	       sizeof(side->worker.counters->longest_rounds));
}

struct pin_list {
	uint32_t count;
	uint64_t pins[PINS_MAX][2];
};

static bool write_pin(void *context, uint64_t hash, const struct mr_pin *pin)
{
	struct pin_list *list = context;

	CU_ASSERT_FATAL(list->count < PINS_MAX);
	list->pins[list->count][0] = hash;
	list->pins[list->count++][1] = pin_pack(hash, pin);
	return true;
}

static bool have_same_pins(void)
{
	static struct pin_list lists[2];
	uint32_t cursors[2] = {0};

	lists[0].count = lists[1].count = 0;
	mr_pin_table_sweep(short_side.worker.pins, &cursors[0], UINT32_MAX, write_pin, &lists[0]);
	mr_pin_table_sweep(long_side.worker.pins, &cursors[1], UINT32_MAX, write_pin, &lists[1]);
	return lists[0].count == lists[1].count &&
	       memcmp(lists[0].pins, lists[1].pins, lists[0].count * sizeof(lists[0].pins[0])) == 0;
}

static bool have_same_journals(void)
{
	return short_journal.bytes == long_journal.bytes &&
	       memcmp(short_journal.data, long_journal.data, short_journal.bytes) == 0;
}

static void tell(const char *what, uint32_t burst, struct express_frame *frames, uint32_t count)
{
	printf("burst %u: other %s\n", burst, what);
	for (uint32_t i = 0; i < count; i++)
		express_frame_tell(&frames[i]);
}

static void compare_sides(uint32_t burst, struct express_frame *frames, uint32_t count)
{
	const bool frames_same = have_same_journals();
	const bool counters_same =
		counters_equal(short_side.worker.counters, long_side.worker.counters);
	const bool pins_same = have_same_pins();

	if (!frames_same || !counters_same || !pins_same)
		tell(!frames_same     ? "frames"
		     : !counters_same ? "counters"
				      : "pins",
		     burst, frames, count);
	CU_ASSERT_FATAL(frames_same && counters_same && pins_same);
}

static void play_on_both(uint32_t burst, struct express_frame *frames, uint32_t count)
{
	play(&short_side, frames, count, &short_journal);
	play(&long_side, frames, count, &long_journal);
	compare_sides(burst, frames, count);
}

/*
 * A session ends and begins anew within a burst, perhaps at another backend, with segments of
 * which some are not plain.
 */
static void use_session_again(uint32_t burst, const struct express_world *world)
{
	static const uint8_t flags[] = {RTE_TCP_RST_FLAG, RTE_TCP_SYN_FLAG, RTE_TCP_ACK_FLAG};
	const struct express_difference *strange = express_difference_named("tag without id");
	static struct express_frame frames[RTE_DIM(flags)];

	forget_pins(&short_side);
	forget_pins(&long_side);
	express_frame_make_any(&frames[0], world);
	express_frame_set_flags(&frames[0], RTE_TCP_ACK_FLAG);
	play_on_both(burst, frames, 1);
	frames[1] = frames[2] = frames[0];
	for (uint32_t i = 0; i < RTE_DIM(flags); i++) {
		express_frame_set_flags(&frames[i], flags[i]);
		if (i < 2 && express_chance(3) == 0)
			express_frame_differ(&frames[i], strange);
	}
	play_on_both(burst, frames, RTE_DIM(flags));
}

static void test_session_used_again(void)
{
	struct express_world world;

	side_create(&short_side);
	side_create(&long_side);
	express_world_create(&world, rig, EXPRESS_WORLD_MOVING);
	sides_enter(&world);
	for (uint32_t i = 0; i < 10 * FRAMES_EACH; i++)
		use_session_again(i, &world);
	world_leave(&world);
	side_destroy(&short_side);
	side_destroy(&long_side);
}

/* Frames of a few sessions, of which packets come again and again. */
struct crowd {
	struct express_frame frames[CROWD];
};

/*
 * Most are plain, some differ in one thing, few in several. With @crowd, half of them are of one of
 * its sessions.
 */
static void make_frame(struct express_frame *frame, struct crowd *crowd, bool plain,
		       const struct express_world *world)
{
	static const uint8_t differences[] = {0, 0, 0, 0, 0, 1, 1, 1, 2, 4};

	express_frame_make_any(frame, world);
	if (crowd != NULL && express_chance(2) == 0)
		express_frame_join(frame, &crowd->frames[express_chance(CROWD)]);
	if (plain)
		return;
	for (uint32_t i = differences[express_chance(RTE_DIM(differences))]; i > 0; i--) {
		const uint32_t which = express_chance(express_difference_count());

		express_frame_differ(frame, express_difference_at(which));
	}
	if (frame->difference_count > 1 && express_chance(3) > 0)
		express_frame_correct(frame);
}

/* Half of the bursts arrive by one port, half of those are full; a third is all plain. */
static uint32_t make_burst(struct express_frame *frames, struct crowd *crowd,
			   const struct express_world *world)
{
	const bool together = express_chance(2) == 0;
	const uint32_t count =
		together && express_chance(2) == 0 ? BURST_SIZE : 1 + express_chance(BURST_SIZE);
	const uint8_t ring = world->leaders[express_chance(RIG_PORTS)];
	const bool plain = express_chance(3) == 0;

	for (uint32_t i = 0; i < count; i++) {
		do
			make_frame(&frames[i], crowd, plain, world);
		while (together && frames[i].ring != ring);
	}
	return count;
}

/* Of frames as they are compared, those that take the short way. */
struct share {
	uint32_t frames;
	uint32_t taken;
};

static void sample(const struct express_world *world, const struct express_frame *frames,
		   uint32_t count, struct share *share)
{
	world_enter(world);
	for (uint32_t i = 0; i < count; i++)
		share->taken += takes(world, &frames[i]);
	share->frames += count;
}

static void play_bursts(const struct express_world *world, uint32_t first, uint32_t end,
			struct share *share)
{
	static struct express_frame frames[BURST_SIZE];
	static struct crowd crowd;

	for (uint32_t i = 0; i < CROWD; i++)
		express_frame_make_any(&crowd.frames[i], world);
	for (uint32_t burst = first; burst < end; burst++) {
		const uint32_t count =
			make_burst(frames, express_chance(2) == 0 ? &crowd : NULL, world);
		const uint32_t seconds = express_chance(4) == 0 ? express_chance(3) : 0;

		elapse(&short_side, seconds);
		elapse(&long_side, seconds);
		play_on_both(burst, frames, count);
		if (burst % SAMPLE_EACH == 0)
			sample(world, frames, count, share);
	}
}

/* Not a test of nothing: many of them go either way. */
static void test_same_as_the_long_way(void)
{
	const uint32_t mbufs = rig_free_mbufs(rig);
	struct share share = {0};

	side_create(&short_side);
	side_create(&long_side);
	for (uint32_t burst = 0; burst < burst_count; burst += BURSTS_OF_A_WORLD) {
		struct express_world world;

		express_world_create(&world, rig,
				     express_chance(3) == 0 ? EXPRESS_WORLD_MOVING
							    : EXPRESS_WORLD_RANDOM);
		sides_enter(&world);
		play_bursts(&world, burst, RTE_MIN(burst + BURSTS_OF_A_WORLD, burst_count), &share);
		world_leave(&world);
	}
	CU_ASSERT_EQUAL(memcmp(short_side.worker.counters, long_side.worker.counters,
			       sizeof(*long_side.worker.counters)),
			0);
	printf("%u of %u sampled frames the short way ", share.taken, share.frames);
	CU_ASSERT(share.taken > share.frames / 16);
	CU_ASSERT(share.taken < share.frames * 7 / 8);
	side_destroy(&short_side);
	side_destroy(&long_side);
	CU_ASSERT_EQUAL(rig_free_mbufs(rig), mbufs);
}

int main(int argc, char **argv)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_takes_every_mode),
		UNIT_TEST(test_port_without_heads),
		UNIT_TEST(test_one_difference),
		UNIT_TEST(test_mixed_burst),
		UNIT_TEST(test_session_used_again),
		UNIT_TEST(test_same_as_the_long_way),
		CU_TEST_INFO_NULL,
	};

	if (argc > 1)
		setenv("SEED", argv[1], 1);
	if (argc > 2)
		burst_count = (uint32_t)strtoul(argv[2], NULL, 0);
	srand48(unit_seed());
	return rig_unit_run("express", tests, &rig);
}
