/* SPDX-License-Identifier: BSD-3-Clause */
/* The section "control" of the configuration: who may manage the node, from where, how much. */
#ifndef MAILRAIL_CONTROL_CONFIG_CONTROL_H
#define MAILRAIL_CONTROL_CONFIG_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include <mailrail/address.h>

#include "field.h"
#include "rpc.h"

#define CONFIG_TOKEN_HASH_BYTES 32 /* SHA-256 */

/* A bearer token (RFC 6750). */
struct config_token {
	char *name; /* of its holder */
	enum rpc_role role;
	uint8_t hash[CONFIG_TOKEN_HASH_BYTES];
};

/* The holder of a certificate that client_ca vouches for. */
struct config_client {
	char *name; /* common name of the subject, or a DNS name of the certificate */
	enum rpc_role role;
};

/* What somebody may do who shows neither; behind CONFIG_ANONYMOUS_NONE like enum rpc_role. */
enum config_anonymous {
	CONFIG_ANONYMOUS_NONE,
	CONFIG_ANONYMOUS_READ,
	CONFIG_ANONYMOUS_OPERATE,
	CONFIG_ANONYMOUS_ADMIN,
};

struct config_http {
	struct mr_addr address;
	uint16_t port;			     /* host byte order */
	bool plain;			     /* without TLS */
	char *certificate, *key, *client_ca; /* PEM files; NULL: none */
	enum config_anonymous anonymous;
	struct config_token *tokens;
	uint32_t token_count;
	struct config_client *clients;
	uint32_t client_count;
};

/* Bounds of what clients can make the node do. */
struct config_control_limits {
	uint64_t request_bytes;	     /* of one JSON text */
	uint32_t depth;		     /* of its brackets */
	uint32_t connections;	     /* on the Unix socket, and as many over HTTP */
	uint32_t requests_in_flight; /* of one connection, before the others get their turn */
	bool idle_given;   /* else never on the Unix socket, CONFIG_HTTP_IDLE_MS over HTTP */
	uint32_t idle_ms;  /* 0: never */
	uint32_t stall_ms; /* for a whole request, a handshake, a buffer of answers */
	uint64_t send_buffer_bytes; /* no request is taken while more than this waits unsent */
};

#define CONFIG_HTTP_IDLE_MS 60000

struct config_control {
	char *socket;	    /* path of the JSON-RPC socket; default /run/mailrail/control.sock */
	char *socket_mode;  /* in octal digits; 0660 */
	char *socket_group; /* NULL: that of the process */
	char *captures;	    /* directory; default /var/lib/mailrail/captures */
	bool http_given;
	struct config_http http;
	struct config_control_limits limits;
};

extern const struct shape control_shape;

/* Whether two sections say the same; false when there is no memory to tell. */
bool config_control_equal(const struct config_control *a, const struct config_control *b);

#endif
