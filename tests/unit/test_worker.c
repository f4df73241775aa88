/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The worker's loop in a thread of its own: frames of every kind in through rings, frames and
 * verdicts out, while snapshots come and go.
 *
 *	in[0] (no kernel behind it), in[1] (kernel has a copy), in[3] (has a kernel's side),
 *	in[probe], in[kernel's side of 3]
 *	  --> worker_run --> out[2] (backends), out[0], out[1] (resets), out[probe] (answers),
 *	                     out[kernel's side of 3], out[3] (from there)
 */
#include "worker.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_cycles.h>
#include <rte_ip.h>
#include <rte_tcp.h>

#include "../lib/rig_unit.h"

#define FRAMES	     40000
#define PUBLISH_EACH 500
#define BACKENDS     3
#define TABLE_SIZE   251
#define BACKEND_PORT 2
#define PROBE_PORT   50000
#define TWIN_PORT    3

static struct rig *rig;

static struct mr_snapshot *make_snapshot(mr_slot first, mr_slot others)
{
	const struct mr_snapshot_sizes sizes = {
		.service_capacity = 1,
		.pool_count = 1,
		.backend_capacity = BACKENDS,
		.endpoint_count = 2,
	};
	const struct mr_endpoint v4 = {frame_addr("10.0.0.10"), RTE_BE16(25), 0};
	const struct mr_endpoint v6 = {frame_addr("2001:db8::25"), RTE_BE16(25), 0};
	const struct mr_range excluded = {frame_addr("10.0.0.0"), frame_addr("10.0.0.63")};
	const uint8_t secret[MR_HASH_KEY_BYTES] = "sixteen  bytes!";
	struct mr_snapshot *snapshot = mr_snapshot_create(&sizes);
	struct mr_slots *slots = mr_slots_create(TABLE_SIZE, NULL);

	if (snapshot == NULL || slots == NULL)
		abort();
	mr_hash_key_init(&snapshot->hash_key, secret);
	CU_ASSERT_EQUAL(mr_snapshot_add_endpoint(snapshot, &v4), 0);
	CU_ASSERT_EQUAL(mr_snapshot_add_endpoint(snapshot, &v6), 0);
	CU_ASSERT_EQUAL(mr_access_list_create(&excluded, 1, &snapshot->services[0].exclude), 0);
	for (uint32_t i = 0; i < TABLE_SIZE; i++)
		slots->words[i] = i < TABLE_SIZE / 2 ? first : others;
	snapshot->pools[0].slots = slots;
	for (uint8_t i = 0; i < BACKENDS; i++) {
		const struct mr_way way = {
			.port = BACKEND_PORT,
			.source_mac = {{0x02, 0, 0, 0, 0, BACKEND_PORT}},
			.next_hop = {{0x02, 0, 0, 0, 1, i}},
			.mtu_bytes = 1500,
		};

		snapshot->backends[i] = (struct mr_backend){
			.alive = true,
			.forwarding = MR_FORWARDING_L2DSR,
			.address = frame_addr("10.0.1.1"),
		};
		CU_ASSERT_EQUAL_FATAL(mr_backend_set_way(&snapshot->backends[i], &way), 0);
	}
	snapshot->probe_sources[0] = frame_addr("10.0.0.9");
	snapshot->probe_source_count = 1;
	return snapshot;
}

static struct mr_snapshot *steady_snapshot(mr_backend_id first, mr_backend_id others)
{
	return make_snapshot(mr_slot_make(first, first, false),
			     mr_slot_make(others, others, false));
}

/* Publishes @next, and frees the one before once the worker has left it. */
static void replace_snapshot(struct mr_snapshot *next)
{
	const struct mr_snapshot *previous = rig_publish(rig, next);

	mr_snapshot_destroy((struct mr_snapshot *)(uintptr_t)previous);
}

/* A kind of frame, the ring that it arrives on, and what must become of it. */
struct kind {
	struct frame_spec spec;
	uint32_t port;
	enum mr_verdict verdict;
	uint32_t out; /* the ring that it leaves by */
};
#define NOWHERE RIG_RINGS

#define MAC(n)                                \
	{                                     \
		{                             \
			0x02, 0, 0, 0, 0, (n) \
		}                             \
	}
#define ACK_TO_SERVICE .service = "10.0.0.10", .service_port = 25, .tcp_flags = RTE_TCP_ACK_FLAG
#define CLIENT	       .client = "192.0.2.1", .client_port = 40000

static const struct kind kinds[] = {
	{{MAC(0), .from = MAC(9), CLIENT, ACK_TO_SERVICE}, 0, MR_FORWARDED, BACKEND_PORT},
	{{MAC(1), .from = MAC(9), CLIENT, ACK_TO_SERVICE, .payload_bytes = 1400},
	 1,
	 MR_FORWARDED,
	 BACKEND_PORT},
	{{MAC(0), .from = MAC(9), .client = "2001:db8::1", .service = "2001:db8::25",
	  .client_port = 40000, .service_port = 25, .tcp_flags = RTE_TCP_SYN_FLAG},
	 0,
	 MR_FORWARDED,
	 BACKEND_PORT},
	{{MAC(0), .from = MAC(9), .client = "10.0.0.3", ACK_TO_SERVICE}, 0, MR_RESET_EXCLUDED, 0},
	{{MAC(1), .from = MAC(9), .client = "10.0.0.63", ACK_TO_SERVICE}, 1, MR_RESET_EXCLUDED, 1},
	{{MAC(7), .from = MAC(9), CLIENT, ACK_TO_SERVICE}, 0, MR_DROP_NOT_OURS, NOWHERE},
	{{MAC(7), .from = MAC(9), CLIENT, ACK_TO_SERVICE}, 1, MR_LEFT_TO_KERNEL, NOWHERE},
	{{MAC(0), CLIENT, .service = "10.0.0.10", .service_port = 22},
	 0,
	 MR_DROP_NOT_SERVICE,
	 NOWHERE},
	{{MAC(1), CLIENT, .service = "10.0.0.10", .service_port = 22},
	 1,
	 MR_LEFT_TO_KERNEL,
	 NOWHERE},
	{{MAC(0), .client = "10.0.0.10", .client_port = 25, .service = "10.0.0.9",
	  .service_port = PROBE_PORT},
	 0,
	 MR_PROBE_REPLY,
	 RIG_PROBE},
	{{MAC(7), .client = "10.0.0.9", .client_port = PROBE_PORT, ACK_TO_SERVICE},
	 RIG_PROBE,
	 MR_PROBE_SENT,
	 BACKEND_PORT},
	{{MAC(7), .client = "10.0.0.9", .client_port = PROBE_PORT + 1, ACK_TO_SERVICE},
	 RIG_PROBE,
	 MR_DROP_NO_PROBE,
	 NOWHERE},
	{{MAC(TWIN_PORT), CLIENT, .service = "10.0.0.10", .service_port = 22},
	 TWIN_PORT,
	 MR_PASSED_TO_KERNEL,
	 RIG_KERNEL + TWIN_PORT},
	{{MAC(0xff), CLIENT, ACK_TO_SERVICE}, TWIN_PORT, MR_DROP_NOT_OURS, NOWHERE},
	{{MAC(9), .from = MAC(TWIN_PORT), CLIENT, ACK_TO_SERVICE},
	 RIG_KERNEL + TWIN_PORT,
	 MR_FROM_KERNEL,
	 TWIN_PORT},
	{{MAC(TWIN_PORT), CLIENT, ACK_TO_SERVICE, .tag_count = 1, .tags = {7}},
	 TWIN_PORT,
	 MR_PASSED_TO_KERNEL,
	 RIG_KERNEL + TWIN_PORT},
};

struct tally {
	uint64_t verdicts[MR_VERDICT_COUNT];
	uint64_t out[NOWHERE + 1];
	uint64_t frames;
	uint64_t bytes;
};

/* Frees what has left so far. */
static void drain(struct tally *tally)
{
	for (uint32_t port = 0; port < NOWHERE; port++) {
		struct rte_mbuf *mbuf;

		while ((mbuf = rig_collect(rig, port)) != NULL) {
			tally->out[port]--;
			rte_pktmbuf_free(mbuf);
		}
	}
}

static void send_random(struct tally *tally)
{
	const struct kind *kind = &kinds[(size_t)lrand48() % RTE_DIM(kinds)];
	struct frame_spec spec = kind->spec;
	uint8_t frame[FRAME_BYTES_MAX];
	uint32_t count;

	if (spec.client_port == 40000)
		spec.client_port = (uint16_t)(1024 + lrand48() % 60000);
	count = frame_build(&spec, frame);
	while (!rig_inject(rig, kind->port, frame, count))
		drain(tally);
	tally->verdicts[kind->verdict]++;
	tally->out[kind->out]++;
	tally->frames++;
	tally->bytes += count;
}

/* No more in flight than any ring holds, so that no transmit queue is ever full. */
static void send_all(struct tally *tally)
{
	while (tally->frames < FRAMES) {
		send_random(tally);
		if (tally->frames % (RIG_RING_SIZE / 2) == 0) {
			CU_ASSERT_FATAL(rig_await(rig, tally->frames));
			drain(tally);
		}
		if (tally->frames % PUBLISH_EACH == 0)
			replace_snapshot(steady_snapshot((mr_backend_id)(lrand48() % BACKENDS),
							 (mr_backend_id)(lrand48() % BACKENDS)));
	}
}

static void start(struct mr_snapshot *snapshot)
{
	memset(rig->worker.counters, 0, sizeof(*rig->worker.counters));
	CU_ASSERT_EQUAL_FATAL(rig_start(rig), 0);
	replace_snapshot(snapshot);
}

static void stop(void)
{
	rig_stop(rig);
	replace_snapshot(NULL);
}

static void check_every_frame(enum mr_poll poll)
{
	const struct mr_worker_counters *counters = rig->worker.counters;
	const uint32_t mbufs = rig_free_mbufs(rig);
	struct tally tally = {0};
	uint64_t backend_packets = 0;

	rig->worker.poll = poll;
	rig->ports[1].kind = MR_DEVICE_AF_PACKET;
	rig->ports[TWIN_PORT].has_kernel_side = true;
	rig->ports[TWIN_PORT].has_twin = true;
	atomic_store(&rig->probe_backends[PROBE_PORT], 1);
	start(steady_snapshot(0, 1));
	send_all(&tally);
	CU_ASSERT(rig_await(rig, tally.frames));
	stop();
	drain(&tally);

	CU_ASSERT_EQUAL(counters->rx_packets, tally.frames);
	CU_ASSERT_EQUAL(counters->rx_bytes, tally.bytes);
	CU_ASSERT_EQUAL(rig_verdicts(rig), counters->rx_packets);
	for (unsigned int i = 0; i < MR_VERDICT_COUNT; i++)
		CU_ASSERT_EQUAL(counters->verdicts[i], tally.verdicts[i]);
	for (uint32_t port = 0; port < NOWHERE; port++)
		CU_ASSERT_EQUAL(tally.out[port], 0);
	CU_ASSERT_EQUAL(counters->tx_packets, tally.frames - tally.out[NOWHERE]);
	for (unsigned int i = 0; i < BACKENDS; i++)
		backend_packets += counters->backends[i].packets;
	CU_ASSERT_EQUAL(backend_packets, tally.verdicts[MR_FORWARDED]);
	CU_ASSERT_EQUAL(rig_free_mbufs(rig), mbufs);
}

static void test_every_frame_has_one_verdict(void)
{
	check_every_frame(MR_POLL_BUSY);
	CU_ASSERT_EQUAL(rig->worker.counters->sleeps, 0);
}

static void test_every_frame_by_a_worker_that_sleeps(void)
{
	check_every_frame(MR_POLL_ADAPTIVE);
	CU_ASSERT(rig->worker.counters->sleeps > 0);
	rig->worker.poll = MR_POLL_BUSY;
}

/* The worker begins to sleep once more; false: it has not within ten seconds. */
static bool await_sleep(void)
{
	const struct mr_worker_counters *counters = rig->worker.counters;
	const uint64_t deadline = rte_rdtsc() + 10 * rte_get_tsc_hz();
	const uint64_t sleeps = MR_COUNTER_READ(counters->sleeps);

	/* Two have ended: the second began after the call. */
	while (MR_COUNTER_READ(counters->sleeps) < sleeps + 2) {
		if (rte_rdtsc() > deadline)
			return false;
		sched_yield();
	}
	return true;
}

/* Nobody who waits for the worker to leave a snapshot has to wait for its sleep. */
static bool await_offline(void)
{
	const uint64_t deadline = rte_rdtsc() + 10 * rte_get_tsc_hz();

	while (__atomic_load_n(&rig->qsbr->qsbr_cnt[0].cnt, __ATOMIC_RELAXED) !=
	       __RTE_QSBR_CNT_THR_OFFLINE) {
		if (rte_rdtsc() > deadline)
			return false;
	}
	return true;
}

static void test_sleeps_and_wakes(void)
{
	const struct mr_worker_counters *counters = rig->worker.counters;
	const uint32_t mbufs = rig_free_mbufs(rig);
	uint8_t frame[FRAME_BYTES_MAX];
	const uint32_t count = frame_build(&kinds[0].spec, frame);

	rig->worker.poll = MR_POLL_ADAPTIVE;
	start(NULL);
	CU_ASSERT_FATAL(await_sleep());
	for (mr_backend_id backend = 0; backend < BACKENDS; backend++) {
		struct rte_mbuf *mbuf;

		replace_snapshot(steady_snapshot(backend, backend));
		CU_ASSERT_FATAL(await_sleep());
		CU_ASSERT(await_offline());
		CU_ASSERT_FATAL(rig_inject(rig, 0, frame, count));
		CU_ASSERT(rig_await(rig, backend + 1U));
		CU_ASSERT_FATAL(await_sleep());
		mbuf = rig_collect(rig, BACKEND_PORT);
		CU_ASSERT_PTR_NOT_NULL_FATAL(mbuf);
		CU_ASSERT_EQUAL(rte_pktmbuf_mtod(mbuf, uint8_t *)[5], backend);
		rte_pktmbuf_free(mbuf);
	}
	stop();
	rig->worker.poll = MR_POLL_BUSY;
	CU_ASSERT_EQUAL(counters->verdicts[MR_FORWARDED], BACKENDS);
	CU_ASSERT_EQUAL(counters->busy_rounds, BACKENDS);
	CU_ASSERT_EQUAL(rig_free_mbufs(rig), mbufs);
}

/* Until there is a snapshot, frames stay where they are. */
static void test_waits_for_a_snapshot(void)
{
	uint8_t frame[FRAME_BYTES_MAX];
	const uint32_t count = frame_build(&kinds[0].spec, frame);

	CU_ASSERT_FATAL(rig_inject(rig, 0, frame, count));
	start(NULL);
	rig_publish(rig, NULL); /* a full round of the loop has passed when this returns */
	rig_publish(rig, NULL);
	CU_ASSERT_EQUAL(MR_COUNTER_READ(rig->worker.counters->rx_packets), 0);
	replace_snapshot(steady_snapshot(0, 0));
	CU_ASSERT(rig_await(rig, 1));
	stop();
	rte_pktmbuf_free(rig_collect(rig, BACKEND_PORT));
	CU_ASSERT_EQUAL(rig->worker.counters->verdicts[MR_FORWARDED], 1);
}

/* Pins carry whole seconds since the dataplane came up. */
static void test_clock(void)
{
	struct frame_spec spec = kinds[0].spec;
	const mr_slot moving = mr_slot_make(1, 0, true);
	struct mr_snapshot *snapshot = make_snapshot(moving, moving);
	struct mr_tuple tuple = {
		.client = frame_addr(spec.client),
		.service = frame_addr(spec.service),
		.client_port = rte_cpu_to_be_16(spec.client_port),
		.service_port = rte_cpu_to_be_16(spec.service_port),
	};
	const uint64_t hash = mr_session_hash(&snapshot->hash_key, &tuple);
	uint8_t frame[FRAME_BYTES_MAX];
	struct mr_pin pin = {0}, later = {0};

	spec.tcp_flags = RTE_TCP_SYN_FLAG;
	rig->worker.clock_base_s = 500;
	rig->worker.clock_start = rte_rdtsc() - 1000 * rig->worker.clock_hz;
	rig->worker.next_second = 0;
	CU_ASSERT_FATAL(rig_inject(rig, 0, frame, frame_build(&spec, frame)));
	start(snapshot);
	CU_ASSERT(rig_await(rig, 1));
	CU_ASSERT(mr_pin_table_find(rig->worker.pins, hash, &pin));
	CU_ASSERT_EQUAL(pin.backend, 1);
	CU_ASSERT(pin.seen_s >= 1500 && pin.seen_s < 1500 + 60);

	/* The next packet is stamped with its own second, not with the first one's. */
	while (500 + (rte_rdtsc() - rig->worker.clock_start) / rig->worker.clock_hz <= pin.seen_s)
		;
	/* The clock ticks once a round: a round that began before the second must be over. */
	rig_publish(rig, snapshot);
	CU_ASSERT_FATAL(rig_inject(rig, 0, frame, frame_build(&spec, frame)));
	CU_ASSERT(rig_await(rig, 2));
	stop();
	CU_ASSERT(mr_pin_table_find(rig->worker.pins, hash, &later));
	CU_ASSERT(later.seen_s > pin.seen_s);
	rte_pktmbuf_free(rig_collect(rig, BACKEND_PORT));
	rte_pktmbuf_free(rig_collect(rig, BACKEND_PORT));
}

#define PIECES	    4
#define PIECE_BYTES 80
#define SESSIONS    100

/* A packet of session @number in one piece or, with @piece below PIECES, that piece of it. */
static void send_piece(uint16_t number, uint32_t piece)
{
	struct frame_spec spec = kinds[0].spec;
	uint8_t frame[FRAME_BYTES_MAX];
	struct rte_ipv4_hdr *ip = (void *)&frame[RTE_ETHER_HDR_LEN];
	uint8_t *l4 = &frame[RTE_ETHER_HDR_LEN + sizeof(*ip)];
	const uint32_t units = piece * PIECE_BYTES / RTE_IPV4_HDR_OFFSET_UNITS;
	uint32_t count;

	spec.client_port = (uint16_t)(1024 + number);
	spec.payload_bytes = PIECES * PIECE_BYTES - sizeof(struct rte_tcp_hdr);
	count = frame_build(&spec, frame);
	ip->packet_id = rte_cpu_to_be_16(number);
	if (piece < PIECES) {
		memmove(l4, &l4[piece * PIECE_BYTES], PIECE_BYTES);
		count = (uint32_t)(l4 - frame) + PIECE_BYTES;
		ip->total_length = rte_cpu_to_be_16(sizeof(*ip) + PIECE_BYTES);
		ip->fragment_offset = rte_cpu_to_be_16(
			(uint16_t)(units | (piece < PIECES - 1 ? RTE_IPV4_HDR_MF_FLAG : 0)));
	}
	ip->hdr_checksum = 0;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	CU_ASSERT_FATAL(rig_inject(rig, 0, frame, count));
}

/* All that left for a backend went to the same one; returns how many frames. */
static uint32_t collect_from_one_backend(void)
{
	struct rte_ether_addr first = {{0}};
	struct rte_mbuf *mbuf;
	uint32_t count = 0;

	while ((mbuf = rig_collect(rig, BACKEND_PORT)) != NULL) {
		const struct rte_ether_hdr *ethernet = rte_pktmbuf_mtod(mbuf, const void *);

		if (count++ == 0)
			first = ethernet->dst_addr;
		CU_ASSERT(rte_is_same_ether_addr(&ethernet->dst_addr, &first));
		rte_pktmbuf_free(mbuf);
	}
	return count;
}

/* In whatever order its pieces come, a packet goes where its session's other packets go. */
static void test_pieces_follow_their_session(void)
{
	const uint32_t mbufs = rig_free_mbufs(rig);

	memset(rig->worker.counters, 0, sizeof(*rig->worker.counters));
	replace_snapshot(steady_snapshot(0, 1));
	for (uint16_t session = 0; session < SESSIONS; session++) {
		const uint32_t turn = (uint32_t)lrand48() % PIECES;
		const bool backwards = lrand48() % 2;

		send_piece(session, PIECES);
		for (uint32_t i = 0; i < PIECES; i++)
			send_piece(session, (turn + (backwards ? PIECES - i : i)) % PIECES);
		worker_round(&rig->worker);
		CU_ASSERT_EQUAL(collect_from_one_backend(), 1 + PIECES);
	}
	CU_ASSERT_EQUAL(rig->worker.counters->verdicts[MR_FORWARDED], SESSIONS * (1 + PIECES));
	CU_ASSERT_EQUAL(rig_verdicts(rig), rig->worker.counters->rx_packets);
	replace_snapshot(NULL);
	CU_ASSERT_EQUAL(rig_free_mbufs(rig), mbufs);
}

/* The loop's clock is the one by which fragments give up waiting. */
static void test_pieces_wait_for_so_long(void)
{
	const struct mr_worker_counters *counters = rig->worker.counters;
	const uint32_t mbufs = rig_free_mbufs(rig);

	memset(rig->worker.counters, 0, sizeof(*rig->worker.counters));
	replace_snapshot(steady_snapshot(0, 1));
	send_piece(SESSIONS, 1);
	worker_round(&rig->worker);
	CU_ASSERT_EQUAL(counters->fragments_kept, 1);
	CU_ASSERT_EQUAL(rig_verdicts(rig), 0);
	rig->worker.clock_start -= (MR_FRAGMENT_TIMEOUT_S + 1) * rig->worker.clock_hz;
	worker_round(&rig->worker);
	CU_ASSERT_EQUAL(counters->verdicts[MR_DROP_FRAGMENT_LATE], 1);
	CU_ASSERT_EQUAL(counters->fragments_released, 1);
	replace_snapshot(NULL);
	CU_ASSERT_EQUAL(rig_free_mbufs(rig), mbufs);
}

/* What an operator sees of a worker's load. */
static void test_busy_time(void)
{
	const struct mr_worker_counters *counters = rig->worker.counters;
	const uint64_t began = rte_rdtsc();
	uint64_t busy_cycles;

	memset(rig->worker.counters, 0, sizeof(*rig->worker.counters));
	rig->worker.round_began = began;
	rig->worker.round_packets = 0;
	replace_snapshot(steady_snapshot(0, 1));
	worker_round(&rig->worker);
	CU_ASSERT_EQUAL(counters->busy_rounds, 0);
	send_piece(0, PIECES);
	worker_round(&rig->worker);
	CU_ASSERT_EQUAL(counters->busy_cycles, 0);
	worker_round(&rig->worker);
	busy_cycles = counters->busy_cycles;
	CU_ASSERT(busy_cycles > 0);
	CU_ASSERT(counters->cycles > busy_cycles);
	CU_ASSERT(counters->cycles <= rte_rdtsc() - began);
	worker_round(&rig->worker);
	CU_ASSERT_EQUAL(counters->busy_rounds, 1);
	CU_ASSERT_EQUAL(counters->busy_cycles, busy_cycles);
	replace_snapshot(NULL);
	rte_pktmbuf_free(rig_collect(rig, BACKEND_PORT));
}

/* How long packets waited. */
static void test_longest_rounds(void)
{
	struct worker *worker = &rig->worker;
	const struct mr_worker_counters *counters = worker->counters;
	const uint64_t late = worker->clock_hz / 100;
	uint32_t second;

	memset(worker->counters, 0, sizeof(*worker->counters));
	replace_snapshot(steady_snapshot(0, 1));
	worker->clock_start = rte_rdtsc() - worker->clock_hz / 2;
	worker->next_second = 0;
	worker->round_began = rte_rdtsc();
	worker_round(worker);
	second = worker->now_s;
	CU_ASSERT(counters->longest_rounds[second % MR_ROUND_SECONDS] < late);
	worker->round_began -= late;
	worker_round(worker);
	CU_ASSERT(counters->longest_rounds[second % MR_ROUND_SECONDS] >= late);
	worker_round(worker);
	CU_ASSERT(counters->longest_rounds[second % MR_ROUND_SECONDS] >= late);

	/* After the last of the seconds that are told of nothing is left of the first. */
	worker->clock_start -= MR_ROUND_SECONDS * worker->clock_hz;
	worker->round_began = rte_rdtsc();
	worker_round(worker);
	CU_ASSERT_EQUAL(worker->now_s, second + MR_ROUND_SECONDS);
	CU_ASSERT(counters->longest_rounds[second % MR_ROUND_SECONDS] < late);
	replace_snapshot(NULL);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_every_frame_has_one_verdict),
		UNIT_TEST(test_every_frame_by_a_worker_that_sleeps),
		UNIT_TEST(test_sleeps_and_wakes),
		UNIT_TEST(test_waits_for_a_snapshot),
		UNIT_TEST(test_clock),
		UNIT_TEST(test_pieces_follow_their_session),
		UNIT_TEST(test_pieces_wait_for_so_long),
		UNIT_TEST(test_busy_time),
		UNIT_TEST(test_longest_rounds),
		CU_TEST_INFO_NULL,
	};

	srand48(unit_seed());
	return rig_unit_run("worker", tests, &rig);
}
