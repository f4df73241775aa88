/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One client, whichever way it came: its bytes in and out, and every bound that it is held to.
 * Where requests begin and end is the business of its framing. A client that misbehaves loses
 * its connection, and nobody else notices. Control thread.
 */
#ifndef MAILRAIL_CONTROL_RPC_CONNECTION_H
#define MAILRAIL_CONTROL_RPC_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include <openssl/ssl.h>

#include "config_control.h"
#include "rpc.h"
#include "rpc_page.h"
#include "rpc_stream.h"

#define RPC_PEER_MAX 64 /* of a peer's address, or its ids, as text */

struct rpc_connection;

/* Where requests begin and end in a stream of bytes, and what answers look like. */
struct rpc_framing {
	size_t state_size;
	/* The state is zeroed. -ENOMEM: nothing is left to stop. */
	int (*start)(struct rpc_connection *connection);
	void (*stop)(struct rpc_connection *connection);
	/*
	 * Answers at most one request of the input. 1: there may be another; 0: not without
	 * more bytes, or the connection is closing; negative errno: it is beyond help. After the
	 * client's last byte what is left is all there is, and 0 is the end.
	 */
	int (*advance)(struct rpc_connection *connection);
	/* Whether a request has begun that has not ended. */
	bool (*is_inside)(const struct rpc_connection *connection);
	/* One text of a stream behind what @out holds. -ENOMEM. */
	int (*put_event)(struct rpc_connection *connection, struct evbuffer *out, const char *text);
};

/* Requests are JSON texts one after the other, answers one line each. */
extern const struct rpc_framing rpc_framing_texts;
/* HTTP/1.1, see rpc_http.c. */
extern const struct rpc_framing rpc_framing_http;

/* Those who came through the same door, and what holds for them. The server's. */
struct rpc_door {
	struct event_base *base;
	const struct rpc_framing *framing;
	const struct rpc_context *context;
	const struct rpc_page *pages;
	const struct config_control *control; /* what is in force; replaced as a whole */
	uint32_t idle_fallback_ms;	      /* unless the configuration says; 0: never */
	LIST_HEAD(rpc_connections, rpc_connection) connections;
	uint32_t count;
};

enum rpc_waiting {
	WAITS_FOR_NOTHING,
	WAITS_FOR_HANDSHAKE,
	WAITS_FOR_REQUEST, /* the rest of one */
	WAITS_IDLE,	   /* for one to begin */
	WAITS_LINGERING,
};

struct rpc_connection {
	LIST_ENTRY(rpc_connection) link;
	struct rpc_door *door;
	void *framing_state;
	struct bufferevent *bev;
	struct rpc_stream stream;
	struct evbuffer *held;	    /* the stream's texts, while a request is answered */
	struct event *again;	    /* next turn, after the others' */
	struct event *patience;	    /* for a handshake, a request, the next request */
	struct event *slowness;	    /* for taking what waits */
	enum rpc_waiting waits_for; /* what @patience is for */
	uint64_t taken;		    /* requests; the framing counts */
	uint64_t taken_before;	    /* when @patience was set */
	uint64_t sent, sent_wanted; /* bytes; before @slowness ends */
	bool handshaking;
	bool answering;	  /* a method is at work */
	bool wants_room;  /* the stream has refused a text */
	bool hung_up;	  /* the client has sent its last byte */
	bool closing;	  /* no more requests: close when the answers are sent */
	bool lingering;	  /* the answers are sent; waits for the client to see them */
	size_t discarded; /* bytes of a refused request that came behind it */
	char peer[RPC_PEER_MAX];
};

/*
 * Takes @fd, and @tls, of which NULL is none; on failure too. @peer: who it is, for the log.
 * -ENOMEM.
 */
int rpc_connection_create(struct rpc_door *door, int fd, SSL *tls, const char *peer);

/* Tells who listens to the stream. Not while a method is at work. */
void rpc_connection_close(struct rpc_connection *connection);

/* Closes as soon as all is answered and sent: at once if that is nothing. */
void rpc_connection_retire(struct rpc_connection *connection);

/* For framings: */

/* Everything behind this request is discarded; the answers so far are still sent. */
void rpc_connection_finish(struct rpc_connection *connection);

/* rpc_answer() by somebody of this role and name. What comes on the stream meanwhile is held. */
int rpc_connection_answer(struct rpc_connection *connection, const char *name, enum rpc_role role,
			  const char *text, size_t size, char **out_answer);

/* Lets go what was held, behind the answer. -ENOMEM. */
int rpc_connection_release(struct rpc_connection *connection);

/* The pieces of the input, one after the other: the first one. False: it is empty. */
bool rpc_connection_piece(const struct rpc_connection *connection, const char **out_bytes,
			  size_t *out_size);

static inline const struct config_control_limits *rpc_connection_limits(
	const struct rpc_connection *connection)
{
	return &connection->door->control->limits;
}

static inline struct evbuffer *rpc_connection_input(const struct rpc_connection *connection)
{
	return bufferevent_get_input(connection->bev);
}

static inline struct evbuffer *rpc_connection_output(const struct rpc_connection *connection)
{
	return bufferevent_get_output(connection->bev);
}

/* Appends an answer and takes it, without copying it if it is large. -ENOMEM. */
int rpc_connection_put_answer(struct evbuffer *out, char *answer);

#endif
