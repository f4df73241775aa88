/* SPDX-License-Identifier: BSD-3-Clause */
/* A kernel network interface, as ports need to know it. Control thread. */
#ifndef MAILRAIL_DATAPLANE_NETDEV_H
#define MAILRAIL_DATAPLANE_NETDEV_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>

#include <mailrail/error.h>

struct netdev {
	int ifindex;
	char name[IF_NAMESIZE]; /* the kernel's own, also when an alternative name was given */
	struct rte_ether_addr mac;
	uint16_t mtu_bytes;
	uint16_t channels;  /* combined ones; 1 for an interface without channels */
	uint16_t rx_queues; /* that no combined channel serves */
	int numa_node;	    /* SOCKET_ID_ANY: not known */
};

/* @error says what is wrong with the interface, without saying which field names it. */
int netdev_read(const char *name, struct netdev *out, struct mr_error *error);

/*
 * The running mailrail's hold on an interface: an abstract Unix socket, whose names belong to
 * the network namespace and vanish with the process however it ends. Returns a descriptor to
 * close, or a negative errno: -EADDRINUSE when another mailraild holds the interface.
 */
int netdev_hold(const struct netdev *netdev, struct mr_error *error);

bool netdev_link_up(const struct netdev *netdev);
/* The MTU now; the one read at start when the interface is gone. */
uint16_t netdev_mtu_bytes(const struct netdev *netdev);

/* Sets @flags (IFF_UP ...) of the interface @name, besides those it has. Returns a negative errno.
 */
int netdev_add_flags(const char *name, short flags);

/*
 * A setting of @interface ("all", "default" too) below /proc/sys/net/@family/conf. Writing is best
 * effort; reading returns -1 when there is none.
 */
void netdev_set(const char *interface, const char *family, const char *knob, const char *value);
int netdev_setting(const char *interface, const char *family, const char *knob);

/*
 * True when the card may take VLAN tags out of the frames that it receives, so that an XDP program
 * does not see them (rx-vlan-offload). A veth leaves them where they are.
 */
bool netdev_hides_tags(const struct netdev *netdev);

/* True when the kernel merges received segments to frames larger than the MTU (GRO, LRO). */
bool netdev_merges_segments(const struct netdev *netdev);

#endif
