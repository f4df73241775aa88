/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * JSON-RPC on a Unix stream socket and, when configured, over HTTP: who listens where, and what
 * holds for all connections. Control thread.
 */
#ifndef MAILRAIL_CONTROL_RPC_SERVER_H
#define MAILRAIL_CONTROL_RPC_SERVER_H

#include <event2/event.h>

#include <mailrail/error.h>

#include "config_control.h"
#include "rpc.h"
#include "rpc_page.h"

struct rpc_server;

/* Borrowed for as long as the server lives, but for @control. */
struct rpc_server_setup {
	struct event_base *base;
	const struct config_control *control; /* copied */
	const struct rpc_context *context;
	const struct rpc_page *pages; /* for HTTP; see rpc_page.h */
};

/*
 * Listens. The socket's directory is made (0755) if there is none, and the file of a server that
 * is gone is replaced; -EADDRINUSE: another process serves it. Ignores SIGPIPE from now on.
 */
int rpc_server_create(const struct rpc_server_setup *setup, struct rpc_server **out,
		      struct mr_error *error);

/* Closes every connection and removes the file. NULL is allowed. */
void rpc_server_destroy(struct rpc_server *server);

/*
 * A change, in two steps: everything that can fail comes first, such as reading certificates.
 * What a running server cannot change (socket, address, port, plain) is refused with -EBUSY.
 * Settling makes what was prepared last the rule, or forgets it. Connections over HTTP are
 * closed then, so that whoever lost a right has lost it; what is being answered is answered.
 */
int rpc_server_prepare(struct rpc_server *server, const struct config_control *next,
		       struct mr_error *error);
void rpc_server_settle(struct rpc_server *server, bool in_force);

/* Connections now, on the Unix socket and over HTTP. */
uint32_t rpc_server_local_connections(const struct rpc_server *server);
uint32_t rpc_server_http_connections(const struct rpc_server *server);
/* When the certificate that is shown ends, in seconds since the epoch; 0: there is no TLS. */
uint64_t rpc_server_certificate_end_s(const struct rpc_server *server);

/*
 * Reads the files of certificates again, for connections that come from now on. On failure the
 * old ones stay.
 */
int rpc_server_reload(struct rpc_server *server, struct mr_error *error);

#endif
