/* SPDX-License-Identifier: BSD-3-Clause */
/* A DPDK port, as the generator uses it. The main thread opens and closes. */
#ifndef MAILRAIL_PKTGEN_NIC_H
#define MAILRAIL_PKTGEN_NIC_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>
#include <rte_mempool.h>

#include <mailrail/error.h>

struct nic_config {
	const char *name; /* of the port in EAL, or its number */
	uint16_t tx_queues;
	uint16_t rx_queues; /* at most: a port that has fewer gets fewer */
	uint16_t frame_bytes_max;
};

struct nic {
	uint16_t port;
	uint16_t tx_queues;
	uint16_t rx_queues;
	struct rte_ether_addr mac;
	struct rte_mempool *mbufs;
};

/* Configures and starts the port. */
int nic_open(struct nic *nic, const struct nic_config *config, struct mr_error *error);
void nic_close(struct nic *nic);

bool nic_has_link(const struct nic *nic);

#endif
