/* SPDX-License-Identifier: BSD-3-Clause */
/* JSON-RPC 2.0: single calls, and connections to a Unix stream socket that bring events too. */
#ifndef MAILRAIL_TOOLS_RPC_CLIENT_H
#define MAILRAIL_TOOLS_RPC_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include <mailrail/error.h>

/* Patience with a balancer that takes the call, but does not answer. */
#define RPC_CLIENT_TIMEOUT_MS 30000

/* Where the balancer is reached: at a socket, or over the network. */
struct rpc_target {
	const char *socket;
	const char *url; /* "https://lb1:8443"; NULL: @socket */
	/* For @url; NULL: none, of @ca those of the system. @key: NULL: it is in @certificate. */
	const char *token_file, *ca, *certificate, *key;
};

/*
 * Takes @params (NULL: none). On 0 the caller owns *@out_response, a response object with
 * "result" or "error"; on failure @error says why the balancer cannot be reached; -EACCES: it
 * can, but does not take who calls.
 */
int rpc_client_call(const struct rpc_target *target, const char *method, json_t *params,
		    json_t **out_response, struct mr_error *error);

/* An open connection. The caller owns the storage; @fd can be polled, the rest is private. */
struct rpc_link {
	int fd; /* -1: not open */
	char *text;
	size_t size, room;
};

/* @timeout_ms: of each wait for the balancer from now on. */
int rpc_link_open(struct rpc_link *link, const char *socket_path, uint32_t timeout_ms,
		  struct mr_error *error);
/* Harmless when it is not open. */
void rpc_link_close(struct rpc_link *link);

/* Takes @params. */
int rpc_link_send(struct rpc_link *link, const char *method, json_t *params, uint64_t id);

/*
 * The next response or notification; it is the caller's. -ETIMEDOUT: none came in time;
 * -ECONNRESET: the balancer has closed; -EPROTO: it sent something else.
 */
int rpc_link_receive(struct rpc_link *link, json_t **out_message);

/* The same, of what has arrived; -EAGAIN: no whole message yet. */
int rpc_link_take(struct rpc_link *link, json_t **out_message);

#endif
