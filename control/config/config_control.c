/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_control.h"

#include <limits.h>
#include <sys/un.h>

#include "json_scanner.h"

static const struct field token_fields[] = {
	{"name", FIELD_NAME, FIELD_AT(struct config_token, name), .required = true, .key = true,
	 .text = "Who holds the token, for the log and the history", .example = "\"ansible\""},
	{"role", FIELD_ENUM, FIELD_AT(struct config_token, role), .required = true,
	 .choices = rpc_roles,
	 .text = "read: look; operate: and drain, weigh, enable, disable, check, capture; admin: "
		 "and configure and stop the node",
	 .example = "\"operate\""},
	{"hash", FIELD_HEX, FIELD_AT(struct config_token, hash), .required = true, .secret = true,
	 .text = "SHA-256 of the token (printf %s TOKEN | sha256sum), which should be random "
		 "(openssl rand -hex 32)"},
};
static const struct shape token_shape =
	SHAPE("token", struct config_token, token_fields, "A bearer token");

static const struct field client_fields[] = {
	{"name", FIELD_STRING, FIELD_AT(struct config_client, name), .required = true, .key = true,
	 .min = 1, .max = 255,
	 .text = "Common name of the certificate's subject, or one of its DNS names",
	 .example = "\"deploy.example.com\""},
	{"role", FIELD_ENUM, FIELD_AT(struct config_client, role), .required = true,
	 .choices = rpc_roles, .text = "What its holder may do, as with tokens",
	 .example = "\"read\""},
};
static const struct shape client_shape =
	SHAPE("client", struct config_client, client_fields, "The holder of a client certificate");

static const char *const anonymous_roles[] = {
	[CONFIG_ANONYMOUS_NONE] = "none",
	[CONFIG_ANONYMOUS_READ] = "read",
	[CONFIG_ANONYMOUS_OPERATE] = "operate",
	[CONFIG_ANONYMOUS_ADMIN] = "admin",
	NULL,
};

static const struct field http_fields[] = {
	{"address", FIELD_ADDRESS, FIELD_AT(struct config_http, address),
	 .fallback_text = "127.0.0.1",
	 .text = "Address of this host to listen on; other than loopback it takes TLS, and tokens "
		 "or client certificates"},
	{"port", FIELD_UINT, FIELD_AT(struct config_http, port), .required = true, .min = 1,
	 .max = 65535, .text = "TCP port to listen on", .example = "9443"},
	{"plain", FIELD_BOOL, FIELD_AT(struct config_http, plain),
	 .text = "HTTP without TLS; on a loopback address only"},
	{"certificate", FIELD_STRING, FIELD_AT(struct config_http, certificate), .min = 1,
	 .max = PATH_MAX - 1,
	 .text = "PEM file with the node's certificate, and those that lead to its authority",
	 .example = "\"/etc/mailrail/tls/node.pem\""},
	{"key", FIELD_STRING, FIELD_AT(struct config_http, key), .min = 1, .max = PATH_MAX - 1,
	 .text = "PEM file with the certificate's private key",
	 .example = "\"/etc/mailrail/tls/node.key\""},
	{"client_ca", FIELD_STRING, FIELD_AT(struct config_http, client_ca), .min = 1,
	 .max = PATH_MAX - 1,
	 .text = "PEM file with the authorities whose client certificates are trusted; unless "
		 "given, clients are not asked for any",
	 .example = "\"/etc/mailrail/tls/clients-ca.pem\""},
	{"anonymous", FIELD_ENUM, FIELD_AT(struct config_http, anonymous),
	 .choices = anonymous_roles, .fallback = CONFIG_ANONYMOUS_NONE,
	 .text = "Role of whoever shows neither token nor certificate; other than none on a "
		 "loopback address only"},
	{"tokens", FIELD_OBJECT, FIELD_LIST_AT(struct config_http, tokens, token_count),
	 .shape = &token_shape, .list_max = 1024, .text = "Bearer tokens that open the door"},
	{"clients", FIELD_OBJECT, FIELD_LIST_AT(struct config_http, clients, client_count),
	 .shape = &client_shape, .list_max = 1024,
	 .text = "Holders of client certificates; one that client_ca vouches for, but nobody here "
		 "has the name of, may do nothing"},
};
static const struct shape http_shape =
	SHAPE("http", struct config_http, http_fields, "JSON-RPC and metrics over HTTPS");

static const struct field limits_fields[] = {
	{"request_size", FIELD_SIZE, FIELD_AT(struct config_control_limits, request_bytes),
	 .min = 4 << 10, .max = 256 << 20, .fallback = 8 << 20,
	 .text = "The largest request; a batch is one, and a configuration must fit"},
	{"depth", FIELD_UINT, FIELD_AT(struct config_control_limits, depth), .min = 16,
	 .max = JSON_SCANNER_DEPTH_MAX, .fallback = JSON_SCANNER_DEPTH_MAX,
	 .text = "How deeply arrays and objects of a request may be nested"},
	{"connections", FIELD_UINT, FIELD_AT(struct config_control_limits, connections), .min = 1,
	 .max = 65536, .fallback = 4096,
	 .text = "Connections held at a time on the Unix socket, and as many over HTTP; more are "
		 "turned away"},
	{"requests_in_flight", FIELD_UINT,
	 FIELD_AT(struct config_control_limits, requests_in_flight), .min = 1, .max = 1024,
	 .fallback = 32,
	 .text = "Requests taken from one connection, when it sends several without waiting, "
		 "before the others get their turn"},
	{"idle", FIELD_DURATION, FIELD_AT(struct config_control_limits, idle_ms),
	 FIELD_PRESENT(struct config_control_limits, idle_given), .max = 24 * 3600 * 1000,
	 .text = "Time after which a connection that asks nothing, and is subscribed to nothing, "
		 "is closed; 0s: never; unless given, never on the Unix socket and 1m over HTTP"},
	{"stall", FIELD_DURATION, FIELD_AT(struct config_control_limits, stall_ms), .min = 500,
	 .max = 3600 * 1000, .fallback = 30 * 1000,
	 .text = "Time that a client has for a TLS handshake, for a request from its first byte to "
		 "its last, and for taking what waits for it, or as much of that as send_buffer "
		 "says"},
	{"send_buffer", FIELD_SIZE, FIELD_AT(struct config_control_limits, send_buffer_bytes),
	 .min = 4 << 10, .max = 256 << 20, .fallback = 1 << 20,
	 .text = "While more answers than this wait for a slow reader, no further request of it is "
		 "taken, and events for it are dropped"},
};
static const struct shape limits_shape = SHAPE("limits", struct config_control_limits,
					       limits_fields, "Bounds of what clients can do");

static const struct field control_fields[] = {
	{"socket", FIELD_STRING, FIELD_AT(struct config_control, socket), .min = 1,
	 .max = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1,
	 .fallback_text = "/run/mailrail/control.sock",
	 .text = "Path of the Unix stream socket for JSON-RPC; whoever may open it may do "
		 "everything"},
	{"socket_mode", FIELD_STRING, FIELD_AT(struct config_control, socket_mode), .min = 3,
	 .max = 4, .fallback_text = "0660", .text = "Mode of the socket's file, in octal digits"},
	{"socket_group", FIELD_STRING, FIELD_AT(struct config_control, socket_group), .min = 1,
	 .max = 255, .text = "Group of the socket's file; unless given, that of the process",
	 .example = "\"mailrail\""},
	{"http", FIELD_OBJECT, FIELD_AT(struct config_control, http),
	 FIELD_PRESENT(struct config_control, http_given), .shape = &http_shape,
	 .text = "JSON-RPC and metrics over HTTPS; unless given, nothing listens on TCP"},
	{"captures", FIELD_STRING, FIELD_AT(struct config_control, captures), .min = 1, .max = 255,
	 .fallback_text = "/var/lib/mailrail/captures",
	 .text = "Directory for the files of captures"},
	{"limits", FIELD_OBJECT, FIELD_AT(struct config_control, limits), .shape = &limits_shape,
	 .text = "Bounds of what clients can do"},
};
const struct shape control_shape =
	SHAPE("control", struct config_control, control_fields, "Where the node is managed");

bool config_control_equal(const struct config_control *a, const struct config_control *b)
{
	json_t *left = shape_encode(&control_shape, a, SHAPE_PLAIN);
	json_t *right = shape_encode(&control_shape, b, SHAPE_PLAIN);
	const bool equal = left && right && json_equal(left, right);

	json_decref(left);
	json_decref(right);
	return equal;
}
