/* SPDX-License-Identifier: BSD-3-Clause */
/* Waiting for a drained backend's last session, with progress on standard output. */
#ifndef MAILRAIL_TOOLS_CTL_DRAIN_H
#define MAILRAIL_TOOLS_CTL_DRAIN_H

#include <stdbool.h>

#include "ctl_commands.h"
#include "rpc_client.h"

ctl_run ctl_drain; /* backend drain, with and without --wait */

struct drain {
	struct rpc_target target; /* the balancer */
	const char *pool;
	const char *backend;
	bool json; /* progress as JSON, one object a line */
};

enum drain_end {
	DRAIN_DONE,	   /* nobody is left, and nobody comes */
	DRAIN_CALLED_OFF,  /* somebody wants something else of it by now */
	DRAIN_UNREACHABLE, /* no balancer answers, not for a while either */
};

/*
 * Asks once a second, through restarts of mailraild too. Unless the drain is done, a line on
 * standard error says why.
 */
enum drain_end drain_wait(const struct drain *drain);

#endif
