/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A TAP interface of DPDK's net_tap: the kernel has one end, an ordinary interface in the
 * network namespace in which it was opened; the other end is an ethdev of the workers. It
 * vanishes with the process, however that ends. Control thread.
 */
#ifndef MAILRAIL_DATAPLANE_TAP_H
#define MAILRAIL_DATAPLANE_TAP_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_dev.h>
#include <rte_ether.h>
#include <rte_mempool.h>

#include <mailrail/error.h>

/* net_tap's own limit, RTE_PMD_TAP_MAX_QUEUES. */
#define TAP_QUEUES_MAX 16
/*
 * net_tap declares that it carries a frame of 1518 bytes with a VLAN tag and no more
 * (RTE_ETHER_MAX_VLAN_FRAME_LEN), from which ethdev derives the largest MTU.
 */
#define TAP_MTU_MAX_BYTES 1504
/* The longest frame that it sends at a given MTU; it stops at a longer one. */
static inline uint16_t tap_frame_max_bytes(uint16_t mtu_bytes)
{
	return (uint16_t)(mtu_bytes + RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN + 4);
}
/* Mbufs that each queue keeps for what the kernel sends next. */
#define TAP_QUEUE_MBUFS 64

struct tap_config {
	const char *device;    /* DPDK's name of it, "net_tap..." */
	const char *interface; /* the kernel's; with "%d" the first number that is free */
	const struct rte_ether_addr *mac; /* NULL: any */
	uint16_t mtu_bytes;
	uint16_t queues; /* to receive from and to send on; the kernel picks the one it sends on */
	bool noarp;	 /* the kernel sends to the interface's own MAC, and asks nobody */
	struct rte_mempool *mbufs;
};

/* Zeroed: not there. */
struct tap {
	uint16_t ethdev;
	uint16_t queues;
	bool plugged; /* the ethdev exists */
	struct rte_ether_addr mac;
	char device[RTE_DEV_NAME_MAX_LEN];
	int ifindex;
	char interface[IF_NAMESIZE];
};

/* What tap_open() takes of DPDK's memory, and @mbuf_count mbufs for it of the default size. */
uint64_t tap_memory_bytes(uint32_t mbuf_count);

/*
 * After EAL is up. The interface is up when this returns. @error says what is wrong, without
 * saying which field it is about. On failure tap_close() undoes what was done.
 */
int tap_open(struct tap *tap, const struct tap_config *config, struct mr_error *error);
void tap_close(struct tap *tap);

#endif
