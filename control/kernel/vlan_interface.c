/* SPDX-License-Identifier: BSD-3-Clause */
#include "vlan_interface.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>

#define DUMP_TRIES 5

static bool read_id(const struct nlattr *data, uint16_t *out)
{
	const struct nlattr *attribute;

	mnl_attr_for_each_nested(attribute, data)
	{
		if (mnl_attr_get_type(attribute) != IFLA_VLAN_ID ||
		    mnl_attr_validate(attribute, MNL_TYPE_U16) < 0)
			continue;
		*out = mnl_attr_get_u16(attribute);
		return true;
	}
	return false;
}

static bool read_info(const struct nlattr *info, uint16_t *out_id)
{
	const struct nlattr *attribute;
	bool is_vlan = false, has_id = false;

	mnl_attr_for_each_nested(attribute, info)
	{
		if (mnl_attr_get_type(attribute) == IFLA_INFO_KIND &&
		    mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) >= 0)
			is_vlan = strcmp(mnl_attr_get_str(attribute), "vlan") == 0;
		if (mnl_attr_get_type(attribute) == IFLA_INFO_DATA)
			has_id = read_id(attribute, out_id);
	}
	return is_vlan && has_id;
}

bool vlan_interface_parse(const struct nlmsghdr *message, struct vlan_interface *out)
{
	const struct ifinfomsg *link = mnl_nlmsg_get_payload(message);
	struct vlan_interface vlan = {0};
	const struct nlattr *attribute;
	bool is_vlan = false;

	if (message->nlmsg_type != RTM_NEWLINK ||
	    mnl_nlmsg_get_payload_len(message) < sizeof(*link))
		return false;
	vlan.ifindex = link->ifi_index;
	mnl_attr_for_each(attribute, message, sizeof(*link))
	{
		const uint16_t type = mnl_attr_get_type(attribute);

		/* Its device is another namespace's, and so is the number in IFLA_LINK. */
		if (type == IFLA_LINK_NETNSID)
			return false;
		if (type == IFLA_LINK && mnl_attr_validate(attribute, MNL_TYPE_U32) >= 0)
			vlan.device = (int)mnl_attr_get_u32(attribute);
		if (type == IFLA_LINKINFO)
			is_vlan = read_info(attribute, &vlan.id);
	}
	if (!is_vlan || vlan.device == 0)
		return false;
	*out = vlan;
	return true;
}

struct search {
	int device;
	uint16_t id;
	int found; /* ifindex; 0: not yet */
};

static int consider(void *context, const struct nlmsghdr *message)
{
	struct search *search = context;
	struct vlan_interface vlan;

	if (vlan_interface_parse(message, &vlan) && vlan.device == search->device &&
	    vlan.id == search->id)
		search->found = vlan.ifindex;
	return 0;
}

static int dump_links(struct netlink *nl, struct search *search)
{
	union netlink_request request;

	mnl_nlmsg_put_header(&request)->nlmsg_type = RTM_GETLINK;
	request.header.nlmsg_flags = NLM_F_DUMP;
	mnl_nlmsg_put_extra_header(&request.header, sizeof(struct ifinfomsg));
	mnl_attr_put_u32(&request.header, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	return netlink_exchange(nl, &request, consider, search);
}

static int find_one(struct netlink *nl, int device, uint16_t id, int *out_ifindex)
{
	struct search search = {.device = device, .id = id};
	int err = -EINTR;

	for (int tries = 0; tries < DUMP_TRIES && err == -EINTR; tries++)
		err = dump_links(nl, &search);
	if (err < 0)
		return err;
	if (search.found == 0)
		return -ENOENT;
	*out_ifindex = search.found;
	return 0;
}

int vlan_interface_find(struct netlink *nl, int device, const uint16_t *tags, uint32_t count,
			int *out_ifindex)
{
	int ifindex = device;

	for (uint32_t i = 0; i < count; i++) {
		const int err = find_one(nl, ifindex, tags[i], &ifindex);

		if (err < 0)
			return err;
	}
	*out_ifindex = ifindex;
	return 0;
}
