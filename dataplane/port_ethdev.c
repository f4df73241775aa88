/* SPDX-License-Identifier: BSD-3-Clause */
#include "port_ethdev.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mempool.h>

#include <mailrail/limits.h>

#include "fragments.h"
#include "library_log.h"
#include "port_kernel.h"

/* What one lcore may keep in its mempool cache: 1.5 times the cache's nominal size. */
#define CACHE_SIZE 256
#define CACHE_MOST (CACHE_SIZE + CACHE_SIZE / 2)

int port_set_arguments(struct port *port, struct mr_error *error, const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = vasprintf(&port->arguments, format, args);
	va_end(args);
	if (length >= 0)
		return 0;
	port->arguments = NULL;
	return mr_error_set(error, -ENOMEM, "no memory");
}

/*
 * Per queue: what the kernel or the card holds for receiving, and what lies in the transmit
 * queue of each device until that reports completion; with one device, as much again, because
 * AF_XDP's rings for the kernel hold more. Per lcore, its cache. Per worker, the fragments that
 * wait and those that it has yet to take from others.
 */
uint32_t port_mbuf_count(const struct port *port, const struct port_company *company)
{
	const uint32_t rings = 1 + RTE_MAX(UINT32_C(2), company->device_count);
	const uint32_t fragments = MR_FRAGMENTS_KEPT_MAX + FRAGMENT_HANDOVER_SIZE;
	const uint32_t twins = port->twin_count * TAP_QUEUE_MBUFS;

	return rings * PORT_RING_SIZE * port->queues + (company->worker_count + 1) * CACHE_MOST +
	       company->worker_count * (fragments + twins);
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

/* Drivers of interfaces do not know where the card is; the kernel does. */
static int node_of(const struct port *port)
{
	return port_is_kernel(port) ? port->netdev.numa_node : rte_eth_dev_socket_id(port->ethdev);
}

static int create_mbufs(struct port *port, const struct port_company *company,
			struct mr_error *error)
{
	const uint16_t data_room_bytes = (uint16_t)(RTE_PKTMBUF_HEADROOM + port->frame_room_bytes);
	const uint32_t count = port_mbuf_count(port, company);
	const int node = node_of(port);
	char name[RTE_MEMPOOL_NAMESIZE];

	snprintf(name, sizeof(name), "port%u", port->index);
	if (port->kind == MR_DEVICE_AF_XDP)
		port->mbufs = create_umem_pool(name, count, data_room_bytes, node);
	else
		port->mbufs =
			rte_pktmbuf_pool_create(name, count, CACHE_SIZE, 0, data_room_bytes, node);
	if (port->mbufs == NULL)
		return mr_error_set(error, -rte_errno, "no memory for %u packet buffers: %s", count,
				    rte_strerror(rte_errno));
	return 0;
}

static const char *bus(const struct port *port)
{
	return port->kind == MR_DEVICE_PCI ? "pci" : "vdev";
}

/* Of a PCI device, the kernel's driver that it is bound to. */
static const char *driver_of(const struct port *port, char link[PATH_MAX])
{
	char path[sizeof("/sys/bus/pci/devices//driver") + sizeof(port->device)];
	ssize_t length;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver", port->device);
	length = readlink(path, link, PATH_MAX - 1);
	if (length < 0)
		return "no driver";
	link[length] = '\0';
	return strrchr(link, '/') != NULL ? strrchr(link, '/') + 1 : link;
}

static int plug_fails(const struct port *port, int code, struct mr_error *error)
{
	char link[PATH_MAX];

	if (port->kind == MR_DEVICE_PCI)
		return mr_error_set(error, code, "DPDK does not open %s, bound to %s: %s",
				    port->device, driver_of(port, link), library_log_first());
	return mr_error_set(error, code, "DPDK does not open %s: %s", port->device,
			    library_log_first());
}

static int plug(struct port *port, struct mr_error *error)
{
	const char *arguments = port->arguments != NULL ? port->arguments : "";
	int rc;

	library_log_clear();
	errno = 0; /* net_af_xdp looks at it without need after its own ioctl(2) succeeded */
	rc = rte_eal_hotplug_add(bus(port), port->device, arguments);
	if (rc != 0)
		return plug_fails(port, rc, error);
	port->plugged = true;
	rc = rte_eth_dev_get_port_by_name(port->device, &port->ethdev);
	if (rc != 0)
		return mr_error_set(error, rc, "%s is not an Ethernet device", port->device);
	return 0;
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

/* The largest MTU whose frames the driver takes, as ethdev reckons. */
static uint32_t mtu_limit(const struct rte_eth_dev_info *info)
{
	uint32_t overhead = RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN;

	if (info->max_mtu != UINT16_MAX && info->max_rx_pktlen > info->max_mtu)
		overhead = info->max_rx_pktlen - info->max_mtu;
	if (info->max_rx_pktlen - overhead < info->max_mtu)
		return info->max_rx_pktlen - overhead;
	return info->max_mtu;
}

/* Does a frame of the wanted MTU take more than one mbuf? */
static bool is_scattered(const struct port *port)
{
	return port->mtu_bytes + PORT_FRAME_OVERHEAD > port->frame_room_bytes;
}

static int check_mtu(struct port *port, const struct rte_eth_dev_info *info, struct mr_error *error)
{
	port->refused_field = "mtu";
	if (port->mtu_bytes > mtu_limit(info))
		return mr_error_set(error, -EMSGSIZE, "%u bytes, but %s carries %u at most",
				    port->mtu_bytes, port->device, mtu_limit(info));
	if (is_scattered(port) && (info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER) == 0)
		return mr_error_set(error, -EMSGSIZE,
				    "%u bytes, but %s receives a frame into one buffer, in which "
				    "%u bytes have room",
				    port->mtu_bytes, port->device,
				    port->frame_room_bytes - PORT_FRAME_OVERHEAD);
	if (is_scattered(port) && (info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS) == 0)
		return mr_error_set(error, -EMSGSIZE,
				    "%u bytes, but %s sends a frame from one buffer, in which "
				    "%u bytes have room",
				    port->mtu_bytes, port->device,
				    port->frame_room_bytes - PORT_FRAME_OVERHEAD);
	port->refused_field = "device";
	return 0;
}

/*
 * A PCI driver is asked for no more than is needed: several segments cost it its fast path. To
 * software it makes no difference, and frames in several segments may come from other ports.
 */
static void choose_offloads(const struct port *port, const struct rte_eth_dev_info *info,
			    struct rte_eth_conf *config)
{
	if (is_scattered(port))
		config->rxmode.offloads |= RTE_ETH_RX_OFFLOAD_SCATTER;
	if (is_scattered(port) || port->kind != MR_DEVICE_PCI)
		config->txmode.offloads |= info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	if (port->kind == MR_DEVICE_PCI)
		config->rxmode.offloads |= info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_IPV4_CKSUM;
	/* A virtio card filters as soon as it can, and knows no tag that nobody has named. */
	if (port->tagged_count > 0 && !port_is_kernel(port))
		config->rxmode.offloads |= info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_VLAN_FILTER;
}

static struct rte_eth_conf ethdev_config(const struct port *port,
					 const struct rte_eth_dev_info *info)
{
	/* The 4-tuple for TCP; what has no ports, or hides them, by its addresses. */
	const uint64_t rss = info->flow_type_rss_offloads & (RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP);
	struct rte_eth_conf config = {.rxmode.mtu = port->mtu_bytes};

	if (port->queues > 1 && rss != 0) {
		config.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		config.rx_adv_conf.rss_conf.rss_hf = rss;
	}
	choose_offloads(port, info, &config);
	return config;
}

static int setup_queues(const struct port *port)
{
	uint16_t rx_descriptors = PORT_RING_SIZE;
	uint16_t tx_descriptors = PORT_RING_SIZE;
	const unsigned int node = (unsigned int)node_of(port);
	int rc = rte_eth_dev_adjust_nb_rx_tx_desc(port->ethdev, &rx_descriptors, &tx_descriptors);

	for (uint16_t queue = 0; rc == 0 && queue < port->queues; queue++)
		rc = rte_eth_tx_queue_setup(port->ethdev, queue, tx_descriptors, node, NULL);
	for (uint16_t queue = 0; rc == 0 && queue < port->queues; queue++)
		rc = rte_eth_rx_queue_setup(port->ethdev, queue, rx_descriptors, node, NULL,
					    port->mbufs);
	return rc;
}

/*
 * Drivers of cards learn the MTU when they are configured; those of interfaces have to be told,
 * which is done only for an MTU that somebody asked for.
 */
static int set_mtu(const struct port *port)
{
	int rc;

	if (port->kind != MR_DEVICE_VDEV || !port->mtu_given)
		return 0;
	rc = rte_eth_dev_set_mtu(port->ethdev, port->mtu_bytes);
	return rc == -ENOTSUP ? 0 : rc;
}

/* The kernel behind a twin listens to groups: NDP, routing daemons. */
static int listen_to_groups(const struct port *port)
{
	const int rc = port->twin_count > 0 ? rte_eth_allmulticast_enable(port->ethdev) : 0;

	return rc == -ENOTSUP ? 0 : rc;
}

static int configure(struct port *port, const struct rte_eth_dev_info *info)
{
	const struct rte_eth_conf config = ethdev_config(port, info);
	int rc = rte_eth_dev_configure(port->ethdev, port->queues, port->queues, &config);

	port->spreads = config.rxmode.mq_mode == RTE_ETH_MQ_RX_RSS;
	port->filters_tags = (config.rxmode.offloads & RTE_ETH_RX_OFFLOAD_VLAN_FILTER) != 0;
	port->joins_segments = (config.txmode.offloads & RTE_ETH_TX_OFFLOAD_MULTI_SEGS) == 0;
	if (rc == 0)
		rc = set_mtu(port);
	if (rc == 0)
		rc = setup_queues(port);
	if (rc == 0)
		rc = rte_eth_dev_start(port->ethdev);
	if (rc == 0)
		rc = listen_to_groups(port);
	if (rc == 0)
		rc = rte_eth_macaddr_get(port->ethdev, &port->mac);
	return rc;
}

int port_start(struct port *port, const struct port_company *company, struct mr_error *error)
{
	struct rte_eth_dev_info info;
	int rc = plug(port, error);

	if (rc != 0)
		return rc;
	rc = rte_eth_dev_info_get(port->ethdev, &info);
	if (rc != 0)
		return mr_error_set(error, rc, "%s: %s", port->device, strerror(-rc));
	rc = check_queues(port, &info, error);
	if (rc == 0)
		rc = check_mtu(port, &info, error);
	if (rc == 0)
		rc = create_mbufs(port, company, error);
	if (rc != 0)
		return rc;
	library_log_clear();
	rc = configure(port, &info);
	if (rc != 0)
		return mr_error_set(error, rc, "%s does not start: %s", port->device,
				    library_log_first());
	return 0;
}

/* Cards look at the outer tag. With tag 0 come frames that have a priority only. */
int port_admit_tags(const struct port *port, struct mr_error *error)
{
	const uint16_t id = port->tag_count > 0 ? port->tags[0] : 0;
	const int rc = rte_eth_dev_vlan_filter(port->ethdev, id, 1);

	if (rc != 0)
		return mr_error_set(error, rc, "%s does not let VLAN %u through: %s",
				    port_device(port), id, strerror(-rc));
	return 0;
}

void port_unplug(struct port *port)
{
	rte_eth_dev_stop(port->ethdev);
	rte_eth_dev_close(port->ethdev);
	rte_eal_hotplug_remove(bus(port), port->device);
	port->plugged = false;
}
