/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Next hops, from the kernel's routes and neighbours by rtnetlink (RFC 3549). The kernel does
 * ARP and NDP; this asks it to keep the entries fresh (NTF_EXT_MANAGED, Linux 5.16; NTF_USE
 * once a second on older ones) and follows every change. Control thread.
 */
#ifndef MAILRAIL_CONTROL_NEXT_HOP_H
#define MAILRAIL_CONTROL_NEXT_HOP_H

#include <stdbool.h>
#include <stdint.h>

#include <event2/event.h>
#include <rte_ether.h>

#include <mailrail/address.h>
#include <mailrail/error.h>

struct next_hop {
	bool reachable;		/* a route exists; the fields below are set */
	int ifindex;		/* interface that the route leaves by */
	bool on_link;		/* no gateway in between */
	struct mr_addr gateway; /* the destination itself when on link */
	struct mr_addr source;	/* the address that the kernel would send from */
	uint32_t mtu_bytes;	/* of the route or its interface */
	bool resolved;		/* @mac is known and not failed */
	struct rte_ether_addr mac;
};

/* Called from the event loop, once for any number of changes in one turn. */
typedef void next_hops_changed_fn(void *context);

struct next_hops;

int next_hops_create(struct event_base *base, next_hops_changed_fn *changed, void *context,
		     struct next_hops **out, struct mr_error *error);
/* Gives back every neighbour entry that it asked the kernel to manage. */
void next_hops_destroy(struct next_hops *hops);

/*
 * Makes @destinations the whole set of watched addresses; asks the kernel at once for routes
 * and neighbours of new ones (a bounded, local netlink exchange) and forgets the others.
 */
int next_hops_watch(struct next_hops *hops, const struct mr_addr *destinations, uint32_t count,
		    struct mr_error *error);

/* -ENOENT: not watched. */
int next_hops_get(const struct next_hops *hops, const struct mr_addr *destination,
		  struct next_hop *out);

/*
 * Finds an address of @family (AF_INET, AF_INET6) of interface @ifindex that is not one of
 * @not_these, for probes to a service address of another family than the backend's.
 * -ENOENT: there is none.
 */
int next_hops_interface_address(struct next_hops *hops, int ifindex, int family,
				const struct mr_addr *not_these, uint32_t not_these_count,
				struct mr_addr *out);

#endif
