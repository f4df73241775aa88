/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tc program at work on a veth pair: the kernel takes the outer tag off a frame before tc
 * sees it, which no test run of the program can show. What tc does not hide reaches packet
 * sockets behind it. And how one program follows another, as after a kill.
 *
 *   near -- veth -- far, with the program
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <bpf/libbpf.h>

#include "../lib/netns.h"
#include "../lib/unit.h"
#include "library_log.h"
#include "steering.h"

#define TAGS_MAX 3

struct tag {
	uint16_t type; /* 0: no more */
	uint16_t tci;
};

static const struct {
	const char *what;
	bool hidden;
	struct tag tags[TAGS_MAX];
} cases[] = {
	{"untagged", true, {{0}}},
	{"a port's tag", true, {{ETHERTYPE_VLAN, 100}}},
	{"a port's tag, 802.1ad", true, {{0x88a8, 100}}},
	{"a port's tag with priority", true, {{ETHERTYPE_VLAN, 0xf000 | 100}}},
	{"nobody's tag", false, {{ETHERTYPE_VLAN, 101}}},
	{"a port's two tags", true, {{0x88a8, 200}, {ETHERTYPE_VLAN, 300}}},
	{"a port's two tags, both 802.1Q", true, {{ETHERTYPE_VLAN, 200}, {ETHERTYPE_VLAN, 300}}},
	{"the wrong way round", false, {{ETHERTYPE_VLAN, 300}, {ETHERTYPE_VLAN, 200}}},
	{"the outer tag alone", false, {{ETHERTYPE_VLAN, 200}}},
	{"a tag too many",
	 false,
	 {{ETHERTYPE_VLAN, 200}, {ETHERTYPE_VLAN, 300}, {ETHERTYPE_VLAN, 300}}},
	{"priority alone", true, {{ETHERTYPE_VLAN, 0xe000}}},
	{"priority and a port's tag", true, {{ETHERTYPE_VLAN, 0xe000}, {ETHERTYPE_VLAN, 100}}},
	{"a port's tag and priority", true, {{ETHERTYPE_VLAN, 100}, {ETHERTYPE_VLAN, 0}}},
	{"priority and a port's two tags",
	 false,
	 {{ETHERTYPE_VLAN, 0xe000}, {ETHERTYPE_VLAN, 200}, {ETHERTYPE_VLAN, 300}}},
};

#define SERVICE "\x0a\x00\x00\x0a" /* 10.0.0.10 */
#define OTHER	"\x0a\x00\x00\x0b"

static int netns;
static cpu_set_t all_cpus;
static struct netdev far;
static struct steering steering;
static int sender;
static int receivers[2]; /* of IPv4, and of what still has a tag */

static int open_packet_socket(const char *interface, uint16_t protocol)
{
	const struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(protocol),
		.sll_ifindex = (int)if_nametoindex(interface),
	};
	const struct timeval patience = {.tv_sec = 5};
	const int fd = socket(AF_PACKET, SOCK_RAW, 0);

	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_FATAL(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0);
	CU_ASSERT_FATAL(bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0);
	return fd;
}

/* One CPU, so that frames arrive in the order in which they were sent. */
static void stay_on_this_cpu(void)
{
	cpu_set_t cpus;

	CU_ASSERT_EQUAL(sched_getaffinity(0, sizeof(all_cpus), &all_cpus), 0);
	CPU_ZERO(&cpus);
	CPU_SET((size_t)sched_getcpu(), &cpus);
	CU_ASSERT_EQUAL(sched_setaffinity(0, sizeof(cpus), &cpus), 0);
}

/* A program with all it must know, attached nowhere. */
static void open_program(struct steering *program)
{
	const uint16_t none[2] = {0, 0}, one[2] = {100, 0}, two[2] = {200, 300};
	const struct mr_endpoint endpoint = {
		.address = mr_addr_from_v4(SERVICE),
		.port = htons(25),
	};
	const struct mr_steering wanted = {.endpoints = &endpoint, .endpoint_count = 1};
	struct steering_tags tags = {0};
	struct steering_keys keys;
	struct mr_error error = {""};

	steering_tags_add(&tags, none, 0);
	steering_tags_add(&tags, one, 1);
	steering_tags_add(&tags, two, 2);
	steering_init(program);
	CU_ASSERT_EQUAL_FATAL(steering_tc_open(program, &far, &tags, &error), 0);
	CU_ASSERT_EQUAL_FATAL(steering_keys_init(&wanted, &keys), 0);
	CU_ASSERT_EQUAL(steering_add(program, &keys, &error), 0);
	steering_keys_fini(&keys);
}

static void attach(struct steering *program)
{
	struct mr_error error = {""};

	CU_ASSERT_EQUAL_FATAL(steering_tc_attach(program, &far, &error), 0);
}

static void make_the_network(void)
{
	struct mr_error error = {""};

	library_log_start(false);
	netns = netns_make();
	stay_on_this_cpu();
	netns_enter(netns);
	CU_ASSERT_EQUAL_FATAL(netns_run(netns, "ip link add near type veth peer name far &&"
					       "ip link set near up && ip link set far up"),
			      0);
	CU_ASSERT_EQUAL_FATAL(netdev_read("far", &far, &error), 0);
	sender = open_packet_socket("near", 0);
	receivers[0] = open_packet_socket("far", ETHERTYPE_IP);
	receivers[1] = open_packet_socket("far", ETHERTYPE_VLAN);
}

static void send_segment(const struct rte_ether_addr *station, const struct tag tags[TAGS_MAX],
			 const char *destination)
{
	const uint16_t ipv4 = htons(ETHERTYPE_IP);
	struct iphdr ip = {.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_TCP};
	const struct tcphdr tcp = {.source = htons(40000), .dest = htons(25), .doff = 5, .syn = 1};
	uint8_t frame[128] = {[6] = 2, [11] = 1};
	uint32_t length = 12;

	memcpy(frame, station, sizeof(*station));
	for (int i = 0; i < TAGS_MAX && tags[i].type != 0; i++, length += 4) {
		const uint16_t words[] = {htons(tags[i].type), htons(tags[i].tci)};

		memcpy(&frame[length], words, sizeof(words));
	}
	ip.tot_len = htons(sizeof(ip) + sizeof(tcp));
	memcpy(&ip.daddr, destination, sizeof(ip.daddr));
	memcpy(&frame[length], &ipv4, sizeof(ipv4));
	memcpy(&frame[length + 2], &ip, sizeof(ip));
	memcpy(&frame[length + 2 + sizeof(ip)], &tcp, sizeof(tcp));
	length += 2 + sizeof(ip) + sizeof(tcp);
	CU_ASSERT_EQUAL(send(sender, frame, length, 0), length);
}

/* Is the next frame one to OTHER? It marks that all frames before it are through. */
static bool receive_mark(void)
{
	uint8_t frame[256];
	const ssize_t length = recv(receivers[0], frame, sizeof(frame), 0);

	CU_ASSERT_FATAL(length > 0);
	return length >= 34 && memcmp(&frame[30], OTHER, 4) == 0;
}

static bool is_hidden(const struct rte_ether_addr *station, const struct tag tags[TAGS_MAX])
{
	static const struct tag no_tags[TAGS_MAX];
	uint8_t frame[256];
	bool hidden = true;

	send_segment(station, tags, SERVICE);
	send_segment(&far.mac, no_tags, OTHER);
	while (!receive_mark())
		hidden = false;
	while (recv(receivers[1], frame, sizeof(frame), MSG_DONTWAIT) > 0)
		hidden = false;
	return hidden;
}

/* An untagged frame to the service, that is. */
static bool hides_the_service(void)
{
	return is_hidden(&far.mac, cases[0].tags);
}

static bool has_hook(void)
{
	return netns_run(netns, "tc qdisc show dev far | grep -q clsact") == 0;
}

static void hides_nothing_before_it_is_attached(void)
{
	open_program(&steering);
	CU_ASSERT_FALSE(hides_the_service());
	CU_ASSERT_FALSE(has_hook());
	attach(&steering);
	CU_ASSERT(hides_the_service());
}

static void hides_frames_of_its_ports(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const bool hidden = is_hidden(&far.mac, cases[i].tags);

		if (hidden != cases[i].hidden)
			printf("\n    %s: %s", cases[i].what, hidden ? "hidden" : "not hidden");
		CU_ASSERT_EQUAL(hidden, cases[i].hidden);
	}
}

static void shows_other_stations_frames(void)
{
	const struct rte_ether_addr another = {{2, 0, 0, 0, 0, 9}};
	const struct rte_ether_addr everybody = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

	CU_ASSERT_FALSE(is_hidden(&another, cases[0].tags));
	CU_ASSERT_FALSE(is_hidden(&everybody, cases[0].tags));
}

static void shows_everything_once_closed(void)
{
	steering_close(&steering);
	CU_ASSERT_FALSE(hides_the_service());
	CU_ASSERT_FALSE(has_hook());
}

/* The process of @program is gone, and what it had attached is not. */
static void be_killed(struct steering *program)
{
	steering_tc_leave(program);
	steering_close(program);
}

static void stays_after_a_kill_until_an_orderly_end(void)
{
	open_program(&steering);
	attach(&steering);
	be_killed(&steering);
	CU_ASSERT(hides_the_service());
	/* A start that fails before it can take the place, and one that fails just after. */
	open_program(&steering);
	steering_close(&steering);
	CU_ASSERT(hides_the_service());
	open_program(&steering);
	attach(&steering);
	steering_close(&steering);
	CU_ASSERT(hides_the_service());
	/* One that goes well. */
	open_program(&steering);
	attach(&steering);
	steering_tc_own(&steering);
	CU_ASSERT(hides_the_service());
	steering_close(&steering);
	CU_ASSERT_FALSE(hides_the_service());
	CU_ASSERT_FALSE(has_hook());
}

static void keeps_a_hook_that_others_use(void)
{
	LIBBPF_OPTS(bpf_tc_hook, theirs, .ifindex = far.ifindex, .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, filter, .handle = 1, .priority = 9);

	open_program(&steering);
	attach(&steering);
	filter.prog_fd = bpf_program__fd(bpf_object__next_program(steering.tc, NULL));
	CU_ASSERT_EQUAL(bpf_tc_attach(&theirs, &filter), 0);
	be_killed(&steering);
	open_program(&steering);
	attach(&steering);
	steering_tc_own(&steering);
	steering_close(&steering);
	CU_ASSERT_FALSE(hides_the_service());
	CU_ASSERT(has_hook());
	filter = (struct bpf_tc_opts){.sz = sizeof(filter), .handle = 1, .priority = 9};
	CU_ASSERT_EQUAL(bpf_tc_query(&theirs, &filter), 0);
	CU_ASSERT_EQUAL(netns_run(netns, "tc qdisc del dev far clsact"), 0);
}

/* Frames without a pause, to the service; then one that marks their end. */

static atomic_bool flood_is_over;

static void *flood(void *context)
{
	static const struct tag no_tags[TAGS_MAX];
	uint32_t *const count = context;

	/* Not where programs are attached. */
	sched_setaffinity(0, sizeof(all_cpus), &all_cpus);
	for (*count = 0; !atomic_load(&flood_is_over); ++*count)
		send_segment(&far.mac, no_tags, SERVICE);
	send_segment(&far.mac, no_tags, OTHER);
	return NULL;
}

#define SUCCESSORS 200

static void follows_another_without_a_gap(void)
{
	uint32_t sent = 0;
	uint32_t slipped = 0;
	pthread_t thread;

	open_program(&steering);
	attach(&steering);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, flood, &sent), 0);
	for (int i = 0; i < SUCCESSORS; i++) {
		be_killed(&steering);
		open_program(&steering);
		attach(&steering);
	}
	atomic_store(&flood_is_over, true);
	pthread_join(thread, NULL);
	while (!receive_mark())
		slipped++;
	printf("\n    %u frames, %d programs: %u slipped through ... ", sent, SUCCESSORS, slipped);
	CU_ASSERT(sent > SUCCESSORS);
	CU_ASSERT_EQUAL(slipped, 0);
	steering_tc_own(&steering);
	steering_close(&steering);
	CU_ASSERT_FALSE(has_hook());
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(make_the_network),
		UNIT_TEST(hides_nothing_before_it_is_attached),
		UNIT_TEST(hides_frames_of_its_ports),
		UNIT_TEST(shows_other_stations_frames),
		UNIT_TEST(shows_everything_once_closed),
		UNIT_TEST(stays_after_a_kill_until_an_orderly_end),
		UNIT_TEST(keeps_a_hook_that_others_use),
		UNIT_TEST(follows_another_without_a_gap),
		CU_TEST_INFO_NULL,
	};

	return unit_run("steering_tc", tests);
}
