/* SPDX-License-Identifier: BSD-3-Clause */
#include "nic.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#define RING_SIZE  1024
#define CACHE_SIZE 256
/* What each core may keep in its cache, and have in its hands. */
#define CORE_MBUFS 512
/* What a tunnel may add to a frame. */
#define TUNNEL_ROOM 128

static int find(const char *name, uint16_t *out_port)
{
	char *end;
	const unsigned long number = strtoul(name, &end, 10);

	if (*name != '\0' && *end == '\0' && number < RTE_MAX_ETHPORTS &&
	    rte_eth_dev_is_valid_port((uint16_t)number)) {
		*out_port = (uint16_t)number;
		return 0;
	}
	return rte_eth_dev_get_port_by_name(name, out_port);
}

static int create_mbufs(struct nic *nic, const struct nic_config *config, struct mr_error *error)
{
	const uint32_t count = (nic->tx_queues + nic->rx_queues) * (2U * RING_SIZE + CORE_MBUFS);
	uint32_t room = RTE_PKTMBUF_HEADROOM + config->frame_bytes_max + TUNNEL_ROOM;
	char name[RTE_MEMPOOL_NAMESIZE];

	if (room < RTE_MBUF_DEFAULT_BUF_SIZE)
		room = RTE_MBUF_DEFAULT_BUF_SIZE;
	snprintf(name, sizeof(name), "nic%u", nic->port);
	nic->mbufs = rte_pktmbuf_pool_create(name, count, CACHE_SIZE, 0, (uint16_t)room,
					     rte_eth_dev_socket_id(nic->port));
	if (!nic->mbufs)
		return mr_error_set(error, -rte_errno,
				    "no memory for %u packet buffers of %u bytes: %s", count, room,
				    rte_strerror(rte_errno));
	return 0;
}

/* With room for the largest frame in a tunnel, as far as the driver goes. */
static uint32_t choose_mtu(const struct rte_eth_dev_info *info, const struct nic_config *config)
{
	const uint32_t by_frame = info->max_rx_pktlen - RTE_ETHER_HDR_LEN - RTE_ETHER_CRC_LEN;
	const uint32_t limit = RTE_MIN(info->max_mtu, by_frame);
	uint32_t mtu = config->frame_bytes_max - RTE_ETHER_HDR_LEN + TUNNEL_ROOM;

	mtu = RTE_MAX(mtu, (uint32_t)RTE_ETHER_MTU);
	return RTE_MIN(mtu, limit);
}

static void choose(const struct rte_eth_dev_info *info, const struct nic *nic,
		   const struct nic_config *config, struct rte_eth_conf *conf)
{
	*conf = (struct rte_eth_conf){0};
	conf->rxmode.mtu = choose_mtu(info, config);
	conf->txmode.offloads = info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
	if (nic->rx_queues < 2 || info->flow_type_rss_offloads == 0)
		return;
	conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
	conf->rx_adv_conf.rss_conf.rss_hf =
		info->flow_type_rss_offloads & (RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP);
}

static int set_up_queues(const struct nic *nic, const struct rte_eth_conf *conf)
{
	const int socket = rte_eth_dev_socket_id(nic->port);
	uint16_t rx_size = RING_SIZE, tx_size = RING_SIZE;
	int rc = rte_eth_dev_configure(nic->port, nic->rx_queues, nic->tx_queues, conf);

	if (rc == 0)
		rc = rte_eth_dev_adjust_nb_rx_tx_desc(nic->port, &rx_size, &tx_size);
	for (uint16_t queue = 0; queue < nic->rx_queues && rc == 0; queue++)
		rc = rte_eth_rx_queue_setup(nic->port, queue, rx_size, socket, NULL, nic->mbufs);
	for (uint16_t queue = 0; queue < nic->tx_queues && rc == 0; queue++)
		rc = rte_eth_tx_queue_setup(nic->port, queue, tx_size, socket, NULL);
	return rc;
}

static int start(struct nic *nic, const struct nic_config *config, struct mr_error *error)
{
	struct rte_eth_dev_info info;
	struct rte_eth_conf conf;
	int rc = rte_eth_dev_info_get(nic->port, &info);

	if (rc < 0)
		return mr_error_set(error, rc, "%s", rte_strerror(-rc));
	if (nic->tx_queues > info.max_tx_queues)
		return mr_error_set(error, -EINVAL, "%u cores to send, but %u transmit queues",
				    nic->tx_queues, info.max_tx_queues);
	if (nic->rx_queues > info.max_rx_queues)
		nic->rx_queues = info.max_rx_queues;
	rc = create_mbufs(nic, config, error);
	if (rc < 0)
		return rc;
	choose(&info, nic, config, &conf);
	rc = set_up_queues(nic, &conf);
	if (rc == 0)
		rc = rte_eth_dev_start(nic->port);
	if (rc < 0)
		return mr_error_set(error, rc, "%s", rte_strerror(-rc));
	/* Not every driver has it, and not every use needs it. */
	rte_eth_promiscuous_enable(nic->port);
	return 0;
}

int nic_open(struct nic *nic, const struct nic_config *config, struct mr_error *error)
{
	struct mr_error cause = {.text = ""};
	int rc;

	*nic = (struct nic){.tx_queues = config->tx_queues, .rx_queues = config->rx_queues};
	rc = find(config->name, &nic->port);
	if (rc < 0)
		return mr_error_set(error, rc, "%s: DPDK has no such port", config->name);
	rte_eth_macaddr_get(nic->port, &nic->mac);
	rc = start(nic, config, &cause);
	if (rc < 0) {
		mr_error_set(error, rc, "%s: %s", config->name, cause.text);
		nic_close(nic);
	}
	return rc;
}

void nic_close(struct nic *nic)
{
	rte_eth_dev_stop(nic->port);
	rte_eth_dev_close(nic->port);
	rte_mempool_free(nic->mbufs);
}

bool nic_has_link(const struct nic *nic)
{
	struct rte_eth_link link = {0};

	return rte_eth_link_get_nowait(nic->port, &link) == 0 &&
	       link.link_status == RTE_ETH_LINK_UP;
}
