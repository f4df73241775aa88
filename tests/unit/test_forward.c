/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rewriting: what forward changes in a frame, and above all what it leaves as it was. What
 * tunnels, translation and answers look like is tested with their own files, and in
 * tests/packets byte by byte; here, that each packet gets what is its.
 */
#include "packet.h"

#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_tcp.h>

#include "../lib/rig_unit.h"

#define CLIENT                                 \
	{                                      \
		{                              \
			0x02, 0, 0, 0, 0, 0x99 \
		}                              \
	}

enum {
	NEAR,	    /* l2dsr, by port 0 */
	FAR,	    /* l2dsr, by port 3, tagged */
	UNREACHED,  /* no next hop */
	NARROW,	    /* l2dsr, 600 bytes */
	IPIP,	    /* to an IPv4 backend */
	GUE,	    /* to an IPv6 backend */
	NARROW_GUE, /* 600 bytes inside */
	NAT_V4,
	NAT_V6,
	NARROW_NAT, /* 600 bytes */
	BACKENDS
};

static struct rig *rig;
static struct mr_snapshot *snapshot;
static struct burst burst;

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

static struct frame_spec question_v6(void)
{
	struct frame_spec spec = question_v4;

	spec.client = "2001:db8:c::1";
	spec.service = "2001:db8::25";
	spec.ip_option_bytes = 0;
	return spec;
}

static void set_backend(mr_backend_id id, enum mr_forwarding forwarding, const char *address,
			const struct mr_way *way)
{
	struct mr_backend *backend = &snapshot->backends[id];

	*backend = (struct mr_backend){
		.alive = true,
		.forwarding = (uint8_t)forwarding,
		.address = frame_addr(address),
	};
	CU_ASSERT_EQUAL_FATAL(mr_backend_set_way(backend, way), 0);
}

static void build_snapshot(void)
{
	const struct mr_snapshot_sizes sizes = {.backend_capacity = BACKENDS};
	struct mr_way way = {
		.source_mac = rig->ports[0].mac,
		.next_hop = {{0x02, 0, 0, 0, 1, NEAR}},
		.mtu_bytes = 1500,
		.gue_port = 6080,
	};
	struct mr_way tunnel_v4 = way, tunnel_v6 = way, narrow = way, tagged = way;

	snapshot = mr_snapshot_create(&sizes);
	CU_ASSERT_PTR_NOT_NULL_FATAL(snapshot);
	tunnel_v4.outer_source = frame_addr("10.0.0.1");
	tunnel_v4.mtu_bytes = 9200;
	tunnel_v6.outer_source = frame_addr("2001:db8::1");
	narrow.mtu_bytes = 600;
	tagged.port = 3;
	tagged.source_mac = rig->ports[3].mac;
	tagged.tag_count = 1;
	tagged.tags[0] = 100;
	set_backend(NEAR, MR_FORWARDING_L2DSR, "10.0.0.11", &way);
	set_backend(FAR, MR_FORWARDING_L2DSR, "10.0.0.12", &tagged);
	set_backend(NARROW, MR_FORWARDING_L2DSR, "10.0.0.13", &narrow);
	set_backend(IPIP, MR_FORWARDING_IPIP, "10.9.0.11", &tunnel_v4);
	set_backend(GUE, MR_FORWARDING_GUE, "2001:db8:9::11", &tunnel_v6);
	set_backend(NAT_V4, MR_FORWARDING_NAT, "10.9.0.12", &way);
	set_backend(NAT_V6, MR_FORWARDING_NAT, "2001:db8:9::12", &way);
	set_backend(NARROW_NAT, MR_FORWARDING_NAT, "10.9.0.13", &narrow);
	narrow.outer_source = frame_addr("10.0.0.1");
	narrow.mtu_bytes = 628;
	set_backend(NARROW_GUE, MR_FORWARDING_GUE, "10.9.0.14", &narrow);
	snapshot->backends[UNREACHED].alive = true;
}

/* The packet as parse leaves it, in the burst. */
static struct packet *parse_mbuf(struct rte_mbuf *mbuf, uint32_t port)
{
	CU_ASSERT_FATAL(mbuf != NULL && rig_inject_mbuf(rig, port, mbuf));
	CU_ASSERT_EQUAL_FATAL(rig_receive(rig, port, &burst), 1);
	parse(&rig->worker, &burst);
	CU_ASSERT_EQUAL_FATAL(burst.packets[0].verdict, UNDECIDED);
	return &burst.packets[0];
}

static struct packet *parse_spec(const struct frame_spec *spec, uint32_t port)
{
	uint8_t frame[FRAME_BYTES_MAX];
	const uint32_t count = frame_build(spec, frame);

	return parse_mbuf(frame_to_mbuf_behind(rig->mbufs, 128, frame, count), port);
}

/* The packet as pick_backend leaves it, then forward. The caller frees its mbuf. */
static struct packet *forward_mbuf(struct rte_mbuf *mbuf, uint32_t port, mr_backend_id backend,
				   unsigned int verdict)
{
	struct packet *packet = parse_mbuf(mbuf, port);

	packet->backend = backend;
	packet->verdict = (uint8_t)verdict;
	forward(&rig->worker, snapshot, &burst);
	return packet;
}

static struct packet *forward_spec(const struct frame_spec *spec, uint32_t port,
				   mr_backend_id backend)
{
	uint8_t frame[FRAME_BYTES_MAX];
	const uint32_t count = frame_build(spec, frame);

	return forward_mbuf(frame_to_mbuf_behind(rig->mbufs, 128, frame, count), port, backend,
			    UNDECIDED);
}

static void release(struct packet *packet)
{
	rte_pktmbuf_free(packet->mbuf);
	for (uint32_t i = 0; i < burst.cut_count; i++)
		rte_pktmbuf_free(burst.cuts[i].mbuf);
}

static void set_tags(uint32_t port, uint8_t count, uint16_t outer, uint16_t inner)
{
	rig->ports[port].tag_count = count;
	rig->ports[port].tags[0] = outer;
	rig->ports[port].tags[1] = inner;
}

/* A checksum summed with what it is of leaves nothing. */
static void assert_tcp_v4(const struct rte_ipv4_hdr *ip)
{
	const uint8_t *tcp = (const uint8_t *)ip + rte_ipv4_hdr_len(ip);

	CU_ASSERT_EQUAL(rte_raw_cksum(ip, rte_ipv4_hdr_len(ip)), 0xffff);
	CU_ASSERT_EQUAL(rte_ipv4_udptcp_cksum(ip, tcp), 0);
}

/* The frame that left is the backend's front, then the packet as it came, then padding. */
static void assert_l2dsr(const struct frame_spec *spec, mr_backend_id backend, uint32_t padding)
{
	const struct mr_backend *target = &snapshot->backends[backend];
	const struct mr_flow_counters before = rig->worker.counters->backends[backend];
	const struct mr_flow_counters *counters = &rig->worker.counters->backends[backend];
	const uint32_t in_bytes = 14u + spec->tag_count * 4u;
	const uint32_t out_bytes = target->front.link_bytes;
	uint8_t frame[FRAME_BYTES_MAX];
	const uint32_t count = frame_build(spec, frame) + padding;
	const struct packet *packet;
	const uint8_t *out;

	memset(&frame[count - padding], 0xee, padding);
	packet = forward_mbuf(frame_to_mbuf_behind(rig->mbufs, 4, frame, count), 0, backend,
			      UNDECIDED);
	out = packet_bytes(packet);
	CU_ASSERT_EQUAL(packet->verdict, MR_FORWARDED);
	CU_ASSERT_EQUAL(packet->tx_port, target->port);
	CU_ASSERT_EQUAL_FATAL(rte_pktmbuf_pkt_len(packet->mbuf), count - in_bytes + out_bytes);
	CU_ASSERT_EQUAL(memcmp(out, mr_front_bytes(&target->front), out_bytes - 2), 0);
	CU_ASSERT_EQUAL(memcmp(&out[out_bytes - 2], &frame[in_bytes - 2], count - in_bytes + 2), 0);
	CU_ASSERT_EQUAL(counters->packets, before.packets + 1);
	CU_ASSERT_EQUAL(counters->bytes, before.bytes + count);
	CU_ASSERT_EQUAL(counters->sessions, before.sessions);
	rte_pktmbuf_free(packet->mbuf);
}

static void test_l2dsr(void)
{
	const struct frame_spec v6 = question_v6();

	assert_l2dsr(&question_v4, NEAR, 0);
	assert_l2dsr(&v6, NEAR, 0);
	assert_l2dsr(&question_v4, NEAR, 17);
}

static void test_l2dsr_tags(void)
{
	struct frame_spec tagged = question_v6();

	assert_l2dsr(&question_v4, FAR, 0);
	tagged.tag_count = 2;
	tagged.tags[0] = 7;
	tagged.tags[1] = 8;
	set_tags(0, 2, 7, 8);
	assert_l2dsr(&tagged, NEAR, 0);
	assert_l2dsr(&tagged, FAR, 3);
	set_tags(0, 0, 0, 0);
}

/* Padding that would make the frame longer than the link takes does not travel on. */
static void test_l2dsr_padding(void)
{
	uint8_t frame[FRAME_BYTES_MAX] = {0};
	const uint32_t count = frame_build(&question_v4, frame);
	struct packet *packet;

	packet = forward_mbuf(frame_to_segments(rig->mbufs, 0, frame, 1514, 500), 0, NEAR,
			      UNDECIDED);
	CU_ASSERT_EQUAL(rte_pktmbuf_pkt_len(packet->mbuf), 1514);
	release(packet);
	packet = forward_mbuf(frame_to_segments(rig->mbufs, 0, frame, 1515, 500), 0, NEAR,
			      UNDECIDED);
	CU_ASSERT_EQUAL(packet->verdict, MR_FORWARDED);
	CU_ASSERT_EQUAL(rte_pktmbuf_pkt_len(packet->mbuf), count);
	CU_ASSERT_EQUAL(packet->mbuf->nb_segs, 3);
	release(packet);
}

static void test_no_room_for_a_tag(void)
{
	const struct mr_flow_counters before = rig->worker.counters->backends[FAR];
	uint8_t frame[FRAME_BYTES_MAX];
	const uint32_t count = frame_build(&question_v4, frame);
	struct packet *packet =
		forward_mbuf(frame_to_mbuf_behind(rig->mbufs, 2, frame, count), 0, FAR, UNDECIDED);

	CU_ASSERT_EQUAL(packet->verdict, MR_DROP_NO_ROOM);
	CU_ASSERT_EQUAL(packet->tx_port, NO_PORT);
	CU_ASSERT_EQUAL(rig->worker.counters->backends[FAR].packets, before.packets);
	release(packet);
}

static void test_new_session_is_counted(void)
{
	const uint64_t before = rig->worker.counters->backends[FAR].sessions;
	struct frame_spec spec = question_v4;

	spec.tcp_flags = RTE_TCP_SYN_FLAG;
	release(forward_spec(&spec, 0, FAR));
	CU_ASSERT_EQUAL(rig->worker.counters->backends[FAR].sessions, before + 1);
}

/* Of a backend that nobody can reach, no traffic is counted. */
static void test_no_next_hop(void)
{
	struct packet *packet = forward_spec(&question_v4, 0, UNREACHED);

	CU_ASSERT_EQUAL(packet->verdict, MR_DROP_NO_NEXT_HOP);
	CU_ASSERT_EQUAL(packet->tx_port, NO_PORT);
	CU_ASSERT_EQUAL(rig->worker.counters->backends[UNREACHED].packets, 0);
	release(packet);
}

/*
 * Jumbo frames in segments of every kind: inside the tunnel is the packet, and of the padding,
 * which may begin anywhere, nothing.
 */
static void test_tunnel_of_segments(void)
{
	struct frame_spec spec = question_v4;
	uint8_t frame[FRAME_BYTES_MAX] = {0}, out[FRAME_BYTES_MAX];
	uint32_t count;

	spec.payload_bytes = 8000;
	count = frame_build(&spec, frame);
	for (uint32_t segment_bytes = 200; segment_bytes < 9000; segment_bytes += 163) {
		const uint32_t free_before = rig_free_mbufs(rig);
		struct packet *packet = forward_mbuf(
			frame_to_segments(rig->mbufs, 20, frame, count + 500, segment_bytes), 0,
			IPIP, UNDECIDED);
		uint32_t inside = count - 14;
		const uint8_t *read;

		CU_ASSERT_EQUAL_FATAL(packet->verdict, MR_FORWARDED);
		CU_ASSERT_EQUAL_FATAL(rte_pktmbuf_pkt_len(packet->mbuf), 14 + 20 + inside);
		CU_ASSERT_EQUAL(packet->mbuf->nb_segs, (count + segment_bytes - 1) / segment_bytes);
		read = rte_pktmbuf_read(packet->mbuf, 14 + 20, inside, out);
		CU_ASSERT_EQUAL(memcmp(read, &frame[14], inside), 0);
		release(packet);
		CU_ASSERT_EQUAL(rig_free_mbufs(rig), free_before);
	}
}

static void test_tunnel_without_room(void)
{
	uint8_t frame[FRAME_BYTES_MAX];
	struct frame_spec spec = question_v6();
	uint32_t count;
	struct packet *packet;

	count = frame_build(&spec, frame);
	packet =
		forward_mbuf(frame_to_mbuf_behind(rig->mbufs, 46, frame, count), 0, GUE, UNDECIDED);
	CU_ASSERT_EQUAL(packet->verdict, MR_DROP_NO_ROOM);
	release(packet);
	packet =
		forward_mbuf(frame_to_mbuf_behind(rig->mbufs, 48, frame, count), 0, GUE, UNDECIDED);
	CU_ASSERT_EQUAL(packet->verdict, MR_FORWARDED);
	CU_ASSERT_EQUAL(rte_pktmbuf_pkt_len(packet->mbuf), count + 48);
	release(packet);
}

static void test_nat(void)
{
	const struct frame_spec v6 = question_v6();
	struct packet *packet = forward_spec(&question_v4, 0, NAT_V4);
	const struct rte_ipv4_hdr *ip = (void *)&packet_bytes(packet)[14];

	CU_ASSERT_EQUAL(packet->verdict, MR_FORWARDED);
	CU_ASSERT_EQUAL(ip->dst_addr, RTE_BE32(RTE_IPV4(10, 9, 0, 12)));
	assert_tcp_v4(ip);
	release(packet);
	packet = forward_spec(&v6, 0, NAT_V4);
	CU_ASSERT_EQUAL(packet->verdict, MR_DROP_FAMILY);
	CU_ASSERT_EQUAL(packet->tx_port, NO_PORT);
	release(packet);
	packet = forward_spec(&v6, 0, NAT_V6);
	CU_ASSERT_EQUAL(packet->verdict, MR_FORWARDED);
	release(packet);
	CU_ASSERT_EQUAL(forward_spec(&question_v4, 0, NAT_V6)->verdict, MR_DROP_FAMILY);
	release(&burst.packets[0]);
}

static void test_mss(void)
{
	const uint64_t before = rig->worker.counters->mss_clamped;
	static const uint8_t offer[4] = {2, 4, 1460 >> 8, 1460 & 0xff};
	struct frame_spec spec = question_v4;
	struct packet *packet;
	uint8_t *option;

	spec.ip_option_bytes = 0;
	spec.tcp_flags = RTE_TCP_SYN_FLAG;
	packet = parse_spec(&spec, 0);
	memcpy(&packet_bytes(packet)[14 + 20 + 20], offer, sizeof(offer));
	packet->backend = NEAR;
	snapshot->backends[NEAR].mss_max_bytes = 1400;
	forward(&rig->worker, snapshot, &burst);
	snapshot->backends[NEAR].mss_max_bytes = 0;
	option = &packet_bytes(packet)[14 + 20 + 20];
	CU_ASSERT_EQUAL(option[2] << 8 | option[3], 1400);
	CU_ASSERT_EQUAL(rig->worker.counters->mss_clamped, before + 1);
	release(packet);
}

static void test_icmp_error(void)
{
	struct packet *packet = parse_spec(&question_v4, 0);

	packet->kind = PACKET_ICMP_ERROR;
	packet->backend = FAR;
	forward(&rig->worker, snapshot, &burst);
	CU_ASSERT_EQUAL(packet->verdict, MR_FORWARDED_ICMP);
	CU_ASSERT_EQUAL(packet->tx_port, 3);
	release(packet);
}

/* Just fitting packets travel whole; one byte more is too big, or cut. */
static void assert_limit(mr_backend_id backend)
{
	const struct mr_flow_counters before = rig->worker.counters->backends[backend];
	struct frame_spec spec = question_v4;
	struct packet *packet;

	spec.ip_option_bytes = 0;
	spec.dont_fragment = true;
	spec.payload_bytes = 600 - 80;
	packet = forward_spec(&spec, 2, backend);
	CU_ASSERT_EQUAL(packet->verdict, MR_FORWARDED);
	CU_ASSERT_EQUAL(packet->tx_port, 0);
	release(packet);
	spec.payload_bytes++;
	packet = forward_spec(&spec, 2, backend);
	CU_ASSERT_EQUAL(packet->verdict, MR_TOO_BIG);
	CU_ASSERT_EQUAL(packet->tx_port, 2);
	release(packet);
	spec.dont_fragment = false;
	packet = forward_spec(&spec, 2, backend);
	CU_ASSERT_EQUAL(packet->verdict, MR_FORWARDED);
	CU_ASSERT_EQUAL(packet->tx_port, 0);
	CU_ASSERT_PTR_NULL(packet->mbuf);
	CU_ASSERT_EQUAL(burst.cut_count, 2);
	CU_ASSERT_EQUAL(rig->worker.counters->backends[backend].packets, before.packets + 2);
	CU_ASSERT_EQUAL(rig->worker.counters->backends[backend].bytes,
			before.bytes + 2 * (14 + 600) + 1);
	release(packet);
}

static void test_too_big_and_cut(void)
{
	const uint64_t cut = rig->worker.counters->cut_packets;
	const uint32_t free_before = rig_free_mbufs(rig);

	rig->ports[2].mac = rig->ports[0].mac;
	assert_limit(NARROW);
	assert_limit(NARROW_GUE);
	assert_limit(NARROW_NAT);
	CU_ASSERT_EQUAL(rig->worker.counters->cut_packets, cut + 3);
	CU_ASSERT_EQUAL(rig_free_mbufs(rig), free_before);
}

/* Each piece of a packet that nat has translated first, behind its own link header. */
static void test_cut_pieces(void)
{
	const struct mr_front *front = &snapshot->backends[NARROW_NAT].front;
	uint8_t frame[FRAME_BYTES_MAX], joined[FRAME_BYTES_MAX] = {0};
	const uint32_t count = frame_build(&question_v4, frame);
	struct packet *packet = forward_mbuf(frame_to_segments(rig->mbufs, 0, frame, count, 333), 0,
					     NARROW_NAT, UNDECIDED);
	struct rte_ipv4_hdr *whole = (void *)joined;

	CU_ASSERT_EQUAL_FATAL(packet->verdict, MR_FORWARDED);
	for (uint32_t i = 0; i < burst.cut_count; i++) {
		const uint8_t *piece = rte_pktmbuf_mtod(burst.cuts[i].mbuf, const uint8_t *);
		const struct rte_ipv4_hdr *ip = (const void *)&piece[14];
		const uint32_t offset = (rte_be_to_cpu_16(ip->fragment_offset) & 0x1fff) * 8u;
		const uint32_t bytes = rte_be_to_cpu_16(ip->total_length);
		const uint32_t header_bytes = rte_ipv4_hdr_len(ip);

		CU_ASSERT_EQUAL(burst.cuts[i].packet, 0);
		CU_ASSERT(bytes <= 600);
		CU_ASSERT_EQUAL(rte_pktmbuf_pkt_len(burst.cuts[i].mbuf), 14 + bytes);
		CU_ASSERT_EQUAL(memcmp(piece, mr_front_bytes(front), 12), 0);
		CU_ASSERT_EQUAL(piece[12] << 8 | piece[13], 0x0800);
		if (i == 0)
			memcpy(joined, ip, 60);
		memcpy(&joined[60 + offset], (const uint8_t *)ip + header_bytes,
		       bytes - header_bytes);
	}
	whole->total_length = rte_cpu_to_be_16((uint16_t)(count - 14));
	CU_ASSERT_EQUAL(whole->dst_addr, RTE_BE32(RTE_IPV4(10, 9, 0, 13)));
	CU_ASSERT_EQUAL(rte_ipv4_udptcp_cksum(whole, &joined[60]), 0);
	CU_ASSERT_EQUAL(memcmp(&joined[80], &frame[14 + 80], count - 14 - 80), 0);
	release(packet);
}

static void test_cut_without_spares(void)
{
	struct rte_mbuf *taken[RIG_SPARES];
	struct packet *packet;

	CU_ASSERT_EQUAL_FATAL(rte_pktmbuf_alloc_bulk(rig->worker.spare_mbufs, taken, RIG_SPARES),
			      0);
	packet = forward_spec(&question_v4, 0, NARROW);
	CU_ASSERT_EQUAL(packet->verdict, MR_DROP_NO_ROOM);
	CU_ASSERT_EQUAL(packet->tx_port, NO_PORT);
	CU_ASSERT_EQUAL(burst.cut_count, 0);
	release(packet);
	rte_pktmbuf_free_bulk(taken, RIG_SPARES);
}

/* The burst has room for so many pieces and no more; the packets behind them are dropped. */
static void test_cuts_of_a_full_burst(void)
{
	const uint32_t free_before = rig_free_mbufs(rig);
	struct frame_spec spec = question_v4;
	uint8_t frame[FRAME_BYTES_MAX];
	uint32_t count, dropped = 0;

	spec.payload_bytes = 1400;
	count = frame_build(&spec, frame);
	for (uint32_t i = 0; i < BURST_SIZE; i++)
		CU_ASSERT_TRUE_FATAL(rig_inject(rig, 0, frame, count));
	CU_ASSERT_EQUAL_FATAL(rig_receive(rig, 0, &burst), BURST_SIZE);
	parse(&rig->worker, &burst);
	for (uint32_t i = 0; i < BURST_SIZE; i++)
		burst.packets[i].backend = NARROW;
	forward(&rig->worker, snapshot, &burst);
	for (uint32_t i = 0; i < BURST_SIZE; i++)
		dropped += burst.packets[i].verdict == MR_DROP_NO_ROOM;
	CU_ASSERT_EQUAL(burst.cut_count, CUTS_MAX / 3 * 3);
	CU_ASSERT_EQUAL(dropped, BURST_SIZE - CUTS_MAX / 3);
	for (uint32_t i = 0; i < burst.cut_count; i++) {
		CU_ASSERT_EQUAL(burst.cuts[i].packet, i / 3);
		rte_pktmbuf_free(burst.cuts[i].mbuf);
	}
	rig_discard(&burst);
	CU_ASSERT_EQUAL(rig_free_mbufs(rig), free_before);
}

/* A probe takes the way of mail, but is none; it also goes to a backend that is down. */
static void test_probe(void)
{
	const struct mr_flow_counters before = rig->worker.counters->backends[FAR];
	struct packet *packet;

	snapshot->backends[FAR].alive = false;
	packet = forward_spec(&question_v4, RIG_PROBE, FAR);
	CU_ASSERT_EQUAL(packet->verdict, MR_PROBE_SENT);
	CU_ASSERT_EQUAL(packet->tx_port, 3);
	CU_ASSERT_EQUAL(rig->worker.counters->backends[FAR].packets, before.packets);
	release(packet);
	packet = forward_spec(&question_v4, RIG_PROBE, UNREACHED);
	CU_ASSERT_EQUAL(packet->verdict, MR_DROP_NO_NEXT_HOP);
	release(packet);
	snapshot->backends[FAR].alive = true;
}

static const struct mr_nat_source nat_source = {
	.address = {{[10] = 0xff, [11] = 0xff, 192, 0, 2, 1}}, /* the sender of question_v4 */
	.service_address = {{[10] = 0xff, [11] = 0xff, 10, 0, 0, 25}},
	.backend = NAT_V4,
};

/* The answer reaches the prober's kernel under its own station address, without tags. */
static void test_probe_reply(void)
{
	struct frame_spec spec = question_v4;
	uint8_t frame[FRAME_BYTES_MAX];
	const uint32_t count = frame_build(&question_v4, frame);
	struct packet *packet;

	for (spec.tag_count = 0; spec.tag_count <= 2; spec.tag_count++) {
		set_tags(0, spec.tag_count, 0, 0);
		for (uint8_t i = 0; i < spec.tag_count; i++)
			spec.tags[i] = rig->ports[0].tags[i] = (uint16_t)(7 + i);
		packet = parse_spec(&spec, 0);
		packet->verdict = MR_PROBE_REPLY;
		forward(&rig->worker, snapshot, &burst);
		CU_ASSERT_EQUAL(packet->verdict, MR_PROBE_REPLY);
		CU_ASSERT_EQUAL(packet->tx_port, WORKER_PROBE_PORT);
		CU_ASSERT_EQUAL_FATAL(rte_pktmbuf_pkt_len(packet->mbuf), count);
		CU_ASSERT_EQUAL(memcmp(packet_bytes(packet), &rig->worker.probe_mac, 6), 0);
		CU_ASSERT_EQUAL(memcmp(&packet_bytes(packet)[6], &frame[6], count - 6), 0);
		release(packet);
	}
	set_tags(0, 0, 0, 0);
}

static void assert_translated(const struct packet *packet, uint32_t ip_offset)
{
	const struct rte_ipv4_hdr *ip = (void *)&packet_bytes(packet)[ip_offset];

	CU_ASSERT_EQUAL(ip->src_addr, RTE_BE32(RTE_IPV4(10, 0, 0, 25)));
	assert_tcp_v4(ip);
}

static void test_nat_probe_reply(void)
{
	struct packet *packet = parse_spec(&question_v4, 0);

	packet->verdict = MR_PROBE_REPLY;
	packet->nat_source = &nat_source;
	forward(&rig->worker, snapshot, &burst);
	CU_ASSERT_EQUAL(packet->tx_port, WORKER_PROBE_PORT);
	assert_translated(packet, 14);
	release(packet);
}

static struct packet *return_packet(struct frame_spec *spec)
{
	struct packet *packet;

	spec->tag_count = 1;
	spec->tags[0] = 7;
	set_tags(0, 1, 7, 0);
	packet = parse_spec(spec, 0);
	set_tags(0, 0, 0, 0);
	packet->verdict = MR_RETURNED;
	packet->nat_source = &nat_source;
	forward(&rig->worker, snapshot, &burst);
	return packet;
}

/* A twin takes the frame as it came; the interface that ports share has its own address. */
static void test_nat_answer(void)
{
	struct frame_spec spec = question_v4;
	struct packet *packet = return_packet(&spec);

	CU_ASSERT_EQUAL(packet->verdict, MR_DROP_NOT_SERVICE);
	CU_ASSERT_EQUAL(packet->tx_port, NO_PORT);
	release(packet);

	rig->ports[0].has_kernel_side = true;
	packet = return_packet(&spec);
	CU_ASSERT_EQUAL(packet->verdict, MR_RETURNED);
	CU_ASSERT_EQUAL(packet->tx_port, WORKER_KERNEL_SIDE | 0);
	CU_ASSERT_EQUAL(memcmp(packet_bytes(packet), &rig->ports[0].kernel_mac, 6), 0);
	CU_ASSERT_EQUAL(memcmp(&packet_bytes(packet)[6], &spec.from, 6), 0);
	assert_translated(packet, 14);
	release(packet);

	rig->ports[0].has_twin = true;
	packet = return_packet(&spec);
	CU_ASSERT_EQUAL(packet->tx_port, WORKER_KERNEL_SIDE | 0);
	CU_ASSERT_EQUAL(memcmp(packet_bytes(packet), &spec.to, 6), 0);
	assert_translated(packet, 18);
	release(packet);
	rig->ports[0].has_kernel_side = false;
	rig->ports[0].has_twin = false;
}

static void assert_passed(const uint8_t *frame, uint32_t count, uint32_t tag_bytes)
{
	struct rte_mbuf *mbuf = frame_to_mbuf(rig->mbufs, frame, count);
	struct packet *packet = &burst.packets[0];
	const void *station = rig->ports[1].has_twin ? frame : rig->ports[1].kernel_mac.addr_bytes;

	CU_ASSERT_FATAL(mbuf != NULL && rig_inject_mbuf(rig, 1, mbuf));
	CU_ASSERT_EQUAL_FATAL(rig_receive(rig, 1, &burst), 1);
	packet_pass(packet);
	forward(&rig->worker, snapshot, &burst);
	CU_ASSERT_EQUAL(packet->verdict, MR_PASSED_TO_KERNEL);
	CU_ASSERT_EQUAL(packet->tx_port, WORKER_KERNEL_SIDE | 1);
	CU_ASSERT_EQUAL_FATAL(rte_pktmbuf_pkt_len(packet->mbuf), count - tag_bytes);
	CU_ASSERT_EQUAL(
		memcmp(&packet_bytes(packet)[12], &frame[12 + tag_bytes], count - tag_bytes - 12),
		0);
	CU_ASSERT_EQUAL(memcmp(&packet_bytes(packet)[6], &frame[6], 6), 0);
	CU_ASSERT_EQUAL(memcmp(packet_bytes(packet), station, 6), 0);
	release(packet);
}

/* Whatever it is: nobody has parsed it. */
static void test_passed_to_kernel(void)
{
	static const uint8_t tagged[24] = {1,	 2,    3, 4, 5,	   6, 7, 8, 9,	  10,	11, 12,
					   0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 0x08, 0x06, 0,  1};

	rig->ports[1].has_kernel_side = true;
	assert_passed(tagged, 24, 8);
	assert_passed(tagged, 22, 8);
	assert_passed(tagged, 21, 4);
	assert_passed(tagged, 18, 4);
	assert_passed(tagged, 17, 0);
	assert_passed(tagged, 14, 0);
	rig->ports[1].has_twin = true;
	assert_passed(tagged, 24, 0);
	rig->ports[1].has_kernel_side = false;
	rig->ports[1].has_twin = false;
}

/* The driver stops at a frame that it cannot carry: it must not get one. */
static void test_too_long_for_the_kernel(void)
{
	static const uint8_t frame[RTE_ETHER_MAX_VLAN_FRAME_LEN + 1];
	struct packet *packet = &burst.packets[0];
	struct rte_mbuf *mbuf = frame_to_mbuf(rig->mbufs, frame, sizeof(frame));

	rig->ports[1].has_kernel_side = true;
	assert_passed(frame, sizeof(frame) - 1, 0);
	CU_ASSERT_FATAL(mbuf != NULL && rig_inject_mbuf(rig, 1, mbuf));
	CU_ASSERT_EQUAL_FATAL(rig_receive(rig, 1, &burst), 1);
	packet_pass(packet);
	forward(&rig->worker, snapshot, &burst);
	CU_ASSERT_EQUAL(packet->verdict, MR_DROP_TOO_BIG);
	CU_ASSERT_EQUAL(packet->tx_port, NO_PORT);
	release(packet);
	rig->ports[1].has_kernel_side = false;
}

/* What has no way to go is not touched. */
static void test_dropped_frames_stay_as_they_are(void)
{
	uint8_t frame[FRAME_BYTES_MAX];
	const uint32_t count = frame_build(&question_v4, frame);

	for (unsigned int verdict = 0; verdict < MR_VERDICT_COUNT; verdict++) {
		struct packet *packet;

		if (verdict != MR_LEFT_TO_KERNEL && verdict < MR_DROP_NOT_SERVICE)
			continue;
		packet = forward_mbuf(frame_to_mbuf(rig->mbufs, frame, count), 0, MR_BACKEND_NONE,
				      verdict);
		CU_ASSERT_EQUAL(packet->verdict, verdict);
		CU_ASSERT_EQUAL(packet->tx_port, NO_PORT);
		CU_ASSERT_EQUAL(memcmp(packet_bytes(packet), frame, count), 0);
		release(packet);
	}
}

/* The question may be spread over segments; the answer is one, and none is lost. */
static void test_reset_of_segments(void)
{
	const uint32_t before = rig_free_mbufs(rig);
	struct frame_spec spec = question_v4;
	uint8_t frame[FRAME_BYTES_MAX];
	struct packet *packet;
	uint32_t count;

	spec.to = rig->ports[1].mac;
	count = frame_build(&spec, frame);
	packet = forward_mbuf(frame_to_segments(rig->mbufs, 0, frame, count, 14 + 60 + 60), 1,
			      MR_BACKEND_NONE, MR_RESET_EXCLUDED);
	CU_ASSERT_EQUAL(packet->verdict, MR_RESET_EXCLUDED);
	CU_ASSERT_EQUAL(packet->tx_port, 1);
	CU_ASSERT_EQUAL(packet->mbuf->nb_segs, 1);
	CU_ASSERT_EQUAL(rte_pktmbuf_pkt_len(packet->mbuf), 54);
	CU_ASSERT_EQUAL(rte_pktmbuf_data_len(packet->mbuf), 54);
	CU_ASSERT_PTR_NULL(packet->mbuf->next);
	release(packet);
	CU_ASSERT_EQUAL(rig_free_mbufs(rig), before);
}

/* The shortest question of each family is just as long as its answer. */
static void test_reset_of_shortest(void)
{
	struct frame_spec spec = question_v4;
	uint8_t frame[FRAME_BYTES_MAX];
	struct packet *packet;

	spec.ip_option_bytes = 0;
	spec.tcp_option_bytes = 0;
	spec.payload_bytes = 0;
	packet = forward_mbuf(frame_to_mbuf(rig->mbufs, frame, frame_build(&spec, frame)), 0,
			      MR_BACKEND_NONE, MR_RESET_NO_BACKEND);
	CU_ASSERT_EQUAL(rte_pktmbuf_pkt_len(packet->mbuf), 54);
	release(packet);
	spec.client = "2001:db8::1";
	spec.service = "2001:db8::25";
	packet = forward_mbuf(frame_to_mbuf(rig->mbufs, frame, frame_build(&spec, frame)), 0,
			      MR_BACKEND_NONE, MR_RESET_NO_BACKEND);
	CU_ASSERT_EQUAL(rte_pktmbuf_pkt_len(packet->mbuf), 74);
	release(packet);
}

/* The tags of the question are the answer's; extension headers are not. */
static void test_reset_behind_tags_and_extensions(void)
{
	static const uint8_t options[8] = {IPPROTO_TCP, 0, 1, 4, 0, 0, 0, 0}; /* PadN */
	struct frame_spec spec = question_v6();
	uint8_t frame[FRAME_BYTES_MAX];
	const struct rte_tcp_hdr *tcp;
	struct packet *packet;
	uint8_t *ip = &frame[22], *out;
	uint32_t count;

	spec.tag_count = 2;
	spec.tags[0] = 7;
	spec.tags[1] = 8;
	spec.tcp_option_bytes = 0;
	count = frame_build(&spec, frame);
	memmove(&ip[48], &ip[40], count - 22 - 40);
	memcpy(&ip[40], options, sizeof(options));
	ip[6] = IPPROTO_HOPOPTS;
	ip[5] += 8;
	set_tags(0, 2, 7, 8);
	packet = forward_mbuf(frame_to_mbuf(rig->mbufs, frame, count + 8), 0, MR_BACKEND_NONE,
			      MR_RESET_NO_BACKEND);
	set_tags(0, 0, 0, 0);
	out = packet_bytes(packet);
	CU_ASSERT_EQUAL_FATAL(rte_pktmbuf_pkt_len(packet->mbuf), 22 + 40 + 20);
	CU_ASSERT_EQUAL(memcmp(out, &frame[6], 6), 0);
	CU_ASSERT_EQUAL(memcmp(&out[6], frame, 6), 0);
	CU_ASSERT_EQUAL(memcmp(&out[12], &frame[12], 10), 0);
	CU_ASSERT_EQUAL(out[22 + 6], IPPROTO_TCP);
	CU_ASSERT_EQUAL(memcmp(&out[22 + 8], &frame[22 + 24], 16), 0);
	tcp = (void *)&out[22 + 40];
	CU_ASSERT_EQUAL(tcp->src_port, RTE_BE16(25));
	CU_ASSERT_EQUAL(tcp->tcp_flags, RTE_TCP_RST_FLAG);
	CU_ASSERT_EQUAL(tcp->sent_seq, RTE_BE32(0x0a0b0c0d));
	CU_ASSERT_EQUAL(rte_ipv6_udptcp_cksum((void *)&out[22], tcp), 0);
	release(packet);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(build_snapshot),
		UNIT_TEST(test_l2dsr),
		UNIT_TEST(test_l2dsr_tags),
		UNIT_TEST(test_l2dsr_padding),
		UNIT_TEST(test_no_room_for_a_tag),
		UNIT_TEST(test_new_session_is_counted),
		UNIT_TEST(test_no_next_hop),
		UNIT_TEST(test_tunnel_of_segments),
		UNIT_TEST(test_tunnel_without_room),
		UNIT_TEST(test_nat),
		UNIT_TEST(test_mss),
		UNIT_TEST(test_icmp_error),
		UNIT_TEST(test_too_big_and_cut),
		UNIT_TEST(test_cut_pieces),
		UNIT_TEST(test_cut_without_spares),
		UNIT_TEST(test_cuts_of_a_full_burst),
		UNIT_TEST(test_probe),
		UNIT_TEST(test_probe_reply),
		UNIT_TEST(test_nat_probe_reply),
		UNIT_TEST(test_nat_answer),
		UNIT_TEST(test_passed_to_kernel),
		UNIT_TEST(test_too_long_for_the_kernel),
		UNIT_TEST(test_dropped_frames_stay_as_they_are),
		UNIT_TEST(test_reset_of_segments),
		UNIT_TEST(test_reset_of_shortest),
		UNIT_TEST(test_reset_behind_tags_and_extensions),
		CU_TEST_INFO_NULL,
	};
	int status = rig_unit_run("forward", tests, &rig);

	mr_snapshot_destroy(snapshot);
	return status;
}
