/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tc program at work on a veth pair: the kernel takes the outer tag off a frame before tc
 * sees it, which no test run of the program can show. What tc does not hide reaches packet
 * sockets behind it.
 *
 *   near -- veth -- far, with the program
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "../lib/netns.h"
#include "../lib/unit.h"
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

	CPU_ZERO(&cpus);
	CPU_SET((size_t)sched_getcpu(), &cpus);
	CU_ASSERT_EQUAL(sched_setaffinity(0, sizeof(cpus), &cpus), 0);
}

static void attaches(void)
{
	const int netns = netns_make();
	const uint16_t none[2] = {0, 0}, one[2] = {100, 0}, two[2] = {200, 300};
	const struct mr_endpoint endpoint = {
		.address = mr_addr_from_v4(SERVICE),
		.port = htons(25),
	};
	const struct mr_steering wanted = {.endpoints = &endpoint, .endpoint_count = 1};
	struct steering_tags tags = {0};
	struct steering_keys keys;
	struct mr_error error = {""};

	stay_on_this_cpu();
	netns_enter(netns);
	CU_ASSERT_EQUAL_FATAL(netns_run(netns, "ip link add near type veth peer name far &&"
					       "ip link set near up && ip link set far up"),
			      0);
	CU_ASSERT_EQUAL_FATAL(netdev_read("far", &far, &error), 0);
	steering_tags_add(&tags, none, 0);
	steering_tags_add(&tags, one, 1);
	steering_tags_add(&tags, two, 2);
	steering_init(&steering);
	CU_ASSERT_EQUAL_FATAL(steering_tc_open(&steering, &far, &tags, &error), 0);
	CU_ASSERT_EQUAL_FATAL(steering_keys_init(&wanted, &keys), 0);
	CU_ASSERT_EQUAL(steering_add(&steering, &keys, &error), 0);
	steering_keys_fini(&keys);
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
	CU_ASSERT_FALSE(is_hidden(&far.mac, cases[0].tags));
	close(sender);
	close(receivers[0]);
	close(receivers[1]);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(attaches),
		UNIT_TEST(hides_frames_of_its_ports),
		UNIT_TEST(shows_other_stations_frames),
		UNIT_TEST(shows_everything_once_closed),
		CU_TEST_INFO_NULL,
	};

	return unit_run("steering_tc", tests);
}
