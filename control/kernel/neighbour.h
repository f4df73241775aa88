/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One entry of the kernel's neighbour table, and how to make the kernel keep it fresh. Entries
 * that mailrail asked for carry its protocol number (NDA_PROTOCOL, as routes do in
 * /etc/iproute2/rt_protos), so that they are known again after a crash. Entries that somebody
 * else looks after are never touched. Control thread.
 */
#ifndef MAILRAIL_CONTROL_NEIGHBOUR_H
#define MAILRAIL_CONTROL_NEIGHBOUR_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>

#include <mailrail/address.h>

#include "netlink.h"

#define NEIGHBOUR_PROTOCOL 25

struct neighbour {
	int ifindex;
	struct mr_addr address;
	bool present;	/* the kernel has the entry; the fields below are set */
	uint16_t state; /* NUD_* */
	uint8_t flags;	/* NTF_* */
	bool managed;	/* NTF_EXT_MANAGED */
	bool ours;	/* carries NEIGHBOUR_PROTOCOL */
	bool mac_set;
	struct rte_ether_addr mac;
};

/* From an RTM_NEWNEIGH or RTM_DELNEIGH. False: not about an IP neighbour. */
bool neighbour_parse(const struct nlmsghdr *message, struct neighbour *out);

/* Refreshes all but ifindex and address, which name the entry. */
int neighbour_get(struct netlink *nl, struct neighbour *neighbour);

/* The kernel need not be asked (again): it keeps the entry fresh, or somebody else does. */
bool neighbour_is_kept(const struct neighbour *neighbour);

/* The kernel has a link-layer address that it would send to. */
bool neighbour_is_usable(const struct neighbour *neighbour);

/*
 * Asks the kernel to resolve the entry and keep it resolved, unless it is kept already, and
 * refreshes @neighbour. On kernels before 5.16 it is resolved once, and not kept.
 */
int neighbour_ask(struct netlink *nl, struct neighbour *neighbour);

/* Deletes the entry if it is one that neighbour_ask() made. */
void neighbour_give_back(struct netlink *nl, struct neighbour *neighbour);

#endif
