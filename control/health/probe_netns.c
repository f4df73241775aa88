/* SPDX-License-Identifier: BSD-3-Clause */
#include "probe_netns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netlink.h"

struct probe_netns {
	int netns;
	char interface[IF_NAMESIZE];
	struct netlink netlink;	 /* in the namespace; opened with the first socket */
	struct mr_addr *sources; /* on the interface */
	uint32_t source_count;
};

struct probe_netns *probe_netns_create(int netns, const char *interface)
{
	struct probe_netns *probes = calloc(1, sizeof(*probes));

	if (!probes)
		return NULL;
	probes->netns = netns;
	snprintf(probes->interface, sizeof(probes->interface), "%s", interface);
	return probes;
}

void probe_netns_destroy(struct probe_netns *probes)
{
	if (!probes)
		return;
	netlink_close(&probes->netlink);
	free(probes->sources);
	free(probes);
}

/* Enters the namespace. Returns a descriptor of the thread's own one, for netns_leave(). */
static int netns_enter(int netns)
{
	int own = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	if (own < 0)
		return -errno;
	if (setns(netns, CLONE_NEWNET) < 0) {
		int err = -errno;

		close(own);
		return err;
	}
	return own;
}

static void netns_leave(int own)
{
	/* In the wrong namespace everything that follows would be wrong in silence. */
	if (setns(own, CLONE_NEWNET) < 0)
		abort();
	close(own);
}

static int netlink_open_in(int netns, struct netlink *nl)
{
	int own = netns_enter(netns), err;

	if (own < 0)
		return own;
	err = netlink_open(nl);
	netns_leave(own);
	return err;
}

static int socket_open_in(int netns, int family)
{
	int own = netns_enter(netns), fd;

	if (own < 0)
		return own;
	fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	if (fd < 0)
		fd = -errno;
	netns_leave(own);
	return fd;
}

static int take_ifindex(void *context, const struct nlmsghdr *message)
{
	const struct ifinfomsg *link = mnl_nlmsg_get_payload(message);
	int *ifindex = context;

	*ifindex = link->ifi_index;
	return 0;
}

/* Each time anew: the interface may have been made again. */
static int find_interface(struct probe_netns *probes, int *out_ifindex)
{
	union netlink_request request;
	int ifindex = 0, err;

	mnl_nlmsg_put_header(&request)->nlmsg_type = RTM_GETLINK;
	mnl_nlmsg_put_extra_header(&request.header, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(&request.header, IFLA_IFNAME, probes->interface);
	err = netlink_exchange(&probes->netlink, &request, take_ifindex, &ifindex);
	if (err < 0)
		return err;
	*out_ifindex = ifindex;
	return ifindex > 0 ? 0 : -ENODEV;
}

static int change_source(struct probe_netns *probes, uint16_t type, int ifindex,
			 const struct mr_addr *source)
{
	union netlink_request request;
	struct ifaddrmsg *ifa;

	mnl_nlmsg_put_header(&request)->nlmsg_type = type;
	request.header.nlmsg_flags = type == RTM_NEWADDR ? NLM_F_CREATE | NLM_F_EXCL : 0;
	ifa = mnl_nlmsg_put_extra_header(&request.header, sizeof(*ifa));
	ifa->ifa_family = (unsigned char)netlink_family(source);
	ifa->ifa_prefixlen = mr_addr_is_v4(source) ? 32 : 128;
	ifa->ifa_index = (unsigned int)ifindex;
	netlink_put_addr(&request.header, IFA_LOCAL, source);
	/* The address is the host's own; nobody answers duplicate detection in here. */
	if (type == RTM_NEWADDR)
		mnl_attr_put_u32(&request.header, IFA_FLAGS, IFA_F_NODAD);
	return netlink_exchange(&probes->netlink, &request, NULL, NULL);
}

static int add_default_route(struct probe_netns *probes, int ifindex, int family)
{
	union netlink_request request;
	struct rtmsg *route;

	mnl_nlmsg_put_header(&request)->nlmsg_type = RTM_NEWROUTE;
	request.header.nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL;
	route = mnl_nlmsg_put_extra_header(&request.header, sizeof(*route));
	route->rtm_family = (unsigned char)family;
	route->rtm_table = RT_TABLE_MAIN;
	route->rtm_protocol = RTPROT_STATIC;
	route->rtm_scope = family == AF_INET ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	route->rtm_type = RTN_UNICAST;
	mnl_attr_put_u32(&request.header, RTA_OIF, (uint32_t)ifindex);
	return netlink_exchange(&probes->netlink, &request, NULL, NULL);
}

static bool source_is_set(const struct probe_netns *probes, const struct mr_addr *source)
{
	for (uint32_t i = 0; i < probes->source_count; i++) {
		if (mr_addr_equal(&probes->sources[i], source))
			return true;
	}
	return false;
}

static void forget_source(struct probe_netns *probes, uint32_t index)
{
	probes->sources[index] = probes->sources[--probes->source_count];
}

static int remember_source(struct probe_netns *probes, const struct mr_addr *source)
{
	struct mr_addr *sources =
		reallocarray(probes->sources, probes->source_count + 1, sizeof(*sources));

	if (!sources)
		return -ENOMEM;
	probes->sources = sources;
	sources[probes->source_count++] = *source;
	return 0;
}

/* The address and the way out for its family. What is there already is as good. */
static int set_source(struct probe_netns *probes, const struct mr_addr *source)
{
	int ifindex, err;

	if (source_is_set(probes, source))
		return 0;
	err = find_interface(probes, &ifindex);
	if (err < 0)
		return err;
	err = change_source(probes, RTM_NEWADDR, ifindex, source);
	if (err < 0 && err != -EEXIST)
		return err;
	err = add_default_route(probes, ifindex, netlink_family(source));
	if (err < 0 && err != -EEXIST)
		return err;
	return remember_source(probes, source);
}

static int bind_source(int fd, const struct mr_addr *source, uint16_t port)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	int result;

	if (mr_addr_is_v4(source)) {
		memcpy(&v4.sin_addr, &source->bytes[12], sizeof(v4.sin_addr));
		result = bind(fd, (struct sockaddr *)&v4, sizeof(v4));
	} else {
		memcpy(&v6.sin6_addr, source->bytes, sizeof(v6.sin6_addr));
		result = bind(fd, (struct sockaddr *)&v6, sizeof(v6));
	}
	return result < 0 ? -errno : 0;
}

/* The interface was made anew and came without the addresses: they are set again next time. */
static void forget_all_sources(struct probe_netns *probes)
{
	probes->source_count = 0;
}

int probe_netns_socket(struct probe_netns *probes, const struct mr_addr *source,
		       uint16_t source_port, struct mr_error *error)
{
	int fd, err = 0;

	if (probes->netns < 0)
		return mr_error_set(error, -ENODEV, "there is no probe namespace");
	if (!probes->netlink.socket)
		err = netlink_open_in(probes->netns, &probes->netlink);
	if (err < 0)
		return mr_error_set(error, err, "probe namespace: %s", strerror(-err));
	err = set_source(probes, source);
	if (err < 0)
		return mr_error_set(error, err, "probe interface %s: %s", probes->interface,
				    strerror(-err));
	fd = socket_open_in(probes->netns, netlink_family(source));
	if (fd < 0)
		return mr_error_set(error, fd, "probe socket: %s", strerror(-fd));
	err = bind_source(fd, source, source_port);
	if (err == 0)
		return fd;
	close(fd);
	if (err == -EADDRNOTAVAIL)
		forget_all_sources(probes);
	return mr_error_set(error, err, "probe source port %u: %s", source_port, strerror(-err));
}

void probe_netns_keep(struct probe_netns *probes, probe_netns_wanted_fn *wanted,
		      const void *context)
{
	int ifindex;

	for (uint32_t i = probes->source_count; i-- > 0;) {
		if (wanted(context, &probes->sources[i]))
			continue;
		/* Should that fail, the address is idle, and found when wanted again. */
		if (find_interface(probes, &ifindex) == 0)
			(void)change_source(probes, RTM_DELADDR, ifindex, &probes->sources[i]);
		forget_source(probes, i);
	}
}
