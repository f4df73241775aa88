/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rewriting: what forward changes in a frame, and above all what it leaves as it was. The
 * resets' bytes are checked in tests/packets; here, that they fit the mbufs they are made from.
 */
#include "packet.h"

#include <rte_ip.h>
#include <rte_tcp.h>

#include "../lib/rig_unit.h"

#define CLIENT                                 \
	{                                      \
		{                              \
			0x02, 0, 0, 0, 0, 0x99 \
		}                              \
	}

enum { NEAR, FAR, UNREACHED, BACKENDS };

static struct rig *rig;
static struct mr_snapshot *snapshot;

static const struct frame_spec question_v4 = {
	.to = {{0x02, 0, 0, 0, 0, 0x00}},
	.from = CLIENT,
	.client = "192.0.2.1",
	.service = "10.0.0.10",
	.client_port = 40000,
	.service_port = 25,
	.tcp_flags = RTE_TCP_ACK_FLAG,
	.ip_option_bytes = 40,
	.tcp_option_bytes = 40,
	.payload_bytes = 1000,
};

static void build_snapshot(void)
{
	const struct mr_snapshot_sizes sizes = {.backend_capacity = BACKENDS};

	snapshot = mr_snapshot_create(&sizes);
	CU_ASSERT_PTR_NOT_NULL_FATAL(snapshot);
	snapshot->backends[NEAR] = (struct mr_backend){
		.alive = true,
		.next_hop_set = true,
		.port = 0,
		.forwarding = MR_FORWARDING_L2DSR,
		.next_hop = {{0x02, 0, 0, 0, 1, NEAR}},
	};
	snapshot->backends[FAR] = snapshot->backends[NEAR];
	snapshot->backends[FAR].port = 3;
	snapshot->backends[FAR].next_hop.addr_bytes[5] = FAR;
	snapshot->backends[UNREACHED].alive = true;
}

/* The packet of @frame as pick_backend leaves it, then forward. The caller frees its mbuf. */
static struct packet forward_mbuf(struct rte_mbuf *mbuf, uint32_t port, mr_backend_id backend,
				  unsigned int verdict)
{
	struct burst burst;

	CU_ASSERT_FATAL(mbuf != NULL && rig_inject_mbuf(rig, port, mbuf));
	CU_ASSERT_EQUAL_FATAL(rig_receive(rig, port, &burst), 1);
	parse(&rig->worker, &burst);
	CU_ASSERT_EQUAL_FATAL(burst.packets[0].verdict, UNDECIDED);
	burst.packets[0].backend = backend;
	burst.packets[0].verdict = (uint8_t)verdict;
	forward(&rig->worker, snapshot, &burst);
	return burst.packets[0];
}

static struct packet forward_bytes(const uint8_t *frame, uint32_t count, uint32_t port,
				   mr_backend_id backend)
{
	return forward_mbuf(frame_to_mbuf(rig->mbufs, frame, count), port, backend, UNDECIDED);
}

static void assert_l2dsr(mr_backend_id backend)
{
	const struct mr_backend *target = &snapshot->backends[backend];
	const struct mr_flow_counters before = rig->worker.counters->backends[backend];
	const struct mr_flow_counters *counters = &rig->worker.counters->backends[backend];
	uint8_t frame[FRAME_BYTES_MAX];
	const uint32_t count = frame_build(&question_v4, frame);
	const struct packet packet = forward_bytes(frame, count, 0, backend);
	const struct rte_ether_hdr *ethernet = (void *)packet_bytes(&packet);

	CU_ASSERT_EQUAL(packet.verdict, MR_FORWARDED);
	CU_ASSERT_EQUAL(packet.tx_port, target->port);
	CU_ASSERT(rte_is_same_ether_addr(&ethernet->dst_addr, &target->next_hop));
	CU_ASSERT(rte_is_same_ether_addr(&ethernet->src_addr, &rig->ports[target->port].mac));
	CU_ASSERT_EQUAL(rte_pktmbuf_pkt_len(packet.mbuf), count);
	CU_ASSERT_EQUAL(memcmp(&packet_bytes(&packet)[12], &frame[12], count - 12), 0);
	CU_ASSERT_EQUAL(counters->packets, before.packets + 1);
	CU_ASSERT_EQUAL(counters->bytes, before.bytes + count);
	CU_ASSERT_EQUAL(counters->sessions, before.sessions);
	rte_pktmbuf_free(packet.mbuf);
}

static void test_l2dsr(void)
{
	assert_l2dsr(NEAR);
	assert_l2dsr(FAR);
}

static void test_new_session_is_counted(void)
{
	const uint64_t before = rig->worker.counters->backends[FAR].sessions;
	struct frame_spec spec = question_v4;
	uint8_t frame[FRAME_BYTES_MAX];

	spec.tcp_flags = RTE_TCP_SYN_FLAG;
	rte_pktmbuf_free(forward_bytes(frame, frame_build(&spec, frame), 0, FAR).mbuf);
	CU_ASSERT_EQUAL(rig->worker.counters->backends[FAR].sessions, before + 1);
}

/* Of a backend that nobody can reach, no traffic is counted. */
static void test_no_next_hop(void)
{
	uint8_t frame[FRAME_BYTES_MAX];
	const uint32_t count = frame_build(&question_v4, frame);
	const struct packet packet = forward_bytes(frame, count, 0, UNREACHED);

	CU_ASSERT_EQUAL(packet.verdict, MR_DROP_NO_NEXT_HOP);
	CU_ASSERT_EQUAL(packet.tx_port, NO_PORT);
	CU_ASSERT_EQUAL(rig->worker.counters->backends[UNREACHED].packets, 0);
	rte_pktmbuf_free(packet.mbuf);
}

/* A probe takes the way of mail, but is none; it also goes to a backend that is down. */
static void test_probe(void)
{
	const struct mr_flow_counters before = rig->worker.counters->backends[FAR];
	uint8_t frame[FRAME_BYTES_MAX];
	const uint32_t count = frame_build(&question_v4, frame);
	struct packet packet;

	snapshot->backends[FAR].alive = false;
	packet = forward_bytes(frame, count, RIG_PROBE, FAR);
	CU_ASSERT_EQUAL(packet.verdict, MR_PROBE_SENT);
	CU_ASSERT_EQUAL(packet.tx_port, 3);
	CU_ASSERT_EQUAL(rig->worker.counters->backends[FAR].packets, before.packets);
	rte_pktmbuf_free(packet.mbuf);
	packet = forward_bytes(frame, count, RIG_PROBE, UNREACHED);
	CU_ASSERT_EQUAL(packet.verdict, MR_DROP_NO_NEXT_HOP);
	rte_pktmbuf_free(packet.mbuf);
	snapshot->backends[FAR].alive = true;
}

/* The answer reaches the prober's kernel under its own station address. */
static void test_probe_reply(void)
{
	uint8_t frame[FRAME_BYTES_MAX];
	const uint32_t count = frame_build(&question_v4, frame);
	const struct packet packet = forward_mbuf(frame_to_mbuf(rig->mbufs, frame, count), 0,
						  MR_BACKEND_NONE, MR_PROBE_REPLY);
	const struct rte_ether_hdr *ethernet = (void *)packet_bytes(&packet);

	CU_ASSERT_EQUAL(packet.verdict, MR_PROBE_REPLY);
	CU_ASSERT_EQUAL(packet.tx_port, WORKER_PROBE_PORT);
	CU_ASSERT(rte_is_same_ether_addr(&ethernet->dst_addr, &rig->worker.probe_mac));
	CU_ASSERT_EQUAL(memcmp(&packet_bytes(&packet)[6], &frame[6], count - 6), 0);
	rte_pktmbuf_free(packet.mbuf);
}

/* What has no way to go is not touched. */
static void test_dropped_frames_stay_as_they_are(void)
{
	uint8_t frame[FRAME_BYTES_MAX];
	const uint32_t count = frame_build(&question_v4, frame);

	for (unsigned int verdict = MR_LEFT_TO_KERNEL; verdict < MR_VERDICT_COUNT; verdict++) {
		const struct packet packet = forward_mbuf(frame_to_mbuf(rig->mbufs, frame, count),
							  0, MR_BACKEND_NONE, verdict);

		CU_ASSERT_EQUAL(packet.verdict, verdict);
		CU_ASSERT_EQUAL(packet.tx_port, NO_PORT);
		CU_ASSERT_EQUAL(memcmp(packet_bytes(&packet), frame, count), 0);
		rte_pktmbuf_free(packet.mbuf);
	}
}

/* The question may be spread over segments; the answer is one, and none is lost. */
static void test_reset_of_segments(void)
{
	const uint32_t before = rig_free_mbufs(rig);
	struct frame_spec spec = question_v4;
	const uint32_t first = RTE_ETHER_HDR_LEN + 60 + 20; /* as short as parse lets it be */
	struct rte_mbuf *head, *middle, *tail;
	uint8_t frame[FRAME_BYTES_MAX];
	struct packet packet;
	uint32_t count;

	spec.to = rig->ports[1].mac;
	count = frame_build(&spec, frame);
	head = frame_to_mbuf(rig->mbufs, frame, first);
	middle = frame_to_mbuf(rig->mbufs, &frame[first], 100);
	tail = frame_to_mbuf(rig->mbufs, &frame[first + 100], count - first - 100);
	CU_ASSERT_EQUAL_FATAL(rte_pktmbuf_chain(middle, tail), 0);
	CU_ASSERT_EQUAL_FATAL(rte_pktmbuf_chain(head, middle), 0);
	packet = forward_mbuf(head, 1, MR_BACKEND_NONE, MR_RESET_EXCLUDED);
	CU_ASSERT_EQUAL(packet.verdict, MR_RESET_EXCLUDED);
	CU_ASSERT_EQUAL(packet.tx_port, 1);
	CU_ASSERT_EQUAL(packet.mbuf->nb_segs, 1);
	CU_ASSERT_EQUAL(rte_pktmbuf_pkt_len(packet.mbuf), 54);
	CU_ASSERT_EQUAL(rte_pktmbuf_data_len(packet.mbuf), 54);
	CU_ASSERT_PTR_NULL(packet.mbuf->next);
	rte_pktmbuf_free(packet.mbuf);
	CU_ASSERT_EQUAL(rig_free_mbufs(rig), before);
}

/* The shortest question of each family is just as long as its answer. */
static void test_reset_of_shortest(void)
{
	struct frame_spec spec = question_v4;
	uint8_t frame[FRAME_BYTES_MAX];
	struct packet packet;

	spec.ip_option_bytes = 0;
	spec.tcp_option_bytes = 0;
	spec.payload_bytes = 0;
	packet = forward_mbuf(frame_to_mbuf(rig->mbufs, frame, frame_build(&spec, frame)), 0,
			      MR_BACKEND_NONE, MR_RESET_NO_BACKEND);
	CU_ASSERT_EQUAL(rte_pktmbuf_pkt_len(packet.mbuf), 54);
	rte_pktmbuf_free(packet.mbuf);
	spec.client = "2001:db8::1";
	spec.service = "2001:db8::25";
	packet = forward_mbuf(frame_to_mbuf(rig->mbufs, frame, frame_build(&spec, frame)), 0,
			      MR_BACKEND_NONE, MR_RESET_NO_BACKEND);
	CU_ASSERT_EQUAL(rte_pktmbuf_pkt_len(packet.mbuf), 74);
	rte_pktmbuf_free(packet.mbuf);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(build_snapshot),
		UNIT_TEST(test_l2dsr),
		UNIT_TEST(test_new_session_is_counted),
		UNIT_TEST(test_no_next_hop),
		UNIT_TEST(test_probe),
		UNIT_TEST(test_probe_reply),
		UNIT_TEST(test_dropped_frames_stay_as_they_are),
		UNIT_TEST(test_reset_of_segments),
		UNIT_TEST(test_reset_of_shortest),
		CU_TEST_INFO_NULL,
	};
	int status = rig_unit_run("forward", tests, &rig);

	mr_snapshot_destroy(snapshot);
	return status;
}
