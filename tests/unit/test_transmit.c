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

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_one_port),   UNIT_TEST(test_nothing_to_send),
		UNIT_TEST(test_many_ports), UNIT_TEST(test_full_queue),
		CU_TEST_INFO_NULL,
	};

	return rig_unit_run("transmit", tests, &rig);
}
