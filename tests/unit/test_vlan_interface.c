/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * VLAN interfaces as rtnetlink tells of them. Not every kernel can make one, so that most of
 * this is about messages as the kernel writes them.
 */
#include "vlan_interface.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include "../lib/netns.h"
#include "../lib/unit.h"

static char buffer[1024];

static struct nlmsghdr *begin(int ifindex)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *link;

	message->nlmsg_type = RTM_NEWLINK;
	link = mnl_nlmsg_put_extra_header(message, sizeof(*link));
	link->ifi_index = ifindex;
	return message;
}

/* @id 0: none. */
static void add_info(struct nlmsghdr *message, const char *kind, uint16_t id)
{
	struct nlattr *info = mnl_attr_nest_start(message, IFLA_LINKINFO);
	struct nlattr *data;

	mnl_attr_put_strz(message, IFLA_INFO_KIND, kind);
	data = mnl_attr_nest_start(message, IFLA_INFO_DATA);
	mnl_attr_put_u16(message, IFLA_VLAN_PROTOCOL, 0x0081);
	if (id != 0)
		mnl_attr_put_u16(message, IFLA_VLAN_ID, id);
	mnl_attr_nest_end(message, data);
	mnl_attr_nest_end(message, info);
}

static void test_vlan(void)
{
	struct nlmsghdr *message = begin(7);
	struct vlan_interface vlan = {0};

	mnl_attr_put_strz(message, IFLA_IFNAME, "eth0.100");
	mnl_attr_put_u32(message, IFLA_LINK, 3);
	add_info(message, "vlan", 100);
	CU_ASSERT(vlan_interface_parse(message, &vlan));
	CU_ASSERT_EQUAL(vlan.ifindex, 7);
	CU_ASSERT_EQUAL(vlan.device, 3);
	CU_ASSERT_EQUAL(vlan.id, 100);
}

static void test_others(void)
{
	struct vlan_interface vlan = {.ifindex = -1};
	struct nlmsghdr *message = begin(7);

	mnl_attr_put_u32(message, IFLA_LINK, 3); /* a macvlan */
	add_info(message, "macvlan", 100);
	CU_ASSERT_FALSE(vlan_interface_parse(message, &vlan));

	message = begin(7);
	mnl_attr_put_u32(message, IFLA_LINK, 3); /* without an id */
	add_info(message, "vlan", 0);
	CU_ASSERT_FALSE(vlan_interface_parse(message, &vlan));

	message = begin(7); /* without a device */
	add_info(message, "vlan", 100);
	CU_ASSERT_FALSE(vlan_interface_parse(message, &vlan));

	message = begin(7);
	mnl_attr_put_u32(message, IFLA_LINK, 3);
	mnl_attr_put_u32(message, IFLA_LINK_NETNSID, 0); /* which is another namespace's */
	add_info(message, "vlan", 100);
	CU_ASSERT_FALSE(vlan_interface_parse(message, &vlan));

	message = begin(7);
	mnl_attr_put_u32(message, IFLA_LINK, 3);
	add_info(message, "vlan", 100);
	message->nlmsg_type = RTM_DELLINK;
	CU_ASSERT_FALSE(vlan_interface_parse(message, &vlan));
	message->nlmsg_type = RTM_NEWLINK;
	message->nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg) - 1);
	CU_ASSERT_FALSE(vlan_interface_parse(message, &vlan));
	CU_ASSERT_EQUAL(vlan.ifindex, -1);
}

/* a0 has none with these ids. */
static void test_find(void)
{
	static const uint16_t tags[] = {200, 9};
	const int a0 = (int)if_nametoindex("a0");
	struct netlink nl;
	int found = -1;

	CU_ASSERT_EQUAL_FATAL(netlink_open(&nl), 0);
	CU_ASSERT_EQUAL(vlan_interface_find(&nl, a0, NULL, 0, &found), 0);
	CU_ASSERT_EQUAL(found, a0);
	found = -1;
	CU_ASSERT_EQUAL(vlan_interface_find(&nl, a0, tags, 1, &found), -ENOENT);
	CU_ASSERT_EQUAL(vlan_interface_find(&nl, a0, tags, 2, &found), -ENOENT);
	CU_ASSERT_EQUAL(found, -1);
	netlink_close(&nl);
}

/* Leaves them there for test_find_vlan(). */
static bool makes_interfaces(void)
{
	return system("ip link add v1 link a0 type vlan id 100 && "
		      "ip link add v2 link v1 type vlan id 7") == 0;
}

static void test_find_vlan(void)
{
	static const uint16_t tags[] = {100, 7};
	const int a0 = (int)if_nametoindex("a0");
	struct netlink nl;
	int found = -1;

	CU_ASSERT_EQUAL_FATAL(netlink_open(&nl), 0);
	CU_ASSERT_EQUAL(vlan_interface_find(&nl, a0, tags, 1, &found), 0);
	CU_ASSERT_EQUAL(found, (int)if_nametoindex("v1"));
	CU_ASSERT_EQUAL(vlan_interface_find(&nl, a0, tags, 2, &found), 0);
	CU_ASSERT_EQUAL(found, (int)if_nametoindex("v2"));
	netlink_close(&nl);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_vlan), UNIT_TEST(test_others), UNIT_TEST(test_find),
		CU_TEST_INFO_NULL,    CU_TEST_INFO_NULL,
	};
	const int netns = netns_make();

	netns_enter(netns);
	netns_check(-netns_run(netns, "ip link add a0 type veth peer name b0"),
		    "the test's interface");
	close(netns);
	if (makes_interfaces())
		tests[3] = (CU_TestInfo)UNIT_TEST(test_find_vlan);
	else
		puts("test_find_vlan skipped: this kernel makes no VLAN interfaces");
	return unit_run("vlan_interface", tests);
}
