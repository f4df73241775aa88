/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ways from static neighbours and from the kernel, in a namespace of the test's own:
 *
 *   a0 10.9.0.1/24 fd09::1/64 ---- b0
 *
 * 10.9.0.2 and fd09::2 are on the link, nobody is at 10.9.0.4, and 10.8.0.0/16 is behind
 * 10.9.0.3 with an MTU of 1300.
 */
#include "way.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <rte_ip.h>

#include "../lib/await.h"
#include "../lib/netns.h"
#include "../lib/unit.h"
#include "address_text.h"

#define AWAIT_MS 20000

static struct next_hops *hops;
static struct path_mtus *mtus;
static struct mr_addr service_addresses[1];
static struct event_base *base;

static const struct rte_ether_addr port_mac = {{2, 0, 0, 0, 0, 1}};
static const struct rte_ether_addr server_mac = {{2, 0, 0, 0, 0, 2}};
static const struct rte_ether_addr router_mac = {{2, 0, 0, 0, 0, 3}};

static struct mr_addr addr(const char *text)
{
	struct mr_addr parsed = {{0}};

	netns_check(address_parse(text, &parsed) ? 0 : -1, text);
	return parsed;
}

static bool addr_is(const struct mr_addr *actual, const char *expected)
{
	const struct mr_addr wanted = addr(expected);

	return mr_addr_equal(actual, &wanted);
}

static void on_changed(void *context)
{
	(void)context;
}

static void set_up(void)
{
	const struct mr_addr destinations[] = {addr("10.9.0.2"), addr("fd09::2"), addr("10.8.0.1"),
					       addr("10.9.0.4")};
	const int netns = netns_make();
	struct mr_error error;

	netns_enter(netns);
	netns_check(-netns_run(netns,
			       "ip link set lo up && ip link add a0 type veth peer name b0 && "
			       "ip link set a0 up && ip link set b0 up && "
			       "ip addr add 10.9.0.1/24 dev a0 && "
			       "ip addr add fd09::1/64 dev a0 nodad && "
			       "ip neigh add 10.9.0.2 lladdr 02:00:00:00:00:02 dev a0 && "
			       "ip neigh add fd09::2 lladdr 02:00:00:00:00:02 dev a0 && "
			       "ip neigh add 10.9.0.3 lladdr 02:00:00:00:00:03 dev a0 && "
			       "ip route add 10.8.0.0/16 via 10.9.0.3 mtu 1300"),
		    "the test's interfaces");
	close(netns);
	base = event_base_new();
	netns_check(next_hops_create(base, on_changed, NULL, &hops, &error), "next_hops_create");
	netns_check(path_mtus_create(base, PATH_MTU_TIMEOUT_S, on_changed, NULL, &mtus, &error),
		    "path_mtus_create");
	netns_check(next_hops_watch(hops, destinations, 4, &error), "next_hops_watch");
}

static void tear_down(void)
{
	path_mtus_destroy(mtus);
	next_hops_destroy(hops);
	event_base_free(base);
}

/* By the port on a0, which has two tags. */
static struct way find(enum mr_forwarding forwarding, const struct config_tunnel *tunnel,
		       const char *backend)
{
	struct config_neighbour neighbours[] = {{addr("10.7.0.1"), server_mac},
						{addr("fd07::1"), server_mac}};
	struct config_port config_ports[2] = {0}; /* static, a0 */
	const struct config config = {.ports = config_ports, .port_count = 2};
	const struct pool pool = {.forwarding = forwarding, .tunnel = *tunnel};
	const struct mr_addr address = addr(backend);
	struct way_ports ports = {.list = {
					  {.mtu_bytes = 1500, .mac = port_mac},
					  {.ifindex = (int)if_nametoindex("a0"),
					   .mtu_bytes = 1400,
					   .tag_count = 2,
					   .tags = {100, 7},
					   .mac = port_mac},
				  }};
	struct way_neighbours known;
	const struct way_facts facts = {.ports = &ports,
					.neighbours = &known,
					.hops = hops,
					.mtus = mtus,
					.service_addresses = service_addresses,
					.service_address_count = 1};
	struct way way;

	config_ports[0].neighbours = neighbours;
	config_ports[0].neighbour_count = 2;
	CU_ASSERT_EQUAL_FATAL(way_neighbours_init(&config, &known), 0);
	CU_ASSERT_EQUAL(way_is_static(&known, &address),
			strncmp(backend, "10.7", 4) == 0 || strncmp(backend, "fd07", 4) == 0);
	way_find(&config, &facts, &pool, &address, &way);
	way_neighbours_fini(&known);
	return way;
}

static const struct config_tunnel no_tunnel = {.port = 6080};

static void test_static(void)
{
	const struct way way = find(MR_FORWARDING_L2DSR, &no_tunnel, "10.7.0.1");

	CU_ASSERT(way.known);
	CU_ASSERT_FALSE(way.has_source);
	CU_ASSERT_EQUAL(way.to.port, 0);
	CU_ASSERT_EQUAL(way.to.mtu_bytes, 1500);
	CU_ASSERT_EQUAL(way.to.tag_count, 0);
	CU_ASSERT(rte_is_same_ether_addr(&way.to.source_mac, &port_mac));
	CU_ASSERT(rte_is_same_ether_addr(&way.to.next_hop, &server_mac));
}

static void test_on_link(void)
{
	static const enum mr_forwarding all[] = {MR_FORWARDING_L2DSR, MR_FORWARDING_IPIP,
						 MR_FORWARDING_GUE, MR_FORWARDING_NAT};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		const struct way way = find(all[i], &no_tunnel, "10.9.0.2");

		CU_ASSERT(way.known);
		CU_ASSERT_EQUAL(way.to.port, 1);
		CU_ASSERT_EQUAL(way.to.mtu_bytes, 1400); /* the port's; its interface takes 1500 */
		CU_ASSERT_EQUAL(way.to.tag_count, 2);
		CU_ASSERT_EQUAL(way.to.tags[0], 100);
		CU_ASSERT_EQUAL(way.to.tags[1], 7);
		CU_ASSERT(rte_is_same_ether_addr(&way.to.source_mac, &port_mac));
		CU_ASSERT(rte_is_same_ether_addr(&way.to.next_hop, &server_mac));
		CU_ASSERT(way.has_source);
		CU_ASSERT(addr_is(&way.source, "10.9.0.1"));
	}
}

static void test_behind_router(void)
{
	struct way way = find(MR_FORWARDING_L2DSR, &no_tunnel, "10.8.0.1");

	CU_ASSERT_FALSE(way.known);
	CU_ASSERT(way.has_source);
	way = find(MR_FORWARDING_NAT, &no_tunnel, "10.8.0.1");
	CU_ASSERT(way.known);
	CU_ASSERT(rte_is_same_ether_addr(&way.to.next_hop, &router_mac));
	CU_ASSERT_EQUAL(way.to.mtu_bytes, 1300); /* the route's */
	way = find(MR_FORWARDING_IPIP, &no_tunnel, "10.8.0.1");
	CU_ASSERT(way.known);
	CU_ASSERT(addr_is(&way.to.outer_source, "10.9.0.1"));
}

static void test_nowhere(void)
{
	struct way way = find(MR_FORWARDING_IPIP, &no_tunnel, "10.9.0.4");

	CU_ASSERT_FALSE(way.known); /* nobody answers for it */
	CU_ASSERT(way.has_source);
	way = find(MR_FORWARDING_IPIP, &no_tunnel, "192.0.2.1");
	CU_ASSERT_FALSE(way.known); /* never watched */
	CU_ASSERT_FALSE(way.has_source);
}

static bool comes_from(const void *source)
{
	const struct way way = find(MR_FORWARDING_IPIP, &no_tunnel, "fd09::2");

	return addr_is(&way.to.outer_source, source);
}

/* The kernel would send to fd09::2 from fd09::3, which is nearer to it than fd09::1. */
static void test_service_address_is_no_source(void)
{
	CU_ASSERT_EQUAL_FATAL(system("ip addr add fd09::3/128 dev a0 nodad"), 0);
	CU_ASSERT(await(base, comes_from, "fd09::3", AWAIT_MS));
	service_addresses[0] = addr("fd09::3");
	CU_ASSERT(comes_from("fd09::1"));
	service_addresses[0] = (struct mr_addr){{0}};
	CU_ASSERT_EQUAL(system("ip addr del fd09::3/128 dev a0"), 0);
	CU_ASSERT(await(base, comes_from, "fd09::1", AWAIT_MS));
}

/* A router's word about a packet to 10.9.0.2, UDP port 6080, as it comes to lo. */
static void report_mtu(uint16_t mtu_bytes)
{
	struct {
		struct icmphdr icmp;
		struct iphdr ip;
		struct udphdr udp;
	} __attribute__((packed)) report = {
		.icmp = {.type = ICMP_DEST_UNREACH, .code = ICMP_FRAG_NEEDED},
		.ip = {.version = 4, .ihl = 5, .protocol = IPPROTO_UDP},
		.udp = {.dest = htons(6080)},
	};
	struct sockaddr_in to = {.sin_family = AF_INET};
	const int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	report.ip.saddr = to.sin_addr.s_addr;
	inet_pton(AF_INET, "10.9.0.2", &report.ip.daddr);
	report.icmp.un.frag.mtu = htons(mtu_bytes);
	report.icmp.checksum = (uint16_t)~rte_raw_cksum(&report, sizeof(report));
	CU_ASSERT_EQUAL(sendto(fd, &report, sizeof(report), 0, (struct sockaddr *)&to, sizeof(to)),
			sizeof(report));
	close(fd);
}

static bool gue_takes(const void *mtu_bytes)
{
	const struct way way = find(MR_FORWARDING_GUE, &no_tunnel, "10.9.0.2");

	return way.to.mtu_bytes == *(const uint16_t *)mtu_bytes;
}

/* It narrows tunnels only: what goes without outer headers is reported to the client. */
static void test_reported_mtu(void)
{
	const struct path_mtu_tunnel tunnel = {addr("10.9.0.2"), 6080};
	const uint16_t reported_bytes = 1234, port_bytes = 1400;

	CU_ASSERT_EQUAL_FATAL(path_mtus_watch(mtus, &tunnel, 1), 0);
	CU_ASSERT(gue_takes(&port_bytes));
	report_mtu(reported_bytes);
	CU_ASSERT(await(base, gue_takes, &reported_bytes, AWAIT_MS));
	CU_ASSERT_EQUAL(find(MR_FORWARDING_NAT, &no_tunnel, "10.9.0.2").to.mtu_bytes, port_bytes);
	CU_ASSERT_EQUAL(path_mtus_watch(mtus, NULL, 0), 0);
	CU_ASSERT(gue_takes(&port_bytes));
}

static void test_outer_source(void)
{
	const struct config_tunnel host = {
		.source_given = true, .source = {addr("192.0.2.2"), 128}, .port = 5555};
	const struct config_tunnel prefix = {
		.source_given = true, .source = {addr("2001:db8::"), 112}, .port = 6080};
	struct way way = find(MR_FORWARDING_GUE, &no_tunnel, "fd09::2");

	CU_ASSERT(addr_is(&way.to.outer_source, "fd09::1"));
	CU_ASSERT_EQUAL(way.to.source_bits, 0);
	CU_ASSERT_EQUAL(way.to.gue_port, 6080);

	way = find(MR_FORWARDING_GUE, &host, "10.9.0.2");
	CU_ASSERT(addr_is(&way.to.outer_source, "192.0.2.2"));
	CU_ASSERT_EQUAL(way.to.source_bits, 0);
	CU_ASSERT_EQUAL(way.to.gue_port, 5555);
	CU_ASSERT(addr_is(&way.source, "10.9.0.1")); /* the prober's stays */

	way = find(MR_FORWARDING_IPIP, &prefix, "fd07::1");
	CU_ASSERT(way.known);
	CU_ASSERT(addr_is(&way.to.outer_source, "2001:db8::"));
	CU_ASSERT_EQUAL(way.to.source_bits, 16);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_static),
		UNIT_TEST(test_on_link),
		UNIT_TEST(test_behind_router),
		UNIT_TEST(test_nowhere),
		UNIT_TEST(test_service_address_is_no_source),
		UNIT_TEST(test_reported_mtu),
		UNIT_TEST(test_outer_source),
		CU_TEST_INFO_NULL,
	};
	int status;

	set_up();
	status = unit_run("way", tests);
	tear_down();
	return status;
}
