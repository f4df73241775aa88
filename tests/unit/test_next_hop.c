/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two namespaces, joined by a veth pair; the test itself lives in the balancer's:
 *
 *   balancer  a0 10.9.0.1/24 fd09::1/64 ---- b0 10.9.0.2/24 fd09::2/64  server
 */
#include "next_hop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "../lib/await.h"
#include "../lib/netns.h"
#include "../lib/unit.h"

#define AWAIT_MS 20000
#define MAC_B	 "02:00:00:00:00:0b"
#define MAC_C	 "02:00:00:00:00:0c"

static struct event_base *base;
static int host, balancer, server;
static struct next_hops *hops;
static unsigned int changes;
static int a0;

static void on_changed(void *context)
{
	(void)context;
	changes++;
}

static void run_in(int netns, const char *command)
{
	if (netns_run(netns, "%s", command) != 0)
		CU_FAIL_FATAL("a command of the test failed");
}

static void set_up(void)
{
	struct mr_error error = {{0}};

	balancer = netns_make();
	server = netns_make();
	netns_enter(balancer);
	CU_ASSERT_EQUAL_FATAL(netns_run(balancer,
					"ip link set lo up && ip link add a0 type veth peer name b0"
					" netns /proc/%d/fd/%d",
					getpid(), server),
			      0);
	/* Addresses that are usable at once, and neighbours that fail fast. */
	run_in(balancer, "echo 0 > /proc/sys/net/ipv6/conf/a0/accept_dad;"
			 "for f in ipv4 ipv6; do d=/proc/sys/net/$f/neigh/a0;"
			 "echo 50 > $d/retrans_time_ms; echo 0 > $d/delay_first_probe_time;"
			 "echo 100 > $d/base_reachable_time_ms; echo 0 > $d/locktime; done");
	run_in(server, "echo 0 > /proc/sys/net/ipv6/conf/b0/accept_dad;"
		       "ip link set b0 address " MAC_B " up && ip addr add 10.9.0.2/24 dev b0 &&"
		       "ip addr add fd09::2/64 dev b0 nodad");
	run_in(balancer, "ip link set a0 up && ip addr add 10.9.0.1/24 dev a0 &&"
			 "ip addr add fd09::1/64 dev a0 nodad");
	a0 = (int)if_nametoindex("a0");
	CU_ASSERT_EQUAL_FATAL(next_hops_create(base, on_changed, NULL, &hops, &error), 0);
}

static void tear_down(void)
{
	next_hops_destroy(hops);
	/* Nothing that it asked for is left. */
	CU_ASSERT_NOT_EQUAL(netns_run(balancer, "ip neigh | grep -w managed"), 0);
	netns_enter(host);
	close(balancer);
	close(server);
}

static struct mr_addr addr(const char *text)
{
	struct in6_addr v6;
	struct in_addr v4;

	if (inet_pton(AF_INET, text, &v4) == 1)
		return mr_addr_from_v4(&v4);
	CU_ASSERT_EQUAL_FATAL(inet_pton(AF_INET6, text, &v6), 1);
	return mr_addr_from_v6(&v6);
}

static bool addr_is(const struct mr_addr *actual, const char *expected)
{
	struct mr_addr wanted = addr(expected);

	return mr_addr_equal(actual, &wanted);
}

static bool mac_is(const struct next_hop *hop, const char *expected)
{
	struct rte_ether_addr wanted;
	unsigned int bytes[6];

	sscanf(expected, "%x:%x:%x:%x:%x:%x", &bytes[0], &bytes[1], &bytes[2], &bytes[3], &bytes[4],
	       &bytes[5]);
	for (int i = 0; i < 6; i++)
		wanted.addr_bytes[i] = (uint8_t)bytes[i];
	return hop->resolved && rte_is_same_ether_addr(&hop->mac, &wanted);
}

static void watch(const char *first, const char *second)
{
	struct mr_addr destinations[2];
	struct mr_error error = {{0}};
	uint32_t count = 0;

	if (first)
		destinations[count++] = addr(first);
	if (second)
		destinations[count++] = addr(second);
	CU_ASSERT_EQUAL_FATAL(next_hops_watch(hops, destinations, count, &error), 0);
}

static struct next_hop hop_of(const char *destination)
{
	struct mr_addr wanted = addr(destination);
	struct next_hop hop = {0};

	CU_ASSERT_EQUAL(next_hops_get(hops, &wanted, &hop), 0);
	return hop;
}

/* What to await of one destination; @mac NULL: that it is not resolved. */
struct expected {
	const char *destination;
	const char *mac;
};

static bool is_as_expected(const void *context)
{
	const struct expected *expected = context;
	struct next_hop hop = hop_of(expected->destination);

	return expected->mac ? mac_is(&hop, expected->mac) : !hop.resolved;
}

static bool await_mac(const char *destination, const char *mac)
{
	struct expected expected = {.destination = destination, .mac = mac};

	return await(base, is_as_expected, &expected, AWAIT_MS);
}

static bool has_changed(const void *context)
{
	return changes > *(const unsigned int *)context;
}

static bool await_change(void)
{
	unsigned int before = changes;

	return await(base, has_changed, &before, AWAIT_MS);
}

static void hear_all(void)
{
	/* Once for the messages, once for the callback that they lead to. */
	event_base_loop(base, EVLOOP_NONBLOCK);
	event_base_loop(base, EVLOOP_NONBLOCK);
}

static void on_link(void)
{
	struct next_hop hop;

	set_up();
	watch("10.9.0.2", NULL);
	CU_ASSERT_TRUE(await_mac("10.9.0.2", MAC_B));
	hop = hop_of("10.9.0.2");
	CU_ASSERT_TRUE(hop.reachable);
	CU_ASSERT_TRUE(hop.on_link);
	CU_ASSERT_EQUAL(hop.ifindex, a0);
	CU_ASSERT_TRUE(addr_is(&hop.gateway, "10.9.0.2"));
	CU_ASSERT_TRUE(addr_is(&hop.source, "10.9.0.1"));
	CU_ASSERT_EQUAL(hop.mtu_bytes, 1500);
	CU_ASSERT_EQUAL(netns_run(balancer, "ip neigh show 10.9.0.2 | grep -qw managed"), 0);
	tear_down();
}

static void on_link_ipv6(void)
{
	struct next_hop hop;

	set_up();
	watch("fd09::2", NULL);
	CU_ASSERT_TRUE(await_mac("fd09::2", MAC_B));
	hop = hop_of("fd09::2");
	CU_ASSERT_TRUE(hop.on_link);
	CU_ASSERT_TRUE(addr_is(&hop.source, "fd09::1"));
	CU_ASSERT_EQUAL(hop.mtu_bytes, 1500);
	tear_down();
}

static void by_gateway(void)
{
	struct next_hop hop;

	set_up();
	run_in(balancer, "ip route add 192.0.2.0/24 via 10.9.0.2 mtu 1400 &&"
			 "ip route add 2001:db8::/32 via fd09::2");
	watch("192.0.2.7", "2001:db8::7");
	CU_ASSERT_TRUE(await_mac("192.0.2.7", MAC_B));
	CU_ASSERT_TRUE(await_mac("2001:db8::7", MAC_B));
	hop = hop_of("192.0.2.7");
	CU_ASSERT_FALSE(hop.on_link);
	CU_ASSERT_TRUE(addr_is(&hop.gateway, "10.9.0.2"));
	CU_ASSERT_TRUE(addr_is(&hop.source, "10.9.0.1"));
	CU_ASSERT_EQUAL(hop.mtu_bytes, 1400);
	hop = hop_of("2001:db8::7");
	CU_ASSERT_FALSE(hop.on_link);
	CU_ASSERT_TRUE(addr_is(&hop.gateway, "fd09::2"));
	CU_ASSERT_TRUE(addr_is(&hop.source, "fd09::1"));
	tear_down();
}

static void by_gateway_of_the_other_family(void)
{
	struct next_hop hop;

	set_up();
	run_in(balancer, "ip route add 192.0.2.0/24 via inet6 fd09::2 dev a0");
	watch("192.0.2.7", NULL);
	CU_ASSERT_TRUE(await_mac("192.0.2.7", MAC_B));
	hop = hop_of("192.0.2.7");
	CU_ASSERT_FALSE(hop.on_link);
	CU_ASSERT_TRUE(addr_is(&hop.gateway, "fd09::2"));
	tear_down();
}

static void not_reachable(void)
{
	set_up();
	run_in(balancer, "ip route add blackhole 203.0.113.0/24");
	watch("198.51.100.1", "203.0.113.1");
	CU_ASSERT_FALSE(hop_of("198.51.100.1").reachable);
	CU_ASSERT_FALSE(hop_of("203.0.113.1").reachable);
	/* The host's own address leads nowhere. */
	watch("10.9.0.1", NULL);
	CU_ASSERT_FALSE(hop_of("10.9.0.1").reachable);
	tear_down();
}

static void not_watched(void)
{
	struct mr_addr other = addr("10.9.0.3");
	struct next_hop hop;

	set_up();
	CU_ASSERT_EQUAL(next_hops_get(hops, &other, &hop), -ENOENT);
	watch("10.9.0.2", NULL);
	CU_ASSERT_EQUAL(next_hops_get(hops, &other, &hop), -ENOENT);
	CU_ASSERT_TRUE(await_mac("10.9.0.2", MAC_B));
	watch(NULL, NULL);
	other = addr("10.9.0.2");
	CU_ASSERT_EQUAL(next_hops_get(hops, &other, &hop), -ENOENT);
	CU_ASSERT_NOT_EQUAL(netns_run(balancer, "ip neigh | grep -w managed"), 0);
	tear_down();
}

/* The server's own ARP request tells the balancer's kernel of its new address. */
static void mac_change_is_followed(void)
{
	set_up();
	watch("10.9.0.2", NULL);
	CU_ASSERT_TRUE(await_mac("10.9.0.2", MAC_B));
	run_in(server, "ip link set b0 address " MAC_C "; ip neigh flush dev b0;"
		       "ip neigh add 10.9.0.1 dev b0 use");
	CU_ASSERT_TRUE(await_mac("10.9.0.2", MAC_C));
	tear_down();
}

static void failure_and_return_are_followed(void)
{
	set_up();
	watch("10.9.0.2", NULL);
	CU_ASSERT_TRUE(await_mac("10.9.0.2", MAC_B));
	run_in(server, "ip addr del 10.9.0.2/24 dev b0");
	CU_ASSERT_TRUE(await_mac("10.9.0.2", NULL));
	CU_ASSERT_TRUE(hop_of("10.9.0.2").reachable);
	run_in(server, "ip addr add 10.9.0.2/24 dev b0");
	CU_ASSERT_TRUE(await_mac("10.9.0.2", MAC_B));
	tear_down();
}

static void permanent_entry_is_left_alone(void)
{
	set_up();
	run_in(balancer, "ip neigh add 10.9.0.3 lladdr " MAC_C " dev a0 nud permanent");
	watch("10.9.0.2", "10.9.0.3");
	CU_ASSERT_TRUE(await_mac("10.9.0.3", MAC_C));
	/* One that becomes permanent while it is watched is the operator's from then on. */
	CU_ASSERT_TRUE(await_mac("10.9.0.2", MAC_B));
	run_in(balancer, "ip neigh replace 10.9.0.2 lladdr " MAC_C " dev a0 nud permanent");
	CU_ASSERT_TRUE(await_mac("10.9.0.2", MAC_C));
	next_hops_destroy(hops);
	hops = NULL;
	CU_ASSERT_EQUAL(netns_run(balancer, "ip neigh show 10.9.0.3 | grep -q PERMANENT"), 0);
	CU_ASSERT_EQUAL(netns_run(balancer, "ip neigh show 10.9.0.2 | grep -q PERMANENT"), 0);
	tear_down();
}

/* Entries that another daemon learned or manages stay, too. */
static void foreign_entries_are_left_alone(void)
{
	set_up();
	run_in(balancer,
	       "ip neigh add 10.9.0.2 dev a0 managed &&"
	       "ip neigh add 10.9.0.3 lladdr " MAC_C " dev a0 nud reachable extern_learn");
	watch("10.9.0.2", "10.9.0.3");
	CU_ASSERT_TRUE(await_mac("10.9.0.2", MAC_B));
	CU_ASSERT_TRUE(await_mac("10.9.0.3", MAC_C));
	next_hops_destroy(hops);
	hops = NULL;
	CU_ASSERT_EQUAL(netns_run(balancer, "ip neigh show 10.9.0.2 | grep -qw managed"), 0);
	CU_ASSERT_EQUAL(netns_run(balancer, "ip neigh show 10.9.0.3 | grep -q extern_learn"), 0);
	run_in(balancer, "ip neigh del 10.9.0.2 dev a0");
	tear_down();
}

/* After a crash the entries are still there; the next process knows them as its own. */
static void entries_of_a_crash_are_adopted(void)
{
	set_up();
	run_in(balancer, "ip neigh add 10.9.0.2 dev a0 managed protocol 25");
	watch("10.9.0.2", NULL);
	CU_ASSERT_TRUE(await_mac("10.9.0.2", MAC_B));
	tear_down();
}

static bool is_managed(const void *context)
{
	(void)context;
	return netns_run(balancer, "ip neigh show 10.9.0.2 | grep -qw managed") == 0;
}

/* "ip neigh flush" or a kernel without NTF_EXT_MANAGED: the second's timer asks again. */
static void entry_is_asked_for_again(void)
{
	set_up();
	watch("10.9.0.2", NULL);
	CU_ASSERT_TRUE(await_mac("10.9.0.2", MAC_B));
	hear_all();
	changes = 0;
	run_in(balancer, "ip neigh del 10.9.0.2 dev a0");
	for (int asked = 0; asked < 2; asked++) {
		CU_ASSERT_TRUE(await(base, is_managed, NULL, AWAIT_MS));
		CU_ASSERT_TRUE(await_mac("10.9.0.2", MAC_B));
		/* Takes the flag away, as if the kernel had overlooked it. */
		run_in(balancer, "ip neigh replace 10.9.0.2 dev a0 use");
	}
	/* The way of the mail did not flap. */
	hear_all();
	CU_ASSERT_EQUAL(changes, 0);
	tear_down();
}

static void route_change_is_followed(void)
{
	struct next_hop hop;

	set_up();
	run_in(server, "ip addr add 10.9.0.4/24 dev b0");
	watch("192.0.2.7", "10.9.0.2");
	CU_ASSERT_FALSE(hop_of("192.0.2.7").reachable);
	run_in(balancer, "ip route add 192.0.2.0/24 via 10.9.0.2");
	CU_ASSERT_TRUE(await_mac("192.0.2.7", MAC_B));
	run_in(balancer, "ip route replace 192.0.2.0/24 via 10.9.0.4");
	CU_ASSERT_TRUE(await_change());
	hop = hop_of("192.0.2.7");
	CU_ASSERT_TRUE(addr_is(&hop.gateway, "10.9.0.4"));
	CU_ASSERT_TRUE(await_mac("192.0.2.7", MAC_B));
	run_in(balancer, "ip route add 192.0.2.7 dev a0");
	CU_ASSERT_TRUE(await_change());
	CU_ASSERT_TRUE(hop_of("192.0.2.7").on_link);
	/* The gateway that nobody needs any more was given back. */
	CU_ASSERT_NOT_EQUAL(netns_run(balancer, "ip neigh show 10.9.0.4 | grep -w managed"), 0);
	tear_down();
}

static void link_down_and_up_are_followed(void)
{
	set_up();
	watch("10.9.0.2", NULL);
	CU_ASSERT_TRUE(await_mac("10.9.0.2", MAC_B));
	run_in(balancer, "ip link set a0 down");
	CU_ASSERT_TRUE(await_mac("10.9.0.2", NULL));
	CU_ASSERT_FALSE(hop_of("10.9.0.2").reachable);
	run_in(balancer, "ip link set a0 up");
	CU_ASSERT_TRUE(await_mac("10.9.0.2", MAC_B));
	CU_ASSERT_TRUE(hop_of("10.9.0.2").reachable);
	tear_down();
}

static void mtu_and_source_are_followed(void)
{
	set_up();
	watch("10.9.0.2", NULL);
	CU_ASSERT_TRUE(await_mac("10.9.0.2", MAC_B));
	run_in(balancer, "ip link set a0 mtu 1300");
	CU_ASSERT_TRUE(await_change());
	CU_ASSERT_EQUAL(hop_of("10.9.0.2").mtu_bytes, 1300);
	run_in(balancer, "ip route change 10.9.0.0/24 dev a0 src 10.9.0.1 mtu 1200");
	CU_ASSERT_TRUE(await_change());
	CU_ASSERT_EQUAL(hop_of("10.9.0.2").mtu_bytes, 1200);
	tear_down();
}

/* What the kernel has to say is queued before the command returns: one turn hears it all. */
static void a_burst_is_one_change(void)
{
	set_up();
	watch("10.9.0.2", "192.0.2.7");
	CU_ASSERT_TRUE(await_mac("10.9.0.2", MAC_B));
	hear_all();
	changes = 0;
	run_in(balancer, "ip link set a0 mtu 1400; ip link set a0 mtu 1300;"
			 "ip neigh replace 10.9.0.2 lladdr " MAC_C " dev a0 nud permanent;"
			 "ip route add 192.0.2.0/24 dev a0; ip route del 192.0.2.0/24 dev a0");
	hear_all();
	CU_ASSERT_EQUAL(changes, 1);
	CU_ASSERT_EQUAL(hop_of("10.9.0.2").mtu_bytes, 1300);
	CU_ASSERT_TRUE(is_as_expected(&(struct expected){"10.9.0.2", MAC_C}));
	tear_down();
}

static void what_does_not_matter_is_no_change(void)
{
	set_up();
	watch("10.9.0.2", NULL);
	CU_ASSERT_TRUE(await_mac("10.9.0.2", MAC_B));
	hear_all();
	changes = 0;
	run_in(balancer, "ip neigh replace 10.9.0.9 lladdr " MAC_C " dev a0 nud permanent;"
			 "ip route add 192.0.2.0/24 dev a0; ip addr add 10.8.0.1/24 dev a0;"
			 "ip route add 10.9.0.0/25 via 10.9.0.2; ip route del 10.9.0.0/25");
	hear_all();
	CU_ASSERT_EQUAL(changes, 0);
	tear_down();
}

/* More than the socket's queue holds, while nobody listens; what matters comes last. */
static void overrun_is_survived(void)
{
	struct next_hop hop;

	set_up();
	run_in(balancer, "ip route add 192.0.2.0/24 via 10.9.0.2");
	watch("10.9.0.2", "192.0.2.7");
	CU_ASSERT_TRUE(await_mac("10.9.0.2", MAC_B));
	run_in(balancer, "seq 1 6000 | awk '{ printf \"neigh replace 10.9.%d.%d lladdr " MAC_C
			 " dev a0 nud permanent\\n\", 1 + $1 / 250, $1 % 250 }' |"
			 "ip -batch - && ip route replace 192.0.2.0/24 via 10.9.0.3 &&"
			 "ip neigh replace 10.9.0.2 lladdr " MAC_C " dev a0 nud permanent");
	CU_ASSERT_TRUE(await_mac("10.9.0.2", MAC_C));
	hop = hop_of("192.0.2.7");
	CU_ASSERT_TRUE(addr_is(&hop.gateway, "10.9.0.3"));
	tear_down();
}

static void interface_addresses(void)
{
	struct mr_addr not_these[2] = {addr("10.9.0.1"), addr("fd09::1")};
	struct mr_addr found;

	set_up();
	CU_ASSERT_EQUAL(next_hops_interface_address(hops, a0, AF_INET, NULL, 0, &found), 0);
	CU_ASSERT_TRUE(addr_is(&found, "10.9.0.1"));
	CU_ASSERT_EQUAL(next_hops_interface_address(hops, a0, AF_INET6, NULL, 0, &found), 0);
	CU_ASSERT_TRUE(addr_is(&found, "fd09::1"));
	/* Nothing is left but the link-local address, which will not do. */
	CU_ASSERT_EQUAL(next_hops_interface_address(hops, a0, AF_INET6, not_these, 2, &found),
			-ENOENT);
	CU_ASSERT_EQUAL(next_hops_interface_address(hops, a0, AF_INET, not_these, 2, &found),
			-ENOENT);
	run_in(balancer, "ip addr add 10.7.0.1/24 dev a0");
	CU_ASSERT_EQUAL(next_hops_interface_address(hops, a0, AF_INET, not_these, 2, &found), 0);
	CU_ASSERT_TRUE(addr_is(&found, "10.7.0.1"));
	tear_down();
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(on_link),
		UNIT_TEST(on_link_ipv6),
		UNIT_TEST(by_gateway),
		UNIT_TEST(by_gateway_of_the_other_family),
		UNIT_TEST(not_reachable),
		UNIT_TEST(not_watched),
		UNIT_TEST(mac_change_is_followed),
		UNIT_TEST(failure_and_return_are_followed),
		UNIT_TEST(permanent_entry_is_left_alone),
		UNIT_TEST(foreign_entries_are_left_alone),
		UNIT_TEST(entries_of_a_crash_are_adopted),
		UNIT_TEST(entry_is_asked_for_again),
		UNIT_TEST(route_change_is_followed),
		UNIT_TEST(link_down_and_up_are_followed),
		UNIT_TEST(mtu_and_source_are_followed),
		UNIT_TEST(a_burst_is_one_change),
		UNIT_TEST(what_does_not_matter_is_no_change),
		UNIT_TEST(overrun_is_survived),
		UNIT_TEST(interface_addresses),
		CU_TEST_INFO_NULL,
	};
	int status;

	host = netns_own();
	base = event_base_new();
	status = unit_run("next_hop", tests);
	event_base_free(base);
	close(host);
	return status;
}
