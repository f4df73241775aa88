/* SPDX-License-Identifier: BSD-3-Clause */
#include "rpc_server.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>

#include "json_scanner.h"
#include "log.h"
#include "unix_listener.h"

/* Requests of one connection that are answered before the others get their turn. */
#define REQUESTS_PER_TURN 16
/* Rest after accept(2) failed, for want of descriptors mostly. */
#define ACCEPT_PAUSE_SECONDS 1

const struct rpc_server_limits rpc_server_default_limits = {
	.connections = 256,
	.request_bytes = 8 << 20, /* the largest configuration fits */
	.unsent_bytes = 1 << 20,
	.stall_seconds = 30,
};

struct connection {
	LIST_ENTRY(connection) link;
	struct rpc_server *server;
	struct bufferevent *stream;
	struct json_scanner scanner;
	size_t scanned; /* bytes of the input that the scanner has seen */
	bool hung_up;	/* the client has sent its last byte */
	bool closing;	/* no more requests: close when the answers are sent */
	char peer[64];	/* for the log */
};

struct rpc_server {
	struct event_base *base;
	const struct rpc_context *context;
	struct rpc_server_limits limits;
	struct unix_listener listener;
	struct evconnlistener *acceptor;
	struct event *accept_again;
	LIST_HEAD(, connection) connections;
	uint32_t connection_count;
};

static void connection_close(struct connection *connection)
{
	LIST_REMOVE(connection, link);
	connection->server->connection_count--;
	bufferevent_free(connection->stream);
	free(connection);
}

static size_t unsent(const struct connection *connection)
{
	return evbuffer_get_length(bufferevent_get_output(connection->stream));
}

static void free_answer(const void *answer, size_t size, void *context)
{
	(void)answer;
	(void)size;
	free(context);
}

/* Takes @answer; NULL is none. Its bytes are sent from where they are. */
static int send_answer(struct connection *connection, char *answer)
{
	struct evbuffer *output = bufferevent_get_output(connection->stream);

	if (!answer)
		return 0;
	if (evbuffer_add_reference(output, answer, strlen(answer), free_answer, answer) < 0) {
		free(answer);
		return -ENOMEM;
	}
	return evbuffer_add(output, "\n", 1) < 0 ? -ENOMEM : 0;
}

/* Says what is wrong with the stream as a whole; nothing more is read from it. */
static int refuse_stream(struct connection *connection, enum rpc_error error, const char *reason)
{
	char *answer = NULL;
	int rc = rpc_answer_error(error, reason, &answer);

	connection->closing = true;
	bufferevent_disable(connection->stream, EV_READ);
	return rc < 0 ? rc : send_answer(connection, answer);
}

/* Looks at the bytes that came since the last time, in the pieces that they came in. */
static enum json_scan scan_input(struct connection *connection)
{
	struct evbuffer *input = bufferevent_get_input(connection->stream);
	enum json_scan scan = JSON_SCAN_MORE;

	while (scan == JSON_SCAN_MORE || scan == JSON_SCAN_SPACE) {
		struct evbuffer_iovec piece;
		struct evbuffer_ptr from;
		size_t used;

		if (connection->scanned == evbuffer_get_length(input))
			break;
		evbuffer_ptr_set(input, &from, connection->scanned, EVBUFFER_PTR_SET);
		evbuffer_peek(input, -1, &from, &piece, 1);
		scan = json_scanner_feed(&connection->scanner, piece.iov_base, piece.iov_len,
					 &used);
		connection->scanned += used;
		if (scan == JSON_SCAN_SPACE) {
			evbuffer_drain(input, connection->scanned);
			connection->scanned = 0;
		}
	}
	return connection->scanned == 0 ? JSON_SCAN_SPACE : scan;
}

static int answer_text(struct connection *connection)
{
	struct evbuffer *input = bufferevent_get_input(connection->stream);
	const char *text = (const char *)evbuffer_pullup(input, (ev_ssize_t)connection->scanned);
	/* Whoever may open the socket may do everything: its mode and group say who. */
	const struct rpc_peer peer = {.name = connection->peer, .role = RPC_ROLE_ADMIN};
	char *answer = NULL;
	int rc;

	if (!text)
		return -ENOMEM;
	rc = rpc_answer(connection->server->context, &peer, text, connection->scanned, &answer);
	evbuffer_drain(input, connection->scanned);
	connection->scanned = 0;
	return rc < 0 ? rc : send_answer(connection, answer);
}

/* The client is gone in the middle of a text, or behind a number, which only the end ends. */
static int answer_rest(struct connection *connection)
{
	connection->closing = true;
	return connection->scanned > 0 ? answer_text(connection) : 0;
}

static int refuse_size(struct connection *connection)
{
	char reason[80];

	snprintf(reason, sizeof(reason), "the request is larger than %zu bytes",
		 connection->server->limits.request_bytes);
	return refuse_stream(connection, RPC_LIMIT_EXCEEDED, reason);
}

/* Answers at most one text. 1: there may be more; 0: not now; negative: out of memory. */
static int answer_next(struct connection *connection)
{
	size_t limit = connection->server->limits.request_bytes;
	enum json_scan scan = scan_input(connection);
	int rc;

	if (connection->scanned > limit)
		return refuse_size(connection);
	switch (scan) {
	case JSON_SCAN_TEXT:
		rc = answer_text(connection);
		return rc < 0 ? rc : 1;
	case JSON_SCAN_MORE:
	case JSON_SCAN_SPACE:
		return connection->hung_up ? answer_rest(connection) : 0;
	case JSON_SCAN_BROKEN:
		return refuse_stream(connection, RPC_PARSE_ERROR,
				     "the text is not JSON, so that its end cannot be told; the "
				     "connection is closed");
	case JSON_SCAN_TOO_DEEP:
		break;
	}
	return refuse_stream(connection, RPC_LIMIT_EXCEEDED, "the request is nested too deeply");
}

/* A client that has begun a request owes the rest of it; one that is idle owes nothing. */
static void set_patience(struct connection *connection)
{
	struct timeval stall = {.tv_sec = connection->server->limits.stall_seconds};

	bufferevent_set_timeouts(connection->stream, connection->scanned > 0 ? &stall : NULL,
				 &stall);
}

/* Everything that can be done now. May close the connection. */
static void connection_advance(struct connection *connection)
{
	size_t unsent_max = connection->server->limits.unsent_bytes;
	int rc = 1;

	for (int i = 0; i < REQUESTS_PER_TURN && rc > 0 && !connection->closing; i++) {
		if (unsent(connection) > unsent_max)
			break;
		rc = answer_next(connection);
	}
	if (rc < 0) {
		log_write(LOG_ERR, "rpc: out of memory: connection of %s is closed",
			  connection->peer);
		connection_close(connection);
		return;
	}
	if (connection->closing) {
		if (unsent(connection) == 0)
			connection_close(connection);
		return;
	}
	set_patience(connection);
	if (unsent(connection) > unsent_max) {
		bufferevent_disable(connection->stream, EV_READ);
		return; /* on_sent() goes on */
	}
	if (!connection->hung_up)
		bufferevent_enable(connection->stream, EV_READ);
	if (rc > 0)
		bufferevent_trigger(connection->stream, EV_READ, BEV_TRIG_DEFER_CALLBACKS);
}

static void on_readable(struct bufferevent *stream, void *context)
{
	(void)stream;
	connection_advance(context);
}

static void on_sent(struct bufferevent *stream, void *context)
{
	(void)stream;
	connection_advance(context);
}

static void on_event(struct bufferevent *stream, short events, void *context)
{
	struct connection *connection = context;

	(void)stream;
	if (events & (BEV_EVENT_ERROR | BEV_EVENT_TIMEOUT)) {
		if (events & BEV_EVENT_TIMEOUT)
			log_write(LOG_INFO, "rpc: connection of %s stalled and is closed",
				  connection->peer);
		connection_close(connection);
		return;
	}
	if (events & BEV_EVENT_EOF) {
		connection->hung_up = true;
		connection_advance(connection);
	}
}

static void name_peer(int fd, char *out, size_t size)
{
	struct ucred credentials;
	socklen_t length = sizeof(credentials);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0)
		snprintf(out, size, "uid %u, pid %d", credentials.uid, credentials.pid);
	else
		snprintf(out, size, "somebody");
}

static int connection_create(struct rpc_server *server, int fd)
{
	struct connection *connection = calloc(1, sizeof(*connection));

	if (!connection)
		return -ENOMEM;
	connection->server = server;
	connection->stream = bufferevent_socket_new(server->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!connection->stream) {
		free(connection);
		return -ENOMEM;
	}
	name_peer(fd, connection->peer, sizeof(connection->peer));
	bufferevent_setcb(connection->stream, on_readable, on_sent, on_event, connection);
	/* One text more than allowed shows that it is too large; beyond, the socket waits. */
	bufferevent_setwatermark(connection->stream, EV_READ, 0, server->limits.request_bytes + 1);
	set_patience(connection);
	bufferevent_enable(connection->stream, EV_READ | EV_WRITE);
	LIST_INSERT_HEAD(&server->connections, connection, link);
	server->connection_count++;
	return 0;
}

static void turn_away(struct rpc_server *server, int fd)
{
	char reason[64];
	char *answer = NULL;

	snprintf(reason, sizeof(reason), "%u connections are open already",
		 server->limits.connections);
	if (rpc_answer_error(RPC_LIMIT_EXCEEDED, reason, &answer) == 0) {
		/* As far as the socket takes it at once: this client is not waited for. */
		(void)!send(fd, answer, strlen(answer), MSG_DONTWAIT | MSG_NOSIGNAL);
		(void)!send(fd, "\n", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
	free(answer);
	close(fd);
}

static void on_accept(struct evconnlistener *acceptor, evutil_socket_t fd, struct sockaddr *address,
		      int length, void *context)
{
	struct rpc_server *server = context;

	(void)acceptor;
	(void)address;
	(void)length;
	if (server->connection_count >= server->limits.connections)
		turn_away(server, fd);
	else if (connection_create(server, fd) < 0)
		close(fd);
}

static void on_accept_error(struct evconnlistener *acceptor, void *context)
{
	struct rpc_server *server = context;
	struct timeval pause = {.tv_sec = ACCEPT_PAUSE_SECONDS};

	log_write(LOG_WARNING, "rpc: cannot accept a connection: %s", strerror(errno));
	evconnlistener_disable(acceptor);
	event_add(server->accept_again, &pause);
}

static void on_accept_again(evutil_socket_t fd, short events, void *context)
{
	struct rpc_server *server = context;

	(void)fd;
	(void)events;
	evconnlistener_enable(server->acceptor);
}

static int start_accepting(struct rpc_server *server)
{
	server->accept_again = evtimer_new(server->base, on_accept_again, server);
	if (!server->accept_again)
		return -ENOMEM;
	server->acceptor = evconnlistener_new(server->base, on_accept, server,
					      LEV_OPT_CLOSE_ON_EXEC, 0, server->listener.fd);
	if (!server->acceptor) {
		event_free(server->accept_again);
		return -ENOMEM;
	}
	evconnlistener_set_error_cb(server->acceptor, on_accept_error);
	return 0;
}

int rpc_server_create(struct event_base *base, const char *path, const struct rpc_context *context,
		      struct rpc_server **out, struct mr_error *error)
{
	struct rpc_server *server = calloc(1, sizeof(*server));
	int rc;

	if (!server)
		return mr_error_set(error, -ENOMEM, "/control/socket: out of memory");
	server->base = base;
	server->context = context;
	server->limits = rpc_server_default_limits;
	LIST_INIT(&server->connections);
	signal(SIGPIPE, SIG_IGN); /* libevent writes with writev(2), which cannot be told not to */

	rc = unix_listener_open(&server->listener, path, 0660, error);
	if (rc < 0)
		goto err_free_server;
	rc = start_accepting(server);
	if (rc < 0) {
		mr_error_set(error, rc, "/control/socket: out of memory");
		goto err_close_listener;
	}
	*out = server;
	return 0;

err_close_listener:
	unix_listener_close(&server->listener);
err_free_server:
	free(server);
	return rc;
}

void rpc_server_set_limits(struct rpc_server *server, const struct rpc_server_limits *limits)
{
	server->limits = *limits;
}

void rpc_server_destroy(struct rpc_server *server)
{
	struct connection *connection, *next;

	if (!server)
		return;
	for (connection = LIST_FIRST(&server->connections); connection; connection = next) {
		next = LIST_NEXT(connection, link);
		connection_close(connection);
	}
	evconnlistener_free(server->acceptor);
	event_free(server->accept_again);
	unix_listener_close(&server->listener);
	free(server);
}
