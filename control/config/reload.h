/* SPDX-License-Identifier: BSD-3-Clause */
/* What is in files comes into force: the configuration, and certificates. Control thread. */
#ifndef MAILRAIL_CONTROL_RELOAD_H
#define MAILRAIL_CONTROL_RELOAD_H

#include "field_errors.h"
#include "history.h"
#include "rpc.h"

/*
 * Reads the configuration's file and applies it. What was running and is not in the file is
 * logged, line by line. On failure nothing has changed, and @errors says why: -ENOENT without a
 * file, -EINVAL when it is wrong, and what balancer_apply() returns.
 *
 * Certificates are read again in any case; what is wrong with them is logged, and the old ones
 * stay.
 */
int reload(const struct rpc_context *context, const struct author *author,
	   struct field_errors *errors);

/* Each of @errors is a line of the log. */
void reload_log_errors(const struct field_errors *errors);

#endif
