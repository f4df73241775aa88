/* SPDX-License-Identifier: BSD-3-Clause */
/* What can be had by HTTP GET, beside JSON-RPC. */
#ifndef MAILRAIL_CONTROL_RPC_PAGE_H
#define MAILRAIL_CONTROL_RPC_PAGE_H

#include <event2/buffer.h>

#include "rpc.h"

struct rpc_page {
	const char *path;
	const char *content_type;
	enum rpc_role role; /* the least that may see it */
	/* Appends to @out. -ENOMEM: what is there by now is not shown. */
	int (*write)(const struct rpc_context *context, struct evbuffer *out);
};

/* All that mailrail has; the last row has no path. */
extern const struct rpc_page rpc_pages[];

#endif
