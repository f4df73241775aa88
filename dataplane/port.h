/* SPDX-License-Identifier: BSD-3-Clause */
/* One port: an ethdev, with what the kernel knows of the interface behind it. */
#ifndef MAILRAIL_DATAPLANE_PORT_H
#define MAILRAIL_DATAPLANE_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_dev.h>
#include <rte_ether.h>
#include <rte_mempool.h>

#include <mailrail/dataplane.h>

#include "netdev.h"
#include "steering.h"

struct port {
	uint16_t ethdev;
	enum mr_device_kind kind;
	int ifindex;	 /* 0: no kernel interface */
	uint16_t queues; /* receive queues; as many transmit queues, at least one per worker */
	struct rte_ether_addr mac;

	/* From here on: control thread only. */
	uint32_t index;			   /* in the configuration, for messages */
	char device[RTE_DEV_NAME_MAX_LEN]; /* DPDK's name of it */
	char *arguments;		   /* for DPDK's driver */
	uint32_t frame_room_bytes;	   /* of one mbuf, behind the headroom */
	int hold;			   /* netdev_hold(); -1: none */
	bool plugged;			   /* the ethdev exists */
	struct netdev netdev;
	struct rte_mempool *mbufs;
	struct steering steering;
};

/*
 * All that can be checked before EAL is up, and the hold on the interface. A program that a
 * killed mailraild left there is removed. On failure @port needs no port_close().
 */
int port_claim(struct port *port, uint32_t index, const struct mr_port_config *config,
	       uint32_t worker_count, struct mr_error *error);

/* What port_open() will take of DPDK's memory. */
uint64_t port_memory_bytes(const struct port *port, uint32_t worker_count);

/* After EAL is up; the ethdev runs then. On failure port_close() undoes what was done. */
int port_open(struct port *port, uint32_t worker_count, struct mr_error *error);
/*
 * Also after port_claim() alone. No worker may use the port any more. False: somebody put
 * another XDP program on the interface, which DPDK would take off with its device; the device
 * stays open until the process ends, and eal_stop() must not be called.
 */
bool port_close(struct port *port);

void port_read(const struct port *port, struct mr_port_info *out);

#endif
