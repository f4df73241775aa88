/* SPDX-License-Identifier: BSD-3-Clause */
#include "port_kernel.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <stdio.h>
#include <unistd.h>

#include <rte_common.h>
#include <rte_eal.h>
#include <rte_mbuf.h>

#include <mailrail/limits.h>

#include "port_ethdev.h"

/*
 * AF_XDP: the kernel leaves XDP_PACKET_HEADROOM bytes in front of a frame (include/net/xdp.h),
 * and a whole mempool object, which is the UMEM's frame, must fit a page. The mempool may add
 * a cache line, to spread objects over memory channels.
 */
#define XDP_HEADROOM	  256
#define XDP_OBJECT_MAX	  (4096 - RTE_CACHE_LINE_SIZE)
#define XDP_MTU_MAX_BYTES (XDP_OBJECT_MAX - PORT_MBUF_OVERHEAD - XDP_HEADROOM - PORT_FRAME_OVERHEAD)

/* The driver's own limit on sockets per interface, RTE_PMD_AF_PACKET_MAX_RINGS. */
#define AF_PACKET_QUEUES_MAX 16

static int claim_af_xdp(struct port *port, uint32_t worker_count, struct mr_error *error)
{
	const struct netdev *netdev = &port->netdev;

	if (netdev->mtu_bytes > XDP_MTU_MAX_BYTES)
		return mr_error_set(error, -EMSGSIZE,
				    "%s has an MTU of %u bytes, but AF_XDP carries %zu at most: "
				    "lower it, or use af_packet:%s",
				    netdev->name, netdev->mtu_bytes, (size_t)XDP_MTU_MAX_BYTES,
				    netdev->name);
	if (netdev->rx_queues > 0)
		return mr_error_set(error, -EINVAL,
				    "%s has %u receive queues outside its combined channels, whose "
				    "packets would be missed: ethtool -L %s rx 0, or rx 1 where it "
				    "has no combined channels",
				    netdev->name, netdev->rx_queues, netdev->name);
	if (netdev->channels > MR_QUEUES_MAX)
		return mr_error_set(error, -EINVAL,
				    "%s has %u combined channels, mailrail serves %u at most: "
				    "ethtool -L %s combined %u",
				    netdev->name, netdev->channels, MR_QUEUES_MAX, netdev->name,
				    MR_QUEUES_MAX);
	if (netdev->channels < worker_count)
		return mr_error_set(error, -EINVAL,
				    "%s has %u combined channels for %u workers, and each worker "
				    "needs one: ethtool -L %s combined %u, or fewer cores",
				    netdev->name, netdev->channels, worker_count, netdev->name,
				    worker_count);
	port->queues = netdev->channels;
	port->mtu_bytes = netdev->mtu_bytes;
	port->frame_room_bytes = RTE_MAX((uint32_t)RTE_MBUF_DEFAULT_DATAROOM,
					 XDP_HEADROOM + netdev->mtu_bytes + PORT_FRAME_OVERHEAD);
	snprintf(port->device, sizeof(port->device), "net_af_xdp%u", port->index);
	return steering_xdp_clear(netdev, true, error);
}

static int claim_af_packet(struct port *port, uint32_t worker_count, struct mr_error *error)
{
	const struct netdev *netdev = &port->netdev;
	const uint32_t frame_bytes = rte_align32pow2((uint32_t)TPACKET2_HDRLEN + netdev->mtu_bytes +
						     PORT_FRAME_OVERHEAD);
	int rc;

	if (worker_count > AF_PACKET_QUEUES_MAX)
		return mr_error_set(error, -EINVAL, "af_packet serves %u workers at most, not %u",
				    AF_PACKET_QUEUES_MAX, worker_count);
	port->queues = (uint16_t)worker_count;
	/* The driver declares no more, and has no limit of its own but the frame's. */
	port->mtu_bytes = RTE_ETHER_MTU;
	port->frame_room_bytes = RTE_MAX((uint32_t)RTE_MBUF_DEFAULT_DATAROOM, frame_bytes);
	snprintf(port->device, sizeof(port->device), "net_af_packet%u", port->index);
	rc = port_set_arguments(port, error, "iface=%s,qpairs=%u,framesz=%u,blocksz=%u,framecnt=%u",
				netdev->name, worker_count, port->frame_room_bytes,
				RTE_MAX(port->frame_room_bytes, (uint32_t)getpagesize()),
				PORT_RING_SIZE);
	return rc != 0 ? rc : steering_xdp_clear(netdev, false, error);
}

int port_claim_kernel(struct port *port, const struct mr_port_config *config, uint32_t worker_count,
		      struct mr_error *error)
{
	int rc = netdev_read(config->device, &port->netdev, error);

	if (rc != 0)
		return rc;
	port->ifindex = port->netdev.ifindex;
	port->hold = netdev_hold(&port->netdev, error);
	if (port->hold < 0)
		return port->hold;
	if (config->kind == MR_DEVICE_AF_XDP)
		return claim_af_xdp(port, worker_count, error);
	return claim_af_packet(port, worker_count, error);
}

/* net_af_xdp reads the program from a path, and when it sets up the first queue. */
static int start_af_xdp(struct port *port, const struct port_company *company,
			struct mr_error *error)
{
	/* Ordinary pages do not lie side by side, so no card could use a UMEM made of them. */
	const int force_copy = rte_eal_has_hugepages() == 0;
	const int program = steering_xdp_object(error);
	int rc;

	if (program < 0)
		return program;
	rc = port_set_arguments(port, error,
				"iface=%s,start_queue=0,queue_count=%u,force_copy=%d,"
				"xdp_prog=/proc/self/fd/%d",
				port->netdev.name, port->queues, force_copy, program);
	if (rc == 0)
		rc = port_start(port, company, error);
	close(program);
	return rc;
}

int port_open_kernel(struct port *port, const struct port_company *company,
		     const struct steering_tags *tags, struct mr_error *error)
{
	int rc;

	if (port->kind == MR_DEVICE_AF_XDP) {
		rc = start_af_xdp(port, company, error);
		if (rc == 0)
			rc = steering_xdp_open(&port->steering, &port->netdev, tags, error);
	} else {
		rc = port_start(port, company, error);
	}
	return rc != 0 ? rc : steering_tc_open(&port->guard, &port->netdev, tags, error);
}
