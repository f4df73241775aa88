/* SPDX-License-Identifier: BSD-3-Clause */
#include "steer_frames.h"

#include <arpa/inet.h>
#include <string.h>

#include <CUnit/CUnit.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf/steer_keys.h"

#define ETHERNET_BYTES 14
#define IPV4_BYTES     20
#define IPV6_BYTES     40
#define TCP_BYTES      20
#define ICMP_BYTES     8
#define PAYLOAD_BYTES  24
/* What an ICMP error quotes of TCP at least. */
#define TCP_QUOTE_BYTES 8

#define PROTOCOL_ICMP	1
#define PROTOCOL_TCP	6
#define PROTOCOL_UDP	17
#define PROTOCOL_GRE	47
#define PROTOCOL_ICMPV6 58

#define MORE_FRAGMENTS	0x2000
#define DO_NOT_FRAGMENT 0x4000

#define UNREACHABLE	  3
#define SOURCE_QUENCH	  4
#define REDIRECT	  5
#define ECHO_REQUEST	  8
#define TIME_EXCEEDED	  11
#define PARAMETER_PROBLEM 12

#define UNREACHABLE6	   1
#define TOO_BIG6	   2
#define TIME_EXCEEDED6	   3
#define PARAMETER_PROBLEM6 4
#define RESERVED_ERROR6	   5
#define ECHO_REQUEST6	   128

#define BROADCAST_MAC "\xff\xff\xff\xff\xff\xff"
#define GROUP_MAC     "\x33\x33\0\0\0\x01"

#define ROUTER	"198.51.100.1"
#define ROUTER6 "2001:db8:9::1"

/* Letters of a recipe, and what they stand for. */
static const struct extension_kind {
	char letter;
	uint8_t protocol;
	uint16_t bytes;
	uint8_t length; /* as the header says it */
	uint8_t third, fourth;
} extension_kinds[] = {
	{'h', 0, 8, 0, 1, 4},	     /* hop-by-hop options */
	{'d', 60, 8, 0, 1, 4},	     /* destination options */
	{'l', 60, 256, 31, 1, 253},  /* many of them: PadN */
	{'r', 43, 8, 0, 4, 0},	     /* routing, arrived */
	{'R', 43, 8, 0, 4, 1},	     /* routing, one segment left */
	{'a', 51, 24, 4, 0, 0},	     /* authentication */
	{'e', 50, 8, 0, 0, 0},	     /* encryption, which nobody looks behind */
	{'m', 135, 8, 0, 0, 0},	     /* mobility */
	{'f', 44, 8, 0, 0, 0},	     /* fragment that is the whole datagram */
	{'F', 44, 8, 0, 0, 1},	     /* first fragment */
	{'L', 44, 8, 0, 0, 9},	     /* later fragment, more to come */
	{'Z', 44, 8, 0, 0xff, 0xf8}, /* the last one there can be */
};

static void put(struct steer_frame *frame, const void *bytes, uint32_t length)
{
	memcpy(&frame->bytes[frame->length], bytes, length);
	frame->length += length;
}

static void put_zeros(struct steer_frame *frame, uint32_t count)
{
	memset(&frame->bytes[frame->length], 0, count);
	frame->length += count;
}

static void put_16(struct steer_frame *frame, uint16_t number)
{
	number = htons(number);
	put(frame, &number, sizeof(number));
}

static void put_address(struct steer_frame *frame, const char *text)
{
	const bool is_v6 = strchr(text, ':') != NULL;
	uint8_t address[16];

	CU_ASSERT_EQUAL_FATAL(inet_pton(is_v6 ? AF_INET6 : AF_INET, text, address), 1);
	put(frame, address, is_v6 ? 16 : 4);
}

static void set_16(struct steer_frame *frame, uint32_t offset, uint32_t number)
{
	const uint16_t big_endian = htons((uint16_t)number);

	memcpy(&frame->bytes[offset], &big_endian, sizeof(big_endian));
}

static bool is_v6(const struct steer_recipe *recipe)
{
	return strchr(recipe->destination, ':') != NULL;
}

static uint8_t protocol_of(const struct steer_recipe *recipe)
{
	if (recipe->protocol != 0)
		return recipe->protocol;
	if (recipe->quoted == NULL)
		return PROTOCOL_TCP;
	return is_v6(recipe) ? PROTOCOL_ICMPV6 : PROTOCOL_ICMP;
}

static const struct extension_kind *extension_kind(char letter)
{
	for (size_t i = 0; i < sizeof(extension_kinds) / sizeof(extension_kinds[0]); i++)
		if (extension_kinds[i].letter == letter)
			return &extension_kinds[i];
	CU_FAIL_FATAL("a letter for no extension header");
	return NULL;
}

/* What header does the chain from @letters on begin with? */
static uint8_t chain_protocol(const char *letters, uint8_t protocol)
{
	return *letters != '\0' ? extension_kind(*letters)->protocol : protocol;
}

static void put_extensions(struct steer_frame *frame, const char *letters, uint8_t protocol)
{
	for (; *letters != '\0'; letters++) {
		const struct extension_kind *kind = extension_kind(*letters);
		const uint8_t head[] = {chain_protocol(letters + 1, protocol), kind->length,
					kind->third, kind->fourth};

		put(frame, head, sizeof(head));
		put_zeros(frame, kind->bytes - sizeof(head));
		if (*letters == 'L' || *letters == 'Z')
			break;
	}
}

static void put_header_v4(struct steer_frame *frame, const struct steer_recipe *recipe)
{
	const uint8_t words = 5 + recipe->option_words;
	const uint8_t no_operation = 1;

	put(frame,
	    recipe->version_and_ihl != 0 ? &recipe->version_and_ihl : &(uint8_t){0x40 | words}, 1);
	put_zeros(frame, 5);
	put_16(frame, recipe->fragment);
	put(frame, "\x40", 1);
	put(frame, &(uint8_t){protocol_of(recipe)}, 1);
	put_16(frame, 0);
	put_address(frame, recipe->source);
	put_address(frame, recipe->destination);
	for (int i = 0; i < recipe->option_words * 4; i++)
		put(frame, &no_operation, 1);
}

static void put_header_v6(struct steer_frame *frame, const struct steer_recipe *recipe)
{
	const char *extensions = recipe->extensions != NULL ? recipe->extensions : "";
	const uint8_t next = chain_protocol(extensions, protocol_of(recipe));

	put(frame, recipe->version != 0 ? &recipe->version : &(uint8_t){0x60}, 1);
	put_zeros(frame, 5);
	put(frame, &next, 1);
	put(frame, "\x40", 1);
	put_address(frame, recipe->source);
	put_address(frame, recipe->destination);
	put_extensions(frame, extensions, protocol_of(recipe));
}

static bool is_fragment(const struct steer_recipe *recipe)
{
	return (recipe->fragment & ~DO_NOT_FRAGMENT) != 0 ||
	       (recipe->extensions != NULL && strpbrk(recipe->extensions, "FLZ") != NULL);
}

/* The same bytes stand for TCP, UDP and the rest: only ports are looked at. */
static void put_segment(struct steer_frame *frame, const struct steer_recipe *recipe)
{
	static const uint8_t tcp_rest[TCP_BYTES - 4] = {[8] = 0x50, [9] = 0x02};

	put_16(frame, recipe->source_port);
	put_16(frame, recipe->destination_port);
	put(frame, tcp_rest, sizeof(tcp_rest));
	put_zeros(frame, PAYLOAD_BYTES);
}

static void put_packet(struct steer_frame *frame, const struct steer_recipe *recipe, bool is_quoted)
{
	const uint32_t start = frame->length;
	uint32_t bytes;

	if (is_v6(recipe))
		put_header_v6(frame, recipe);
	else
		put_header_v4(frame, recipe);
	frame->needed = frame->length;
	if (recipe->quoted != NULL) {
		put(frame, &recipe->icmp_type, 1);
		put_zeros(frame, ICMP_BYTES - 1);
		put_packet(frame, recipe->quoted, true);
	} else {
		if (is_quoted || !is_fragment(recipe))
			frame->needed += is_quoted ? TCP_QUOTE_BYTES : TCP_BYTES;
		put_segment(frame, recipe);
	}
	bytes = frame->length - start + (uint32_t)recipe->length_error;
	if (is_v6(recipe))
		set_16(frame, start + 4, bytes - IPV6_BYTES);
	else
		set_16(frame, start + 2, bytes);
}

struct steer_frame steer_frame_of(const struct steer_recipe *recipe)
{
	const uint16_t by_family = is_v6(recipe) ? 0x86dd : 0x0800;
	struct steer_frame frame = {.is_v6 = is_v6(recipe)};

	put(&frame, recipe->mac != NULL ? recipe->mac : STEER_OUR_MAC, 6);
	put(&frame, "\x02\0\0\0\0\x02", 6);
	for (int i = 0; i < STEER_RECIPE_TAGS && recipe->tags[i].type != 0; i++) {
		put_16(&frame, recipe->tags[i].type);
		put_16(&frame, recipe->tags[i].tci);
	}
	put_16(&frame, recipe->ethertype != 0 ? recipe->ethertype : by_family);
	frame.l3_offset = frame.length;
	put_packet(&frame, recipe, false);
	put_zeros(&frame, recipe->padding);
	return frame;
}

void steer_frame_fit(struct steer_frame *frame)
{
	const uint32_t bytes = frame->length - frame->l3_offset;

	if (frame->is_v6)
		set_16(frame, frame->l3_offset + 4, bytes - IPV6_BYTES);
	else
		set_16(frame, frame->l3_offset + 2, bytes);
}

#define ENDS(from, from_port, to, to_port)                                 \
	.source = (from), .source_port = (from_port), .destination = (to), \
	.destination_port = (to_port)
#define TO_SERVICE    ENDS(STEER_CLIENT, 40000, STEER_SERVICE, 25)
#define TO_SERVICE6   ENDS(STEER_CLIENT6, 40000, STEER_SERVICE6, 25)
#define FROM_SERVICE  ENDS(STEER_SERVICE, 25, STEER_CLIENT, 40000)
#define FROM_SERVICE6 ENDS(STEER_SERVICE6, 25, STEER_CLIENT6, 40000)
#define FROM_BACKEND  ENDS(STEER_BACKEND, 25, STEER_CLIENT, 40000)
#define FROM_BACKEND6 ENDS(STEER_BACKEND6, 25, STEER_CLIENT6, 40000)
#define TO_BACKEND    ENDS(STEER_CLIENT, 40000, STEER_BACKEND, 25)
#define TO_BACKEND6   ENDS(STEER_CLIENT6, 40000, STEER_BACKEND6, 25)

#define PACKET(...) (&(const struct steer_recipe){__VA_ARGS__})
/* What a router sends to the sender of the packet that it quotes. */
#define ERROR(to, type, ...) \
	ENDS(ROUTER, 0, to, 0), .icmp_type = (type), .quoted = PACKET(__VA_ARGS__)
#define ERROR6(to, type, ...) \
	ENDS(ROUTER6, 0, to, 0), .icmp_type = (type), .quoted = PACKET(__VA_ARGS__)

static const struct steer_recipe recipes[] = {
	{"TCP to the service", true, TO_SERVICE},
	{"with one word of IP options", true, TO_SERVICE, .option_words = 1},
	{"with all the IP options there can be", true, TO_SERVICE, .option_words = 10},
	{"with Ethernet padding", true, TO_SERVICE, .padding = 6},
	{"do not fragment", true, TO_SERVICE, .fragment = DO_NOT_FRAGMENT},
	{"another port", false, ENDS(STEER_CLIENT, 40000, STEER_SERVICE, 26)},
	{"the port's bytes swapped", false, ENDS(STEER_CLIENT, 40000, STEER_SERVICE, 25 << 8)},
	{"another address", false, ENDS(STEER_CLIENT, 40000, "10.0.0.11", 25)},
	{"UDP", false, TO_SERVICE, .protocol = PROTOCOL_UDP},
	{"GRE", false, TO_SERVICE, .protocol = PROTOCOL_GRE},
	{"ARP", false, TO_SERVICE, .ethertype = 0x0806},
	{"IP header shorter than it can be", false, TO_SERVICE, .version_and_ihl = 0x44},
	{"IPv4 that says version 6", false, TO_SERVICE, .version_and_ihl = 0x65},
	{"IPv4 behind IPv6's ethertype", false, TO_SERVICE, .ethertype = 0x86dd},
	{"IPv4 longer than the frame", false, TO_SERVICE, .length_error = 1},
	{"IPv4 that ends inside TCP", false, TO_SERVICE, .length_error = -PAYLOAD_BYTES - 1},
	{"IPv4 that ends behind TCP", true, TO_SERVICE, .length_error = -PAYLOAD_BYTES},
	{"to everybody on the link", false, TO_SERVICE, .mac = BROADCAST_MAC},
	{"to a group on the link", false, TO_SERVICE, .mac = GROUP_MAC},

	{"TCP to the service, IPv6", true, TO_SERVICE6},
	{"another port, IPv6", false, ENDS(STEER_CLIENT6, 40000, STEER_SERVICE6, 587)},
	{"another address, IPv6", false, ENDS(STEER_CLIENT6, 40000, "2001:db8::11", 25)},
	{"UDP, IPv6", false, TO_SERVICE6, .protocol = PROTOCOL_UDP},
	{"IPv6 that says version 4", false, TO_SERVICE6, .version = 0x40},
	{"IPv6 behind IPv4's ethertype", false, TO_SERVICE6, .ethertype = 0x0800},
	{"IPv6 longer than the frame", false, TO_SERVICE6, .length_error = 1},
	{"IPv6 that ends inside TCP", false, TO_SERVICE6, .length_error = -PAYLOAD_BYTES - 1},
	{"IPv6 that ends behind TCP", true, TO_SERVICE6, .length_error = -PAYLOAD_BYTES},
	{"an IPv4-mapped service on the wire", false,
	 ENDS(STEER_CLIENT6, 40000, "::ffff:" STEER_SERVICE, 25)},
	{"an IPv4-mapped client on the wire", false,
	 ENDS("::ffff:" STEER_CLIENT, 40000, STEER_SERVICE6, 25)},

	{"hop-by-hop options", true, TO_SERVICE6, .extensions = "h"},
	{"destination options", true, TO_SERVICE6, .extensions = "d"},
	{"routing header without segments left", true, TO_SERVICE6, .extensions = "r"},
	{"authentication header", true, TO_SERVICE6, .extensions = "a"},
	{"fragment header of a whole datagram", true, TO_SERVICE6, .extensions = "f"},
	{"all of them", true, TO_SERVICE6, .extensions = "hdrfad"},
	{"as many as are looked behind", true, TO_SERVICE6, .extensions = "hddddddd"},
	{"one more than is looked behind", false, TO_SERVICE6, .extensions = "hdddddddd"},
	{"as many bytes as are looked behind", true, TO_SERVICE6, .extensions = "ll"},
	{"more bytes than are looked behind", false, TO_SERVICE6, .extensions = "lld"},
	{"hop-by-hop options that are not the first", false, TO_SERVICE6, .extensions = "dh"},
	{"routing header with a segment left", false, TO_SERVICE6, .extensions = "R"},
	{"routing header with a segment left behind others", false, TO_SERVICE6,
	 .extensions = "hdR"},
	{"encryption", false, TO_SERVICE6, .extensions = "e"},
	{"mobility header", false, TO_SERVICE6, .extensions = "m"},
	{"another port behind options", false, ENDS(STEER_CLIENT6, 40000, STEER_SERVICE6, 26),
	 .extensions = "hd"},
	{"UDP behind options", false, TO_SERVICE6, .extensions = "hd", .protocol = PROTOCOL_UDP},
	{"options of an IPv6 that ends inside them", false, TO_SERVICE6, .extensions = "l",
	 .length_error = -PAYLOAD_BYTES - TCP_BYTES - 8},

	{"first fragment", true, TO_SERVICE, .fragment = MORE_FRAGMENTS},
	{"middle fragment", true, TO_SERVICE, .fragment = MORE_FRAGMENTS | 1},
	{"last fragment", true, TO_SERVICE, .fragment = 0x1fff},
	{"last fragment with options", true, TO_SERVICE, .fragment = 9, .option_words = 2},
	{"fragment to another port", true, ENDS(STEER_CLIENT, 1, STEER_SERVICE, 2), .fragment = 9},
	{"fragment of UDP", false, TO_SERVICE, .fragment = 9, .protocol = PROTOCOL_UDP},
	{"fragment of ICMP", false, TO_SERVICE, .fragment = 9, .protocol = PROTOCOL_ICMP},
	{"fragment to another address", false, ENDS(STEER_CLIENT, 40000, "10.0.0.11", 25),
	 .fragment = 9},
	{"fragment from the service", false, FROM_SERVICE, .fragment = 9},
	{"fragment from a nat backend", true, FROM_BACKEND, .fragment = 9},
	{"fragment to a nat backend", false, TO_BACKEND, .fragment = 9},
	{"fragment of what IPv6 calls options", false, TO_SERVICE, .fragment = 9, .protocol = 60},
	{"fragment with too short a header", false, TO_SERVICE, .fragment = 9,
	 .version_and_ihl = 0x44},
	{"fragment longer than the frame", false, TO_SERVICE, .fragment = 9, .length_error = 1},

	{"first fragment, IPv6", true, TO_SERVICE6, .extensions = "F"},
	{"later fragment, IPv6", true, TO_SERVICE6, .extensions = "L"},
	{"last fragment, IPv6", true, TO_SERVICE6, .extensions = "Z"},
	{"fragments behind and before options", true, TO_SERVICE6, .extensions = "hrFd"},
	{"later fragment of a datagram with options", true, TO_SERVICE6, .extensions = "hrLd"},
	{"later fragment of encrypted datagram", false, TO_SERVICE6, .extensions = "Le"},
	{"first fragment of UDP, IPv6", false, TO_SERVICE6, .extensions = "F",
	 .protocol = PROTOCOL_UDP},
	{"later fragment of UDP, IPv6", false, TO_SERVICE6, .extensions = "L",
	 .protocol = PROTOCOL_UDP},
	{"later fragment of ICMP, IPv6", false, TO_SERVICE6, .extensions = "L",
	 .protocol = PROTOCOL_ICMPV6},
	{"fragment to another address, IPv6", false, ENDS(STEER_CLIENT6, 40000, "2001:db8::11", 25),
	 .extensions = "L"},
	{"fragment from a nat backend, IPv6", true, FROM_BACKEND6, .extensions = "L"},
	{"fragment to a nat backend, IPv6", false, TO_BACKEND6, .extensions = "L"},

	{"the service answers the prober", true, ENDS(STEER_SERVICE, 25, STEER_PROBER, 50000)},
	{"the service answers a client", false, FROM_SERVICE},
	{"another port answers the prober", false, ENDS(STEER_SERVICE, 26, STEER_PROBER, 50000)},
	{"another host answers the prober", false, ENDS("10.0.0.11", 25, STEER_PROBER, 50000)},
	{"the service answers the prober, UDP", false, ENDS(STEER_SERVICE, 25, STEER_PROBER, 50000),
	 .protocol = PROTOCOL_UDP},
	{"the service answers the prober, IPv6", true,
	 ENDS(STEER_SERVICE6, 25, STEER_PROBER6, 50000)},
	{"the service answers a client, IPv6", false, FROM_SERVICE6},

	{"a nat backend answers a client", true, FROM_BACKEND},
	{"a nat backend answers the prober", true, ENDS(STEER_BACKEND, 25, STEER_PROBER, 50000)},
	{"a nat backend's other port", false, ENDS(STEER_BACKEND, 22, STEER_CLIENT, 40000)},
	{"another host than a nat backend", false, ENDS("10.0.1.6", 25, STEER_CLIENT, 40000)},
	{"to a nat backend", false, TO_BACKEND},
	{"a nat backend, UDP", false, FROM_BACKEND, .protocol = PROTOCOL_UDP},
	{"a nat backend answers a client, IPv6", true, FROM_BACKEND6},
	{"a nat backend's other port, IPv6", false, ENDS(STEER_BACKEND6, 22, STEER_CLIENT6, 40000)},

	{"unreachable", true, ERROR(STEER_SERVICE, UNREACHABLE, FROM_SERVICE)},
	{"time exceeded", true, ERROR(STEER_SERVICE, TIME_EXCEEDED, FROM_SERVICE)},
	{"parameter problem", true, ERROR(STEER_SERVICE, PARAMETER_PROBLEM, FROM_SERVICE)},
	{"source quench", false, ERROR(STEER_SERVICE, SOURCE_QUENCH, FROM_SERVICE)},
	{"redirect", false, ERROR(STEER_SERVICE, REDIRECT, FROM_SERVICE)},
	{"echo request", false, ERROR(STEER_SERVICE, ECHO_REQUEST, FROM_SERVICE)},
	{"error behind options about options", true,
	 ERROR(STEER_SERVICE, UNREACHABLE, FROM_SERVICE, .option_words = 10), .option_words = 10},
	{"error about a first fragment", true,
	 ERROR(STEER_SERVICE, UNREACHABLE, FROM_SERVICE, .fragment = MORE_FRAGMENTS)},
	{"error about a later fragment", false,
	 ERROR(STEER_SERVICE, UNREACHABLE, FROM_SERVICE, .fragment = 9)},
	{"error about a packet longer than its quote", true,
	 ERROR(STEER_SERVICE, UNREACHABLE, FROM_SERVICE, .length_error = 1000)},
	{"error in a fragment", false, ERROR(STEER_SERVICE, UNREACHABLE, FROM_SERVICE),
	 .fragment = MORE_FRAGMENTS},
	{"error about UDP", false,
	 ERROR(STEER_SERVICE, UNREACHABLE, FROM_SERVICE, .protocol = PROTOCOL_UDP)},
	{"error about another port", false,
	 ERROR(STEER_SERVICE, UNREACHABLE, ENDS(STEER_SERVICE, 26, STEER_CLIENT, 40000))},
	{"error about another address", false,
	 ERROR("10.0.0.11", UNREACHABLE, ENDS("10.0.0.11", 25, STEER_CLIENT, 40000))},
	{"error that went astray", false, ERROR(STEER_PROBER, UNREACHABLE, FROM_SERVICE)},
	{"error about what a client sent", false, ERROR(STEER_CLIENT, UNREACHABLE, TO_SERVICE)},
	{"error about a quote of version 6", false,
	 ERROR(STEER_SERVICE, UNREACHABLE, FROM_SERVICE, .version_and_ihl = 0x65)},
	{"error about a quote with too short a header", false,
	 ERROR(STEER_SERVICE, UNREACHABLE, FROM_SERVICE, .version_and_ihl = 0x44)},
	{"error about what went to a nat backend", true,
	 ERROR(STEER_CLIENT, UNREACHABLE, TO_BACKEND)},
	{"error about a nat backend's other port", false,
	 ERROR(STEER_CLIENT, UNREACHABLE, ENDS(STEER_CLIENT, 40000, STEER_BACKEND, 22))},
	{"error about what a nat backend sent", false,
	 ERROR(STEER_BACKEND, UNREACHABLE, FROM_BACKEND)},
	{"ICMP for IPv6 in IPv4", false, ERROR(STEER_SERVICE, UNREACHABLE, FROM_SERVICE),
	 .protocol = PROTOCOL_ICMPV6},

	{"unreachable, IPv6", true, ERROR6(STEER_SERVICE6, UNREACHABLE6, FROM_SERVICE6)},
	{"too big, IPv6", true, ERROR6(STEER_SERVICE6, TOO_BIG6, FROM_SERVICE6)},
	{"time exceeded, IPv6", true, ERROR6(STEER_SERVICE6, TIME_EXCEEDED6, FROM_SERVICE6)},
	{"parameter problem, IPv6", true,
	 ERROR6(STEER_SERVICE6, PARAMETER_PROBLEM6, FROM_SERVICE6)},
	{"an error without a name, IPv6", false,
	 ERROR6(STEER_SERVICE6, RESERVED_ERROR6, FROM_SERVICE6)},
	{"type 0, IPv6", false, ERROR6(STEER_SERVICE6, 0, FROM_SERVICE6)},
	{"echo request, IPv6", false, ERROR6(STEER_SERVICE6, ECHO_REQUEST6, FROM_SERVICE6)},
	{"error behind options about options, IPv6", true,
	 ERROR6(STEER_SERVICE6, TOO_BIG6, FROM_SERVICE6, .extensions = "hdrfad"),
	 .extensions = "hdrfad"},
	{"error behind and about all options that are looked behind", true,
	 ERROR6(STEER_SERVICE6, TOO_BIG6, FROM_SERVICE6, .extensions = "ll"), .extensions = "ll",
	 .tags = {{0x88a8, 200}, {0x8100, 300}}},
	{"error about more options than are looked behind", false,
	 ERROR6(STEER_SERVICE6, TOO_BIG6, FROM_SERVICE6, .extensions = "hdddddddd")},
	{"error about a packet on its way through segments", false,
	 ERROR6(STEER_SERVICE6, TOO_BIG6, FROM_SERVICE6, .extensions = "R")},
	{"error about a first fragment, IPv6", true,
	 ERROR6(STEER_SERVICE6, TOO_BIG6, FROM_SERVICE6, .extensions = "F")},
	{"error about a later fragment, IPv6", false,
	 ERROR6(STEER_SERVICE6, TOO_BIG6, FROM_SERVICE6, .extensions = "L")},
	{"error in a fragment, IPv6", false, ERROR6(STEER_SERVICE6, TOO_BIG6, FROM_SERVICE6),
	 .extensions = "F"},
	{"error in a fragment that is the whole datagram", true,
	 ERROR6(STEER_SERVICE6, TOO_BIG6, FROM_SERVICE6), .extensions = "f"},
	{"error about a packet longer than its quote, IPv6", true,
	 ERROR6(STEER_SERVICE6, TOO_BIG6, FROM_SERVICE6, .length_error = 1000)},
	{"error that went astray, IPv6", false, ERROR6(STEER_PROBER6, TOO_BIG6, FROM_SERVICE6)},
	{"error about another port, IPv6", false,
	 ERROR6(STEER_SERVICE6, TOO_BIG6, ENDS(STEER_SERVICE6, 26, STEER_CLIENT6, 40000))},
	{"error about a quote of version 4", false,
	 ERROR6(STEER_SERVICE6, TOO_BIG6, FROM_SERVICE6, .version = 0x40)},
	{"error about IPv4 in IPv6", false, ERROR6(STEER_SERVICE6, TOO_BIG6, FROM_SERVICE)},
	{"error about what went to a nat backend, IPv6", true,
	 ERROR6(STEER_CLIENT6, TOO_BIG6, TO_BACKEND6)},
	{"ICMP for IPv4 in IPv6", false, ERROR6(STEER_SERVICE6, UNREACHABLE, FROM_SERVICE6),
	 .protocol = PROTOCOL_ICMP},

	{"a port's tag", true, TO_SERVICE, .tags = {{0x8100, 100}}},
	{"a port's tag, 802.1ad", true, TO_SERVICE, .tags = {{0x88a8, 100}}},
	{"a port's tag with priority", true, TO_SERVICE, .tags = {{0x8100, 0xf000 | 100}}},
	{"a port's tag, IPv6", true, TO_SERVICE6, .tags = {{0x8100, 100}}},
	{"a port's tag, another address", false, ENDS(STEER_CLIENT, 40000, "10.0.0.11", 25),
	 .tags = {{0x8100, 100}}},
	{"a port's tag on an error", true, ERROR(STEER_SERVICE, UNREACHABLE, FROM_SERVICE),
	 .tags = {{0x8100, 100}}},
	{"a port's tag on a fragment", true, TO_SERVICE, .fragment = 9, .tags = {{0x8100, 100}}},
	{"nobody's tag", false, TO_SERVICE, .tags = {{0x8100, 101}}},
	{"nobody's tag, 802.1ad", false, TO_SERVICE, .tags = {{0x88a8, 101}}},
	{"a port's two tags", true, TO_SERVICE, .tags = {{0x88a8, 200}, {0x8100, 300}}},
	{"a port's two tags, both 802.1Q", true, TO_SERVICE6,
	 .tags = {{0x8100, 200}, {0x8100, 300}}},
	{"a port's two tags the wrong way round", false, TO_SERVICE,
	 .tags = {{0x88a8, 300}, {0x8100, 200}}},
	{"the outer tag alone", false, TO_SERVICE, .tags = {{0x8100, 200}}},
	{"the inner tag alone", false, TO_SERVICE, .tags = {{0x8100, 300}}},
	{"a tag too many", false, TO_SERVICE,
	 .tags = {{0x88a8, 200}, {0x8100, 300}, {0x8100, 300}}},
	{"priority alone", true, TO_SERVICE, .tags = {{0x8100, 0xe000}}},
	{"priority and a port's tag", true, TO_SERVICE, .tags = {{0x8100, 0xe000}, {0x8100, 100}}},
	{"a port's tag and priority", true, TO_SERVICE, .tags = {{0x8100, 100}, {0x8100, 0xe000}}},
	{"priority twice", true, TO_SERVICE, .tags = {{0x8100, 0xe000}, {0x8100, 0}}},
	{"priority and a port's two tags", false, TO_SERVICE,
	 .tags = {{0x8100, 0xe000}, {0x8100, 200}, {0x8100, 300}}},
};

const struct steer_recipe *steer_recipe_at(size_t index)
{
	return index < sizeof(recipes) / sizeof(recipes[0]) ? &recipes[index] : NULL;
}

/* An address is the beginning of an endpoint. */
static void enter(const struct bpf_object *program, const char *map, const char *address,
		  uint16_t port)
{
	struct steer_endpoint key = {.port = htons(port)};
	const uint8_t present = 1;
	const int fd = bpf_object__find_map_fd_by_name(program, map);

	if (inet_pton(AF_INET6, address, key.address) != 1) {
		memset(&key.address[10], 0xff, 2);
		CU_ASSERT_EQUAL(inet_pton(AF_INET, address, &key.address[12]), 1);
	}
	CU_ASSERT_EQUAL(bpf_map_update_elem(fd, &key, &present, BPF_ANY), 0);
}

static void enter_tags(const struct bpf_object *program, uint16_t outer, uint16_t inner)
{
	const uint32_t key = steer_tags_key(outer, inner);
	const uint8_t present = 1;
	const int fd = bpf_object__find_map_fd_by_name(program, STEER_TAGS_MAP);

	CU_ASSERT_EQUAL(bpf_map_update_elem(fd, &key, &present, BPF_ANY), 0);
}

void steer_fill_maps(const struct bpf_object *program)
{
	enter(program, "services", STEER_SERVICE, STEER_PORT);
	enter(program, "services", STEER_SERVICE6, STEER_PORT);
	enter(program, "service_addrs", STEER_SERVICE, 0);
	enter(program, "service_addrs", STEER_SERVICE6, 0);
	enter(program, "nat_sources", STEER_BACKEND, STEER_PORT);
	enter(program, "nat_sources", STEER_BACKEND6, STEER_PORT);
	enter(program, "nat_addrs", STEER_BACKEND, 0);
	enter(program, "nat_addrs", STEER_BACKEND6, 0);
	enter(program, "probe_sources", STEER_PROBER, 0);
	enter(program, "probe_sources", STEER_PROBER6, 0);
	enter_tags(program, 0, 0);
	enter_tags(program, 100, 0);
	enter_tags(program, 200, 300);
}
