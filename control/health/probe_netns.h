/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The dataplane's private network namespace, as health probes use it: their source addresses
 * and default routes on its only interface, and sockets that live in it. Everything is set up
 * when the first socket needs it, so that an interface that comes later is found. Control
 * thread.
 */
#ifndef MAILRAIL_CONTROL_PROBE_NETNS_H
#define MAILRAIL_CONTROL_PROBE_NETNS_H

#include <stdbool.h>
#include <stdint.h>

#include <mailrail/address.h>
#include <mailrail/error.h>

struct probe_netns;

/*
 * @netns: descriptor of the namespace, borrowed; negative: there is none, and no socket can be
 * opened. @interface: name of the interface in it, copied. NULL: no memory.
 */
struct probe_netns *probe_netns_create(int netns, const char *interface);
/* Leaves addresses and routes to the namespace, which goes with the dataplane. */
void probe_netns_destroy(struct probe_netns *probes);

/*
 * A non-blocking TCP socket in the namespace, bound to (@source, @source_port). The thread is
 * back in its own namespace afterwards, whatever happened. Returns the descriptor; -EADDRINUSE:
 * try another port. @source_port: host byte order.
 */
int probe_netns_socket(struct probe_netns *probes, const struct mr_addr *source,
		       uint16_t source_port, struct mr_error *error);

/* Takes the addresses that @wanted denies off the interface. */
typedef bool probe_netns_wanted_fn(const void *context, const struct mr_addr *source);
void probe_netns_keep(struct probe_netns *probes, probe_netns_wanted_fn *wanted,
		      const void *context);

#endif
