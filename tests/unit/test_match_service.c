/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Matching: endpoints, nat sources, exclusion ranges at both of their edges, probes and their
 * answers, in both families, over the real receive and parse steps. ICMP errors and fragments
 * are made of what parse left, as it and follow_fragments would have set it.
 */
#include "packet.h"

#include <rte_tcp.h>

#include "../lib/rig_unit.h"

#define OURS                                   \
	{                                      \
		{                              \
			0x02, 0, 0, 0, 0, 0x00 \
		}                              \
	}

enum { SMTP, SUBMISSION, QUIET, SERVICES };
#define BACKENDS 3

static struct rig *rig;
static struct mr_snapshot *snapshot;

static void add_endpoint(const char *address, uint16_t port, mr_service_id service)
{
	const struct mr_endpoint endpoint = {
		.address = frame_addr(address),
		.port = rte_cpu_to_be_16(port),
		.service = service,
	};

	CU_ASSERT_EQUAL_FATAL(mr_snapshot_add_endpoint(snapshot, &endpoint), 0);
}

static void add_nat_source(const char *backend, uint16_t port, const char *service_address,
			   mr_service_id service, mr_backend_id id)
{
	const struct mr_nat_source source = {
		.address = frame_addr(backend),
		.port = rte_cpu_to_be_16(port),
		.service_address = frame_addr(service_address),
		.service = service,
		.backend = id,
	};

	CU_ASSERT_EQUAL_FATAL(mr_snapshot_add_nat_source(snapshot, &source), 0);
}

static void set_exclude(mr_service_id service, enum mr_exclude_action action)
{
	/* Sorted like the bytes of mr_addr: IPv4-mapped addresses come before 2001:db8::. */
	const struct mr_range ranges[] = {
		{frame_addr("10.0.0.0"), frame_addr("10.0.0.63")},
		{frame_addr("10.0.2.7"), frame_addr("10.0.2.7")},
		{frame_addr("10.0.255.0"), frame_addr("10.1.0.255")},
		{frame_addr("2001:db8:1::"), frame_addr("2001:db8:1:ffff:ffff:ffff:ffff:ffff")},
		{frame_addr("2001:db8:2::7"), frame_addr("2001:db8:2::7")},
	};

	snapshot->services[service].exclude_action = (uint8_t)action;
	CU_ASSERT_EQUAL_FATAL(mr_access_list_create(ranges, RTE_DIM(ranges),
						    &snapshot->services[service].exclude),
			      0);
}

static void build_snapshot(void)
{
	const struct mr_snapshot_sizes sizes = {
		.service_capacity = SERVICES,
		.pool_count = 1,
		.backend_capacity = BACKENDS,
		.endpoint_count = 5,
		.nat_source_count = 3,
	};
	const uint8_t secret[MR_HASH_KEY_BYTES] = "sixteen  bytes!";

	snapshot = mr_snapshot_create(&sizes);
	CU_ASSERT_PTR_NOT_NULL_FATAL(snapshot);
	mr_hash_key_init(&snapshot->hash_key, secret);
	add_endpoint("10.0.0.10", 25, SMTP);
	add_endpoint("2001:db8::25", 25, SMTP);
	add_endpoint("10.0.0.10", 587, SUBMISSION);
	add_endpoint("10.0.0.11", 25, QUIET);
	add_endpoint("2001:db8::11", 25, QUIET);
	add_nat_source("10.0.1.1", 25, "10.0.0.10", SMTP, 1);
	add_nat_source("10.0.1.2", 587, "10.0.0.10", SUBMISSION, 2);
	add_nat_source("2001:db8::1:1", 25, "2001:db8::25", SMTP, 1);
	set_exclude(SMTP, MR_EXCLUDE_REJECT);
	set_exclude(QUIET, MR_EXCLUDE_DROP);
	snapshot->probe_sources[0] = frame_addr("10.0.0.9");
	snapshot->probe_sources[1] = frame_addr("2001:db8::9");
	snapshot->probe_source_count = 2;
}

static void inject_on(uint32_t port, const char *client, uint16_t client_port, const char *service,
		      uint16_t service_port, uint8_t tcp_flags)
{
	const struct frame_spec spec = {
		.to = OURS,
		.client = client,
		.service = service,
		.client_port = client_port,
		.service_port = service_port,
		.tcp_flags = tcp_flags,
		.payload_bytes = 5,
	};
	uint8_t frame[FRAME_BYTES_MAX];

	CU_ASSERT_FATAL(rig_inject(rig, port, frame, frame_build(&spec, frame)));
}

/* One packet through receive and parse. */
static void receive_on(uint32_t port, const char *client, uint16_t client_port, const char *service,
		       uint16_t service_port, uint8_t tcp_flags, struct burst *burst)
{
	inject_on(port, client, client_port, service, service_port, tcp_flags);
	CU_ASSERT_EQUAL_FATAL(rig_receive(rig, port, burst), 1);
	parse(&rig->worker, burst);
	CU_ASSERT_EQUAL_FATAL(burst->packets[0].verdict, UNDECIDED);
}

static struct packet match_received(struct burst *burst)
{
	struct packet packet;

	match_service(&rig->worker, snapshot, burst);
	packet = burst->packets[0];
	rig_discard(burst);
	return packet;
}

static struct packet match_on(uint32_t port, const char *client, uint16_t client_port,
			      const char *service, uint16_t service_port, uint8_t tcp_flags)
{
	struct burst burst;

	receive_on(port, client, client_port, service, service_port, tcp_flags, &burst);
	return match_received(&burst);
}

static struct packet match(const char *client, const char *service, uint16_t service_port,
			   uint8_t tcp_flags)
{
	return match_on(0, client, 40000, service, service_port, tcp_flags);
}

static void assert_matched(const char *client, const char *service, uint16_t port,
			   mr_service_id expected)
{
	struct mr_flow_counters *counters = &rig->worker.counters->services[expected];
	const struct mr_flow_counters before = *counters;
	const struct packet packet = match(client, service, port, RTE_TCP_SYN_FLAG);
	const uint64_t bytes = mr_addr_is_v4(&packet.tuple.client) ? 59 : 79;

	CU_ASSERT_EQUAL(packet.verdict, UNDECIDED);
	CU_ASSERT_EQUAL(packet.service, expected);
	CU_ASSERT_EQUAL(packet.backend, MR_BACKEND_NONE);
	CU_ASSERT_EQUAL(packet.hash, mr_session_hash(&snapshot->hash_key, &packet.tuple));
	CU_ASSERT_EQUAL(counters->packets, before.packets + 1);
	CU_ASSERT_EQUAL(counters->bytes, before.bytes + bytes);
	CU_ASSERT_EQUAL(counters->sessions, before.sessions + 1);
}

static void test_endpoints(void)
{
	assert_matched("192.0.2.1", "10.0.0.10", 25, SMTP);
	assert_matched("192.0.2.1", "10.0.0.10", 587, SUBMISSION);
	assert_matched("2001:db8:9::1", "2001:db8::25", 25, SMTP);
	assert_matched("192.0.2.1", "10.0.0.11", 25, QUIET);
}

static void test_not_a_service(void)
{
	static const struct {
		const char *client, *service;
		uint16_t port;
	} rows[] = {
		{"192.0.2.1", "10.0.0.10", 26},	       {"192.0.2.1", "10.0.0.10", 0},
		{"192.0.2.1", "10.0.0.12", 25},	       {"2001:db8:9::1", "2001:db8::25", 587},
		{"2001:db8:9::1", "2001:db8::26", 25},
	};

	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		struct packet packet =
			match(rows[i].client, rows[i].service, rows[i].port, RTE_TCP_SYN_FLAG);

		CU_ASSERT_EQUAL(packet.verdict, MR_DROP_NOT_SERVICE);
		rig->ports[0].kind = MR_DEVICE_AF_PACKET;
		packet = match(rows[i].client, rows[i].service, rows[i].port, RTE_TCP_SYN_FLAG);
		CU_ASSERT_EQUAL(packet.verdict, MR_LEFT_TO_KERNEL);
		rig->ports[0].kind = MR_DEVICE_VDEV;
	}
}

/* The kernel's copy changes nothing for what is ours. */
static void test_service_beside_the_kernel(void)
{
	rig->ports[0].kind = MR_DEVICE_AF_PACKET;
	assert_matched("192.0.2.1", "10.0.0.10", 25, SMTP);
	rig->ports[0].kind = MR_DEVICE_VDEV;
}

/* Addresses on both sides of every edge. */
static void test_excluded_ranges(void)
{
	static const struct {
		const char *client;
		bool excluded;
	} rows[] = {
		{"9.255.255.255", false},
		{"10.0.0.0", true},
		{"10.0.0.31", true},
		{"10.0.0.63", true},
		{"10.0.0.64", false},
		{"10.0.2.6", false},
		{"10.0.2.7", true},
		{"10.0.2.8", false},
		{"10.0.254.255", false},
		{"10.0.255.0", true},
		{"10.1.0.0", true},
		{"10.1.0.255", true},
		{"10.1.1.0", false},
		{"255.255.255.254", false},
		{"2001:db8:0:ffff:ffff:ffff:ffff:ffff", false},
		{"2001:db8:1::", true},
		{"2001:db8:1::1", true},
		{"2001:db8:1:ffff:ffff:ffff:ffff:ffff", true},
		{"2001:db8:2::", false},
		{"2001:db8:2::6", false},
		{"2001:db8:2::7", true},
		{"2001:db8:2::8", false},
	};

	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		const bool is_ipv6 = strchr(rows[i].client, ':') != NULL;
		const struct packet rejected =
			match(rows[i].client, is_ipv6 ? "2001:db8::25" : "10.0.0.10", 25, 0);
		const struct packet dropped =
			match(rows[i].client, is_ipv6 ? "2001:db8::11" : "10.0.0.11", 25, 0);

		CU_ASSERT_EQUAL(rejected.verdict, rows[i].excluded ? MR_RESET_EXCLUDED : UNDECIDED);
		CU_ASSERT_EQUAL(dropped.verdict, rows[i].excluded ? MR_DROP_EXCLUDED : UNDECIDED);
	}
}

/* Another service of the same pool has ranges of its own: none. */
static void test_exclusion_is_the_service_s(void)
{
	CU_ASSERT_EQUAL(match("10.0.0.1", "10.0.0.10", 587, RTE_TCP_SYN_FLAG).verdict, UNDECIDED);
}

/* Each packet of a burst by its own service's ranges, whoever is beside it. */
static void test_exclusion_in_a_burst(void)
{
	static const struct {
		const char *client, *service;
		uint16_t port;
		uint8_t verdict;
	} rows[] = {
		{"10.0.0.1", "10.0.0.10", 25, MR_RESET_EXCLUDED},
		{"192.0.2.1", "10.0.0.10", 25, UNDECIDED},
		{"2001:db8:1::1", "2001:db8::25", 25, MR_RESET_EXCLUDED},
		{"10.0.0.1", "10.0.0.11", 25, MR_DROP_EXCLUDED},
		{"10.0.0.1", "10.0.0.10", 587, UNDECIDED},
		{"10.0.0.1", "10.0.0.12", 25, MR_DROP_NOT_SERVICE},
		{"2001:db8:9::1", "2001:db8::11", 25, UNDECIDED},
		{"10.0.0.63", "10.0.0.11", 25, MR_DROP_EXCLUDED},
	};
	struct burst burst;

	for (uint32_t i = 0; i < BURST_SIZE; i++)
		inject_on(0, rows[i % RTE_DIM(rows)].client, 40000, rows[i % RTE_DIM(rows)].service,
			  rows[i % RTE_DIM(rows)].port, 0);
	CU_ASSERT_EQUAL_FATAL(rig_receive(rig, 0, &burst), BURST_SIZE);
	parse(&rig->worker, &burst);
	match_service(&rig->worker, snapshot, &burst);
	for (uint32_t i = 0; i < BURST_SIZE; i++)
		CU_ASSERT_EQUAL(burst.packets[i].verdict, rows[i % RTE_DIM(rows)].verdict);
	rig_discard(&burst);
}

/* An excluded source is counted at the service, but opens no session there. */
static void test_excluded_is_counted(void)
{
	const struct mr_flow_counters before = rig->worker.counters->services[SMTP];

	match("10.0.0.1", "10.0.0.10", 25, RTE_TCP_SYN_FLAG);
	CU_ASSERT_EQUAL(rig->worker.counters->services[SMTP].packets, before.packets + 1);
	CU_ASSERT_EQUAL(rig->worker.counters->services[SMTP].sessions, before.sessions);
}

static void test_reset_is_never_answered(void)
{
	for (unsigned int flags = 0; flags < 256; flags++) {
		const unsigned int expected =
			flags & RTE_TCP_RST_FLAG ? MR_DROP_EXCLUDED : MR_RESET_EXCLUDED;

		CU_ASSERT_EQUAL(match("10.0.0.1", "10.0.0.10", 25, (uint8_t)flags).verdict,
				expected);
		CU_ASSERT_EQUAL(match("2001:db8:1::1", "2001:db8::25", 25, (uint8_t)flags).verdict,
				expected);
	}
}

/* A session begins with SYN alone; ECN's flags (RFC 3168) and others do not matter. */
static void test_sessions_are_counted(void)
{
	const uint8_t opening = RTE_TCP_SYN_FLAG;
	const uint8_t others = RTE_TCP_ACK_FLAG | RTE_TCP_RST_FLAG | RTE_TCP_FIN_FLAG;

	for (unsigned int flags = 0; flags < 256; flags++) {
		const uint64_t before = rig->worker.counters->services[SMTP].sessions;

		match("192.0.2.1", "10.0.0.10", 25, (uint8_t)flags);
		CU_ASSERT_EQUAL(rig->worker.counters->services[SMTP].sessions - before,
				(flags & (opening | others)) == opening);
	}
}

static void test_probe(void)
{
	struct packet packet;

	atomic_store(&rig->probe_backends[50001], 0);
	atomic_store(&rig->probe_backends[50002], BACKENDS - 1);
	atomic_store(&rig->probe_backends[50003], BACKENDS);
	packet = match_on(RIG_PROBE, "10.0.0.9", 50001, "10.0.0.10", 25, RTE_TCP_SYN_FLAG);
	CU_ASSERT_EQUAL(packet.verdict, UNDECIDED);
	CU_ASSERT_EQUAL(packet.backend, 0);
	CU_ASSERT_EQUAL(packet.hash, mr_session_hash(&snapshot->hash_key, &packet.tuple));
	packet = match_on(RIG_PROBE, "2001:db8::9", 50002, "2001:db8::25", 25, RTE_TCP_SYN_FLAG);
	CU_ASSERT_EQUAL(packet.verdict, UNDECIDED);
	CU_ASSERT_EQUAL(packet.backend, BACKENDS - 1);
	/* A backend that this snapshot does not know, and a port that no probe has opened. */
	packet = match_on(RIG_PROBE, "10.0.0.9", 50003, "10.0.0.10", 25, RTE_TCP_SYN_FLAG);
	CU_ASSERT_EQUAL(packet.verdict, MR_DROP_NO_PROBE);
	packet = match_on(RIG_PROBE, "10.0.0.9", 50004, "10.0.0.10", 25, RTE_TCP_SYN_FLAG);
	CU_ASSERT_EQUAL(packet.verdict, MR_DROP_NO_PROBE);
}

/* Probes are neither a service's traffic nor excluded, though they come from its own network. */
static void test_probe_is_no_session(void)
{
	const struct mr_flow_counters before = rig->worker.counters->services[SMTP];

	atomic_store(&rig->probe_backends[50001], 1);
	CU_ASSERT_EQUAL(match_on(RIG_PROBE, "10.0.0.9", 50001, "10.0.0.10", 25, 0).verdict,
			UNDECIDED);
	CU_ASSERT_EQUAL(rig->worker.counters->services[SMTP].packets, before.packets);
}

static void test_probe_reply(void)
{
	const uint8_t flags = RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG;

	CU_ASSERT_EQUAL(match_on(0, "10.0.0.10", 25, "10.0.0.9", 50001, flags).verdict,
			MR_PROBE_REPLY);
	CU_ASSERT_EQUAL(match_on(0, "2001:db8::25", 25, "2001:db8::9", 50001, flags).verdict,
			MR_PROBE_REPLY);
	/* To another address, from another port, or between families: not an answer. */
	CU_ASSERT_EQUAL(match_on(0, "10.0.0.10", 25, "10.0.0.8", 50001, flags).verdict,
			MR_DROP_NOT_SERVICE);
	CU_ASSERT_EQUAL(match_on(0, "10.0.0.10", 26, "10.0.0.9", 50001, flags).verdict,
			MR_DROP_NOT_SERVICE);
	CU_ASSERT_EQUAL(match_on(0, "10.0.0.12", 25, "10.0.0.9", 50001, flags).verdict,
			MR_DROP_NOT_SERVICE);
}

/* What a nat backend sends goes back, whoever it is sent to. */
static void test_nat_source(void)
{
	const struct mr_flow_counters before = rig->worker.counters->services[SMTP];
	struct packet packet = match_on(0, "10.0.1.1", 25, "192.0.2.1", 40000, RTE_TCP_ACK_FLAG);

	CU_ASSERT_EQUAL(packet.verdict, MR_RETURNED);
	CU_ASSERT_PTR_NOT_NULL_FATAL(packet.nat_source);
	CU_ASSERT_EQUAL(packet.nat_source->backend, 1);
	packet = match_on(0, "10.0.1.2", 587, "10.0.0.1", 40000, RTE_TCP_RST_FLAG);
	CU_ASSERT_EQUAL(packet.verdict, MR_RETURNED);
	CU_ASSERT_EQUAL(packet.nat_source->backend, 2);
	packet = match_on(0, "2001:db8::1:1", 25, "2001:db8:9::1", 25, RTE_TCP_ACK_FLAG);
	CU_ASSERT_EQUAL(packet.verdict, MR_RETURNED);
	/* To the prober. */
	packet = match_on(0, "10.0.1.1", 25, "10.0.0.9", 50001, RTE_TCP_ACK_FLAG);
	CU_ASSERT_EQUAL(packet.verdict, MR_PROBE_REPLY);
	CU_ASSERT_PTR_NOT_NULL_FATAL(packet.nat_source);
	CU_ASSERT_EQUAL(packet.nat_source->backend, 1);
	/* Nobody's answers. */
	CU_ASSERT_EQUAL(rig->worker.counters->services[SMTP].packets, before.packets);
	packet = match_on(0, "10.0.1.1", 587, "192.0.2.1", 40000, RTE_TCP_ACK_FLAG);
	CU_ASSERT_EQUAL(packet.verdict, MR_DROP_NOT_SERVICE);
	CU_ASSERT_PTR_NULL(packet.nat_source);
	packet = match_on(0, "10.0.1.3", 25, "10.0.0.9", 50001, RTE_TCP_ACK_FLAG);
	CU_ASSERT_EQUAL(packet.verdict, MR_DROP_NOT_SERVICE);
}

/* A mail server sends mail itself, also to the service that it is a backend of. */
static void test_backend_as_client(void)
{
	struct packet packet = match_on(0, "10.0.1.1", 25, "10.0.0.10", 25, RTE_TCP_SYN_FLAG);

	CU_ASSERT_EQUAL(packet.verdict, UNDECIDED);
	CU_ASSERT_EQUAL(packet.service, SMTP);
	CU_ASSERT_PTR_NULL(packet.nat_source);
	packet = match_on(0, "10.0.1.1", 40000, "192.0.2.1", 25, RTE_TCP_SYN_FLAG);
	CU_ASSERT_EQUAL(packet.verdict, MR_DROP_NOT_SERVICE);
}

/* Sent by @router to @sender about a packet of its own, on the way to @target. */
static struct packet match_error(const char *router, const char *sender, uint16_t sender_port,
				 const char *target, uint16_t target_port)
{
	struct burst burst;

	receive_on(0, router, 1, sender, 1, 0, &burst);
	burst.packets[0].kind = PACKET_ICMP_ERROR;
	burst.packets[0].tuple = (struct mr_tuple){
		.client = frame_addr(target),
		.service = frame_addr(sender),
		.client_port = rte_cpu_to_be_16(target_port),
		.service_port = rte_cpu_to_be_16(sender_port),
	};
	return match_received(&burst);
}

/* An error belongs to the session that it quotes, of which it is one more packet. */
static void test_error(void)
{
	const struct mr_flow_counters *counters = &rig->worker.counters->services[SMTP];
	const struct mr_flow_counters before = *counters;
	const struct packet error = match_error("203.0.113.1", "10.0.0.10", 25, "192.0.2.1", 40000);
	struct packet segment;

	CU_ASSERT_EQUAL(error.verdict, UNDECIDED);
	CU_ASSERT_EQUAL(counters->packets, before.packets + 1);
	CU_ASSERT_EQUAL(counters->bytes, before.bytes + 59);
	CU_ASSERT_EQUAL(counters->sessions, before.sessions);
	segment = match("192.0.2.1", "10.0.0.10", 25, RTE_TCP_ACK_FLAG);
	CU_ASSERT_EQUAL(error.service, segment.service);
	CU_ASSERT_EQUAL(error.hash, segment.hash);
	CU_ASSERT_EQUAL(
		match_error("2001:db8:8::1", "2001:db8::25", 25, "2001:db8:9::1", 1).verdict,
		UNDECIDED);
}

static void test_error_to_nat_source(void)
{
	struct packet packet = match_error("203.0.113.1", "192.0.2.1", 40000, "10.0.1.1", 25);

	CU_ASSERT_EQUAL(packet.verdict, MR_RETURNED);
	CU_ASSERT_PTR_NOT_NULL_FATAL(packet.nat_source);
	CU_ASSERT_EQUAL(packet.nat_source->backend, 1);
	packet = match_error("10.0.1.1", "10.0.0.9", 50001, "10.0.1.1", 25);
	CU_ASSERT_EQUAL(packet.verdict, MR_PROBE_REPLY);
}

/* The kernel's: about what is no service's, or to a source that the service excludes. */
static void test_error_is_left(void)
{
	CU_ASSERT_EQUAL(match_error("203.0.113.1", "10.0.0.10", 26, "192.0.2.1", 40000).verdict,
			MR_DROP_NOT_SERVICE);
	CU_ASSERT_EQUAL(match_error("203.0.113.1", "192.0.2.1", 40000, "10.0.1.1", 26).verdict,
			MR_DROP_NOT_SERVICE);
	CU_ASSERT_EQUAL(match_error("203.0.113.1", "10.0.0.10", 25, "10.0.0.1", 40000).verdict,
			MR_DROP_EXCLUDED);
	rig->ports[0].has_kernel_side = true;
	CU_ASSERT_EQUAL(match_error("203.0.113.1", "10.0.0.10", 26, "192.0.2.1", 40000).verdict,
			MR_PASSED_TO_KERNEL);
	CU_ASSERT_EQUAL(match_error("203.0.113.1", "10.0.0.10", 25, "10.0.0.1", 40000).verdict,
			MR_PASSED_TO_KERNEL);
	/* Steering goes by what the error quotes, and has hidden even this one. */
	rig->ports[0].kind = MR_DEVICE_AF_PACKET;
	CU_ASSERT_EQUAL(match_error("203.0.113.1", "10.0.0.10", 25, "10.0.0.1", 40000).verdict,
			MR_PASSED_TO_KERNEL);
	CU_ASSERT_EQUAL(match_error("203.0.113.1", "10.0.0.10", 26, "192.0.2.1", 40000).verdict,
			MR_LEFT_TO_KERNEL);
	rig->ports[0].kind = MR_DEVICE_VDEV;
	rig->ports[0].has_kernel_side = false;
	/* About a probe to a service's own address: steering does not look for these. */
	CU_ASSERT_EQUAL(match_error("203.0.113.1", "10.0.0.9", 50001, "10.0.0.10", 25).verdict,
			MR_DROP_NOT_SERVICE);
}

static struct packet match_fragment(enum packet_fragment fragment, const char *client,
				    uint16_t client_port, const char *service,
				    uint16_t service_port)
{
	struct burst burst;

	receive_on(0, client, client_port, service, service_port, 0, &burst);
	burst.packets[0].fragment = (uint8_t)fragment;
	return match_received(&burst);
}

/* All fragments of a segment have its ports, and go where it would. */
static void test_fragments(void)
{
	const struct packet whole = match("192.0.2.1", "10.0.0.10", 25, RTE_TCP_ACK_FLAG);

	for (unsigned int i = FRAGMENT_FIRST; i <= FRAGMENT_LATER; i++) {
		struct packet packet = match_fragment(i, "192.0.2.1", 40000, "10.0.0.10", 25);

		CU_ASSERT_EQUAL(packet.verdict, UNDECIDED);
		CU_ASSERT_EQUAL(packet.service, SMTP);
		CU_ASSERT_EQUAL(packet.hash, whole.hash);
		packet = match_fragment(i, "10.0.1.1", 25, "192.0.2.1", 40000);
		CU_ASSERT_EQUAL(packet.verdict, MR_RETURNED);
		CU_ASSERT_PTR_NOT_NULL(packet.nat_source);
	}
}

static void test_excluded_fragments(void)
{
	CU_ASSERT_EQUAL(match_fragment(FRAGMENT_FIRST, "10.0.0.1", 1, "10.0.0.10", 25).verdict,
			MR_RESET_EXCLUDED);
	CU_ASSERT_EQUAL(match_fragment(FRAGMENT_LATER, "10.0.0.1", 1, "10.0.0.10", 25).verdict,
			MR_DROP_EXCLUDED);
}

/* Steering goes by the address of a fragment: the kernel gets none that we do not hand to it. */
static void test_strange_fragments(void)
{
	for (unsigned int i = FRAGMENT_FIRST; i <= FRAGMENT_LATER; i++) {
		struct packet packet = match_fragment(i, "192.0.2.1", 1, "10.0.0.10", 26);

		CU_ASSERT_EQUAL(packet.verdict, MR_DROP_NOT_SERVICE);
		rig->ports[0].kind = MR_DEVICE_AF_PACKET;
		rig->ports[0].has_kernel_side = true;
		packet = match_fragment(i, "192.0.2.1", 1, "10.0.0.10", 26);
		CU_ASSERT_EQUAL(packet.verdict, MR_PASSED_TO_KERNEL);
		CU_ASSERT_EQUAL(packet.tx_port, WORKER_KERNEL_SIDE | 0);
		rig->ports[0].has_kernel_side = false;
		packet = match_fragment(i, "192.0.2.1", 1, "10.0.0.10", 26);
		CU_ASSERT_EQUAL(packet.verdict, MR_DROP_NOT_SERVICE);
		rig->ports[0].kind = MR_DEVICE_VDEV;
	}
}

/* Verdicts of the steps before stay. */
static void test_decided_packets_are_left_alone(void)
{
	struct burst burst = {.count = 1, .packets = {{.verdict = MR_DROP_BAD_TCP}}};

	match_service(&rig->worker, snapshot, &burst);
	CU_ASSERT_EQUAL(burst.packets[0].verdict, MR_DROP_BAD_TCP);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(build_snapshot),
		UNIT_TEST(test_endpoints),
		UNIT_TEST(test_not_a_service),
		UNIT_TEST(test_service_beside_the_kernel),
		UNIT_TEST(test_excluded_ranges),
		UNIT_TEST(test_exclusion_is_the_service_s),
		UNIT_TEST(test_exclusion_in_a_burst),
		UNIT_TEST(test_excluded_is_counted),
		UNIT_TEST(test_reset_is_never_answered),
		UNIT_TEST(test_sessions_are_counted),
		UNIT_TEST(test_probe),
		UNIT_TEST(test_probe_is_no_session),
		UNIT_TEST(test_probe_reply),
		UNIT_TEST(test_nat_source),
		UNIT_TEST(test_backend_as_client),
		UNIT_TEST(test_error),
		UNIT_TEST(test_error_to_nat_source),
		UNIT_TEST(test_error_is_left),
		UNIT_TEST(test_fragments),
		UNIT_TEST(test_excluded_fragments),
		UNIT_TEST(test_strange_fragments),
		UNIT_TEST(test_decided_packets_are_left_alone),
		CU_TEST_INFO_NULL,
	};
	int status = rig_unit_run("match_service", tests, &rig);

	mr_snapshot_destroy(snapshot);
	return status;
}
