/* SPDX-License-Identifier: BSD-3-Clause */
#include "kernel_side.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <rte_errno.h>
#include <rte_mbuf.h>

#include "netdev.h"

/*
 * IPv4's address for a host without one (RFC 7600, section 4.8), so that it disturbs nobody.
 * Where net.ipv4.conf.all.rp_filter is 2, the kernel takes nothing from an interface without.
 */
#define DUMMY_ADDRESS "192.0.0.8"

static uint32_t mbuf_count(uint32_t worker_count)
{
	return 2 * worker_count * TAP_QUEUE_MBUFS;
}

uint64_t kernel_side_memory_bytes(uint32_t worker_count)
{
	return tap_memory_bytes(mbuf_count(worker_count));
}

/*
 * What comes from a local address is routed on, and nobody is asked about the way back. Whether
 * it helped is asked later, by kernel_side_is_blocked_v4() and _v6().
 */
static void open_up(const struct kernel_side *side)
{
	netdev_set(side->tap.interface, "ipv4", "accept_local", "1");
	netdev_set(side->tap.interface, "ipv4", "rp_filter", "0");
	netdev_set(side->tap.interface, "ipv4", "forwarding", "1");
	netdev_set(side->tap.interface, "ipv6", "disable_ipv6", "0");
	netdev_set(side->tap.interface, "ipv6", "accept_ra", "0");
	netdev_set(side->tap.interface, "ipv6", "router_solicitations", "0");
	netdev_set(side->tap.interface, "ipv6", "forwarding", "1");
	netdev_set(side->tap.interface, "ipv6", "force_forwarding", "1");
}

static struct nlmsghdr *put_address(char *buffer, int ifindex)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct ifaddrmsg *address = mnl_nlmsg_put_extra_header(message, sizeof(*address));
	const in_addr_t dummy = inet_addr(DUMMY_ADDRESS);

	message->nlmsg_type = RTM_NEWADDR;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_ACK;
	address->ifa_family = AF_INET;
	address->ifa_prefixlen = 32;
	address->ifa_scope = RT_SCOPE_HOST;
	address->ifa_index = (unsigned int)ifindex;
	mnl_attr_put_u32(message, IFA_LOCAL, dummy);
	mnl_attr_put_u32(message, IFA_ADDRESS, dummy);
	return message;
}

static int talk(struct mnl_socket *socket, char *buffer, size_t size,
		const struct nlmsghdr *message)
{
	ssize_t length;

	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) != 0 ||
	    mnl_socket_sendto(socket, message, message->nlmsg_len) < 0)
		return -errno;
	length = mnl_socket_recvfrom(socket, buffer, size);
	if (length < 0 ||
	    mnl_cb_run(buffer, (size_t)length, 0, mnl_socket_get_portid(socket), NULL, NULL) < 0)
		return -errno;
	return 0;
}

static int add_dummy_address(const struct kernel_side *side)
{
	_Alignas(NLMSG_ALIGNTO) char buffer[4096];
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	int rc;

	if (socket == NULL)
		return -errno;
	rc = talk(socket, buffer, sizeof(buffer), put_address(buffer, side->tap.ifindex));
	mnl_socket_close(socket);
	return rc;
}

int kernel_side_open(struct kernel_side *side, uint32_t worker_count, uint16_t mtu_bytes,
		     struct mr_error *error)
{
	struct tap_config config = {
		.device = "net_tap_kernel",
		.interface = "mailrail%d",
		.mtu_bytes = RTE_MIN(mtu_bytes, TAP_MTU_MAX_BYTES),
		.queues = (uint16_t)worker_count,
		.noarp = true,
	};
	int rc;

	side->mbufs = rte_pktmbuf_pool_create("kernel", mbuf_count(worker_count), 0, 0,
					      RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (side->mbufs == NULL)
		return mr_error_set(error, -rte_errno,
				    "interface mailrail%%d: no memory for buffers: %s",
				    rte_strerror(rte_errno));
	config.mbufs = side->mbufs;
	side->frame_max_bytes = tap_frame_max_bytes(config.mtu_bytes);
	rc = tap_open(&side->tap, &config, error);
	if (rc != 0)
		return rc;
	open_up(side);
	rc = add_dummy_address(side);
	if (rc != 0)
		return mr_error_set(error, rc, "interface %s: address %s: %s", side->tap.interface,
				    DUMMY_ADDRESS, strerror(-rc));
	return 0;
}

void kernel_side_close(struct kernel_side *side)
{
	tap_close(&side->tap);
	rte_mempool_free(side->mbufs);
	side->mbufs = NULL;
}

bool kernel_side_is_blocked_v4(const struct kernel_side *side, struct mr_error *out)
{
	const char *interface = side->tap.interface;

	if (netdev_setting("all", "ipv4", "rp_filter") == 1 ||
	    netdev_setting(interface, "ipv4", "rp_filter") == 1)
		mr_error_set(out, 0, "net.ipv4.conf.{all,%s}.rp_filter must not be 1", interface);
	else if (netdev_setting(interface, "ipv4", "accept_local") != 1 &&
		 netdev_setting("all", "ipv4", "accept_local") != 1)
		mr_error_set(out, 0, "net.ipv4.conf.%s.accept_local must be 1", interface);
	else if (netdev_setting(interface, "ipv4", "forwarding") != 1)
		mr_error_set(out, 0, "net.ipv4.conf.%s.forwarding must be 1", interface);
	else
		return false;
	return true;
}

bool kernel_side_is_blocked_v6(const struct kernel_side *side, struct mr_error *out)
{
	const char *interface = side->tap.interface;

	if (netdev_setting(interface, "ipv6", "disable_ipv6") != 0)
		mr_error_set(out, 0, "net.ipv6.conf.%s.disable_ipv6 must be 0", interface);
	else if (netdev_setting("all", "ipv6", "forwarding") != 1 &&
		 netdev_setting(interface, "ipv6", "force_forwarding") != 1)
		mr_error_set(out, 0,
			     "net.ipv6.conf.all.forwarding must be 1 (or, from Linux 6.17 on, "
			     "net.ipv6.conf.%s.force_forwarding)",
			     interface);
	else
		return false;
	return true;
}
