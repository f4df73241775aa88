/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The commands /mailrail/... of DPDK's telemetry socket: what metrics tell, for
 * dpdk-telemetry.py. Control thread.
 */
#ifndef MAILRAIL_CONTROL_TELEMETRY_H
#define MAILRAIL_CONTROL_TELEMETRY_H

#include <event2/event.h>

#include "rpc.h"

struct telemetry;

/* Borrows @context. Once per process. -ENOMEM; why DPDK does not take the commands. */
int telemetry_create(struct event_base *base, const struct rpc_context *context,
		     struct telemetry **out);
void telemetry_destroy(struct telemetry *telemetry);

#endif
