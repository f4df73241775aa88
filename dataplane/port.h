/* SPDX-License-Identifier: BSD-3-Clause */
/* One port: an ethdev, with what the kernel knows of the interface behind it. */
#ifndef MAILRAIL_DATAPLANE_PORT_H
#define MAILRAIL_DATAPLANE_PORT_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_dev.h>
#include <rte_ether.h>
#include <rte_mempool.h>

#include <mailrail/dataplane.h>

#include "head.h"
#include "netdev.h"
#include "steering.h"
#include "tap.h"

struct port {
	uint16_t ethdev;
	enum mr_device_kind kind;
	int ifindex;	 /* 0: no kernel interface */
	uint16_t queues; /* receive queues; as many transmit queues, at least one per worker */
	struct rte_ether_addr mac;
	uint16_t tags[2]; /* VLAN ids, outermost first, host byte order */
	uint8_t tag_count;
	uint8_t sibling;    /* next port on the same device, in a circle; alone: itself */
	struct heads heads; /* of @mac and the tags */
	/*
	 * The kernel's side: a TAP, whose interface has @kernel_mac. A twin has the port's own MAC
	 * and takes frames with their tags; else the frame is readdressed, and its tags removed.
	 */
	bool has_kernel_side;
	bool has_twin;
	bool joins_segments; /* the driver sends one segment only */
	uint16_t kernel_ethdev;
	uint16_t kernel_frame_max_bytes; /* longer frames do not get through it */
	struct rte_ether_addr kernel_mac;

	/* From here on: control thread only. */
	uint32_t index;	 /* in the configuration, for messages */
	uint32_t leader; /* the first port on the same device, which owns it; alone: @index */
	const char *refused_field;	   /* of the configuration, that a refusal is about */
	char device[RTE_DEV_NAME_MAX_LEN]; /* DPDK's name of it */
	char *arguments;		   /* for DPDK's driver */
	uint16_t mtu_bytes;		   /* wanted; kernel interfaces have their own */
	bool mtu_given;			   /* the configuration says so */
	uint32_t frame_room_bytes;	   /* of one mbuf, behind the headroom */
	uint32_t twin_count;		   /* of all ports on the device; with the leader */
	uint32_t tagged_count;		   /* likewise, those with tags */
	bool spreads;			   /* frames over its queues; likewise */
	bool filters_tags;		   /* the driver lets chosen tags through; likewise */
	int hold;			   /* netdev_hold(); -1: none */
	bool plugged;			   /* the ethdev exists; with the leader */
	struct netdev netdev;
	struct rte_mempool *mbufs; /* the leader owns them */
	struct steering steering;  /* likewise; AF_XDP only */
	struct steering guard;	   /* likewise; the tc program */
	char twin_name[IF_NAMESIZE];
	struct tap twin;
};

/* Descriptors of one queue; net_af_xdp's own default, and a power of two. */
#define PORT_RING_SIZE 2048

/* Ethernet header, two VLAN tags, FCS. */
#define PORT_FRAME_OVERHEAD ((uint32_t)(RTE_ETHER_HDR_LEN + 2 * RTE_VLAN_HLEN + RTE_ETHER_CRC_LEN))

/* Who else there is: mbufs of one port may lie in the transmit queues of all. */
struct port_company {
	uint32_t worker_count;
	uint32_t device_count;
};

static inline bool port_is_leader(const struct port *port)
{
	return port->leader == port->index;
}

/*
 * All that can be checked before EAL is up, and the hold on the interface, for ports[@index];
 * those before it are claimed already. An XDP program that a killed mailraild left there is
 * removed, but not its guard. On failure the port needs no port_close().
 */
int port_claim(struct port *ports, uint32_t index, const struct mr_port_config *configs,
	       uint32_t worker_count, struct mr_error *error);

/* What port_open() will take of DPDK's memory. */
uint64_t port_memory_bytes(const struct port *port, const struct port_company *company);

/*
 * After EAL is up; the ethdev runs then. Ports are opened in order. On failure port_close()
 * undoes what was done. @tags: of all ports on the device.
 */
int port_open(struct port *ports, uint32_t index, const struct port_company *company,
	      const struct steering_tags *tags, struct mr_error *error);
/*
 * Also after port_claim() alone; in reverse order. No worker may use the port any more. False:
 * somebody put another XDP program on the interface, which DPDK would take off with its device;
 * the device stays open until the process ends, and eal_stop() must not be called.
 */
bool port_close(struct port *port);
/*
 * When every port is closed, as frames of one may lie in the transmit queue of another until that
 * closes. Nothing, if the device stays open.
 */
void port_free_mbufs(struct port *port);

/* Of those on kernel interfaces; 0: there is none. */
uint16_t ports_widest_mtu_bytes(const struct port *ports, uint32_t count);

/* The name of the device in the kernel or DPDK, for people. */
const char *port_device(const struct port *port);

void port_read(const struct port *port, struct mr_port_info *out);

#endif
