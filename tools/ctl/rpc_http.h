/* SPDX-License-Identifier: BSD-3-Clause */
/* JSON-RPC 2.0 by HTTP POST, over TLS; plain http:// is for loopback. */
#ifndef MAILRAIL_TOOLS_RPC_HTTP_H
#define MAILRAIL_TOOLS_RPC_HTTP_H

#include "rpc_client.h"

/*
 * Sends @request to @target->url, and waits. On 0 the caller owns *@out_text, the body of an
 * answer with status 200, ended by NUL. -EACCES: the node wants other credentials; further
 * errors say that there is no such node. @error has the words.
 */
int rpc_http_post(const struct rpc_target *target, const char *request, char **out_text,
		  struct mr_error *error);

#endif
