/* SPDX-License-Identifier: BSD-3-Clause */
/* One JSON-RPC call over a Unix stream socket; blocks until the answer is there. */
#ifndef MAILRAIL_TOOLS_RPC_CLIENT_H
#define MAILRAIL_TOOLS_RPC_CLIENT_H

#include <jansson.h>

#include <mailrail/error.h>

/* Patience with a balancer that takes the call, but does not answer. */
#define RPC_CLIENT_TIMEOUT_SECONDS 30

/*
 * Takes @params (NULL: none). On 0 the caller owns *@out_response, a response object with
 * "result" or "error"; on failure @error says why the balancer cannot be reached.
 */
int rpc_client_call(const char *socket_path, const char *method, json_t *params,
		    json_t **out_response, struct mr_error *error);

#endif
