/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What routers say about tunnel packets that were too long for them (path MTU discovery,
 * RFC 1191, RFC 8201). Outer headers forbid fragmentation, so such reports come to the outer
 * source, an address of this host; its kernel has no tunnel of its own and would not use them.
 * Raw sockets hear them. Control thread.
 */
#ifndef MAILRAIL_CONTROL_PATH_MTU_H
#define MAILRAIL_CONTROL_PATH_MTU_H

#include <stdint.h>

#include <event2/event.h>

#include <mailrail/address.h>
#include <mailrail/error.h>

/*
 * The least that a report can lower a path to. IPv4 as in Linux (net.ipv4.route.min_pmtu):
 * smaller links carry no mail, and a forged report must not do much harm. IPv6: RFC 8200,
 * section 5.
 */
#define PATH_MTU_MIN_V4_BYTES 552
#define PATH_MTU_MIN_V6_BYTES 1280

/* How long a report should hold, until longer packets are tried again (RFC 1191, section 6.3). */
#define PATH_MTU_TIMEOUT_S 600

/* One kind of packets whose path is of interest. */
struct path_mtu_tunnel {
	struct mr_addr destination;
	uint16_t gue_port; /* UDP destination port, host byte order; 0: IP in IP */
};

/* Called from the event loop when what path_mtu_get() says has changed. */
typedef void path_mtu_changed_fn(void *context);

struct path_mtus;

/* Listens in the network namespace of the calling thread. Reports hold for @timeout_s. */
int path_mtus_create(struct event_base *base, uint32_t timeout_s, path_mtu_changed_fn *changed,
		     void *context, struct path_mtus **out, struct mr_error *error);
void path_mtus_destroy(struct path_mtus *mtus);

/* Makes @tunnels all that are watched; what is known of other paths is forgotten. -ENOMEM. */
int path_mtus_watch(struct path_mtus *mtus, const struct path_mtu_tunnel *tunnels, uint32_t count);

/* What was reported of the path to @destination, outer headers included; 0: nothing. */
uint32_t path_mtu_get(const struct path_mtus *mtus, const struct mr_addr *destination);

#endif
