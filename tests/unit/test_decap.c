/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The decapsulator on frames, run by the kernel without an interface (BPF_PROG_TEST_RUN). The
 * frame that must come out is built without the tunnel, its checksum from scratch; every run
 * must count once, under its own verdict.
 */
#include <arpa/inet.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <bpf/bpf.h>

#include "../lib/unit.h"
#include "decap.skel.h"

#include "bpf/decap_keys.h"

#define ETHERNET_BYTES 14
#define IPV4_BYTES     20
#define IPV6_BYTES     40
#define UDP_BYTES      8
#define TCP_BYTES      20
#define PAYLOAD_BYTES  24

#define PROTOCOL_HOP_BY_HOP 0
#define PROTOCOL_ICMP	    1
#define PROTOCOL_IPIP	    4
#define PROTOCOL_TCP	    6
#define PROTOCOL_UDP	    17
#define PROTOCOL_IPV6	    41
#define PROTOCOL_ROUTING    43
#define PROTOCOL_FRAGMENT   44
#define PROTOCOL_GRE	    47
#define PROTOCOL_ICMPV6	    58
#define PROTOCOL_OPTIONS    60

#define NOT_ECT 0
#define ECT_1	1
#define ECT_0	2
#define CE	3

/* IPv4's unit is 8 bytes; so is IPv6's, above three bits of flags. */
#define MORE_FRAGMENTS	0x2000
#define DO_NOT_FRAGMENT 0x4000
#define V6_LATER	0x0010

#define BALANCER  "10.0.0.1"
#define SERVER	  "10.0.1.5"
#define BALANCER6 "2001:db8:1::1"
#define SERVER6	  "2001:db8:2::5"
#define CLIENT	  "192.0.2.7"
#define SERVICE	  "10.0.9.10"
#define CLIENT6	  "2001:db8:7::7"
#define SERVICE6  "2001:db8:9::10"
/* Allowed by themselves; BALANCER and BALANCER6 with all of their networks. */
#define SINGLE	"203.0.113.50"
#define SINGLE6 "2001:db8:3::50"
/* The bytes of BALANCER and SERVER at the front. */
#define LIKE_BALANCER "a00:1::"
#define LIKE_SERVER   "a00:105::"

#define EXTENSIONS_MAX 9

/* What a frame is made of: zero means as it should be. */
struct recipe {
	const char *what;
	enum decap_verdict verdict;
	bool outer_v6, inner_v6, gue;
	uint8_t tags;
	const char *from, *to; /* of the tunnel */
	uint16_t ethertype;
	uint8_t outer_version;
	uint8_t outer_protocol;
	uint8_t outer_option_words; /* IPv4 */
	uint8_t outer_ihl;	    /* IPv4 */
	uint16_t outer_fragment;    /* IPv4: flags and offset */
	uint16_t wrong_sum;	    /* added to the outer IPv4 header's */
	uint8_t outer_ecn;
	int outer_length_error; /* added to the outer IP header's length */
	uint16_t port;		/* UDP */
	int udp_length_error;
	uint8_t inner_version;
	uint8_t inner_protocol;
	uint8_t icmp_type;
	uint8_t inner_option_words;	    /* IPv4 */
	uint8_t inner_ihl;		    /* IPv4 */
	uint16_t inner_fragment;	    /* as in the header, or the extension header */
	uint8_t extensions[EXTENSIONS_MAX]; /* IPv6: in order */
	uint8_t extension_count;
	uint8_t inner_ecn, ecn_after;
	int inner_length_error;
	uint16_t payload_bytes;
	uint8_t padding; /* bytes behind the packet */
};

struct frame {
	uint8_t bytes[9600];
	uint32_t length;
};

static struct decap_bpf *decap;

/* --- frames */

static void put(struct frame *frame, const void *bytes, uint32_t length)
{
	CU_ASSERT_FATAL(frame->length + length <= sizeof(frame->bytes));
	memcpy(&frame->bytes[frame->length], bytes, length);
	frame->length += length;
}

static void put_8(struct frame *frame, uint8_t number)
{
	put(frame, &number, sizeof(number));
}

static void put_16(struct frame *frame, int number)
{
	const uint16_t network = htons((uint16_t)number);

	put(frame, &network, sizeof(network));
}

static void put_address(struct frame *frame, const char *text)
{
	uint8_t address[16];
	const int family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;

	CU_ASSERT_EQUAL_FATAL(inet_pton(family, text, address), 1);
	put(frame, address, family == AF_INET6 ? 16 : 4);
}

static void put_link(struct frame *frame, const struct recipe *recipe, bool is_v6)
{
	static const uint16_t tags[] = {0x88a8, 0x8100, 0x8100};
	const int count = recipe->tags < 3 ? recipe->tags : 3;

	put(frame, "\x02\0\0\0\0\x01\x02\0\0\0\0\x02", 12);
	for (int i = 0; i < count; i++) {
		put_16(frame, count == 1 ? 0x8100 : tags[i]);
		put_16(frame, 0xa064 + i); /* with a priority */
	}
	put_16(frame, is_v6 ? 0x86dd : 0x0800);
}

/* RFC 1071, of bytes from @at on. */
static uint16_t sum_of(const struct frame *frame, uint32_t at, uint32_t length)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < length; i += 2)
		sum += (uint32_t)frame->bytes[at + i] << 8 | frame->bytes[at + i + 1];
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

struct ipv4 {
	uint8_t version, ihl, option_words, tos, protocol;
	uint16_t fragment, wrong_sum;
	const char *source, *destination;
	int payload_bytes;
};

static void put_ipv4(struct frame *frame, const struct ipv4 *ip)
{
	const uint32_t at = frame->length;
	const uint8_t words = (uint8_t)(5 + ip->option_words);
	const uint8_t version = ip->version != 0 ? ip->version : 4;
	uint16_t sum;

	put_8(frame, (uint8_t)(version << 4 | (ip->ihl != 0 ? ip->ihl : words)));
	put_8(frame, ip->tos);
	put_16(frame, words * 4 + ip->payload_bytes);
	put_16(frame, 0x1234);
	put_16(frame, ip->fragment);
	put_8(frame, 63);
	put_8(frame, ip->protocol);
	put_16(frame, 0);
	put_address(frame, ip->source);
	put_address(frame, ip->destination);
	for (int i = 0; i < ip->option_words * 4; i++)
		put_8(frame, 1); /* no operation */
	sum = htons((uint16_t)(sum_of(frame, at, words * 4) + ip->wrong_sum));
	memcpy(&frame->bytes[at + 10], &sum, sizeof(sum));
}

struct ipv6 {
	uint8_t version, traffic_class, next;
	const char *source, *destination;
	int payload_bytes;
};

static void put_ipv6(struct frame *frame, const struct ipv6 *ip)
{
	const uint8_t version = ip->version != 0 ? ip->version : 6;

	put_16(frame, version << 12 | ip->traffic_class << 4 | 0xb);
	put_16(frame, 0xcdef);
	put_16(frame, ip->payload_bytes);
	put_8(frame, ip->next);
	put_8(frame, 63);
	put_address(frame, ip->source);
	put_address(frame, ip->destination);
}

static uint8_t icmp_of(const struct recipe *recipe)
{
	return recipe->inner_v6 ? PROTOCOL_ICMPV6 : PROTOCOL_ICMP;
}

static uint8_t inner_protocol_of(const struct recipe *recipe)
{
	if (recipe->icmp_type != 0)
		return icmp_of(recipe);
	return recipe->inner_protocol != 0 ? recipe->inner_protocol : PROTOCOL_TCP;
}

/* The same bytes stand for TCP, ICMP and the rest, but for ICMP's type in front. */
static void put_inner_payload(struct frame *frame, const struct recipe *recipe)
{
	const uint32_t at = frame->length;

	put(frame, "\x9c\x40\0\x19\x11\x22\x33\x44\x55\x66\x77\x88\x50\x10\xff\xff\xab\xcd\0\0",
	    TCP_BYTES);
	for (int i = 0; i < PAYLOAD_BYTES + recipe->payload_bytes; i++)
		put_8(frame, (uint8_t)(i * 7));
	if (recipe->icmp_type != 0)
		frame->bytes[at] = recipe->icmp_type;
}

/* Destination options are longer than the shortest. */
static uint8_t extension_bytes(uint8_t kind)
{
	return kind == PROTOCOL_OPTIONS ? 16 : 8;
}

static void put_extension(struct frame *frame, const struct recipe *recipe, uint8_t index)
{
	const uint8_t kind = recipe->extensions[index];
	const bool is_last = index + 1 == recipe->extension_count;

	put_8(frame, is_last ? inner_protocol_of(recipe) : recipe->extensions[index + 1]);
	if (kind == PROTOCOL_FRAGMENT) {
		put_8(frame, 0);
		put_16(frame, recipe->inner_fragment);
		put(frame, "\x55\x66\x77\x88", 4);
	} else {
		put_8(frame, extension_bytes(kind) / 8 - 1);
		for (int i = 2; i < extension_bytes(kind); i++)
			put_8(frame, 0);
	}
}

#define INNER_DSCP 0x28
#define OUTER_DSCP 0xb8

static void put_inner_v6(struct frame *frame, const struct recipe *recipe, uint8_t ecn)
{
	struct ipv6 ip = {
		.version = recipe->inner_version,
		.traffic_class = INNER_DSCP | ecn,
		.next = recipe->extension_count > 0 ? recipe->extensions[0]
						    : inner_protocol_of(recipe),
		.source = CLIENT6,
		.destination = SERVICE6,
		.payload_bytes = TCP_BYTES + PAYLOAD_BYTES + recipe->payload_bytes +
				 recipe->inner_length_error,
	};

	for (uint8_t i = 0; i < recipe->extension_count; i++)
		ip.payload_bytes += extension_bytes(recipe->extensions[i]);
	put_ipv6(frame, &ip);
	for (uint8_t i = 0; i < recipe->extension_count; i++)
		put_extension(frame, recipe, i);
}

static void put_inner(struct frame *frame, const struct recipe *recipe, uint8_t ecn)
{
	const struct ipv4 ip = {
		.version = recipe->inner_version,
		.ihl = recipe->inner_ihl,
		.option_words = recipe->inner_option_words,
		.tos = INNER_DSCP | ecn,
		.protocol = inner_protocol_of(recipe),
		.fragment = recipe->inner_fragment,
		.source = CLIENT,
		.destination = SERVICE,
		.payload_bytes = TCP_BYTES + PAYLOAD_BYTES + recipe->payload_bytes +
				 recipe->inner_length_error,
	};

	if (recipe->inner_v6)
		put_inner_v6(frame, recipe, ecn);
	else
		put_ipv4(frame, &ip);
	put_inner_payload(frame, recipe);
}

static uint8_t outer_protocol_of(const struct recipe *recipe)
{
	if (recipe->outer_protocol != 0)
		return recipe->outer_protocol;
	if (recipe->gue)
		return PROTOCOL_UDP;
	return recipe->inner_v6 ? PROTOCOL_IPV6 : PROTOCOL_IPIP;
}

static void put_outer_ip(struct frame *frame, const struct recipe *recipe, int payload_bytes)
{
	const char *balancer = recipe->outer_v6 ? BALANCER6 : BALANCER;
	const char *server = recipe->outer_v6 ? SERVER6 : SERVER;
	const char *source = recipe->from != NULL ? recipe->from : balancer;
	const char *destination = recipe->to != NULL ? recipe->to : server;

	if (recipe->outer_v6)
		put_ipv6(frame, &(struct ipv6){.version = recipe->outer_version,
					       .traffic_class = OUTER_DSCP | recipe->outer_ecn,
					       .next = outer_protocol_of(recipe),
					       .source = source,
					       .destination = destination,
					       .payload_bytes = payload_bytes});
	else
		put_ipv4(frame, &(struct ipv4){.version = recipe->outer_version,
					       .ihl = recipe->outer_ihl,
					       .option_words = recipe->outer_option_words,
					       .tos = OUTER_DSCP | recipe->outer_ecn,
					       .protocol = outer_protocol_of(recipe),
					       .fragment = recipe->outer_fragment,
					       .wrong_sum = recipe->wrong_sum,
					       .source = source,
					       .destination = destination,
					       .payload_bytes = payload_bytes});
}

/* The outer headers of a tunnel that carries @inner_bytes. */
static void put_outer(struct frame *frame, const struct recipe *recipe, uint32_t inner_bytes)
{
	const int udp_bytes = (int)(UDP_BYTES + inner_bytes);

	put_outer_ip(frame, recipe,
		     (recipe->gue ? udp_bytes : (int)inner_bytes) + recipe->outer_length_error);
	if (!recipe->gue)
		return;
	put_16(frame, 50123);
	put_16(frame, recipe->port != 0 ? recipe->port : DECAP_GUE_PORT);
	put_16(frame, udp_bytes + recipe->udp_length_error);
	put_16(frame, 0);
}

static void pad(struct frame *frame, const struct recipe *recipe)
{
	for (int i = 0; i < recipe->padding; i++)
		put_8(frame, 0xee);
}

/* @inner_bytes: what the tunnel has of the inner packet, when it is less than all. */
static void tunnelled(const struct recipe *recipe, uint32_t inner_bytes, struct frame *out)
{
	static struct frame inner;

	inner.length = 0;
	put_inner(&inner, recipe, recipe->inner_ecn);
	if (inner_bytes > inner.length)
		inner_bytes = inner.length;
	out->length = 0;
	put_link(out, recipe, recipe->outer_v6);
	put_outer(out, recipe, inner_bytes);
	put(out, inner.bytes, inner_bytes);
	pad(out, recipe);
	if (recipe->ethertype != 0) {
		out->bytes[12] = recipe->ethertype >> 8;
		out->bytes[13] = recipe->ethertype & 0xff;
	}
}

static void plain(const struct recipe *recipe, struct frame *out)
{
	out->length = 0;
	put_link(out, recipe, recipe->inner_v6);
	put_inner(out, recipe, recipe->ecn_after);
	pad(out, recipe);
}

/* --- running */

static void read_counts(struct decap_count counts[DECAP_VERDICT_COUNT])
{
	const int cpus = libbpf_num_possible_cpus();
	struct decap_count *per_cpu = calloc((size_t)cpus, sizeof(*per_cpu));

	CU_ASSERT_PTR_NOT_NULL_FATAL(per_cpu);
	memset(counts, 0, DECAP_VERDICT_COUNT * sizeof(*counts));
	for (uint32_t i = 0; i < DECAP_VERDICT_COUNT; i++) {
		CU_ASSERT_EQUAL_FATAL(
			bpf_map_lookup_elem(bpf_map__fd(decap->maps.counters), &i, per_cpu), 0);
		for (int cpu = 0; cpu < cpus; cpu++) {
			counts[i].packets += per_cpu[cpu].packets;
			counts[i].bytes += per_cpu[cpu].bytes;
		}
	}
	free(per_cpu);
}

static bool counted_once(const struct decap_count *before, enum decap_verdict verdict,
			 uint32_t bytes)
{
	struct decap_count after[DECAP_VERDICT_COUNT];
	bool right = true;

	read_counts(after);
	for (uint32_t i = 0; i < DECAP_VERDICT_COUNT; i++) {
		const uint64_t packets = after[i].packets - before[i].packets;
		const bool is_it = i == verdict;

		if (packets == (is_it ? 1 : 0) &&
		    after[i].bytes - before[i].bytes == (is_it ? bytes : 0))
			continue;
		right = false;
		if (packets != 0)
			printf("\n    counted under verdict %u, not %u", i, (uint32_t)verdict);
	}
	return right;
}

static bool is_same(const struct frame *a, const struct frame *b)
{
	return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

static void expect(const char *what, const struct frame *in, enum decap_verdict verdict,
		   const struct frame *wanted)
{
	static struct frame out;
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = in->bytes, .data_size_in = in->length,
		    .data_out = out.bytes, .data_size_out = sizeof(out.bytes), .repeat = 1);
	struct decap_count before[DECAP_VERDICT_COUNT];
	const uint32_t action = verdict == DECAP_ECN ? XDP_DROP : XDP_PASS;
	bool right;

	read_counts(before);
	CU_ASSERT_EQUAL_FATAL(
		bpf_prog_test_run_opts(bpf_program__fd(decap->progs.mailrail_decap), &options), 0);
	out.length = options.data_size_out;
	right = options.retval == action && counted_once(before, verdict, in->length);
	if (verdict != DECAP_ECN && !is_same(&out, wanted)) {
		printf("\n    %u bytes come out, should be %u", out.length, wanted->length);
		right = false;
	}
	if (!right)
		printf("\n    ^ %s, %u bytes: action %u\n", what, in->length, options.retval);
	CU_ASSERT(right);
}

static bool is_decapsulated(const struct recipe *recipe)
{
	return recipe->verdict <= DECAP_GUE_6IN6;
}

static void expect_recipe(const struct recipe *recipe)
{
	static struct frame in, wanted;

	tunnelled(recipe, UINT32_MAX, &in);
	plain(recipe, &wanted);
	expect(recipe->what, &in, recipe->verdict, is_decapsulated(recipe) ? &wanted : &in);
}

/* --- what must become of which */

#define V4_IN_V4     .outer_v6 = false, .inner_v6 = false
#define V6_IN_V4     .inner_v6 = true
#define V4_IN_V6     .outer_v6 = true
#define V6_IN_V6     .outer_v6 = true, .inner_v6 = true
#define GUE	     .gue = true
#define EXTENSION(x) .extensions = {x}, .extension_count = 1

static const struct recipe recipes[] = {
	{"IPv4 in IPv4", DECAP_IPIP_4IN4, V4_IN_V4},
	{"IPv6 in IPv4", DECAP_IPIP_6IN4, V6_IN_V4},
	{"IPv4 in IPv6", DECAP_IPIP_4IN6, V4_IN_V6},
	{"IPv6 in IPv6", DECAP_IPIP_6IN6, V6_IN_V6},
	{"GUE, IPv4 in IPv4", DECAP_GUE_4IN4, GUE, V4_IN_V4},
	{"GUE, IPv6 in IPv4", DECAP_GUE_6IN4, GUE, V6_IN_V4},
	{"GUE, IPv4 in IPv6", DECAP_GUE_4IN6, GUE, V4_IN_V6},
	{"GUE, IPv6 in IPv6", DECAP_GUE_6IN6, GUE, V6_IN_V6},

	{"one tag", DECAP_IPIP_4IN4, .tags = 1},
	{"two tags", DECAP_IPIP_4IN4, .tags = 2},
	{"one tag, 6 in 4", DECAP_IPIP_6IN4, V6_IN_V4, .tags = 1},
	{"two tags, 4 in 6", DECAP_IPIP_4IN6, V4_IN_V6, .tags = 2},
	{"two tags, GUE, 6 in 6", DECAP_GUE_6IN6, GUE, V6_IN_V6, .tags = 2},
	{"three tags", DECAP_NO_TUNNEL, .tags = 3},

	{"Ethernet padding", DECAP_IPIP_4IN4, .padding = 6},
	{"Ethernet padding, GUE", DECAP_GUE_6IN4, GUE, V6_IN_V4, .padding = 6},
	{"the tunnel must not be fragmented", DECAP_IPIP_4IN4, .outer_fragment = DO_NOT_FRAGMENT},
	{"a full frame", DECAP_GUE_4IN4, GUE, .payload_bytes = 1400},
	{"a jumbo frame, not linear", DECAP_IPIP_6IN6, V6_IN_V6, .payload_bytes = 8900},
	{"a jumbo frame, GUE", DECAP_GUE_4IN6, GUE, V4_IN_V6, .payload_bytes = 8900},
	{"the inner packet is shorter than its room", DECAP_IPIP_4IN4, .inner_length_error = -4},
	{"the same, IPv6", DECAP_GUE_6IN4, GUE, V6_IN_V4, .inner_length_error = -4},

	{"the last source of the prefix", DECAP_IPIP_4IN4, .from = "10.0.0.255"},
	{"the last source of the prefix, IPv6", DECAP_IPIP_4IN6, V4_IN_V6,
	 .from = "2001:db8:1::ffff:ffff:ffff:ffff"},
	{"a source by itself", DECAP_IPIP_4IN4, .from = SINGLE},
	{"a source by itself, IPv6", DECAP_IPIP_4IN6, V4_IN_V6, .from = SINGLE6},
	{"a source beside it", DECAP_FOREIGN_SOURCE, .from = "203.0.113.51"},
	{"a source beside it, IPv6", DECAP_FOREIGN_SOURCE, V4_IN_V6, .from = "2001:db8:3::51"},
	{"a source beside the prefix", DECAP_FOREIGN_SOURCE, .from = "10.0.1.0"},
	{"a source beside the prefix, GUE", DECAP_FOREIGN_SOURCE, GUE, .from = "9.255.255.255"},
	{"a source beside the prefix, IPv6", DECAP_FOREIGN_SOURCE, V4_IN_V6,
	 .from = "2001:db8:1:1::1"},
	{"an IPv6 source that begins like the IPv4 one", DECAP_FOREIGN_SOURCE, V4_IN_V6,
	 .from = LIKE_BALANCER},
	{"another destination", DECAP_FOREIGN_DESTINATION, .to = "10.0.1.6"},
	{"another destination, GUE", DECAP_FOREIGN_DESTINATION, GUE, .to = SERVICE},
	{"another destination, IPv6", DECAP_FOREIGN_DESTINATION, V6_IN_V6, .to = "2001:db8:2::6"},
	{"an IPv6 destination that begins like the IPv4 one", DECAP_FOREIGN_DESTINATION, V4_IN_V6,
	 .to = LIKE_SERVER},

	{"TCP", DECAP_NO_TUNNEL, .outer_protocol = PROTOCOL_TCP},
	{"TCP, IPv6", DECAP_NO_TUNNEL, V4_IN_V6, .outer_protocol = PROTOCOL_TCP},
	{"GRE", DECAP_NO_TUNNEL, .outer_protocol = PROTOCOL_GRE},
	{"ARP", DECAP_NO_TUNNEL, .ethertype = 0x0806},
	{"IPv4 that says version 6", DECAP_NO_TUNNEL, .outer_version = 6},
	{"IPv6 that says version 4", DECAP_NO_TUNNEL, V4_IN_V6, .outer_version = 4},
	{"UDP to another port", DECAP_OTHER_PORT, GUE, .port = 6081},
	{"UDP to the port with its bytes swapped", DECAP_OTHER_PORT, GUE, V4_IN_V6, .port = 0xc017},

	{"the first fragment of a tunnel", DECAP_FRAGMENT, .outer_fragment = MORE_FRAGMENTS},
	{"a later one", DECAP_FRAGMENT, .outer_fragment = MORE_FRAGMENTS | 1},
	{"the last one", DECAP_FRAGMENT, GUE, .outer_fragment = 0x1fff},
	{"a fragment, IPv6", DECAP_FRAGMENT, V4_IN_V6, .outer_protocol = PROTOCOL_FRAGMENT},
	{"options", DECAP_OPTIONS, .outer_option_words = 1},
	{"all the options there can be, GUE", DECAP_OPTIONS, GUE, .outer_option_words = 10},
	{"a destination options header", DECAP_OPTIONS, V4_IN_V6,
	 .outer_protocol = PROTOCOL_OPTIONS},
	{"a routing header", DECAP_OPTIONS, V4_IN_V6, .outer_protocol = PROTOCOL_ROUTING},
	{"a wrong checksum", DECAP_BAD_CHECKSUM, .wrong_sum = 1},
	{"a wrong checksum, GUE", DECAP_BAD_CHECKSUM, GUE, .wrong_sum = 0x100},

	{"a header shorter than it can be", DECAP_TRUNCATED, .outer_ihl = 4},
	{"longer than the frame", DECAP_TRUNCATED, .outer_length_error = 1},
	{"longer than the frame, IPv6", DECAP_TRUNCATED, V4_IN_V6, .outer_length_error = 1},
	{"longer than the frame, but for padding", DECAP_TRUNCATED, .outer_length_error = 7,
	 .padding = 6},
	{"shorter than what it carries", DECAP_TRUNCATED, .outer_length_error = -1},
	{"shorter than what it carries, IPv6", DECAP_TRUNCATED, V6_IN_V6, .outer_length_error = -1},
	{"shorter than UDP says", DECAP_TRUNCATED, GUE, .outer_length_error = -1},
	{"UDP longer than its packet", DECAP_TRUNCATED, GUE, .udp_length_error = 1},
	{"UDP shorter than what it carries", DECAP_TRUNCATED, GUE, .udp_length_error = -1},
	{"UDP shorter than its header", DECAP_TRUNCATED, GUE,
	 .udp_length_error = -(IPV4_BYTES + TCP_BYTES + PAYLOAD_BYTES) - 1},
	{"UDP without payload", DECAP_TRUNCATED, GUE,
	 .udp_length_error = -(IPV4_BYTES + TCP_BYTES + PAYLOAD_BYTES)},
	{"an inner header shorter than it can be", DECAP_TRUNCATED, .inner_ihl = 4},
	{"inner options longer than the packet", DECAP_TRUNCATED, .inner_ihl = 15,
	 .inner_length_error = -PAYLOAD_BYTES},
	{"an inner packet longer than its room", DECAP_TRUNCATED, .inner_length_error = 1},
	{"an inner packet longer than its room, IPv6", DECAP_TRUNCATED, V6_IN_V4,
	 .inner_length_error = 1},
	{"an inner packet longer than UDP, with padding", DECAP_TRUNCATED, GUE, V6_IN_V4,
	 .inner_length_error = 1, .padding = 6},
	{"an inner packet that ends inside TCP", DECAP_TRUNCATED,
	 .inner_length_error = -PAYLOAD_BYTES - 1},
	{"an inner packet that ends behind TCP", DECAP_IPIP_4IN4,
	 .inner_length_error = -PAYLOAD_BYTES},
	{"an inner packet that ends inside TCP, IPv6", DECAP_TRUNCATED, V6_IN_V4,
	 .inner_length_error = -PAYLOAD_BYTES - 1},
	{"an inner packet that ends behind TCP, IPv6", DECAP_IPIP_6IN4, V6_IN_V4,
	 .inner_length_error = -PAYLOAD_BYTES},
	{"an inner packet that ends inside ICMP", DECAP_TRUNCATED, .icmp_type = 3,
	 .inner_length_error = -(TCP_BYTES + PAYLOAD_BYTES) + 7},

	{"IPv6 where IPv4 is promised", DECAP_INNER_VERSION, V6_IN_V4,
	 .outer_protocol = PROTOCOL_IPIP},
	{"IPv4 where IPv6 is promised", DECAP_INNER_VERSION, V4_IN_V6,
	 .outer_protocol = PROTOCOL_IPV6},
	{"version 5", DECAP_INNER_VERSION, .inner_version = 5},
	{"GUE variant 1, version 5", DECAP_INNER_VERSION, GUE, .inner_version = 5},
	{"GUE variant 0", DECAP_INNER_VERSION, GUE, V4_IN_V6, .inner_version = 1},
	{"GUE variant 2", DECAP_INNER_VERSION, GUE, .inner_version = 8},

	{"inner options", DECAP_IPIP_4IN4, .inner_option_words = 10},
	{"inner options, GUE in IPv6", DECAP_GUE_4IN6, GUE, V4_IN_V6, .inner_option_words = 1},
	{"a first fragment inside", DECAP_IPIP_4IN4, .inner_fragment = MORE_FRAGMENTS},
	{"a later fragment inside", DECAP_GUE_4IN4, GUE, .inner_fragment = MORE_FRAGMENTS | 100},
	{"a last fragment inside, shorter than TCP", DECAP_IPIP_4IN6, V4_IN_V6,
	 .inner_fragment = 100, .inner_length_error = -(TCP_BYTES + PAYLOAD_BYTES) + 8},
	{"a later fragment of UDP inside", DECAP_INNER_PROTOCOL, .inner_fragment = 100,
	 .inner_protocol = PROTOCOL_UDP},
	{"a first fragment inside, IPv6", DECAP_IPIP_6IN4, V6_IN_V4, EXTENSION(PROTOCOL_FRAGMENT),
	 .inner_fragment = 1},
	{"a later fragment inside, IPv6", DECAP_GUE_6IN6, GUE, V6_IN_V6,
	 EXTENSION(PROTOCOL_FRAGMENT), .inner_fragment = V6_LATER,
	 .inner_length_error = -(TCP_BYTES + PAYLOAD_BYTES) + 8},
	{"a later fragment of UDP inside, IPv6", DECAP_INNER_PROTOCOL, V6_IN_V4,
	 EXTENSION(PROTOCOL_FRAGMENT), .inner_fragment = V6_LATER, .inner_protocol = PROTOCOL_UDP},
	{"a hop-by-hop header inside", DECAP_IPIP_6IN6, V6_IN_V6, EXTENSION(PROTOCOL_HOP_BY_HOP)},
	{"four headers inside", DECAP_GUE_6IN4, GUE, V6_IN_V4,
	 .extensions = {PROTOCOL_HOP_BY_HOP, PROTOCOL_OPTIONS, PROTOCOL_ROUTING, PROTOCOL_OPTIONS},
	 .extension_count = 4},
	{"as many headers inside as are looked at", DECAP_IPIP_6IN4, V6_IN_V4,
	 .extensions = {60, 60, 60, 60, 60, 60, 60, 60}, .extension_count = 8},
	{"one more", DECAP_INNER_PROTOCOL, V6_IN_V4,
	 .extensions = {60, 60, 60, 60, 60, 60, 60, 60, 60}, .extension_count = 9},
	{"a header inside that is longer than the packet", DECAP_TRUNCATED, V6_IN_V4,
	 EXTENSION(PROTOCOL_OPTIONS), .inner_length_error = -(TCP_BYTES + PAYLOAD_BYTES) - 1},
	{"UDP behind headers", DECAP_INNER_PROTOCOL, V6_IN_V6, EXTENSION(PROTOCOL_OPTIONS),
	 .inner_protocol = PROTOCOL_UDP},

	{"UDP inside", DECAP_INNER_PROTOCOL, .inner_protocol = PROTOCOL_UDP},
	{"UDP inside, IPv6", DECAP_INNER_PROTOCOL, GUE, V6_IN_V6, .inner_protocol = PROTOCOL_UDP},
	{"a tunnel inside", DECAP_NESTED, .inner_protocol = PROTOCOL_IPIP},
	{"a tunnel inside, GUE", DECAP_NESTED, GUE, .inner_protocol = PROTOCOL_IPV6},
	{"a tunnel inside, IPv6", DECAP_NESTED, V6_IN_V6, .inner_protocol = PROTOCOL_IPV6},
	{"a later fragment of a tunnel inside", DECAP_NESTED, .inner_fragment = 100,
	 .inner_protocol = PROTOCOL_IPIP},
	{"unreachable", DECAP_IPIP_4IN4, .icmp_type = 3},
	{"time exceeded, GUE", DECAP_GUE_4IN6, GUE, V4_IN_V6, .icmp_type = 11},
	{"parameter problem", DECAP_IPIP_4IN4, .icmp_type = 12},
	{"echo", DECAP_INNER_PROTOCOL, .icmp_type = 8},
	{"redirect", DECAP_INNER_PROTOCOL, .icmp_type = 5},
	{"a fragment of an error", DECAP_INNER_PROTOCOL, .icmp_type = 3,
	 .inner_fragment = MORE_FRAGMENTS},
	{"unreachable, IPv6", DECAP_IPIP_6IN4, V6_IN_V4, .icmp_type = 1},
	{"too big, GUE, IPv6", DECAP_GUE_6IN6, GUE, V6_IN_V6, .icmp_type = 2},
	{"parameter problem, IPv6", DECAP_IPIP_6IN6, V6_IN_V6, .icmp_type = 4},
	{"an unknown error, IPv6", DECAP_INNER_PROTOCOL, V6_IN_V6, .icmp_type = 5},
	{"router advertisement", DECAP_INNER_PROTOCOL, V6_IN_V4, .icmp_type = 134},
	{"ICMPv6 in IPv4", DECAP_INNER_PROTOCOL, .inner_protocol = PROTOCOL_ICMPV6},
	{"ICMP in IPv6", DECAP_INNER_PROTOCOL, V6_IN_V4, .inner_protocol = PROTOCOL_ICMP},
};

#define RECIPES (sizeof(recipes) / sizeof(recipes[0]))

static void takes_out_only_what_it_should(void)
{
	for (size_t i = 0; i < RECIPES; i++)
		expect_recipe(&recipes[i]);
}

/* However the frame was cut, all of it passes. */
static void passes_truncated_frames(void)
{
	static struct frame in;

	for (size_t i = 0; i < RECIPES; i++) {
		if (!is_decapsulated(&recipes[i]) || recipes[i].payload_bytes > 0)
			continue;
		tunnelled(&recipes[i], UINT32_MAX, &in);
		in.length -= recipes[i].padding;
		while (--in.length >= ETHERNET_BYTES)
			expect(recipes[i].what, &in, DECAP_TRUNCATED, &in);
	}
}

/* The tunnel is whole, what it carries is not. */
static void passes_truncated_packets(void)
{
	static struct frame inner, in;

	for (size_t i = 0; i < RECIPES; i++) {
		if (!is_decapsulated(&recipes[i]) || recipes[i].payload_bytes > 0 ||
		    recipes[i].inner_length_error < 0)
			continue;
		inner.length = 0;
		put_inner(&inner, &recipes[i], 0);
		for (uint32_t bytes = 0; bytes < inner.length; bytes++) {
			tunnelled(&recipes[i], bytes, &in);
			expect(recipes[i].what, &in, DECAP_TRUNCATED, &in);
		}
	}
}

/* RFC 6040, figure 4: by inner, then by outer codepoint. */
static void carries_congestion(void)
{
	static const uint8_t drop = 0xff;
	static const uint8_t codepoints[] = {NOT_ECT, ECT_0, ECT_1, CE};
	static const uint8_t after[4][4] = {
		{NOT_ECT, NOT_ECT, NOT_ECT, drop},
		{ECT_0, ECT_0, ECT_1, CE},
		{ECT_1, ECT_1, ECT_1, CE},
		{CE, CE, CE, CE},
	};

	for (uint32_t i = 0; i < 8 * 4 * 4; i++) {
		const uint8_t result = after[i / 4 % 4][i % 4];
		struct recipe recipe = recipes[i / 16];

		recipe.inner_ecn = codepoints[i / 4 % 4];
		recipe.outer_ecn = codepoints[i % 4];
		recipe.ecn_after = result;
		if (result == drop)
			recipe.verdict = DECAP_ECN;
		expect_recipe(&recipe);
	}
}

/* --- maps */

static struct decap_address address_of(const char *text)
{
	struct decap_address address = {.family = AF_INET};

	if (inet_pton(AF_INET, text, address.bytes) == 1)
		return address;
	address.family = AF_INET6;
	CU_ASSERT_EQUAL_FATAL(inet_pton(AF_INET6, text, address.bytes), 1);
	return address;
}

static void allow(const char *prefix, uint32_t bits)
{
	const struct decap_source source = {.prefix_bits = DECAP_FAMILY_BITS + bits,
					    .address = address_of(prefix)};
	const uint8_t present = 1;

	CU_ASSERT_EQUAL(
		bpf_map_update_elem(bpf_map__fd(decap->maps.sources), &source, &present, BPF_ANY),
		0);
}

static void listen_to(const char *text)
{
	const struct decap_address address = address_of(text);
	const uint8_t present = 1;

	CU_ASSERT_EQUAL(bpf_map_update_elem(bpf_map__fd(decap->maps.destinations), &address,
					    &present, BPF_ANY),
			0);
}

static void load(uint16_t gue_port)
{
	decap = decap_bpf__open();
	CU_ASSERT_PTR_NOT_NULL_FATAL(decap);
	decap->rodata->gue_port = htons(gue_port);
	CU_ASSERT_EQUAL_FATAL(decap_bpf__load(decap), 0);
	allow("10.0.0.0", 24);
	allow("2001:db8:1::", 64);
	allow(SINGLE, 32);
	allow(SINGLE6, 128);
	listen_to(SERVER);
	listen_to(SERVER6);
}

static void passes_the_verifier(void)
{
	load(DECAP_GUE_PORT);
}

static void everybody_of_one_family_is_not_everybody(void)
{
	static const struct recipe v4 = {"any IPv4 source", DECAP_IPIP_4IN4,
					 .from = "198.51.100.9"};
	static const struct recipe v6 = {"any IPv6 source", DECAP_FOREIGN_SOURCE, V4_IN_V6,
					 .from = LIKE_BALANCER};

	allow("0.0.0.0", 0);
	expect_recipe(&v4);
	expect_recipe(&v6);
}

static void another_port_can_be_told(void)
{
	static const struct recipe there = {"GUE there", DECAP_GUE_4IN4, GUE, .port = 5555};
	static const struct recipe here = {"GUE here", DECAP_OTHER_PORT, GUE};

	decap_bpf__destroy(decap);
	load(5555);
	expect_recipe(&there);
	expect_recipe(&here);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(passes_the_verifier),
		UNIT_TEST(takes_out_only_what_it_should),
		UNIT_TEST(passes_truncated_frames),
		UNIT_TEST(passes_truncated_packets),
		UNIT_TEST(carries_congestion),
		UNIT_TEST(everybody_of_one_family_is_not_everybody),
		UNIT_TEST(another_port_can_be_told),
		CU_TEST_INFO_NULL,
	};
	const int status = unit_run("decap", tests);

	decap_bpf__destroy(decap);
	return status;
}
