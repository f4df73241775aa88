/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel's VLAN interfaces (IEEE 802.1Q), by rtnetlink. Control thread. */
#ifndef MAILRAIL_CONTROL_VLAN_INTERFACE_H
#define MAILRAIL_CONTROL_VLAN_INTERFACE_H

#include <stdbool.h>
#include <stdint.h>

#include "netlink.h"

struct vlan_interface {
	int ifindex;
	int device;  /* interface whose frames have the tag */
	uint16_t id; /* VLAN id, host byte order */
};

/* From an RTM_NEWLINK. False: not a VLAN interface of this network namespace's. */
bool vlan_interface_parse(const struct nlmsghdr *message, struct vlan_interface *out);

/*
 * The interface for frames of interface @device with these tags, outermost first: with two of
 * them a VLAN interface on a VLAN interface. -ENOENT: there is none.
 */
int vlan_interface_find(struct netlink *nl, int device, const uint16_t *tags, uint32_t count,
			int *out_ifindex);

#endif
