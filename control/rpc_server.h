/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * JSON-RPC on a Unix stream socket. Requests are JSON texts one after the other, cut into
 * pieces in any way; answers come in the same order, one line each. A client that misbehaves
 * loses its own connection and nothing else. Control thread.
 */
#ifndef MAILRAIL_CONTROL_RPC_SERVER_H
#define MAILRAIL_CONTROL_RPC_SERVER_H

#include <stddef.h>
#include <stdint.h>

#include <event2/event.h>

#include <mailrail/error.h>

#include "rpc.h"

struct rpc_server;

struct rpc_server_limits {
	uint32_t connections;	/* more are answered with an error and closed */
	size_t request_bytes;	/* of one JSON text */
	size_t unsent_bytes;	/* no further request is read while more than this waits */
	uint32_t stall_seconds; /* patience with a client that takes no byte of its answers, or
				   sends no byte of a request that it has begun */
};

extern const struct rpc_server_limits rpc_server_default_limits;

/*
 * Listens on @path with mode 0660, in a directory that is made (0755) if there is none. The
 * file of a server that is gone is replaced; -EADDRINUSE: another process serves it. Ignores
 * SIGPIPE from now on. @context is borrowed.
 */
int rpc_server_create(struct event_base *base, const char *path, const struct rpc_context *context,
		      struct rpc_server **out, struct mr_error *error);

/* For connections that come from now on. */
void rpc_server_set_limits(struct rpc_server *server, const struct rpc_server_limits *limits);

/* Closes every connection and removes the file. NULL is allowed. */
void rpc_server_destroy(struct rpc_server *server);

#endif
