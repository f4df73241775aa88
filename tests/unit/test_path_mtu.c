/* SPDX-License-Identifier: BSD-3-Clause */
/* Real ICMP errors over a namespace's loopback, and what is made of them. */
#include "path_mtu.h"

#include <arpa/inet.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>

#include <rte_ip.h>

#include "../lib/await.h"
#include "../lib/netns.h"
#include "../lib/unit.h"

#define AWAIT_MS 10000
#define GUE_PORT 6080

static struct event_base *base;
static struct path_mtus *mtus;
static unsigned int changes;
static int host, network;

static const uint8_t loopback_v6[16] = {[15] = 1};
static const uint8_t server_v6[16] = {0xfd, 0x09, [15] = 2};
static const uint8_t loopback_v4[4] = {127, 0, 0, 1};
static const uint8_t server_v4[4] = {10, 9, 0, 2};

static void on_changed(void *context)
{
	(void)context;
	changes++;
}

static bool changes_are(const void *wanted)
{
	return changes == *(const unsigned int *)wanted;
}

static void await_changes(unsigned int wanted)
{
	CU_ASSERT(await(base, changes_are, &wanted, AWAIT_MS));
}

static uint32_t known_v4(void)
{
	const struct mr_addr server = mr_addr_from_v4(server_v4);

	return path_mtu_get(mtus, &server);
}

static uint32_t known_v6(void)
{
	const struct mr_addr server = mr_addr_from_v6(server_v6);

	return path_mtu_get(mtus, &server);
}

static void watch_both(void)
{
	const struct path_mtu_tunnel tunnels[] = {
		{mr_addr_from_v6(server_v6), GUE_PORT},
		{mr_addr_from_v4(server_v4), 0},
		{mr_addr_from_v4(server_v4), GUE_PORT},
	};

	CU_ASSERT_EQUAL(path_mtus_watch(mtus, tunnels, RTE_DIM(tunnels)), 0);
}

static void create(uint32_t timeout_s)
{
	struct mr_error error;

	changes = 0;
	CU_ASSERT_EQUAL_FATAL(path_mtus_create(base, timeout_s, on_changed, NULL, &mtus, &error),
			      0);
	watch_both();
}

/* What a router says about a packet from @source to the server. */
struct report {
	struct icmphdr icmp;
	struct iphdr ip;
	struct udphdr udp;
} __attribute__((packed));

static struct report report_v4(uint16_t mtu_bytes, uint8_t protocol, uint16_t udp_port)
{
	struct report report = {
		.icmp = {.type = ICMP_DEST_UNREACH, .code = ICMP_FRAG_NEEDED},
		.ip = {.version = 4, .ihl = 5, .protocol = protocol},
		.udp = {.dest = htons(udp_port)},
	};

	report.icmp.un.frag.mtu = htons(mtu_bytes);
	memcpy(&report.ip.saddr, loopback_v4, sizeof(loopback_v4));
	memcpy(&report.ip.daddr, server_v4, sizeof(server_v4));
	return report;
}

/* @spoil: added to the right checksum. */
static void send_spoilt_v4(struct report report, uint16_t spoil)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	const int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);

	memcpy(&to.sin_addr, loopback_v4, sizeof(loopback_v4));
	report.icmp.checksum = (uint16_t)(~rte_raw_cksum(&report, sizeof(report)) + spoil);
	CU_ASSERT_EQUAL(sendto(fd, &report, sizeof(report), 0, (struct sockaddr *)&to, sizeof(to)),
			sizeof(report));
	close(fd);
}

static void send_v4(struct report report)
{
	send_spoilt_v4(report, 0);
}

static void send_v6(uint32_t mtu_bytes, uint16_t udp_port)
{
	struct {
		struct icmp6_hdr icmp;
		struct ip6_hdr ip;
		struct udphdr udp;
	} __attribute__((packed)) report = {
		.icmp = {.icmp6_type = ICMP6_PACKET_TOO_BIG},
		.udp = {.dest = htons(udp_port)},
	};
	struct sockaddr_in6 to = {.sin6_family = AF_INET6};
	const int fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6);

	report.icmp.icmp6_mtu = htonl(mtu_bytes);
	report.ip.ip6_flow = htonl(6U << 28);
	report.ip.ip6_nxt = IPPROTO_UDP;
	memcpy(&report.ip.ip6_src, loopback_v6, sizeof(loopback_v6));
	memcpy(&report.ip.ip6_dst, server_v6, sizeof(server_v6));
	memcpy(&to.sin6_addr, loopback_v6, sizeof(loopback_v6));
	CU_ASSERT_EQUAL(sendto(fd, &report, sizeof(report), 0, (struct sockaddr *)&to, sizeof(to)),
			sizeof(report));
	close(fd);
}

static void set_up(void)
{
	host = netns_own();
	network = netns_make();
	netns_enter(network);
	CU_ASSERT_EQUAL_FATAL(netns_run(network, "ip link set lo up"), 0);
}

static void tear_down(void)
{
	netns_enter(host);
	close(network);
	close(host);
}

static void test_reports_lower_the_path(void)
{
	create(PATH_MTU_TIMEOUT_S);
	CU_ASSERT_EQUAL(known_v4(), 0);
	send_v4(report_v4(1400, IPPROTO_IPIP, 0));
	await_changes(1);
	CU_ASSERT_EQUAL(known_v4(), 1400);
	CU_ASSERT_EQUAL(known_v6(), 0);
	send_v4(report_v4(1380, IPPROTO_IPV6, 0));
	await_changes(2);
	send_v4(report_v4(1300, IPPROTO_UDP, GUE_PORT));
	await_changes(3);
	CU_ASSERT_EQUAL(known_v4(), 1300);
	send_v6(1350, GUE_PORT);
	await_changes(4);
	CU_ASSERT_EQUAL(known_v6(), 1350);
	path_mtus_destroy(mtus);
}

/* No report makes a path narrower than any that carries mail. */
static void test_least(void)
{
	create(PATH_MTU_TIMEOUT_S);
	send_v4(report_v4(68, IPPROTO_IPIP, 0));
	await_changes(1);
	CU_ASSERT_EQUAL(known_v4(), PATH_MTU_MIN_V4_BYTES);
	send_v6(600, GUE_PORT);
	await_changes(2);
	CU_ASSERT_EQUAL(known_v6(), PATH_MTU_MIN_V6_BYTES);
	path_mtus_destroy(mtus);
}

/* The last report is a good one: when it has been read, the others have been too. */
static void test_what_is_ignored(void)
{
	struct report report;

	create(PATH_MTU_TIMEOUT_S);
	send_v4(report_v4(1400, IPPROTO_UDP, GUE_PORT + 1));
	send_v4(report_v4(1400, IPPROTO_TCP, GUE_PORT));
	send_v4(report_v4(0, IPPROTO_IPIP, 0));
	report = report_v4(1400, IPPROTO_IPIP, 0);
	report.ip.daddr ^= htonl(1);
	send_v4(report);
	report = report_v4(1400, IPPROTO_IPIP, 0);
	report.ip.saddr ^= htonl(1 << 8);
	send_v4(report);
	report = report_v4(1400, IPPROTO_IPIP, 0);
	report.ip.ihl = 15;
	send_v4(report);
	report = report_v4(1400, IPPROTO_IPIP, 0);
	report.icmp.code = ICMP_HOST_UNREACH;
	send_v4(report);
	send_spoilt_v4(report_v4(1400, IPPROTO_IPIP, 0), 1);
	send_v4(report_v4(1500, IPPROTO_IPIP, 0));
	await_changes(1);
	CU_ASSERT_EQUAL(known_v4(), 1500);
	/* Longer than what is known already: nothing new. */
	send_v4(report_v4(1600, IPPROTO_IPIP, 0));
	send_v4(report_v4(1450, IPPROTO_IPIP, 0));
	await_changes(2);
	CU_ASSERT_EQUAL(known_v4(), 1450);
	path_mtus_destroy(mtus);
}

static void test_watch_keeps_what_it_knows(void)
{
	const struct path_mtu_tunnel other = {mr_addr_from_v6(server_v6), 0};

	create(PATH_MTU_TIMEOUT_S);
	send_v4(report_v4(1400, IPPROTO_IPIP, 0));
	await_changes(1);
	watch_both();
	CU_ASSERT_EQUAL(known_v4(), 1400);
	CU_ASSERT_EQUAL(path_mtus_watch(mtus, &other, 1), 0);
	CU_ASSERT_EQUAL(known_v4(), 0);
	watch_both();
	CU_ASSERT_EQUAL(known_v4(), 0);
	path_mtus_destroy(mtus);
}

static void test_reports_expire(void)
{
	create(1);
	send_v4(report_v4(1400, IPPROTO_IPIP, 0));
	send_v6(1400, GUE_PORT);
	await_changes(2);
	while (known_v4() != 0 || known_v6() != 0) {
		const unsigned int before = changes;

		await_changes(before + 1);
		CU_ASSERT_FATAL(changes == before + 1);
	}
	path_mtus_destroy(mtus);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(set_up),
		UNIT_TEST(test_reports_lower_the_path),
		UNIT_TEST(test_least),
		UNIT_TEST(test_what_is_ignored),
		UNIT_TEST(test_watch_keeps_what_it_knows),
		UNIT_TEST(test_reports_expire),
		UNIT_TEST(tear_down),
		CU_TEST_INFO_NULL,
	};
	int status;

	base = event_base_new();
	status = unit_run("path_mtu", tests);
	event_base_free(base);
	return status;
}
