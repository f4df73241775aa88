/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Datagrams in pieces: whatever the order, every piece goes on once and with the ports of its
 * datagram's first one, as long as there is room and time. Workers are driven a burst at a time,
 * mostly in turns, and on a clock that the test sets; what would be forwarded is looked at, and
 * counted and freed by the real transmit().
 */
#include "fragments.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>

#include <rte_cycles.h>
#include <rte_ip.h>

#include "../lib/rig_unit.h"

#define L3	     RTE_ETHER_HDR_LEN
#define WORKERS	     3
#define PIECE	     8 /* bytes in a unit of the fragment offset */
#define L4_BYTES     (20 + 300)
#define UNITS	     (L4_BYTES / PIECE)
#define KEPT_OF_EACH 64
#define DEADLINE_S   10
#define IDS	     65536

static struct rig *rig;
static struct mr_snapshot *snapshot;
static struct worker workers[WORKERS];
static struct rte_ring *handovers[WORKERS];
static uint32_t mbufs_at_start;

/* One datagram; its client's port follows from its id, so that a piece tells what is right. */
struct datagram {
	uint32_t id; /* 16 bits in IPv4 */
	bool v6;
	uint8_t client; /* last byte of its address */
};

static uint16_t port_of(uint32_t id)
{
	return (uint16_t)(1024 + id % 50000);
}

/* Each unit of each id that went on, and with the right ports. */
static _Atomic uint8_t delivered[IDS][UNITS];
static _Atomic uint32_t delivered_count;
static _Atomic uint32_t wrong_ports;

static void snapshot_start(void)
{
	const struct mr_snapshot_sizes sizes = {
		.service_capacity = 1, .endpoint_count = 2, .nat_source_count = 1};
	const struct mr_endpoint v4 = {frame_addr("10.0.0.10"), RTE_BE16(25), 0};
	const struct mr_endpoint v6 = {frame_addr("2001:db8::25"), RTE_BE16(25), 0};
	const struct mr_nat_source nat = {
		.address = frame_addr("10.0.1.1"),
		.port = RTE_BE16(25),
		.service_address = frame_addr("10.0.0.10"),
	};
	const uint8_t secret[MR_HASH_KEY_BYTES] = "sixteen  bytes!";

	snapshot = mr_snapshot_create(&sizes);
	CU_ASSERT_PTR_NOT_NULL_FATAL(snapshot);
	mr_hash_key_init(&snapshot->hash_key, secret);
	CU_ASSERT_EQUAL_FATAL(mr_snapshot_add_endpoint(snapshot, &v4), 0);
	CU_ASSERT_EQUAL_FATAL(mr_snapshot_add_endpoint(snapshot, &v6), 0);
	CU_ASSERT_EQUAL_FATAL(mr_snapshot_add_nat_source(snapshot, &nat), 0);
}

/* @count workers with empty tables on the rig's ports, at second 1000. */
static void start(uint32_t count)
{
	mbufs_at_start = rig_free_mbufs(rig);
	snapshot_start();
	memset(delivered, 0, sizeof(delivered));
	delivered_count = 0;
	wrong_ports = 0;
	for (uint32_t i = 0; i < count; i++) {
		char name[RTE_RING_NAMESIZE];

		snprintf(name, sizeof(name), "handover%u", i);
		handovers[i] =
			rte_ring_create(name, FRAGMENT_HANDOVER_SIZE, SOCKET_ID_ANY, RING_F_SC_DEQ);
		workers[i] = rig->worker;
		workers[i].index = i;
		workers[i].worker_count = count;
		workers[i].handovers = handovers;
		workers[i].now_s = 1000;
		workers[i].fragments = fragment_table_create(SOCKET_ID_ANY);
		workers[i].counters = calloc(1, sizeof(*workers[i].counters));
		CU_ASSERT_FATAL(handovers[i] != NULL && workers[i].fragments != NULL &&
				workers[i].counters != NULL);
	}
}

/* The sum over all workers of what mailrail/counters.h says of received packets. */
static void assert_counters_add_up(uint32_t count)
{
	uint64_t received = 0, accounted = 0;

	for (uint32_t i = 0; i < count; i++) {
		const struct mr_worker_counters *c = workers[i].counters;

		received += c->rx_packets;
		for (unsigned int v = 0; v < MR_VERDICT_COUNT; v++)
			accounted += c->verdicts[v];
		accounted += c->fragments_kept - c->fragments_released;
		accounted += c->fragments_handed - c->fragments_taken;
	}
	CU_ASSERT_EQUAL(received, accounted);
}

static void stop(uint32_t count)
{
	assert_counters_add_up(count);
	for (uint32_t i = 0; i < count; i++) {
		void *mbuf;

		while (rte_ring_dequeue(handovers[i], &mbuf) == 0)
			rte_pktmbuf_free(mbuf);
		rte_ring_free(handovers[i]);
		fragment_table_destroy(workers[i].fragments);
		free(workers[i].counters);
	}
	mr_snapshot_destroy(snapshot);
	CU_ASSERT_EQUAL(rig_free_mbufs(rig), mbufs_at_start);
}

/* Both write the header of a piece of @l4_bytes at @unit, and return its bytes. */
static uint32_t write_v4(const struct datagram *datagram, uint32_t unit, uint32_t l4_bytes,
			 bool more, uint8_t *bytes)
{
	struct rte_ipv4_hdr *ip = (void *)bytes;

	ip->packet_id = rte_cpu_to_be_16((uint16_t)datagram->id);
	ip->fragment_offset = rte_cpu_to_be_16((uint16_t)(unit | (more ? 0x2000 : 0)));
	ip->total_length = rte_cpu_to_be_16((uint16_t)(sizeof(*ip) + l4_bytes));
	ip->hdr_checksum = 0;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	return sizeof(*ip);
}

static uint32_t write_v6(const struct datagram *datagram, uint32_t unit, uint32_t l4_bytes,
			 bool more, uint8_t *bytes)
{
	struct rte_ipv6_hdr *ip = (void *)bytes;
	const struct rte_ipv6_fragment_ext fragment = {
		.next_header = IPPROTO_TCP,
		.frag_data = rte_cpu_to_be_16((uint16_t)(unit << 3 | more)),
		.id = rte_cpu_to_be_32(datagram->id),
	};

	ip->proto = IPPROTO_FRAGMENT;
	ip->payload_len = rte_cpu_to_be_16((uint16_t)(sizeof(fragment) + l4_bytes));
	memcpy(&bytes[sizeof(*ip)], &fragment, sizeof(fragment));
	return sizeof(*ip) + sizeof(fragment);
}

/* Units @from to @to - 1 of the datagram; returns the frame's bytes. */
static uint32_t build_piece(const struct datagram *datagram, uint32_t from, uint32_t to,
			    uint8_t *frame)
{
	char client[INET6_ADDRSTRLEN];
	const struct frame_spec spec = {
		.to = {{0x02, 0, 0, 0, 0, 0x00}},
		.client = client,
		.service = datagram->v6 ? "2001:db8::25" : "10.0.0.10",
		.client_port = port_of(datagram->id),
		.service_port = 25,
		.tcp_flags = RTE_TCP_ACK_FLAG,
		.payload_bytes = L4_BYTES - 20,
	};
	const uint32_t l4_bytes = (to - from) * PIECE;
	uint8_t whole[FRAME_BYTES_MAX];
	uint32_t count = L3;

	snprintf(client, sizeof(client), datagram->v6 ? "2001:db8:1::%x" : "192.0.2.%u",
		 datagram->client);
	frame_build(&spec, whole);
	memcpy(frame, whole, L3 + sizeof(struct rte_ipv6_hdr));
	count += datagram->v6 ? write_v6(datagram, from, l4_bytes, to < UNITS, &frame[L3])
			      : write_v4(datagram, from, l4_bytes, to < UNITS, &frame[L3]);
	memcpy(&frame[count],
	       &whole[L3 +
		      (datagram->v6 ? sizeof(struct rte_ipv6_hdr) : sizeof(struct rte_ipv4_hdr)) +
		      from * PIECE],
	       l4_bytes);
	return count + l4_bytes;
}

/* Ids below IDS only. */
static void note_delivered(const struct packet *packet)
{
	const uint8_t *ip = &packet_bytes(packet)[packet->l3_offset];
	const bool v4 = packet_is_v4(packet);
	const uint32_t unit = v4 ? ((uint32_t)ip[6] << 8 | ip[7]) & 0x1fff
				 : ((uint32_t)ip[42] << 8 | ip[43]) >> 3;
	const uint32_t id = v4 ? rte_be_to_cpu_16((rte_be16_t)packet->fragment_id)
			       : rte_be_to_cpu_32(packet->fragment_id);

	for (uint32_t i = 0; i < packet->l4_bytes / PIECE; i++)
		delivered[id][unit + i]++;
	delivered_count++;
	if (packet->tuple.client_port != rte_cpu_to_be_16(port_of(id)) ||
	    packet->tuple.service_port != RTE_BE16(25) ||
	    packet->tcp_flags != (unit == 0 ? RTE_TCP_ACK_FLAG : 0))
		wrong_ports++;
}

/* The steps between receive() and transmit() as far as fragments go; all the others forward. */
static void work_on(struct worker *worker, struct burst *burst)
{
	parse(worker, burst);
	follow_fragments(worker, snapshot, burst);
	for (uint32_t i = 0; i < burst->count; i++) {
		if (burst->packets[i].verdict != UNDECIDED)
			continue;
		note_delivered(&burst->packets[i]);
		burst->packets[i].verdict = MR_FORWARDED;
	}
	transmit(worker, burst);
}

/* Until all that waits for this worker is done. */
static void work_again(struct worker *worker)
{
	struct burst burst;

	while (receive_again(worker, &burst) > 0)
		work_on(worker, &burst);
}

/* One frame arrives at @worker's queue. */
static void arrive(struct worker *worker, const uint8_t *frame, uint32_t count)
{
	struct burst burst;

	CU_ASSERT_FATAL(rig_inject(rig, 0, frame, count));
	CU_ASSERT_EQUAL_FATAL(receive(worker, &rig->worker.rx_queues[0], &burst), 1);
	work_on(worker, &burst);
}

static void arrive_piece(struct worker *worker, const struct datagram *datagram, uint32_t from,
			 uint32_t to)
{
	uint8_t frame[FRAME_BYTES_MAX];

	arrive(worker, frame, build_piece(datagram, from, to, frame));
	work_again(worker);
}

static uint32_t times_delivered(const struct datagram *datagram, uint32_t unit)
{
	return delivered[datagram->id][unit];
}

static uint64_t verdicts(enum mr_verdict verdict)
{
	return workers[0].counters->verdicts[verdict];
}

/* As the worker does when its clock comes to another second. */
static void pass_seconds(uint32_t seconds)
{
	workers[0].now_s += seconds;
	fragment_table_age(&workers[0]);
}

static void test_in_order(void)
{
	start(1);
	for (uint32_t v6 = 0; v6 < 2; v6++) {
		const struct datagram datagram = {.id = 7 + v6, .v6 = v6, .client = 1};

		arrive_piece(&workers[0], &datagram, 0, 5);
		arrive_piece(&workers[0], &datagram, 5, 20);
		arrive_piece(&workers[0], &datagram, 20, UNITS);
		for (uint32_t unit = 0; unit < UNITS; unit++)
			CU_ASSERT_EQUAL(times_delivered(&datagram, unit), 1);
	}
	CU_ASSERT_EQUAL(wrong_ports, 0);
	CU_ASSERT_EQUAL(workers[0].counters->fragments_kept, 0);
	stop(1);
}

static void test_first_comes_last(void)
{
	const struct datagram datagram = {.id = 7, .client = 1};

	start(1);
	arrive_piece(&workers[0], &datagram, 20, UNITS);
	arrive_piece(&workers[0], &datagram, 5, 20);
	CU_ASSERT_EQUAL(delivered_count, 0);
	CU_ASSERT_EQUAL(workers[0].counters->fragments_kept, 2);
	assert_counters_add_up(1);
	arrive_piece(&workers[0], &datagram, 0, 5);
	for (uint32_t unit = 0; unit < UNITS; unit++)
		CU_ASSERT_EQUAL(times_delivered(&datagram, unit), 1);
	CU_ASSERT_EQUAL(wrong_ports, 0);
	CU_ASSERT_EQUAL(workers[0].counters->fragments_released, 2);
	CU_ASSERT_EQUAL(verdicts(MR_FORWARDED), 3);
	stop(1);
}

/* Some datagrams, cut at random places, shuffled. */
#define MIX_DATAGRAMS 24
#define MIX_PIECES    9 /* all of a mix fit on one of the rig's rings */

struct piece {
	const struct datagram *datagram;
	uint32_t from;
	uint32_t to;
};

struct mix {
	struct datagram datagrams[MIX_DATAGRAMS];
	struct piece pieces[MIX_DATAGRAMS * MIX_PIECES];
	uint32_t count;
};

static uint32_t random_below(uint32_t limit)
{
	return (uint32_t)lrand48() % limit;
}

/* The first piece has the TCP header, which takes 3 units. */
static void cut(struct mix *mix, const struct datagram *datagram)
{
	uint32_t from = 0;

	for (uint32_t pieces = 1; from < UNITS; pieces++) {
		uint32_t to = from + (from == 0 ? 3 : 1) + random_below(6);

		if (to > UNITS || pieces == MIX_PIECES)
			to = UNITS;
		mix->pieces[mix->count++] = (struct piece){datagram, from, to};
		from = to;
	}
}

static void shuffle(struct mix *mix)
{
	for (uint32_t i = mix->count - 1; i > 0; i--) {
		const uint32_t other = random_below(i + 1);
		const struct piece piece = mix->pieces[i];

		mix->pieces[i] = mix->pieces[other];
		mix->pieces[other] = piece;
	}
}

/* Ids are distinct, the ends are not. */
static void make_mix(struct mix *mix, uint32_t round)
{
	mix->count = 0;
	for (uint32_t i = 0; i < MIX_DATAGRAMS; i++) {
		mix->datagrams[i] = (struct datagram){
			.id = (round * MIX_DATAGRAMS + i) % IDS,
			.v6 = random_below(2),
			.client = (uint8_t)(1 + random_below(3)),
		};
		cut(mix, &mix->datagrams[i]);
	}
	shuffle(mix);
}

static void assert_mix_delivered(const struct mix *mix)
{
	for (uint32_t i = 0; i < MIX_DATAGRAMS; i++) {
		for (uint32_t unit = 0; unit < UNITS; unit++)
			CU_ASSERT_EQUAL(times_delivered(&mix->datagrams[i], unit), 1);
	}
}

static void test_any_order(void)
{
	static struct mix mix;
	uint64_t pieces = 0;

	start(1);
	for (uint32_t round = 0; round < 200; round++) {
		make_mix(&mix, round);
		for (uint32_t i = 0; i < mix.count; i++)
			arrive_piece(&workers[0], mix.pieces[i].datagram, mix.pieces[i].from,
				     mix.pieces[i].to);
		pieces += mix.count;
		assert_mix_delivered(&mix);
	}
	CU_ASSERT_EQUAL(wrong_ports, 0);
	CU_ASSERT_EQUAL(verdicts(MR_FORWARDED), pieces);
	CU_ASSERT(workers[0].counters->fragments_kept > 1000);
	CU_ASSERT_EQUAL(workers[0].counters->fragments_kept,
			workers[0].counters->fragments_released);
	stop(1);
}

/* Each piece arrives at any worker; all of a datagram are followed by one. */
static void test_any_order_at_any_worker(void)
{
	static struct mix mix;
	uint64_t handed = 0, taken = 0;

	start(WORKERS);
	for (uint32_t round = 0; round < 200; round++) {
		make_mix(&mix, round);
		for (uint32_t i = 0; i < mix.count; i++) {
			uint8_t frame[FRAME_BYTES_MAX];
			const uint32_t count =
				build_piece(mix.pieces[i].datagram, mix.pieces[i].from,
					    mix.pieces[i].to, frame);

			arrive(&workers[random_below(WORKERS)], frame, count);
			if (random_below(3) == 0)
				work_again(&workers[random_below(WORKERS)]);
			assert_counters_add_up(WORKERS);
		}
		for (uint32_t i = 0; i < WORKERS; i++)
			work_again(&workers[i]);
		assert_mix_delivered(&mix);
	}
	CU_ASSERT_EQUAL(wrong_ports, 0);
	for (uint32_t i = 0; i < WORKERS; i++) {
		handed += workers[i].counters->fragments_handed;
		taken += workers[i].counters->fragments_taken;
		CU_ASSERT(workers[i].counters->verdicts[MR_FORWARDED] > 1000);
	}
	CU_ASSERT(handed > 1000);
	CU_ASSERT_EQUAL(handed, taken);
	stop(WORKERS);
}

/* A worker's thread: polls its own port until all @total pieces went on somewhere. */
struct crew {
	struct worker *worker;
	uint32_t total;
	bool in_time;
};

static void *crew_run(void *arg)
{
	struct crew *crew = arg;
	const struct worker_rx_queue *queue = &rig->worker.rx_queues[crew->worker->index];
	const uint64_t deadline = rte_rdtsc() + DEADLINE_S * rte_get_tsc_hz();
	struct burst burst;

	while (delivered_count < crew->total && rte_rdtsc() < deadline) {
		if (receive(crew->worker, queue, &burst) > 0)
			work_on(crew->worker, &burst);
		work_again(crew->worker);
		sched_yield();
	}
	crew->in_time = delivered_count == crew->total;
	return NULL;
}

static void inject_at_random_port(const struct piece *piece)
{
	const uint8_t port = (uint8_t)random_below(2);
	uint8_t frame[FRAME_BYTES_MAX];
	const uint32_t count = build_piece(piece->datagram, piece->from, piece->to, frame);

	frame[5] = port; /* its station address */
	CU_ASSERT_FATAL(rig_inject(rig, port, frame, count));
}

/* The same with a thread for each worker, which hand over to one another meanwhile. */
static void test_any_order_on_two_cores(void)
{
	static struct mix mix;
	struct crew crews[2] = {{&workers[0], 0, false}, {&workers[1], 0, false}};

	start(2);
	for (uint32_t round = 0; round < 100; round++) {
		pthread_t threads[2];

		make_mix(&mix, round);
		for (uint32_t i = 0; i < mix.count; i++)
			inject_at_random_port(&mix.pieces[i]);
		for (uint32_t i = 0; i < 2; i++) {
			crews[i].total += mix.count;
			CU_ASSERT_EQUAL_FATAL(
				pthread_create(&threads[i], NULL, crew_run, &crews[i]), 0);
		}
		for (uint32_t i = 0; i < 2; i++)
			pthread_join(threads[i], NULL);
		CU_ASSERT_FATAL(crews[0].in_time && crews[1].in_time);
		assert_mix_delivered(&mix);
	}
	CU_ASSERT_EQUAL(wrong_ports, 0);
	CU_ASSERT(workers[0].counters->fragments_taken > 100);
	CU_ASSERT(workers[1].counters->fragments_taken > 100);
	stop(2);
}

/* mailrail puts nothing together: what overlaps or comes twice is the backend's to judge. */
static void test_overlap_and_repetition(void)
{
	const struct datagram datagram = {.id = 9, .client = 1};

	start(1);
	arrive_piece(&workers[0], &datagram, 10, UNITS);
	arrive_piece(&workers[0], &datagram, 10, UNITS);
	arrive_piece(&workers[0], &datagram, 0, 12);
	arrive_piece(&workers[0], &datagram, 8, 20);
	arrive_piece(&workers[0], &datagram, 0, 12);
	arrive_piece(&workers[0], &datagram, 3, UNITS);
	CU_ASSERT_EQUAL(delivered_count, 6);
	CU_ASSERT_EQUAL(wrong_ports, 0);
	CU_ASSERT_EQUAL(verdicts(MR_FORWARDED), 6);
	stop(1);
}

static void test_first_never_comes(void)
{
	const struct datagram lost = {.id = 1, .client = 1}, found = {.id = 2, .client = 1};

	start(1);
	arrive_piece(&workers[0], &lost, 5, 9);
	arrive_piece(&workers[0], &lost, 9, UNITS);
	pass_seconds(MR_FRAGMENT_TIMEOUT_S);
	arrive_piece(&workers[0], &found, 5, UNITS);
	CU_ASSERT_EQUAL(verdicts(MR_DROP_FRAGMENT_LATE), 0);
	pass_seconds(1);
	CU_ASSERT_EQUAL(verdicts(MR_DROP_FRAGMENT_LATE), 2);
	CU_ASSERT_EQUAL(workers[0].counters->fragments_released, 2);
	assert_counters_add_up(1);
	/* The other one's time is not up. */
	arrive_piece(&workers[0], &found, 0, 5);
	CU_ASSERT_EQUAL(delivered_count, 2);
	/* Too late: its datagram begins anew, and the rest of it never comes. */
	arrive_piece(&workers[0], &lost, 0, 5);
	CU_ASSERT_EQUAL(delivered_count, 3);
	CU_ASSERT_EQUAL(wrong_ports, 0);
	stop(1);
}

static void test_ports_are_forgotten(void)
{
	const struct datagram datagram = {.id = 1, .client = 1};

	start(1);
	arrive_piece(&workers[0], &datagram, 0, 5);
	pass_seconds(MR_FRAGMENT_TIMEOUT_S);
	arrive_piece(&workers[0], &datagram, 5, 9);
	CU_ASSERT_EQUAL(delivered_count, 2);
	pass_seconds(1);
	arrive_piece(&workers[0], &datagram, 9, UNITS);
	CU_ASSERT_EQUAL(delivered_count, 2);
	CU_ASSERT_EQUAL(workers[0].counters->fragments_kept, 1);
	/* The second on which the clock turns over is like any other. */
	workers[0].now_s = UINT32_MAX - 1;
	fragment_table_age(&workers[0]);
	CU_ASSERT_EQUAL(verdicts(MR_DROP_FRAGMENT_LATE), 1);
	arrive_piece(&workers[0], &datagram, 9, UNITS);
	pass_seconds(MR_FRAGMENT_TIMEOUT_S);
	CU_ASSERT_EQUAL(verdicts(MR_DROP_FRAGMENT_LATE), 1);
	pass_seconds(1);
	CU_ASSERT_EQUAL(verdicts(MR_DROP_FRAGMENT_LATE), 2);
	stop(1);
}

/* The newest first fragment rules, and the datagram's time begins with it. */
static void test_id_is_used_again(void)
{
	struct datagram old = {.id = 1, .client = 1};
	uint8_t frame[FRAME_BYTES_MAX];
	struct rte_tcp_hdr *tcp = (void *)&frame[L3 + 20];
	uint32_t count;

	start(1);
	count = build_piece(&old, 0, 5, frame);
	tcp->src_port = RTE_BE16(9);
	arrive(&workers[0], frame, count);
	CU_ASSERT_EQUAL(wrong_ports, 1); /* the port is not the one that the id says */
	arrive_piece(&workers[0], &old, 5, 9);
	CU_ASSERT_EQUAL(wrong_ports, 2);
	pass_seconds(MR_FRAGMENT_TIMEOUT_S);
	arrive_piece(&workers[0], &old, 0, 5);
	arrive_piece(&workers[0], &old, 5, 9);
	pass_seconds(MR_FRAGMENT_TIMEOUT_S);
	arrive_piece(&workers[0], &old, 9, UNITS);
	CU_ASSERT_EQUAL(wrong_ports, 2);
	CU_ASSERT_EQUAL(delivered_count, 5);
	stop(1);
}

/* One that began anew is not in the way of those that did not. */
static void test_age_counts_from_the_newest_first_fragment(void)
{
	const struct datagram renewed = {.id = 1, .client = 1}, old = {.id = 2, .client = 1};

	start(1);
	arrive_piece(&workers[0], &renewed, 0, 5);
	arrive_piece(&workers[0], &old, 5, UNITS);
	pass_seconds(MR_FRAGMENT_TIMEOUT_S);
	arrive_piece(&workers[0], &renewed, 0, 5);
	pass_seconds(1);
	CU_ASSERT_EQUAL(verdicts(MR_DROP_FRAGMENT_LATE), 1);
	arrive_piece(&workers[0], &renewed, 5, UNITS);
	CU_ASSERT_EQUAL(delivered_count, 3);
	stop(1);
}

/* The same id from another host, or in the other family, is another datagram. */
static void test_ids_of_other_ends(void)
{
	const struct datagram one = {.id = 1, .client = 1}, two = {.id = 1, .client = 2},
			      three = {.id = 1, .v6 = true, .client = 1};

	start(1);
	arrive_piece(&workers[0], &one, 0, 5);
	arrive_piece(&workers[0], &two, 5, UNITS);
	arrive_piece(&workers[0], &three, 5, UNITS);
	CU_ASSERT_EQUAL(delivered_count, 1);
	CU_ASSERT_EQUAL(workers[0].counters->fragments_kept, 2);
	stop(1);
}

/* IPv6 ids are 32 bits long, and all of them count. */
static void test_long_ids(void)
{
	const struct datagram one = {.id = 1, .v6 = true, .client = 1},
			      two = {.id = 0x10001, .v6 = true, .client = 1};

	start(1);
	arrive_piece(&workers[0], &one, 0, 5);
	arrive_piece(&workers[0], &two, 5, UNITS);
	CU_ASSERT_EQUAL(delivered_count, 1);
	CU_ASSERT_EQUAL(workers[0].counters->fragments_kept, 1);
	stop(1);
}

static void test_one_datagram_keeps_not_all_room(void)
{
	const struct datagram greedy = {.id = 1, .client = 1}, other = {.id = 2, .client = 1};

	start(1);
	for (uint32_t i = 0; i < KEPT_OF_EACH; i++)
		arrive_piece(&workers[0], &greedy, 5, 6);
	CU_ASSERT_EQUAL(verdicts(MR_DROP_FRAGMENT_FULL), 0);
	arrive_piece(&workers[0], &greedy, 5, 6);
	CU_ASSERT_EQUAL(verdicts(MR_DROP_FRAGMENT_FULL), 1);
	arrive_piece(&workers[0], &other, 5, UNITS);
	CU_ASSERT_EQUAL(workers[0].counters->fragments_kept, KEPT_OF_EACH + 1);
	arrive_piece(&workers[0], &greedy, 0, 5);
	CU_ASSERT_EQUAL(delivered_count, KEPT_OF_EACH + 1);
	stop(1);
}

static void keep_all_that_fit(void)
{
	const uint64_t kept = workers[0].counters->fragments_kept;
	const uint64_t refused = verdicts(MR_DROP_FRAGMENT_FULL);

	for (uint32_t i = 0; i < MR_FRAGMENTS_KEPT_MAX; i++) {
		const struct datagram datagram = {.id = i, .v6 = true, .client = 1};

		arrive_piece(&workers[0], &datagram, 5, UNITS);
	}
	CU_ASSERT_EQUAL(workers[0].counters->fragments_kept, kept + MR_FRAGMENTS_KEPT_MAX);
	CU_ASSERT_EQUAL(verdicts(MR_DROP_FRAGMENT_FULL), refused);
}

static void test_no_room_to_keep(void)
{
	const struct datagram last = {.id = 60000, .client = 1},
			      known = {.id = 0, .v6 = true, .client = 1};

	start(1);
	keep_all_that_fit();
	arrive_piece(&workers[0], &last, 5, UNITS);
	CU_ASSERT_EQUAL(verdicts(MR_DROP_FRAGMENT_FULL), 1);
	/* Who comes in order needs no room, and who is released makes some. */
	arrive_piece(&workers[0], &last, 0, 5);
	arrive_piece(&workers[0], &last, 5, UNITS);
	CU_ASSERT_EQUAL(delivered_count, 2);
	arrive_piece(&workers[0], &known, 0, 5);
	CU_ASSERT_EQUAL(delivered_count, 4);
	pass_seconds(MR_FRAGMENT_TIMEOUT_S + 1);
	CU_ASSERT_EQUAL(verdicts(MR_DROP_FRAGMENT_LATE), MR_FRAGMENTS_KEPT_MAX - 1);
	assert_counters_add_up(1);
	/* All the room is there again. */
	keep_all_that_fit();
	stop(1);
}

/* The oldest datagram makes room for a new one. */
static void test_more_datagrams_than_the_table_has(void)
{
	const struct datagram waiting = {.id = 60000, .client = 1};
	const struct datagram oldest = {.id = 1, .client = 2}, next = {.id = 2, .client = 2};

	start(1);
	arrive_piece(&workers[0], &waiting, 5, 9);
	arrive_piece(&workers[0], &waiting, 9, UNITS);
	for (uint32_t i = 1; i < MR_DATAGRAMS_MAX; i++) {
		const struct datagram datagram = {.id = i, .client = 2};

		arrive_piece(&workers[0], &datagram, 0, 5);
	}
	CU_ASSERT_EQUAL(verdicts(MR_DROP_FRAGMENT_FULL), 0);
	for (uint32_t i = 0; i < 2; i++) {
		const struct datagram datagram = {.id = MR_DATAGRAMS_MAX + i, .client = 2};

		arrive_piece(&workers[0], &datagram, 0, 5);
	}
	CU_ASSERT_EQUAL(verdicts(MR_DROP_FRAGMENT_FULL), 2);
	CU_ASSERT_EQUAL(workers[0].counters->fragments_released, 2);
	CU_ASSERT_EQUAL(delivered_count, MR_DATAGRAMS_MAX + 1);
	arrive_piece(&workers[0], &next, 5, UNITS);
	CU_ASSERT_EQUAL(delivered_count, MR_DATAGRAMS_MAX + 2);
	arrive_piece(&workers[0], &oldest, 5, UNITS);
	CU_ASSERT_EQUAL(delivered_count, MR_DATAGRAMS_MAX + 2);
	CU_ASSERT_EQUAL(workers[0].counters->fragments_kept, 3);
	CU_ASSERT_EQUAL(wrong_ports, 0);
	stop(1);
}

/* Frames that no service has to do with leave no trace, whatever kernel there is. */
static void assert_stranger(const char *from, const char *to, uint16_t field)
{
	const struct frame_spec spec = {
		.to = {{0x02, 0, 0, 0, 0, 0x00}},
		.client = from,
		.service = to,
		.payload_bytes = 12,
	};
	uint8_t frame[FRAME_BYTES_MAX];
	const uint32_t count = frame_build(&spec, frame);
	struct rte_ipv4_hdr *ip = (void *)&frame[L3];

	ip->fragment_offset = rte_cpu_to_be_16(field);
	ip->hdr_checksum = 0;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	arrive(&workers[0], frame, count);
	rig->ports[0].kind = MR_DEVICE_AF_PACKET;
	arrive(&workers[0], frame, count);
	rig->ports[0].kind = MR_DEVICE_VDEV;
	rig->ports[0].has_kernel_side = true;
	arrive(&workers[0], frame, count);
	rig->ports[0].has_kernel_side = false;
	rte_pktmbuf_free(rig_collect(rig, RIG_KERNEL));
}

static void test_strangers(void)
{
	static const struct {
		const char *from, *to;
	} rows[] = {
		{"192.0.2.1", "10.0.0.11"},
		{"10.0.0.10", "192.0.2.1"}, /* from a service's address, as backends send */
		{"192.0.2.1", "10.0.1.1"},  /* to a nat backend itself */
	};

	start(1);
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		assert_stranger(rows[i].from, rows[i].to, 0x2000);
		assert_stranger(rows[i].from, rows[i].to, 0x0010);
	}
	CU_ASSERT_EQUAL(delivered_count, 0);
	CU_ASSERT_EQUAL(verdicts(MR_DROP_NOT_SERVICE), 6);
	CU_ASSERT_EQUAL(verdicts(MR_LEFT_TO_KERNEL), 6);
	CU_ASSERT_EQUAL(verdicts(MR_PASSED_TO_KERNEL), 6);
	CU_ASSERT_EQUAL(workers[0].counters->fragments_kept, 0);
	stop(1);
}

/* nat: what comes from a backend is followed by its source. */
static void test_fragments_from_a_nat_backend(void)
{
	const struct frame_spec spec = {
		.to = {{0x02, 0, 0, 0, 0, 0x00}},
		.client = "10.0.1.1",
		.service = "192.0.2.1",
		.client_port = 25,
		.service_port = 40000,
		.payload_bytes = 12,
	};
	const struct datagram datagram = {.id = 0};
	uint8_t frame[FRAME_BYTES_MAX];

	start(1);
	frame_build(&spec, frame);
	write_v4(&datagram, 4, 32, false, &frame[L3]);
	arrive(&workers[0], frame, L3 + 20 + 32);
	CU_ASSERT_EQUAL(workers[0].counters->fragments_kept, 1);
	write_v4(&datagram, 0, 32, true, &frame[L3]);
	arrive(&workers[0], frame, L3 + 20 + 32);
	work_again(&workers[0]);
	CU_ASSERT_EQUAL(delivered_count, 2);
	CU_ASSERT_EQUAL(wrong_ports, 2); /* they are a backend's, not what the id says */
	stop(1);
}

/* Nobody waits for another worker. */
static void test_handover_is_full(void)
{
	uint64_t handed;

	start(2);
	for (uint32_t i = 0; i < 4 * FRAGMENT_HANDOVER_SIZE; i++) {
		const struct datagram datagram = {.id = i, .v6 = true, .client = 1};
		uint8_t frame[FRAME_BYTES_MAX];

		if (rig_free_mbufs(rig) == 0)
			break;
		arrive(&workers[0], frame, build_piece(&datagram, 0, 5, frame));
	}
	handed = workers[0].counters->fragments_handed;
	CU_ASSERT_EQUAL(handed, FRAGMENT_HANDOVER_SIZE - 1);
	CU_ASSERT(verdicts(MR_DROP_FRAGMENT_FULL) > 0);
	assert_counters_add_up(2);
	work_again(&workers[1]);
	CU_ASSERT_EQUAL(workers[1].counters->fragments_taken, handed);
	CU_ASSERT_EQUAL(workers[1].counters->verdicts[MR_FORWARDED], handed);
	CU_ASSERT_EQUAL(wrong_ports, 0);
	stop(2);
}

/* A fragment keeps the port that it came to while it waits and while it is handed over. */
static void test_port_of_arrival(void)
{
	const struct datagram datagram = {.id = 1, .client = 1};
	uint8_t frame[FRAME_BYTES_MAX];
	struct burst burst;
	uint32_t count;

	start(1);
	rig->ports[2].kind = MR_DEVICE_AF_PACKET;
	count = build_piece(&datagram, 5, UNITS, frame);
	frame[5] = 2; /* the port's own station address */
	CU_ASSERT_FATAL(rig_inject(rig, 2, frame, count));
	CU_ASSERT_EQUAL_FATAL(receive(&workers[0], &rig->worker.rx_queues[2], &burst), 1);
	work_on(&workers[0], &burst);
	arrive(&workers[0], frame, build_piece(&datagram, 0, 5, frame));
	CU_ASSERT_EQUAL_FATAL(receive_again(&workers[0], &burst), 1);
	CU_ASSERT_EQUAL(burst.packets[0].rx_port, 2);
	CU_ASSERT_EQUAL(burst.packets[0].kernel, KERNEL_HAS_COPY);
	work_on(&workers[0], &burst);
	CU_ASSERT_EQUAL(delivered_count, 2);
	rig->ports[2].kind = MR_DEVICE_VDEV;
	stop(1);
}

static void test_port_of_arrival_goes_to_the_other_worker(void)
{
	struct burst burst;

	start(2);
	for (uint32_t id = 0; workers[0].counters->fragments_handed == 0; id++) {
		const struct datagram datagram = {.id = id, .client = 1};
		uint8_t frame[FRAME_BYTES_MAX];
		const uint32_t count = build_piece(&datagram, 0, 5, frame);

		frame[5] = 3;
		CU_ASSERT_FATAL(rig_inject(rig, 3, frame, count));
		CU_ASSERT_EQUAL_FATAL(receive(&workers[0], &rig->worker.rx_queues[3], &burst), 1);
		work_on(&workers[0], &burst);
	}
	CU_ASSERT_EQUAL_FATAL(receive_again(&workers[1], &burst), 1);
	CU_ASSERT_EQUAL(burst.packets[0].rx_port, 3);
	work_on(&workers[1], &burst);
	stop(2);
}

/* What still waits goes with the table. */
static void test_destroy_frees_what_waits(void)
{
	start(1);
	keep_all_that_fit();
	stop(1);
	fragment_table_destroy(NULL);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_in_order),
		UNIT_TEST(test_first_comes_last),
		UNIT_TEST(test_any_order),
		UNIT_TEST(test_any_order_at_any_worker),
		UNIT_TEST(test_any_order_on_two_cores),
		UNIT_TEST(test_overlap_and_repetition),
		UNIT_TEST(test_first_never_comes),
		UNIT_TEST(test_ports_are_forgotten),
		UNIT_TEST(test_id_is_used_again),
		UNIT_TEST(test_age_counts_from_the_newest_first_fragment),
		UNIT_TEST(test_ids_of_other_ends),
		UNIT_TEST(test_long_ids),
		UNIT_TEST(test_one_datagram_keeps_not_all_room),
		UNIT_TEST(test_no_room_to_keep),
		UNIT_TEST(test_more_datagrams_than_the_table_has),
		UNIT_TEST(test_strangers),
		UNIT_TEST(test_fragments_from_a_nat_backend),
		UNIT_TEST(test_handover_is_full),
		UNIT_TEST(test_port_of_arrival),
		UNIT_TEST(test_port_of_arrival_goes_to_the_other_worker),
		UNIT_TEST(test_destroy_frees_what_waits),
		CU_TEST_INFO_NULL,
	};

	srand48(unit_seed());
	return rig_unit_run("fragments", tests, &rig);
}
