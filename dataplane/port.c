/* SPDX-License-Identifier: BSD-3-Clause */
#include "port.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "library_log.h"

#include <mailrail/limits.h>

/* Descriptors of one queue; net_af_xdp's own default, and a power of two. */
#define RING_SIZE 2048

/* What one lcore may keep in its mempool cache: 1.5 times the cache's nominal size. */
#define CACHE_SIZE 256
#define CACHE_MOST (CACHE_SIZE + CACHE_SIZE / 2)

/* Ethernet header, two VLAN tags, FCS. */
#define FRAME_OVERHEAD (RTE_ETHER_HDR_LEN + 2 * RTE_VLAN_HLEN + RTE_ETHER_CRC_LEN)

/*
 * AF_XDP: the kernel leaves XDP_PACKET_HEADROOM bytes in front of a frame (include/net/xdp.h),
 * and a whole mempool object, which is the UMEM's frame, must fit a page. The mempool may add
 * a cache line, to spread objects over memory channels.
 */
#define XDP_HEADROOM	  256
#define XDP_OBJECT_MAX	  (4096 - RTE_CACHE_LINE_SIZE)
#define MBUF_OVERHEAD	  (RTE_CACHE_LINE_SIZE + sizeof(struct rte_mbuf) + RTE_PKTMBUF_HEADROOM)
#define XDP_MTU_MAX_BYTES (XDP_OBJECT_MAX - MBUF_OVERHEAD - XDP_HEADROOM - FRAME_OVERHEAD)

/* The driver's own limit on sockets per interface, RTE_PMD_AF_PACKET_MAX_RINGS. */
#define AF_PACKET_QUEUES_MAX 16

/* Puts the place in the configuration in front of @error's line; returns @code. */
static int refuse(const struct port *port, struct mr_error *error, int code)
{
	const struct mr_error cause = *error;

	return mr_error_set(error, code, "/ports/%u/device: %.480s", port->index, cause.text);
}

static uint32_t most(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

__attribute__((format(printf, 2, 3))) static int set_arguments(struct port *port,
							       const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = vasprintf(&port->arguments, format, args);
	va_end(args);
	if (length < 0)
		port->arguments = NULL;
	return length < 0 ? -ENOMEM : 0;
}

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
	port->frame_room_bytes = most(RTE_MBUF_DEFAULT_DATAROOM,
				      XDP_HEADROOM + netdev->mtu_bytes + (uint32_t)FRAME_OVERHEAD);
	snprintf(port->device, sizeof(port->device), "net_af_xdp%u", port->index);
	return steering_xdp_clear(netdev, true, error);
}

static int claim_af_packet(struct port *port, uint32_t worker_count, struct mr_error *error)
{
	const struct netdev *netdev = &port->netdev;
	const uint32_t frame_bytes =
		rte_align32pow2((uint32_t)TPACKET2_HDRLEN + netdev->mtu_bytes + FRAME_OVERHEAD);

	if (worker_count > AF_PACKET_QUEUES_MAX)
		return mr_error_set(error, -EINVAL, "af_packet serves %u workers at most, not %u",
				    AF_PACKET_QUEUES_MAX, worker_count);
	port->queues = (uint16_t)worker_count;
	port->frame_room_bytes = most(RTE_MBUF_DEFAULT_DATAROOM, frame_bytes);
	snprintf(port->device, sizeof(port->device), "net_af_packet%u", port->index);
	if (set_arguments(port, "iface=%s,qpairs=%u,framesz=%u,blocksz=%u,framecnt=%u",
			  netdev->name, worker_count, port->frame_room_bytes,
			  most(port->frame_room_bytes, (uint32_t)getpagesize()), RING_SIZE) != 0)
		return mr_error_set(error, -ENOMEM, "no memory");
	return steering_xdp_clear(netdev, false, error);
}

static int claim_kernel(struct port *port, const struct mr_port_config *config,
			uint32_t worker_count, struct mr_error *error)
{
	int rc = netdev_read(config->device, &port->netdev, error);

	if (rc != 0)
		return rc;
	port->ifindex = port->netdev.ifindex;
	port->hold = netdev_hold(&port->netdev, error);
	if (port->hold < 0)
		return port->hold;
	steering_tc_clear(&port->netdev);
	if (config->kind == MR_DEVICE_AF_XDP)
		return claim_af_xdp(port, worker_count, error);
	return claim_af_packet(port, worker_count, error);
}

/* "net_null0,size=64": the device's name, and its arguments behind the first comma. */
static int claim_vdev(struct port *port, const char *device, uint32_t worker_count,
		      struct mr_error *error)
{
	const size_t length = strcspn(device, ",");

	if (length == 0 || length >= sizeof(port->device))
		return mr_error_set(error, -EINVAL, "\"%s\" does not begin with a device name",
				    device);
	memcpy(port->device, device, length);
	port->netdev.numa_node = SOCKET_ID_ANY;
	port->queues = (uint16_t)worker_count;
	port->frame_room_bytes = RTE_MBUF_DEFAULT_DATAROOM;
	if (set_arguments(port, "%s", device[length] == ',' ? &device[length + 1] : "") != 0)
		return mr_error_set(error, -ENOMEM, "no memory");
	return 0;
}

int port_claim(struct port *port, uint32_t index, const struct mr_port_config *config,
	       uint32_t worker_count, struct mr_error *error)
{
	int rc;

	*port = (struct port){.kind = config->kind, .index = index, .hold = -1};
	steering_init(&port->steering);
	if (config->kind == MR_DEVICE_VDEV)
		rc = claim_vdev(port, config->device, worker_count, error);
	else
		rc = claim_kernel(port, config, worker_count, error);
	if (rc == 0)
		return 0;
	port_close(port);
	return refuse(port, error, rc);
}

/*
 * Per queue: what the kernel or the card holds for receiving, and for sending until it reports
 * completion, and as much again in the hands of other queues' rings; per lcore, its cache.
 */
static uint32_t mbuf_count(const struct port *port, uint32_t worker_count)
{
	return 3U * RING_SIZE * port->queues + (worker_count + 1) * CACHE_MOST;
}

uint64_t port_memory_bytes(const struct port *port, uint32_t worker_count)
{
	const uint64_t object_bytes =
		MBUF_OVERHEAD + port->frame_room_bytes + 2 * RTE_CACHE_LINE_SIZE;

	return mbuf_count(port, worker_count) * object_bytes;
}

/*
 * net_af_xdp takes the mempool for the UMEM as it is, and counts on objects lying back to back
 * in one piece. That they do only in a pool that need not be contiguous for devices, so that
 * nothing is left free at the end of a page. (A card with zero-copy refuses the few objects
 * that lie across two pages that are not neighbours; the kernel counts them as invalid
 * descriptors, and does without.)
 */
static struct rte_mempool *create_umem_pool(const char *name, uint32_t count,
					    uint16_t data_room_bytes, int numa_node)
{
	struct rte_mempool *pool = rte_mempool_create_empty(
		name, count, (uint32_t)sizeof(struct rte_mbuf) + data_room_bytes, CACHE_SIZE,
		sizeof(struct rte_pktmbuf_pool_private), numa_node, RTE_MEMPOOL_F_NO_IOVA_CONTIG);

	if (pool == NULL)
		return NULL;
	rte_pktmbuf_pool_init(pool, NULL);
	if (rte_mempool_populate_default(pool) < 0 || pool->nb_mem_chunks != 1) {
		rte_mempool_free(pool);
		rte_errno = ENOMEM;
		return NULL;
	}
	rte_mempool_obj_iter(pool, rte_pktmbuf_init, NULL);
	return pool;
}

static int open_mbufs(struct port *port, uint32_t worker_count, struct mr_error *error)
{
	const uint16_t data_room_bytes = (uint16_t)(RTE_PKTMBUF_HEADROOM + port->frame_room_bytes);
	const uint32_t count = mbuf_count(port, worker_count);
	char name[RTE_MEMPOOL_NAMESIZE];

	snprintf(name, sizeof(name), "port%u", port->index);
	if (port->kind == MR_DEVICE_AF_XDP)
		port->mbufs =
			create_umem_pool(name, count, data_room_bytes, port->netdev.numa_node);
	else
		port->mbufs = rte_pktmbuf_pool_create(name, count, CACHE_SIZE, 0, data_room_bytes,
						      port->netdev.numa_node);
	if (port->mbufs == NULL)
		return mr_error_set(error, -rte_errno, "no memory for %u packet buffers: %s", count,
				    rte_strerror(rte_errno));
	return 0;
}

static int plug(struct port *port, struct mr_error *error)
{
	int rc;

	library_log_clear();
	errno = 0; /* net_af_xdp looks at it without need after its own ioctl(2) succeeded */
	rc = rte_eal_hotplug_add("vdev", port->device, port->arguments);
	if (rc != 0)
		return mr_error_set(error, rc, "DPDK does not open %s: %s", port->device,
				    library_log_first());
	port->plugged = true;
	rc = rte_eth_dev_get_port_by_name(port->device, &port->ethdev);
	if (rc != 0)
		return mr_error_set(error, rc, "%s is not an Ethernet device", port->device);
	return 0;
}

/* net_af_xdp reads the program from a path, and when it sets up the first queue. */
static int plug_af_xdp(struct port *port, int program, struct mr_error *error)
{
	/* Ordinary pages do not lie side by side, so no card could use a UMEM made of them. */
	const int force_copy = rte_eal_has_hugepages() == 0;

	if (set_arguments(port,
			  "iface=%s,start_queue=0,queue_count=%u,force_copy=%d,"
			  "xdp_prog=/proc/self/fd/%d",
			  port->netdev.name, port->queues, force_copy, program) != 0)
		return mr_error_set(error, -ENOMEM, "no memory");
	return plug(port, error);
}

static int check_queues(const struct port *port, const struct rte_eth_dev_info *info,
			struct mr_error *error)
{
	const uint16_t offered = info->max_rx_queues < info->max_tx_queues ? info->max_rx_queues
									   : info->max_tx_queues;

	if (port->queues <= offered)
		return 0;
	return mr_error_set(error, -EINVAL,
			    "%s offers %u queues for %u workers, and each worker needs one: "
			    "use fewer cores",
			    port->device, offered, port->queues);
}

static struct rte_eth_conf ethdev_config(const struct port *port,
					 const struct rte_eth_dev_info *info)
{
	const uint64_t rss = info->flow_type_rss_offloads & (RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP);
	struct rte_eth_conf config = {0};

	if (port->kind == MR_DEVICE_AF_XDP)
		config.rxmode.mtu = port->netdev.mtu_bytes;
	if (port->queues > 1 && rss != 0) {
		config.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		config.rx_adv_conf.rss_conf.rss_hf = rss;
	}
	return config;
}

static int setup_queues(const struct port *port)
{
	uint16_t rx_descriptors = RING_SIZE;
	uint16_t tx_descriptors = RING_SIZE;
	const unsigned int node = (unsigned int)port->netdev.numa_node;
	int rc = rte_eth_dev_adjust_nb_rx_tx_desc(port->ethdev, &rx_descriptors, &tx_descriptors);

	for (uint16_t queue = 0; rc == 0 && queue < port->queues; queue++)
		rc = rte_eth_tx_queue_setup(port->ethdev, queue, tx_descriptors, node, NULL);
	for (uint16_t queue = 0; rc == 0 && queue < port->queues; queue++)
		rc = rte_eth_rx_queue_setup(port->ethdev, queue, rx_descriptors, node, NULL,
					    port->mbufs);
	return rc;
}

static int start(struct port *port, struct mr_error *error)
{
	struct rte_eth_dev_info info;
	struct rte_eth_conf config;
	int rc = rte_eth_dev_info_get(port->ethdev, &info);

	if (rc != 0)
		return mr_error_set(error, rc, "%s: %s", port->device, strerror(-rc));
	rc = check_queues(port, &info, error);
	if (rc != 0)
		return rc;
	library_log_clear();
	config = ethdev_config(port, &info);
	rc = rte_eth_dev_configure(port->ethdev, port->queues, port->queues, &config);
	if (rc == 0)
		rc = setup_queues(port);
	if (rc == 0)
		rc = rte_eth_dev_start(port->ethdev);
	if (rc == 0)
		rc = rte_eth_macaddr_get(port->ethdev, &port->mac);
	if (rc != 0)
		return mr_error_set(error, rc, "%s does not start: %s", port->device,
				    library_log_first());
	return 0;
}

static int open_af_xdp(struct port *port, struct mr_error *error)
{
	const int program = steering_xdp_object(error);
	int rc;

	if (program < 0)
		return program;
	rc = plug_af_xdp(port, program, error);
	if (rc == 0)
		rc = start(port, error);
	close(program);
	if (rc != 0)
		return rc;
	return steering_xdp_open(&port->steering, &port->netdev, error);
}

static int open_af_packet(struct port *port, struct mr_error *error)
{
	int rc = plug(port, error);

	if (rc == 0)
		rc = start(port, error);
	if (rc != 0)
		return rc;
	return steering_tc_open(&port->steering, &port->netdev, error);
}

static int open_vdev(struct port *port, struct mr_error *error)
{
	const int rc = plug(port, error);

	return rc != 0 ? rc : start(port, error);
}

int port_open(struct port *port, uint32_t worker_count, struct mr_error *error)
{
	int rc = open_mbufs(port, worker_count, error);

	if (rc == 0) {
		switch (port->kind) {
		case MR_DEVICE_AF_XDP:
			rc = open_af_xdp(port, error);
			break;
		case MR_DEVICE_AF_PACKET:
			rc = open_af_packet(port, error);
			break;
		case MR_DEVICE_VDEV:
			rc = open_vdev(port, error);
			break;
		}
	}
	return rc != 0 ? refuse(port, error, rc) : 0;
}

static void unplug(struct port *port)
{
	rte_eth_dev_stop(port->ethdev);
	rte_eth_dev_close(port->ethdev);
	rte_eal_hotplug_remove("vdev", port->device);
	rte_mempool_free(port->mbufs);
}

bool port_close(struct port *port)
{
	const bool stays = port->plugged && port->kind == MR_DEVICE_AF_XDP &&
			   steering_xdp_is_foreign(&port->netdev);

	steering_close(&port->steering);
	if (port->plugged && !stays)
		unplug(port);
	port->plugged = false;
	free(port->arguments);
	port->arguments = NULL;
	if (port->hold >= 0)
		close(port->hold);
	port->hold = -1;
	return !stays;
}

static bool link_up(const struct port *port)
{
	struct rte_eth_link link;

	if (port->ifindex != 0)
		return netdev_link_up(&port->netdev);
	return rte_eth_link_get_nowait(port->ethdev, &link) == 0 &&
	       link.link_status == RTE_ETH_LINK_UP;
}

void port_read(const struct port *port, struct mr_port_info *out)
{
	struct rte_eth_stats stats = {0};
	uint16_t mtu_bytes = 0;

	if (port->ifindex != 0)
		mtu_bytes = netdev_mtu_bytes(&port->netdev);
	else
		rte_eth_dev_get_mtu(port->ethdev, &mtu_bytes);
	rte_eth_stats_get(port->ethdev, &stats);
	*out = (struct mr_port_info){
		.mac = port->mac,
		.mtu = mtu_bytes,
		.queues = port->queues,
		.ifindex = port->ifindex,
		.link_up = link_up(port),
		.rx_packets = stats.ipackets,
		.rx_bytes = stats.ibytes,
		.rx_missed = stats.imissed,
		.rx_errors = stats.ierrors,
		.tx_packets = stats.opackets,
		.tx_bytes = stats.obytes,
		.tx_errors = stats.oerrors,
	};
}
