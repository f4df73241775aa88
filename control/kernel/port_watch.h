/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What ports are to the ways that lead out of them: their address, MTU and tags, and the kernel
 * interface behind each, all of which may change while mailrail runs. Control thread.
 */
#ifndef MAILRAIL_CONTROL_PORT_WATCH_H
#define MAILRAIL_CONTROL_PORT_WATCH_H

#include <event2/event.h>

#include <mailrail/dataplane.h>
#include <mailrail/error.h>

#include "config.h"
#include "way.h"

/* Called from the event loop after a change. */
typedef void port_watch_changed_fn(void *context);

struct port_watch;

/* Takes names from @config and borrows @dp. */
int port_watch_create(struct event_base *base, const struct mr_dataplane *dp,
		      const struct config *config, port_watch_changed_fn *changed, void *context,
		      struct port_watch **out, struct mr_error *error);
void port_watch_destroy(struct port_watch *watch);

const struct way_ports *port_watch_get(const struct port_watch *watch);

#endif
