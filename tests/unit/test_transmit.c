/* SPDX-License-Identifier: BSD-3-Clause */
/* Sending: each frame leaves by its port in order, or is freed; each verdict counts once. */
#include "packet.h"

#include "../lib/rig_unit.h"

static struct rig *rig;

static uint64_t counted(enum mr_verdict verdict)
{
	return rig->worker.counters->verdicts[verdict];
}

/* A burst of @count frames whose first byte is their place in it. */
static void make_burst(struct burst *burst, uint32_t count)
{
	memset(rig->worker.counters, 0, sizeof(*rig->worker.counters));
	burst->cut_count = 0;
	burst->count = count;
	for (uint32_t i = 0; i < count; i++) {
		const uint8_t frame[64] = {(uint8_t)i};

		burst->packets[i] = (struct packet){
			.mbuf = frame_to_mbuf(rig->mbufs, frame, sizeof(frame)),
			.verdict = MR_DROP_BAD_IP,
			.tx_port = NO_PORT,
		};
		CU_ASSERT_PTR_NOT_NULL_FATAL(burst->packets[i].mbuf);
	}
}

static void send_by(struct packet *packet, uint8_t port)
{
	packet->tx_port = port;
	packet->verdict = MR_FORWARDED;
}

/* Takes everything that left by @port; @first, then every @step-th of the burst. */
static uint32_t collect(uint32_t port, uint32_t first, uint32_t step)
{
	struct rte_mbuf *mbuf;
	uint32_t count = 0;

	while ((mbuf = rig_collect(rig, port)) != NULL) {
		CU_ASSERT_EQUAL(*rte_pktmbuf_mtod(mbuf, uint8_t *), first + count * step);
		rte_pktmbuf_free(mbuf);
		count++;
	}
	return count;
}

static void test_one_port(void)
{
	struct burst burst;

	make_burst(&burst, BURST_SIZE);
	for (uint32_t i = 0; i < BURST_SIZE; i++)
		send_by(&burst.packets[i], 2);
	transmit(&rig->worker, &burst);
	CU_ASSERT_EQUAL(collect(2, 0, 1), BURST_SIZE);
	CU_ASSERT_EQUAL(counted(MR_FORWARDED), BURST_SIZE);
	CU_ASSERT_EQUAL(rig_verdicts(rig), BURST_SIZE);
	CU_ASSERT_EQUAL(rig->worker.counters->tx_packets, BURST_SIZE);
	CU_ASSERT_EQUAL(rig->worker.counters->tx_bytes, BURST_SIZE * 64);
}

static void test_nothing_to_send(void)
{
	const uint32_t before = rig_free_mbufs(rig);
	struct burst burst;

	make_burst(&burst, 3);
	transmit(&rig->worker, &burst);
	CU_ASSERT_EQUAL(counted(MR_DROP_BAD_IP), 3);
	CU_ASSERT_EQUAL(rig->worker.counters->tx_packets, 0);
	CU_ASSERT_EQUAL(rig_free_mbufs(rig), before);
}

/* Ports, the probe port and drops, each in turn: order is kept on each port. */
static void test_many_ports(void)
{
	const uint32_t before = rig_free_mbufs(rig);
	struct burst burst;

	make_burst(&burst, 30);
	for (uint32_t i = 0; i < burst.count; i++) {
		if (i % 3 == 0)
			send_by(&burst.packets[i], 3);
		else if (i % 3 == 1)
			send_by(&burst.packets[i], WORKER_PROBE_PORT);
	}
	transmit(&rig->worker, &burst);
	CU_ASSERT_EQUAL(collect(3, 0, 3), 10);
	CU_ASSERT_EQUAL(collect(RIG_PROBE, 1, 3), 10);
	CU_ASSERT_EQUAL(counted(MR_FORWARDED), 20);
	CU_ASSERT_EQUAL(counted(MR_DROP_BAD_IP), 10);
	CU_ASSERT_EQUAL(rig->worker.counters->tx_packets, 20);
	CU_ASSERT_EQUAL(rig_free_mbufs(rig), before);
}

/* What the queue has no room for is dropped and counted as that, not as forwarded. */
static void test_full_queue(void)
{
	const uint32_t before = rig_free_mbufs(rig);
	uint32_t sent = 0, full = 0;
	struct burst burst;

	/* A ring is full after half of these rounds. */
	for (uint32_t round = 0; round < 2 * RIG_RING_SIZE / 15 && full == 0; round++) {
		make_burst(&burst, 31);
		for (uint32_t i = 0; i < burst.count; i++)
			send_by(&burst.packets[i], i % 2 ? 1 : 2);
		transmit(&rig->worker, &burst);
		full = (uint32_t)counted(MR_DROP_TX_FULL);
		sent += (uint32_t)counted(MR_FORWARDED);
		CU_ASSERT_EQUAL(rig_verdicts(rig), 31);
		CU_ASSERT_EQUAL(rig->worker.counters->tx_packets, counted(MR_FORWARDED));
		CU_ASSERT_EQUAL(rig->worker.counters->tx_bytes, counted(MR_FORWARDED) * 64);
	}
	CU_ASSERT(full > 0);
	CU_ASSERT(sent >= 2 * (RIG_RING_SIZE - 1) - 16);
	CU_ASSERT_EQUAL(rig_free_mbufs(rig), before - sent);
	for (uint32_t port = 1; port <= 2; port++) {
		struct rte_mbuf *mbuf;

		while ((mbuf = rig_collect(rig, port)) != NULL)
			rte_pktmbuf_free(mbuf);
	}
	CU_ASSERT_EQUAL(rig_free_mbufs(rig), before);
}

/* Each port's kernel side has its own queue, and the packets for all of them their order. */
static void test_kernel_sides(void)
{
	struct burst burst;

	make_burst(&burst, 12);
	for (uint32_t i = 0; i < burst.count; i++) {
		if (i % 3 == 0)
			send_by(&burst.packets[i], WORKER_KERNEL_SIDE | 0);
		else if (i % 3 == 1)
			send_by(&burst.packets[i], WORKER_KERNEL_SIDE | 3);
		else
			send_by(&burst.packets[i], 3);
	}
	transmit(&rig->worker, &burst);
	CU_ASSERT_EQUAL(collect(RIG_KERNEL + 0, 0, 3), 4);
	CU_ASSERT_EQUAL(collect(RIG_KERNEL + 3, 1, 3), 4);
	CU_ASSERT_EQUAL(collect(3, 2, 3), 4);
	CU_ASSERT_EQUAL(rig->worker.counters->tx_packets, 12);
}

/* What waits elsewhere is nobody's here: neither freed nor counted. */
static void test_taken(void)
{
	const uint32_t before = rig_free_mbufs(rig);
	struct rte_mbuf *kept;
	struct burst burst;

	make_burst(&burst, 2);
	kept = burst.packets[0].mbuf;
	burst.packets[0].verdict = TAKEN;
	burst.packets[0].mbuf = NULL;
	transmit(&rig->worker, &burst);
	CU_ASSERT_EQUAL(rig_verdicts(rig), 1);
	CU_ASSERT_EQUAL(rig_free_mbufs(rig), before - 1);
	rte_pktmbuf_free(kept);
}

/* Packet @index of @burst becomes @pieces frames, whose first byte is its place. */
static void cut(struct burst *burst, uint8_t index, uint32_t pieces)
{
	struct packet *packet = &burst->packets[index];

	rte_pktmbuf_free(packet->mbuf);
	packet->mbuf = NULL;
	for (uint32_t i = 0; i < pieces; i++) {
		const uint8_t frame[64] = {index};
		struct rte_mbuf *mbuf = frame_to_mbuf(rig->mbufs, frame, sizeof(frame));

		CU_ASSERT_PTR_NOT_NULL_FATAL(mbuf);
		burst->cuts[burst->cut_count++] = (struct cut){.mbuf = mbuf, .packet = index};
	}
}

/* A cut packet's pieces leave where it would have, and it counts once. */
static void test_cuts(void)
{
	static const uint8_t expected[] = {0, 1, 1, 1, 3, 4, 4};
	struct rte_mbuf *mbuf;
	struct burst burst;

	make_burst(&burst, 5);
	cut(&burst, 1, 3);
	cut(&burst, 2, 2);
	cut(&burst, 4, 2);
	for (uint32_t i = 0; i < burst.count; i++)
		send_by(&burst.packets[i], i == 2 ? 1 : 0);
	transmit(&rig->worker, &burst);
	for (uint32_t i = 0; i < RTE_DIM(expected); i++) {
		mbuf = rig_collect(rig, 0);
		CU_ASSERT_PTR_NOT_NULL_FATAL(mbuf);
		CU_ASSERT_EQUAL(*rte_pktmbuf_mtod(mbuf, uint8_t *), expected[i]);
		rte_pktmbuf_free(mbuf);
	}
	CU_ASSERT_PTR_NULL(rig_collect(rig, 0));
	CU_ASSERT_EQUAL(collect(1, 2, 0), 2);
	CU_ASSERT_EQUAL(counted(MR_FORWARDED), 5);
	CU_ASSERT_EQUAL(rig_verdicts(rig), 5);
	CU_ASSERT_EQUAL(rig->worker.counters->tx_packets, 9);
}

/* As many pieces as a burst may have, with what is not cut: more than a driver takes at once. */
static void test_all_cuts(void)
{
	struct rte_mbuf *mbuf;
	uint32_t sent = 0;
	struct burst burst;

	make_burst(&burst, BURST_SIZE);
	cut(&burst, 0, CUTS_MAX);
	for (uint32_t i = 0; i < burst.count; i++)
		send_by(&burst.packets[i], 0);
	transmit(&rig->worker, &burst);
	while ((mbuf = rig_collect(rig, 0)) != NULL) {
		rte_pktmbuf_free(mbuf);
		sent++;
	}
	CU_ASSERT_EQUAL(sent, CUTS_MAX + BURST_SIZE - 1);
	CU_ASSERT_EQUAL(counted(MR_FORWARDED), BURST_SIZE);
}

/* A packet of which one piece is lost is lost. */
static void test_cut_into_full_queue(void)
{
	const uint32_t before = rig_free_mbufs(rig);
	uint32_t room = RIG_RING_SIZE - 1;
	struct rte_mbuf *mbuf;
	struct burst burst;

	while (room > 1) {
		make_burst(&burst, room - 1 < BURST_SIZE ? room - 1 : BURST_SIZE);
		for (uint32_t i = 0; i < burst.count; i++)
			send_by(&burst.packets[i], 1);
		room -= burst.count;
		transmit(&rig->worker, &burst);
	}
	make_burst(&burst, 1);
	cut(&burst, 0, 3);
	send_by(&burst.packets[0], 1);
	transmit(&rig->worker, &burst);
	CU_ASSERT_EQUAL(counted(MR_DROP_TX_FULL), 1);
	CU_ASSERT_EQUAL(counted(MR_FORWARDED), 0);
	CU_ASSERT_EQUAL(rig->worker.counters->tx_packets, 1);
	while ((mbuf = rig_collect(rig, 1)) != NULL)
		rte_pktmbuf_free(mbuf);
	CU_ASSERT_EQUAL(rig_free_mbufs(rig), before);
}

/* A burst of one frame, given in segments, for port 0, which takes them or not. */
static struct rte_mbuf *send_segments(uint32_t bytes, uint32_t segment_bytes, bool joins,
				      enum mr_verdict verdict)
{
	uint8_t frame[FRAME_BYTES_MAX];
	struct burst burst;

	make_burst(&burst, 1);
	rte_pktmbuf_free(burst.packets[0].mbuf);
	for (uint32_t i = 0; i < bytes; i++)
		frame[i] = (uint8_t)(i * 3 + i / 256);
	burst.packets[0].mbuf = frame_to_segments(rig->mbufs, 0, frame, bytes, segment_bytes);
	CU_ASSERT_PTR_NOT_NULL_FATAL(burst.packets[0].mbuf);
	send_by(&burst.packets[0], 0);
	rig->ports[0].joins_segments = joins;
	transmit(&rig->worker, &burst);
	rig->ports[0].joins_segments = false;
	CU_ASSERT_EQUAL(counted(verdict), 1);
	CU_ASSERT_EQUAL(rig_verdicts(rig), 1);
	return rig_collect(rig, 0);
}

static void assert_segments(uint32_t bytes, bool joins, uint16_t expected)
{
	const uint32_t before = rig_free_mbufs(rig);
	struct rte_mbuf *mbuf = send_segments(bytes, 400, joins, MR_FORWARDED);
	uint8_t out[FRAME_BYTES_MAX];
	const uint8_t *read;

	CU_ASSERT_PTR_NOT_NULL_FATAL(mbuf);
	CU_ASSERT_EQUAL(mbuf->nb_segs, expected);
	CU_ASSERT_EQUAL_FATAL(rte_pktmbuf_pkt_len(mbuf), bytes);
	read = rte_pktmbuf_read(mbuf, 0, bytes, out);
	for (uint32_t i = 0; i < bytes; i++)
		CU_ASSERT_EQUAL(read[i], (uint8_t)(i * 3 + i / 256));
	rte_pktmbuf_free(mbuf);
	CU_ASSERT_EQUAL(rig_free_mbufs(rig), before);
}

/* Drivers that send one segment only get one; the buffer of a spare mbuf is the limit. */
static void test_segments(void)
{
	const uint32_t before = rig_free_mbufs(rig);
	const uint32_t room = RTE_MBUF_DEFAULT_DATAROOM;

	assert_segments(1500, false, 4);
	assert_segments(1500, true, 1);
	assert_segments(room, true, 1);
	CU_ASSERT_PTR_NULL(send_segments(room + 1, 400, true, MR_DROP_NO_ROOM));
	CU_ASSERT_EQUAL(rig_free_mbufs(rig), before);
}

/* The first segment's own tailroom comes before a spare mbuf. */
static void test_segments_fit_the_first(void)
{
	struct rte_mbuf *spares[RIG_SPARES];
	struct rte_mbuf *first = rte_pktmbuf_alloc(rig->mbufs);
	struct rte_mbuf *second = rte_pktmbuf_alloc(rig->mbufs);
	struct burst burst;

	CU_ASSERT_EQUAL_FATAL(rte_pktmbuf_alloc_bulk(rig->worker.spare_mbufs, spares, RIG_SPARES),
			      0);
	CU_ASSERT_FATAL(first != NULL && second != NULL);
	memset(rte_pktmbuf_append(first, 100), 1, 100);
	memset(rte_pktmbuf_append(second, 100), 2, 100);
	CU_ASSERT_EQUAL_FATAL(rte_pktmbuf_chain(first, second), 0);
	make_burst(&burst, 1);
	rte_pktmbuf_free(burst.packets[0].mbuf);
	burst.packets[0].mbuf = first;
	send_by(&burst.packets[0], 0);
	rig->ports[0].joins_segments = true;
	transmit(&rig->worker, &burst);
	rig->ports[0].joins_segments = false;
	CU_ASSERT_PTR_EQUAL_FATAL(rig_collect(rig, 0), first);
	CU_ASSERT_EQUAL(first->nb_segs, 1);
	CU_ASSERT_EQUAL(rte_pktmbuf_data_len(first), 200);
	CU_ASSERT_EQUAL(rte_pktmbuf_mtod(first, uint8_t *)[100], 2);
	rte_pktmbuf_free(first);
	CU_ASSERT_PTR_NULL(send_segments(800, 400, true, MR_DROP_NO_ROOM));
	rte_pktmbuf_free_bulk(spares, RIG_SPARES);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_one_port),
		UNIT_TEST(test_nothing_to_send),
		UNIT_TEST(test_many_ports),
		UNIT_TEST(test_full_queue),
		UNIT_TEST(test_kernel_sides),
		UNIT_TEST(test_taken),
		UNIT_TEST(test_cuts),
		UNIT_TEST(test_all_cuts),
		UNIT_TEST(test_cut_into_full_queue),
		UNIT_TEST(test_segments),
		UNIT_TEST(test_segments_fit_the_first),
		CU_TEST_INFO_NULL,
	};

	return rig_unit_run("transmit", tests, &rig);
}
