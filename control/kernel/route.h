/* SPDX-License-Identifier: BSD-3-Clause */
/* What the kernel's routing tables and interfaces say, asked once. Control thread. */
#ifndef MAILRAIL_CONTROL_ROUTE_H
#define MAILRAIL_CONTROL_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

#include <mailrail/address.h>

#include "netlink.h"
#include "next_hop.h"

/*
 * Sets the fields of @out that come from the route; the neighbour's are cleared. A destination
 * without a unicast route is not an error but not @reachable.
 */
int route_get(struct netlink *nl, const struct mr_addr *destination, struct next_hop *out);

/*
 * The destinations that an RTM_NEWROUTE or RTM_DELROUTE is about; false: they cannot be told
 * from the message, so that it may be about any.
 */
bool route_parse_prefix(const struct nlmsghdr *message, struct mr_prefix *out);

/* next_hops_interface_address() on a given socket. */
int route_interface_address(struct netlink *nl, int ifindex, int family,
			    const struct mr_addr *not_these, uint32_t not_these_count,
			    struct mr_addr *out);

#endif
