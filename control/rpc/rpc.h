/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * JSON-RPC 2.0 (https://www.jsonrpc.org/specification): tables of methods, and the dispatcher
 * that decodes a request, calls its method and encodes the answer. It knows no transport.
 * Control thread.
 */
#ifndef MAILRAIL_CONTROL_RPC_H
#define MAILRAIL_CONTROL_RPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "field.h"

/*
 * X(enumerator, code, message, sentence for people). The negative codes are the specification's,
 * -32000 is the first of those it leaves to servers; mailrail's own begin at 1000. The data of
 * every error is a list of {"pointer", "message"}, pointers being into the parameters.
 */
#define RPC_ERRORS(X)                                                                           \
	X(RPC_PARSE_ERROR, -32700, "Parse error", "The text is not JSON")                       \
	X(RPC_INVALID_REQUEST, -32600, "Invalid Request", "The JSON is not a request")          \
	X(RPC_METHOD_NOT_FOUND, -32601, "Method not found", "There is no such method")          \
	X(RPC_INVALID_PARAMS, -32602, "Invalid params", "Parameters are missing or wrong")      \
	X(RPC_INTERNAL_ERROR, -32603, "Internal error", "The node failed to answer")            \
	X(RPC_LIMIT_EXCEEDED, -32000, "Limit exceeded",                                         \
	  "The request or its answer is larger than the node allows")                           \
	X(RPC_REFUSED, 1000, "Change refused",                                                  \
	  "The change is well formed, but cannot take effect; nothing has changed")             \
	X(RPC_STALE_GENERATION, 1001, "Stale generation",                                       \
	  "The change was made for another generation than the one in force")                   \
	X(RPC_NOT_FOUND, 1002, "Not found", "An object named in the parameters does not exist") \
	X(RPC_FORBIDDEN, 1003, "Forbidden", "The caller's role does not reach to this method")

enum rpc_error {
	RPC_OK = 0,
#define RPC_ERROR_ENUM(id, code, message, text) id = (code),
	RPC_ERRORS(RPC_ERROR_ENUM)
#undef RPC_ERROR_ENUM
};

/* Bounds of one request. */
#define RPC_BATCH_MAX  256
#define RPC_ANSWER_MAX (64u << 20) /* bytes; a batch stops being worked on beyond it */

struct balancer;
struct rpc_server;
struct captures;
struct events;
struct histogram;
struct load;
struct rpc_method;
struct stats_samples;

/* What a caller may do; each role may do what those before it may. */
enum rpc_role {
	RPC_ROLE_READ,	  /* look */
	RPC_ROLE_OPERATE, /* and drain, weigh, enable, disable, check, capture */
	RPC_ROLE_ADMIN,	  /* and configure and stop the node */
};

/* "read", "operate", "admin"; ended by NULL. */
extern const char *const rpc_roles[];

struct rpc_stream;

/* Who calls. */
struct rpc_peer {
	const char *name; /* for the log and the history: "uid 0, pid 4711", "ansible, 10.0.0.1" */
	enum rpc_role role;
	/* Carries notifications to the caller (rpc_stream.h); NULL: its transport cannot. */
	struct rpc_stream *stream;
};

/* What methods work on. Borrowed by the server for as long as it lives. */
struct rpc_context {
	const struct rpc_method *const *methods; /* tables, ended by NULL; see rpc_methods.h */
	struct balancer *balancer;
	struct events *events;
	struct captures *captures;
	struct stats_samples *samples; /* of stats.get; NULL: none are kept */
	const struct load *load;       /* of workers; NULL: nobody measures */
	/* Ends the program once the answers are on their way; NULL: it cannot be ended so. */
	void (*stop)(void *stop_context, bool hold_sessions);
	void *stop_context;
	struct rpc_server *server; /* which carries the call; NULL: none */
	const char *config_path;   /* where changes are saved; NULL: nowhere */
	struct histogram *times;   /* of requests, batches piecewise; NULL: nobody wants to know */
};

/* One call, as its handler sees it. */
struct rpc_call {
	const struct rpc_context *context;
	const struct rpc_method *method;
	const struct rpc_peer *peer;
	void *params;		    /* the struct of the method's parameters, decoded */
	void *result;		    /* of its result, zeroed; what is put into it is freed */
	json_t *document;	    /* of a method without a result shape: its result, owned */
	struct field_errors errors; /* the data of an error */
};

/* Fills result or document and returns RPC_OK, or an error whose reasons are in errors. */
typedef enum rpc_error rpc_handler(struct rpc_call *call);

/* A row of a table; the last row has no name. */
struct rpc_method {
	const char *name; /* noun.verb */
	const char *text; /* one sentence without its stop */
	rpc_handler *handler;
	enum rpc_role role;	    /* the least that may call it */
	bool changes_state;	    /* logged */
	const struct shape *params; /* NULL: none */
	const struct shape *result; /* NULL: any object, in @document */
	const char *result_text;
	const char *example_params; /* as JSON text, an object */
	const char *example_result; /* as JSON text; NULL: too long to show */
};

/* NULL: there is none. */
const struct rpc_method *rpc_method_find(const struct rpc_method *const *methods, const char *name);

/*
 * Answers one JSON text, a request or a batch. On 0 the caller
 * owns *@out_answer, a JSON text without newline; NULL there: notifications get no answer.
 * -ENOMEM: none could be made.
 */
int rpc_answer(const struct rpc_context *context, const struct rpc_peer *peer, const char *text,
	       size_t size, char **out_answer);

/* An error that belongs to no request, as an answer; @reason becomes its data. */
int rpc_answer_error(enum rpc_error error, const char *reason, char **out_answer);

#endif
