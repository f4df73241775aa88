/* SPDX-License-Identifier: BSD-3-Clause */
#include "neighbour.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>

#define NUD_USABLE (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT | NUD_NOARP)

static void take_attribute(const struct nlattr *attribute, int family, struct neighbour *neighbour)
{
	switch (mnl_attr_get_type(attribute)) {
	case NDA_DST:
		netlink_get_addr(attribute, family, &neighbour->address);
		break;
	case NDA_LLADDR:
		if (mnl_attr_get_payload_len(attribute) != sizeof(neighbour->mac))
			break;
		memcpy(&neighbour->mac, mnl_attr_get_payload(attribute), sizeof(neighbour->mac));
		neighbour->mac_set = true;
		break;
	case NDA_PROTOCOL:
		if (mnl_attr_validate(attribute, MNL_TYPE_U8) >= 0)
			neighbour->ours = mnl_attr_get_u8(attribute) == NEIGHBOUR_PROTOCOL;
		break;
	case NDA_FLAGS_EXT:
		if (mnl_attr_validate(attribute, MNL_TYPE_U32) >= 0)
			neighbour->managed = mnl_attr_get_u32(attribute) & NTF_EXT_MANAGED;
		break;
	default:
		break;
	}
}

bool neighbour_parse(const struct nlmsghdr *message, struct neighbour *out)
{
	const struct ndmsg *entry = mnl_nlmsg_get_payload(message);
	struct neighbour neighbour = {0};
	const struct nlattr *attribute;

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*entry) ||
	    (entry->ndm_family != AF_INET && entry->ndm_family != AF_INET6) ||
	    entry->ndm_flags & NTF_PROXY)
		return false;
	neighbour.ifindex = entry->ndm_ifindex;
	neighbour.present = message->nlmsg_type == RTM_NEWNEIGH;
	neighbour.state = entry->ndm_state;
	neighbour.flags = entry->ndm_flags;
	mnl_attr_for_each(attribute, message, sizeof(*entry))
		take_attribute(attribute, entry->ndm_family, &neighbour);
	*out = neighbour;
	return true;
}

static void put_entry(union netlink_request *request, uint16_t type,
		      const struct neighbour *neighbour, uint8_t flags)
{
	struct ndmsg *entry;

	mnl_nlmsg_put_header(request)->nlmsg_type = type;
	entry = mnl_nlmsg_put_extra_header(&request->header, sizeof(*entry));
	entry->ndm_family = (unsigned char)netlink_family(&neighbour->address);
	entry->ndm_ifindex = neighbour->ifindex;
	entry->ndm_flags = flags;
	netlink_put_addr(&request->header, NDA_DST, &neighbour->address);
}

static int take_entry(void *context, const struct nlmsghdr *message)
{
	return neighbour_parse(message, context) ? 0 : -EBADMSG;
}

int neighbour_get(struct netlink *nl, struct neighbour *neighbour)
{
	struct neighbour found = {.ifindex = neighbour->ifindex, .address = neighbour->address};
	union netlink_request request;
	int err;

	put_entry(&request, RTM_GETNEIGH, neighbour, 0);
	err = netlink_exchange(nl, &request, take_entry, &found);
	/* -ENODEV: the interface went away, and its neighbours with it. */
	if (err < 0 && err != -ENOENT && err != -ENODEV)
		return err;
	*neighbour = found;
	return 0;
}

static bool kept_by_other(const struct neighbour *neighbour)
{
	return neighbour->state & (NUD_PERMANENT | NUD_NOARP) ||
	       neighbour->flags & NTF_EXT_LEARNED || (neighbour->managed && !neighbour->ours);
}

bool neighbour_is_kept(const struct neighbour *neighbour)
{
	return neighbour->present && (neighbour->managed || kept_by_other(neighbour));
}

bool neighbour_is_usable(const struct neighbour *neighbour)
{
	return neighbour->present && neighbour->mac_set && neighbour->state & NUD_USABLE;
}

int neighbour_ask(struct netlink *nl, struct neighbour *neighbour)
{
	union netlink_request request;
	int err = neighbour_get(nl, neighbour);

	if (err < 0 || neighbour_is_kept(neighbour))
		return err;
	/* Kernels that do not know NDA_FLAGS_EXT overlook it and act on NTF_USE. */
	put_entry(&request, RTM_NEWNEIGH, neighbour, NTF_USE);
	mnl_attr_put_u32(&request.header, NDA_FLAGS_EXT, NTF_EXT_MANAGED);
	mnl_attr_put_u8(&request.header, NDA_PROTOCOL, NEIGHBOUR_PROTOCOL);
	request.header.nlmsg_flags = NLM_F_CREATE;
	/* Asking would make a permanent entry dynamic, so never meet one by surprise. */
	if (!neighbour->present)
		request.header.nlmsg_flags |= NLM_F_EXCL;
	err = netlink_exchange(nl, &request, NULL, NULL);
	if (err < 0 && err != -EEXIST)
		return err;
	return neighbour_get(nl, neighbour);
}

void neighbour_give_back(struct netlink *nl, struct neighbour *neighbour)
{
	union netlink_request request;

	if (neighbour_get(nl, neighbour) < 0)
		return;
	if (!neighbour->present || !neighbour->ours || kept_by_other(neighbour))
		return;
	put_entry(&request, RTM_DELNEIGH, neighbour, 0);
	/* It fails when the entry went away meanwhile, which is what was wanted. */
	(void)netlink_exchange(nl, &request, NULL, NULL);
}
