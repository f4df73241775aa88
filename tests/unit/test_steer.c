/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The two steering programs on golden frames, run by the kernel without an interface
 * (BPF_PROG_TEST_RUN). Both must give the same answer to every frame: what XDP hands to
 * mailrail is what tc hides from the kernel.
 */
#include <arpa/inet.h>
#include <linux/bpf.h>
#include <linux/if_xdp.h>
#include <linux/pkt_cls.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "../lib/unit.h"
#include "steer_tc.skel.h"
#include "steer_xdp.skel.h"

#include "bpf/steer_keys.h"

#define ETHERNET_BYTES 14
#define IPV4_BYTES     20
#define IPV6_BYTES     40
#define TCP_BYTES      20
#define PAYLOAD_BYTES  24

#define PROTOCOL_HOP_BY_HOP 0
#define PROTOCOL_ICMP	    1
#define PROTOCOL_TCP	    6
#define PROTOCOL_UDP	    17
#define PROTOCOL_FRAGMENT   44

/* What a frame is made of; frame_of() makes it. */
struct recipe {
	const char *what;
	bool taken;
	const char *source;
	const char *destination;
	uint16_t source_port;
	uint16_t destination_port;
	uint8_t protocol;	 /* 0: TCP, unless @hop_by_hop */
	bool hop_by_hop;	 /* IPv6: a hop-by-hop header before TCP */
	uint8_t option_words;	 /* IPv4 */
	uint16_t fragment;	 /* IPv4: flags and offset */
	uint8_t version_and_ihl; /* IPv4: 0 for the right one */
	uint16_t ethertype;	 /* 0: by family */
	uint16_t tag;		 /* ethertype of a tag in front; 0: none */
	int length_error;	 /* added to the IP header's length */
	uint8_t padding;	 /* bytes behind the packet */
};

struct frame {
	uint8_t bytes[256];
	uint32_t length;
};

static struct steer_xdp_bpf *xdp;
static struct steer_tc_bpf *tc;
static int xsk;

static void put(struct frame *frame, const void *bytes, uint32_t length)
{
	memcpy(&frame->bytes[frame->length], bytes, length);
	frame->length += length;
}

static void put_16(struct frame *frame, uint16_t number)
{
	number = htons(number);
	put(frame, &number, sizeof(number));
}

static bool is_v6(const struct recipe *recipe)
{
	return strchr(recipe->destination, ':') != NULL;
}

static uint8_t protocol_of(const struct recipe *recipe)
{
	return recipe->protocol == 0 ? PROTOCOL_TCP : recipe->protocol;
}

static void put_v4(struct frame *frame, const struct recipe *recipe)
{
	const uint8_t words = 5 + recipe->option_words;
	const uint8_t version_and_ihl =
		recipe->version_and_ihl != 0 ? recipe->version_and_ihl : 0x40 | words;
	const uint8_t no_operation = 1;
	uint8_t address[4];

	put(frame, &version_and_ihl, 1);
	put(frame, "\0", 1);
	put_16(frame, (uint16_t)(words * 4 + TCP_BYTES + PAYLOAD_BYTES + recipe->length_error));
	put_16(frame, 0);
	put_16(frame, recipe->fragment);
	put(frame, "\x40", 1);
	put(frame, &(uint8_t){protocol_of(recipe)}, 1);
	put_16(frame, 0);
	CU_ASSERT_EQUAL(inet_pton(AF_INET, recipe->source, address), 1);
	put(frame, address, sizeof(address));
	CU_ASSERT_EQUAL(inet_pton(AF_INET, recipe->destination, address), 1);
	put(frame, address, sizeof(address));
	for (int i = 0; i < recipe->option_words * 4; i++)
		put(frame, &no_operation, 1);
}

static void put_v6(struct frame *frame, const struct recipe *recipe)
{
	const uint8_t extension_bytes = recipe->hop_by_hop ? 8 : 0;
	const uint8_t next = recipe->hop_by_hop ? PROTOCOL_HOP_BY_HOP : protocol_of(recipe);
	uint8_t address[16];

	put(frame, "\x60\0\0\0", 4);
	put_16(frame,
	       (uint16_t)(extension_bytes + TCP_BYTES + PAYLOAD_BYTES + recipe->length_error));
	put(frame, &next, 1);
	put(frame, "\x40", 1);
	CU_ASSERT_EQUAL(inet_pton(AF_INET6, recipe->source, address), 1);
	put(frame, address, sizeof(address));
	CU_ASSERT_EQUAL(inet_pton(AF_INET6, recipe->destination, address), 1);
	put(frame, address, sizeof(address));
	if (recipe->hop_by_hop)
		put(frame, "\x06\0\x01\x04\0\0\0\0", extension_bytes); /* PadN */
}

/* The same bytes stand for TCP, UDP and the rest: only ports are looked at. */
static struct frame frame_of(const struct recipe *recipe)
{
	static const uint8_t tcp_rest[TCP_BYTES - 4] = {[8] = 0x50, [9] = 0x02};
	static const uint8_t payload[PAYLOAD_BYTES] = {0};
	const uint16_t by_family = is_v6(recipe) ? 0x86dd : 0x0800;
	struct frame frame = {.length = 0};

	put(&frame, "\x02\0\0\0\0\x01\x02\0\0\0\0\x02", 12);
	if (recipe->tag != 0) {
		put_16(&frame, recipe->tag);
		put_16(&frame, 100);
	}
	put_16(&frame, recipe->ethertype != 0 ? recipe->ethertype : by_family);
	if (is_v6(recipe))
		put_v6(&frame, recipe);
	else
		put_v4(&frame, recipe);
	put_16(&frame, recipe->source_port);
	put_16(&frame, recipe->destination_port);
	put(&frame, tcp_rest, sizeof(tcp_rest));
	put(&frame, payload, sizeof(payload));
	frame.length += recipe->padding;
	return frame;
}

static uint32_t run(const struct bpf_program *program, const struct frame *frame)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame->bytes,
		    .data_size_in = frame->length, .repeat = 1);
	const int rc = bpf_prog_test_run_opts(bpf_program__fd(program), &options);

	if (rc != 0)
		printf("\n    test run of %u bytes: %s", frame->length, strerror(-rc));
	CU_ASSERT_EQUAL_FATAL(rc, 0);
	return options.retval;
}

static void expect_xdp(const char *what, const struct frame *frame, bool taken)
{
	const uint32_t answer = run(xdp->progs.mailrail_steer, frame);
	const bool right = answer == (taken ? XDP_REDIRECT : XDP_PASS);

	if (!right)
		printf("\n    %s, %u bytes: XDP says %u", what, frame->length, answer);
	CU_ASSERT(right);
}

static void expect_tc(const char *what, const struct frame *frame, bool taken)
{
	const int answer = (int)run(tc->progs.mailrail_hide, frame);
	const bool right = answer == (taken ? TC_ACT_SHOT : TC_ACT_UNSPEC);

	if (!right)
		printf("\n    %s, %u bytes: tc says %d", what, frame->length, answer);
	CU_ASSERT(right);
}

#define CLIENT	 "192.0.2.7"
#define SERVICE	 "10.0.0.10"
#define PROBER	 "10.0.0.1"
#define CLIENT6	 "2001:db8:7::7"
#define SERVICE6 "2001:db8::10"
#define PROBER6	 "2001:db8::1"

#define TO_SERVICE \
	.source = CLIENT, .destination = SERVICE, .source_port = 40000, .destination_port = 25
#define TO_SERVICE6 \
	.source = CLIENT6, .destination = SERVICE6, .source_port = 40000, .destination_port = 25

static const struct recipe recipes[] = {
	{"TCP to the service", true, TO_SERVICE},
	{"with one word of IP options", true, TO_SERVICE, .option_words = 1},
	{"with all the IP options there can be", true, TO_SERVICE, .option_words = 10},
	{"with Ethernet padding", true, TO_SERVICE, .padding = 6},
	{"do not fragment", true, TO_SERVICE, .fragment = 0x4000},
	{"another port", false, CLIENT, SERVICE, 40000, 26},
	{"the port's bytes swapped", false, CLIENT, SERVICE, 40000, 25 << 8},
	{"another address", false, CLIENT, "10.0.0.11", 40000, 25},
	{"UDP", false, TO_SERVICE, .protocol = PROTOCOL_UDP},
	{"ICMP", false, TO_SERVICE, .protocol = PROTOCOL_ICMP},
	{"ARP", false, TO_SERVICE, .ethertype = 0x0806},
	{"first fragment", false, TO_SERVICE, .fragment = 0x2000},
	{"middle fragment", false, TO_SERVICE, .fragment = 0x2001},
	{"last fragment", false, TO_SERVICE, .fragment = 0x1fff},
	{"IP header shorter than it can be", false, TO_SERVICE, .version_and_ihl = 0x44},
	{"IPv4 that says version 6", false, TO_SERVICE, .version_and_ihl = 0x65},
	{"IPv4 behind IPv6's ethertype", false, TO_SERVICE, .ethertype = 0x86dd},
	{"IPv4 longer than the frame", false, TO_SERVICE, .length_error = 1},
	{"IPv4 that ends inside TCP", false, TO_SERVICE, .length_error = -PAYLOAD_BYTES - 1},
	{"IPv4 that ends behind TCP", true, TO_SERVICE, .length_error = -PAYLOAD_BYTES},
	{"802.1Q tag", false, TO_SERVICE, .tag = 0x8100},
	{"802.1ad tag", false, TO_SERVICE, .tag = 0x88a8},

	{"TCP to the service, IPv6", true, TO_SERVICE6},
	{"another port, IPv6", false, CLIENT6, SERVICE6, 40000, 587},
	{"another address, IPv6", false, CLIENT6, "2001:db8::11", 40000, 25},
	{"UDP, IPv6", false, TO_SERVICE6, .protocol = PROTOCOL_UDP},
	{"hop-by-hop header, IPv6", false, TO_SERVICE6, .hop_by_hop = true},
	{"fragment header, IPv6", false, TO_SERVICE6, .protocol = PROTOCOL_FRAGMENT},
	{"IPv6 behind IPv4's ethertype", false, TO_SERVICE6, .ethertype = 0x0800},
	{"IPv6 longer than the frame", false, TO_SERVICE6, .length_error = 1},
	{"IPv6 that ends inside TCP", false, TO_SERVICE6, .length_error = -PAYLOAD_BYTES - 1},
	{"802.1Q tag, IPv6", false, TO_SERVICE6, .tag = 0x8100},
	{"an IPv4-mapped service on the wire", false, CLIENT6, "::ffff:" SERVICE, 40000, 25},
	{"an IPv4-mapped client on the wire", false, "::ffff:" CLIENT, SERVICE6, 40000, 25},

	{"the service answers the prober", true, SERVICE, PROBER, 25, 50000},
	{"the service answers a client", false, SERVICE, CLIENT, 25, 50000},
	{"another port answers the prober", false, SERVICE, PROBER, 26, 50000},
	{"another host answers the prober", false, "10.0.0.11", PROBER, 25, 50000},
	{"the service answers the prober, UDP", false, SERVICE, PROBER, 25, 50000,
	 .protocol = PROTOCOL_UDP},
	{"the service answers the prober, IPv6", true, SERVICE6, PROBER6, 25, 50000},
	{"the service answers a client, IPv6", false, SERVICE6, CLIENT6, 25, 50000},
};

static void takes_only_its_own(void)
{
	for (size_t i = 0; i < sizeof(recipes) / sizeof(recipes[0]); i++) {
		const struct frame frame = frame_of(&recipes[i]);

		expect_xdp(recipes[i].what, &frame, recipes[i].taken);
		expect_tc(recipes[i].what, &frame, recipes[i].taken);
	}
}

/* The kernel runs tc programs only on frames that hold the IP header their ethertype promises. */
static uint32_t shortest_for_tc(const struct frame *frame)
{
	const bool v6 = frame->bytes[12] == 0x86 && frame->bytes[13] == 0xdd;

	return ETHERNET_BYTES + (v6 ? IPV6_BYTES : IPV4_BYTES);
}

static void leaves_truncated_frames(void)
{
	for (size_t i = 0; i < sizeof(recipes) / sizeof(recipes[0]); i++) {
		struct frame frame = frame_of(&recipes[i]);
		const uint32_t whole = frame.length - recipes[i].padding;

		/* One that claims to be shorter than its frame is whole without the rest. */
		if (recipes[i].length_error < 0)
			continue;
		for (frame.length = ETHERNET_BYTES; frame.length < whole; frame.length++) {
			expect_xdp(recipes[i].what, &frame, false);
			if (frame.length >= shortest_for_tc(&frame))
				expect_tc(recipes[i].what, &frame, false);
		}
	}
}

static void leaves_queues_without_socket(void)
{
	const int map = bpf_map__fd(xdp->maps.xsks_map);
	const uint32_t queue = 0;
	const struct frame frame = frame_of(&recipes[0]);

	CU_ASSERT_EQUAL(bpf_map_delete_elem(map, &queue), 0);
	CU_ASSERT_EQUAL(run(xdp->progs.mailrail_steer, &frame), XDP_PASS);
	CU_ASSERT_EQUAL(bpf_map_update_elem(map, &queue, &xsk, BPF_ANY), 0);
	CU_ASSERT_EQUAL(run(xdp->progs.mailrail_steer, &frame), XDP_REDIRECT);
}

static struct steer_endpoint endpoint_of(const char *text, uint16_t port)
{
	struct steer_endpoint endpoint = {.port = htons(port)};

	if (inet_pton(AF_INET6, text, endpoint.address) == 1)
		return endpoint;
	memset(&endpoint.address[10], 0xff, 2);
	CU_ASSERT_EQUAL(inet_pton(AF_INET, text, &endpoint.address[12]), 1);
	return endpoint;
}

static void fill_maps(int services, int probe_sources)
{
	const struct steer_endpoint v4 = endpoint_of(SERVICE, 25);
	const struct steer_endpoint v6 = endpoint_of(SERVICE6, 25);
	const struct steer_endpoint prober4 = endpoint_of(PROBER, 0);
	const struct steer_endpoint prober6 = endpoint_of(PROBER6, 0);
	const uint8_t present = 1;

	CU_ASSERT_EQUAL(bpf_map_update_elem(services, &v4, &present, BPF_ANY), 0);
	CU_ASSERT_EQUAL(bpf_map_update_elem(services, &v6, &present, BPF_ANY), 0);
	CU_ASSERT_EQUAL(bpf_map_update_elem(probe_sources, prober4.address, &present, BPF_ANY), 0);
	CU_ASSERT_EQUAL(bpf_map_update_elem(probe_sources, prober6.address, &present, BPF_ANY), 0);
}

/* A socket with a receive ring is all that the map asks for; it is bound to nothing. */
static void open_xsk(void)
{
	const int entries = 64;
	const uint32_t queue = 0;

	xsk = socket(AF_XDP, SOCK_RAW, 0);
	CU_ASSERT_FATAL(xsk >= 0);
	CU_ASSERT_EQUAL_FATAL(setsockopt(xsk, SOL_XDP, XDP_RX_RING, &entries, sizeof(entries)), 0);
	CU_ASSERT_EQUAL_FATAL(
		bpf_map_update_elem(bpf_map__fd(xdp->maps.xsks_map), &queue, &xsk, BPF_ANY), 0);
}

static void passes_the_verifier(void)
{
	xdp = steer_xdp_bpf__open_and_load();
	CU_ASSERT_PTR_NOT_NULL_FATAL(xdp);
	tc = steer_tc_bpf__open_and_load();
	CU_ASSERT_PTR_NOT_NULL_FATAL(tc);
	fill_maps(bpf_map__fd(xdp->maps.services), bpf_map__fd(xdp->maps.probe_sources));
	fill_maps(bpf_map__fd(tc->maps.services), bpf_map__fd(tc->maps.probe_sources));
	open_xsk();
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(passes_the_verifier),
		UNIT_TEST(takes_only_its_own),
		UNIT_TEST(leaves_truncated_frames),
		UNIT_TEST(leaves_queues_without_socket),
		CU_TEST_INFO_NULL,
	};
	const int status = unit_run("steer", tests);

	close(xsk);
	steer_tc_bpf__destroy(tc);
	steer_xdp_bpf__destroy(xdp);
	return status;
}
