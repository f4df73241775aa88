/* SPDX-License-Identifier: BSD-3-Clause */
#include "route.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#define DUMP_TRIES 5

static uint32_t metrics_mtu(const struct nlattr *metrics)
{
	const struct nlattr *metric;

	mnl_attr_for_each_nested(metric, metrics)
	{
		if (mnl_attr_get_type(metric) == RTAX_MTU &&
		    mnl_attr_validate(metric, MNL_TYPE_U32) >= 0)
			return mnl_attr_get_u32(metric);
	}
	return 0;
}

/* RTA_VIA: a gateway of another family than the destination's (RFC 5549). */
static bool via_gateway(const struct nlattr *attribute, struct mr_addr *out)
{
	const struct rtvia *via = mnl_attr_get_payload(attribute);
	size_t bytes = mnl_attr_get_payload_len(attribute);

	if (bytes < sizeof(*via))
		return false;
	bytes -= sizeof(*via);
	if (via->rtvia_family == AF_INET && bytes == 4)
		*out = mr_addr_from_v4(via->rtvia_addr);
	else if (via->rtvia_family == AF_INET6 && bytes == 16)
		*out = mr_addr_from_v6(via->rtvia_addr);
	else
		return false;
	return true;
}

static void take_attribute(const struct nlattr *attribute, int family, struct next_hop *hop)
{
	switch (mnl_attr_get_type(attribute)) {
	case RTA_OIF:
		if (mnl_attr_validate(attribute, MNL_TYPE_U32) >= 0)
			hop->ifindex = (int)mnl_attr_get_u32(attribute);
		break;
	case RTA_GATEWAY:
		if (netlink_get_addr(attribute, family, &hop->gateway))
			hop->on_link = false;
		break;
	case RTA_VIA:
		if (via_gateway(attribute, &hop->gateway))
			hop->on_link = false;
		break;
	case RTA_PREFSRC:
		netlink_get_addr(attribute, family, &hop->source);
		break;
	case RTA_METRICS:
		hop->mtu_bytes = metrics_mtu(attribute);
		break;
	default:
		break;
	}
}

static int take_route(void *context, const struct nlmsghdr *message)
{
	const struct rtmsg *route = mnl_nlmsg_get_payload(message);
	struct next_hop *hop = context;
	const struct nlattr *attribute;

	if (message->nlmsg_type != RTM_NEWROUTE || route->rtm_type != RTN_UNICAST)
		return 0;
	mnl_attr_for_each(attribute, message, sizeof(*route))
		take_attribute(attribute, route->rtm_family, hop);
	hop->reachable = hop->ifindex > 0;
	return 0;
}

bool route_parse_prefix(const struct nlmsghdr *message, struct mr_prefix *out)
{
	const struct rtmsg *route = mnl_nlmsg_get_payload(message);
	struct mr_prefix prefix = {0};
	const struct nlattr *attribute;
	bool addr_set;

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*route) ||
	    (route->rtm_family != AF_INET && route->rtm_family != AF_INET6))
		return false;
	if (route->rtm_family == AF_INET)
		prefix.addr = mr_addr_from_v4(&prefix.addr.bytes[12]);
	prefix.length = route->rtm_dst_len + (route->rtm_family == AF_INET ? 96 : 0);
	addr_set = route->rtm_dst_len == 0;
	mnl_attr_for_each(attribute, message, sizeof(*route))
	{
		if (mnl_attr_get_type(attribute) == RTA_DST)
			addr_set = netlink_get_addr(attribute, route->rtm_family, &prefix.addr);
	}
	if (!addr_set || prefix.length > 128)
		return false;
	*out = prefix;
	return true;
}

static int take_mtu(void *context, const struct nlmsghdr *message)
{
	const struct nlattr *attribute;
	uint32_t *mtu_bytes = context;

	mnl_attr_for_each(attribute, message, sizeof(struct ifinfomsg))
	{
		if (mnl_attr_get_type(attribute) == IFLA_MTU &&
		    mnl_attr_validate(attribute, MNL_TYPE_U32) >= 0)
			*mtu_bytes = mnl_attr_get_u32(attribute);
	}
	return 0;
}

static int interface_mtu(struct netlink *nl, int ifindex, uint32_t *out_bytes)
{
	union netlink_request request;
	struct ifinfomsg *link;

	mnl_nlmsg_put_header(&request)->nlmsg_type = RTM_GETLINK;
	link = mnl_nlmsg_put_extra_header(&request.header, sizeof(*link));
	link->ifi_index = ifindex;
	mnl_attr_put_u32(&request.header, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	return netlink_exchange(nl, &request, take_mtu, out_bytes);
}

/* Errors by which the kernel says that there is no way, or none any more. */
static bool means_unreachable(int err)
{
	switch (-err) {
	case ENETUNREACH:
	case EHOSTUNREACH:
	case EACCES:
	case EINVAL: /* a blackhole route */
	case ENODEV:
	case ENETDOWN:
	case EAFNOSUPPORT:
	case EOPNOTSUPP:
		return true;
	default:
		return false;
	}
}

int route_get(struct netlink *nl, const struct mr_addr *destination, struct next_hop *out)
{
	struct next_hop hop = {.on_link = true, .gateway = *destination};
	union netlink_request request;
	struct rtmsg *route;
	int err;

	mnl_nlmsg_put_header(&request)->nlmsg_type = RTM_GETROUTE;
	route = mnl_nlmsg_put_extra_header(&request.header, sizeof(*route));
	route->rtm_family = (unsigned char)netlink_family(destination);
	route->rtm_dst_len = mr_addr_is_v4(destination) ? 32 : 128;
	netlink_put_addr(&request.header, RTA_DST, destination);
	err = netlink_exchange(nl, &request, take_route, &hop);
	if (err == 0 && hop.reachable && hop.mtu_bytes == 0)
		err = interface_mtu(nl, hop.ifindex, &hop.mtu_bytes);
	if (err < 0 && !means_unreachable(err))
		return err;
	if (err < 0 || !hop.reachable)
		hop = (struct next_hop){0};
	*out = hop;
	return 0;
}

struct address_search {
	int ifindex;
	const struct mr_addr *not_these;
	uint32_t not_these_count;
	bool found;
	struct mr_addr address;
};

static bool search_excludes(const struct address_search *search, const struct mr_addr *addr)
{
	for (uint32_t i = 0; i < search->not_these_count; i++) {
		if (mr_addr_equal(&search->not_these[i], addr))
			return true;
	}
	return false;
}

static int take_address(void *context, const struct nlmsghdr *message)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(message);
	struct address_search *search = context;
	uint32_t flags = ifa->ifa_flags;
	const struct nlattr *attribute;
	struct mr_addr addr;
	bool addr_set = false;

	/* A link-local address would need the backend to know which of its links is meant. */
	if (search->found || (int)ifa->ifa_index != search->ifindex ||
	    ifa->ifa_scope >= RT_SCOPE_LINK)
		return 0;
	mnl_attr_for_each(attribute, message, sizeof(*ifa))
	{
		uint16_t type = mnl_attr_get_type(attribute);

		/* On a point-to-point link IFA_ADDRESS is the peer's, IFA_LOCAL ours. */
		if (type == IFA_LOCAL || (type == IFA_ADDRESS && !addr_set))
			addr_set |= netlink_get_addr(attribute, ifa->ifa_family, &addr);
		if (type == IFA_FLAGS && mnl_attr_validate(attribute, MNL_TYPE_U32) >= 0)
			flags = mnl_attr_get_u32(attribute);
	}
	if (!addr_set || flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED | IFA_F_DEPRECATED) ||
	    search_excludes(search, &addr))
		return 0;
	search->address = addr;
	search->found = true;
	return 0;
}

static int search_addresses(struct netlink *nl, int family, struct address_search *search)
{
	union netlink_request request;
	struct ifaddrmsg *ifa;

	mnl_nlmsg_put_header(&request)->nlmsg_type = RTM_GETADDR;
	request.header.nlmsg_flags = NLM_F_DUMP;
	ifa = mnl_nlmsg_put_extra_header(&request.header, sizeof(*ifa));
	ifa->ifa_family = (unsigned char)family;
	return netlink_exchange(nl, &request, take_address, search);
}

int route_interface_address(struct netlink *nl, int ifindex, int family,
			    const struct mr_addr *not_these, uint32_t not_these_count,
			    struct mr_addr *out)
{
	struct address_search search = {
		.ifindex = ifindex,
		.not_these = not_these,
		.not_these_count = not_these_count,
	};
	int err = -EINTR;

	for (int tries = 0; tries < DUMP_TRIES && err == -EINTR; tries++) {
		search.found = false;
		err = search_addresses(nl, family, &search);
	}
	if (err < 0)
		return err;
	if (!search.found)
		return -ENOENT;
	*out = search.address;
	return 0;
}
