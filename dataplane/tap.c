/* SPDX-License-Identifier: BSD-3-Clause */
#include "tap.h"

#include <assert.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "library_log.h"
#include "netdev.h"

/* net_tap's pool for segments that it cuts, TAP_GSO_MBUFS_NUM small ones, and its queues. */
#define DRIVER_BYTES (UINT64_C(1) << 20)

uint64_t tap_memory_bytes(uint32_t mbuf_count)
{
	const uint64_t object_bytes =
		sizeof(struct rte_mbuf) + RTE_MBUF_DEFAULT_BUF_SIZE + 3 * RTE_CACHE_LINE_SIZE;

	return DRIVER_BYTES + mbuf_count * object_bytes;
}

static int plug(struct tap *tap, const struct tap_config *config)
{
	char mac[RTE_ETHER_ADDR_FMT_SIZE] = "";
	char arguments[128];
	int rc;

	snprintf(tap->device, sizeof(tap->device), "%s", config->device);
	if (config->mac != NULL)
		rte_ether_format_addr(mac, sizeof(mac), config->mac);
	snprintf(arguments, sizeof(arguments), "iface=%s%s%s", config->interface,
		 config->mac != NULL ? ",mac=" : "", mac);
	rc = rte_eal_hotplug_add("vdev", tap->device, arguments);
	if (rc != 0)
		return rc;
	tap->plugged = true;
	return rte_eth_dev_get_port_by_name(tap->device, &tap->ethdev);
}

static int setup_queues(struct tap *tap, const struct tap_config *config)
{
	const struct rte_eth_conf conf = {.rxmode.mtu = config->mtu_bytes};
	const unsigned int node = (unsigned int)SOCKET_ID_ANY;
	int rc = rte_eth_dev_configure(tap->ethdev, config->queues, config->queues, &conf);

	if (rc == 0)
		rc = rte_eth_dev_set_mtu(tap->ethdev, config->mtu_bytes);
	for (uint16_t queue = 0; rc == 0 && queue < config->queues; queue++)
		rc = rte_eth_rx_queue_setup(tap->ethdev, queue, TAP_QUEUE_MBUFS, node, NULL,
					    config->mbufs);
	for (uint16_t queue = 0; rc == 0 && queue < config->queues; queue++)
		rc = rte_eth_tx_queue_setup(tap->ethdev, queue, 0, node, NULL);
	tap->queues = config->queues;
	return rc;
}

/* The kernel has put a number in the place of "%d". */
static int find_interface(struct tap *tap)
{
	struct rte_eth_dev_info info;
	const int rc = rte_eth_dev_info_get(tap->ethdev, &info);

	if (rc != 0)
		return rc;
	tap->ifindex = (int)info.if_index;
	return if_indextoname(info.if_index, tap->interface) == NULL ? -errno : 0;
}

/* Sends a frame that says nothing to the interface, as the kernel would. */
static bool send_from_kernel(const struct tap *tap)
{
	const struct sockaddr_ll interface = {
		.sll_family = AF_PACKET,
		.sll_ifindex = tap->ifindex,
	};
	const struct rte_ether_hdr frame = {.ether_type = RTE_BE16(ETH_P_802_EX1)};
	const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	bool sent;

	if (fd < 0)
		return false;
	sent = sendto(fd, &frame, sizeof(frame), 0, (const void *)&interface, sizeof(interface)) ==
	       sizeof(frame);
	close(fd);
	return sent;
}

/*
 * Until the first frame has come from the kernel, net_tap asks for one at every poll, a system call
 * that costs a worker a tenth of its time; from then on it waits for the kernel's signal. So there
 * is one, before any worker polls. Where this fails it is only slower.
 */
static void wake_driver(const struct tap *tap)
{
	struct rte_mbuf *mbuf;

	if (!send_from_kernel(tap))
		return;
	for (uint16_t queue = 0; queue < tap->queues; queue++) {
		while (rte_eth_rx_burst(tap->ethdev, queue, &mbuf, 1) > 0)
			rte_pktmbuf_free(mbuf);
	}
}

static int start(struct tap *tap, const struct tap_config *config)
{
	int rc = setup_queues(tap, config);

	if (rc == 0)
		rc = find_interface(tap);
	if (rc == 0 && config->noarp)
		rc = netdev_add_flags(tap->interface, IFF_NOARP);
	if (rc == 0)
		rc = rte_eth_dev_start(tap->ethdev);
	if (rc == 0)
		rc = rte_eth_macaddr_get(tap->ethdev, &tap->mac);
	if (rc == 0)
		wake_driver(tap);
	return rc;
}

int tap_open(struct tap *tap, const struct tap_config *config, struct mr_error *error)
{
	int rc;

	assert(config->queues <= TAP_QUEUES_MAX && config->mtu_bytes <= TAP_MTU_MAX_BYTES);
	library_log_clear();
	rc = plug(tap, config);
	if (rc == 0)
		rc = start(tap, config);
	if (rc != 0)
		return mr_error_set(error, rc, "TAP interface %s: %s", config->interface,
				    library_log_first());
	return 0;
}

void tap_close(struct tap *tap)
{
	if (!tap->plugged)
		return;
	rte_eth_dev_stop(tap->ethdev);
	rte_eth_dev_close(tap->ethdev);
	rte_eal_hotplug_remove("vdev", tap->device);
	*tap = (struct tap){0};
}
