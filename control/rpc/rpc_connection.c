/* SPDX-License-Identifier: BSD-3-Clause */
#define LOG_TOPIC LOG_TOPIC_RPC

#include "rpc_connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/bufferevent_ssl.h>

#include <openssl/err.h>

#include "clock.h"
#include "log.h"

/* Bytes that are taken from the socket before the framing has seen them. */
#define READ_AHEAD_BYTES 65536
/* A turn also ends after so long, when requests are expensive. */
#define TURN_US 2000
/* Answers up to this size are copied together, so that one system call sends many of them. */
#define COPIED_BYTES 2048
/*
 * A client that is refused in the middle of its request may not have looked for an answer yet.
 * Closing with bytes unread makes TCP reset the connection, and the answer is lost.
 */
#define LINGER_MS    2000
#define LINGER_BYTES 262144

static size_t waiting_bytes(const struct rpc_connection *connection)
{
	return evbuffer_get_length(rpc_connection_output(connection)) +
	       evbuffer_get_length(connection->held);
}

static bool is_full(const struct rpc_connection *connection)
{
	return waiting_bytes(connection) > rpc_connection_limits(connection)->send_buffer_bytes;
}

/* --- patience with what the client sends */

static enum rpc_waiting what_it_waits_for(const struct rpc_connection *connection)
{
	if (connection->lingering)
		return WAITS_LINGERING;
	if (connection->closing || is_full(connection))
		return WAITS_FOR_NOTHING; /* but for the client to take its answers */
	if (connection->handshaking)
		return WAITS_FOR_HANDSHAKE;
	if (connection->door->framing->is_inside(connection))
		return WAITS_FOR_REQUEST;
	return connection->stream.listener ? WAITS_FOR_NOTHING : WAITS_IDLE;
}

/* 0: endless. */
static uint32_t patience_ms(const struct rpc_connection *connection, enum rpc_waiting waiting)
{
	const struct config_control_limits *limits = rpc_connection_limits(connection);

	switch (waiting) {
	case WAITS_FOR_NOTHING:
		break;
	case WAITS_FOR_HANDSHAKE:
	case WAITS_FOR_REQUEST:
		return limits->stall_ms;
	case WAITS_IDLE:
		return limits->idle_given ? limits->idle_ms : connection->door->idle_fallback_ms;
	case WAITS_LINGERING:
		return limits->stall_ms < LINGER_MS ? limits->stall_ms : LINGER_MS;
	}
	return 0;
}

/* The clock of a request runs from its first byte to its last, however many come in between. */
static void set_patience(struct rpc_connection *connection)
{
	const enum rpc_waiting waiting = what_it_waits_for(connection);
	struct timeval patience;
	uint32_t ms;

	if (waiting == connection->waits_for && connection->taken == connection->taken_before)
		return;
	connection->waits_for = waiting;
	connection->taken_before = connection->taken;
	ms = patience_ms(connection, waiting);
	patience = clock_timeval(ms);
	if (ms > 0)
		evtimer_add(connection->patience, &patience);
	else
		evtimer_del(connection->patience);
}

static void on_impatience(evutil_socket_t fd, short events, void *context)
{
	struct rpc_connection *connection = context;

	(void)fd;
	(void)events;
	if (connection->waits_for == WAITS_FOR_REQUEST ||
	    connection->waits_for == WAITS_FOR_HANDSHAKE)
		log_write(LOG_INFO, "connection of %s stalled and is closed", connection->peer);
	rpc_connection_close(connection);
}

/* --- patience with how it takes what is sent */

/*
 * What waits, or a buffer full of it, must be gone when the time is over. Progress alone does
 * not count: a byte now and then would hold the rest for ever.
 */
static void set_slowness(struct rpc_connection *connection, size_t waiting)
{
	const struct config_control_limits *limits = rpc_connection_limits(connection);
	struct timeval patience = clock_timeval(limits->stall_ms);

	connection->sent_wanted =
		connection->sent +
		(waiting < limits->send_buffer_bytes ? waiting : limits->send_buffer_bytes);
	evtimer_add(connection->slowness, &patience);
}

static void on_output_changed(struct evbuffer *output, const struct evbuffer_cb_info *change,
			      void *context)
{
	struct rpc_connection *connection = context;
	const size_t waiting = evbuffer_get_length(output);

	connection->sent += change->n_deleted;
	if (waiting == 0)
		evtimer_del(connection->slowness);
	else if (change->orig_size == 0 || connection->sent >= connection->sent_wanted)
		set_slowness(connection, waiting);
}

static void on_slowness(evutil_socket_t fd, short events, void *context)
{
	struct rpc_connection *connection = context;

	(void)fd;
	(void)events;
	log_write(LOG_INFO, "%s does not take its answers: its connection is closed",
		  connection->peer);
	rpc_connection_close(connection);
}

/* --- turns */

static void turn_of_others(struct rpc_connection *connection)
{
	static const struct timeval now;

	/* A timer, so that the loop looks at all descriptors before. */
	evtimer_add(connection->again, &now);
}

/* What the framing can do now, within one turn. */
static int take_requests(struct rpc_connection *connection)
{
	const uint32_t most = rpc_connection_limits(connection)->requests_in_flight;
	const uint64_t end_us = clock_monotonic_us() + TURN_US;
	int rc = 1;

	for (uint32_t i = 0; i < most && rc > 0 && !connection->closing; i++) {
		if (is_full(connection) || (i > 0 && clock_monotonic_us() > end_us))
			break;
		rc = connection->door->framing->advance(connection);
	}
	return rc;
}

/* All is sent: over TCP it is told so, and gets a while to find out. */
static void linger(struct rpc_connection *connection)
{
	SSL *tls = bufferevent_openssl_get_ssl(connection->bev);

	if (connection->hung_up || connection->door->framing == &rpc_framing_texts) {
		rpc_connection_close(connection);
		return;
	}
	connection->lingering = true;
	if (tls)
		SSL_shutdown(tls);
	shutdown(bufferevent_getfd(connection->bev), SHUT_WR);
	bufferevent_enable(connection->bev, EV_READ);
	set_patience(connection);
}

/* Behind a refused request, for the sake of the answer to it. */
static void discard(struct rpc_connection *connection)
{
	struct evbuffer *input = rpc_connection_input(connection);

	connection->discarded += evbuffer_get_length(input);
	evbuffer_drain(input, evbuffer_get_length(input));
	if (connection->discarded > LINGER_BYTES)
		bufferevent_disable(connection->bev, EV_READ);
}

/* Everything that can be done now. May close the connection. */
static void connection_advance(struct rpc_connection *connection)
{
	int rc;

	if (connection->closing) {
		discard(connection);
		if (waiting_bytes(connection) == 0 && !connection->lingering)
			linger(connection);
		return;
	}
	rc = take_requests(connection);
	if (rc < 0) {
		log_write(LOG_ERR, "out of memory: connection of %s is closed", connection->peer);
		rpc_connection_close(connection);
		return;
	}
	if (rc == 0 && connection->hung_up)
		connection->closing = true;
	if (connection->closing) {
		connection_advance(connection);
		return;
	}
	set_patience(connection);
	if (is_full(connection)) {
		bufferevent_disable(connection->bev, EV_READ);
		return; /* on_sent() goes on */
	}
	if (!connection->hung_up)
		bufferevent_enable(connection->bev, EV_READ);
	if (rc > 0)
		turn_of_others(connection);
}

static void on_again(evutil_socket_t fd, short events, void *context)
{
	(void)fd;
	(void)events;
	connection_advance(context);
}

static void on_readable(struct bufferevent *bev, void *context)
{
	(void)bev;
	connection_advance(context);
}

/* Nothing waits any more. */
static void on_sent(struct bufferevent *bev, void *context)
{
	struct rpc_connection *connection = context;
	const struct rpc_stream_listener *listener = connection->stream.listener;

	(void)bev;
	if (connection->wants_room && listener && !connection->closing) {
		connection->wants_room = false;
		listener->drained(listener->context);
	}
	connection_advance(connection);
}

static void log_failure(const struct rpc_connection *connection)
{
	const unsigned long code = bufferevent_get_openssl_error(connection->bev);
	const char *reason = ERR_reason_error_string(code);

	if (reason)
		log_write(LOG_INFO, "TLS with %s failed: %s", connection->peer, reason);
}

static void on_event(struct bufferevent *bev, short events, void *context)
{
	struct rpc_connection *connection = context;

	if (events & BEV_EVENT_CONNECTED) {
		connection->handshaking = false;
		set_patience(connection);
	}
	if (events & BEV_EVENT_ERROR)
		log_failure(connection);
	/* TLS has no half-closed connections: nobody is there to take an answer. */
	if ((events & BEV_EVENT_ERROR) ||
	    ((events & BEV_EVENT_EOF) &&
	     (connection->lingering || bufferevent_openssl_get_ssl(bev)))) {
		rpc_connection_close(connection);
		return;
	}
	if (events & BEV_EVENT_EOF) {
		connection->hung_up = true;
		connection_advance(connection);
	}
}

/* --- the stream */

static int on_stream_send(struct rpc_stream *stream, const char *text)
{
	struct rpc_connection *connection =
		(struct rpc_connection *)((char *)stream - offsetof(struct rpc_connection, stream));

	if (connection->closing || is_full(connection)) {
		connection->wants_room = true;
		return -ENOBUFS;
	}
	return connection->door->framing->put_event(
		connection,
		connection->answering ? connection->held : rpc_connection_output(connection), text);
}

int rpc_connection_answer(struct rpc_connection *connection, const char *name, enum rpc_role role,
			  const char *text, size_t size, char **out_answer)
{
	const struct rpc_peer peer = {.name = name, .role = role, .stream = &connection->stream};
	int rc;

	connection->answering = true;
	rc = rpc_answer(connection->door->context, &peer, text, size, out_answer);
	connection->answering = false;
	return rc;
}

int rpc_connection_release(struct rpc_connection *connection)
{
	return evbuffer_add_buffer(rpc_connection_output(connection), connection->held) < 0
		       ? -ENOMEM
		       : 0;
}

static void free_answer(const void *answer, size_t size, void *context)
{
	(void)answer;
	(void)size;
	free(context);
}

int rpc_connection_put_answer(struct evbuffer *out, char *answer)
{
	const size_t size = strlen(answer);
	int rc;

	if (size > COPIED_BYTES) {
		rc = evbuffer_add_reference(out, answer, size, free_answer, answer);
		if (rc < 0)
			free(answer);
	} else {
		rc = evbuffer_add(out, answer, size);
		free(answer);
	}
	return rc < 0 ? -ENOMEM : 0;
}

bool rpc_connection_piece(const struct rpc_connection *connection, const char **out_bytes,
			  size_t *out_size)
{
	struct evbuffer *input = rpc_connection_input(connection);
	struct evbuffer_iovec piece;

	/* An empty buffer may still have a piece, of no bytes. */
	if (evbuffer_get_length(input) == 0 || evbuffer_peek(input, -1, NULL, &piece, 1) < 1)
		return false;
	*out_bytes = piece.iov_base;
	*out_size = piece.iov_len;
	return true;
}

/* --- from the beginning to the end */

/* Takes @fd and @tls. NULL: no memory. */
static struct bufferevent *bufferevent_create(struct event_base *base, int fd, SSL *tls)
{
	/* Deferred: nothing that is done to a connection calls back before it has returned. */
	const int options = BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS;
	struct bufferevent *bev;

	if (!tls) {
		bev = bufferevent_socket_new(base, fd, options);
	} else {
		bev = bufferevent_openssl_socket_new(base, fd, tls, BUFFEREVENT_SSL_ACCEPTING,
						     options);
		if (bev)
			bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
	}
	if (!bev)
		evutil_closesocket(fd);
	return bev;
}

static void connection_free(struct rpc_connection *connection)
{
	if (connection->again)
		event_free(connection->again);
	if (connection->patience)
		event_free(connection->patience);
	if (connection->slowness)
		event_free(connection->slowness);
	if (connection->held)
		evbuffer_free(connection->held);
	if (connection->bev)
		bufferevent_free(connection->bev);
	free(connection->framing_state);
	free(connection);
}

static bool has_parts(struct rpc_connection *connection)
{
	struct event_base *base = connection->door->base;

	connection->again = evtimer_new(base, on_again, connection);
	connection->patience = evtimer_new(base, on_impatience, connection);
	connection->slowness = evtimer_new(base, on_slowness, connection);
	connection->held = evbuffer_new();
	connection->framing_state = calloc(1, connection->door->framing->state_size);
	return connection->bev && connection->again && connection->patience &&
	       connection->slowness && connection->held && connection->framing_state &&
	       evbuffer_add_cb(rpc_connection_output(connection), on_output_changed, connection);
}

int rpc_connection_create(struct rpc_door *door, int fd, SSL *tls, const char *peer)
{
	struct bufferevent *bev = bufferevent_create(door->base, fd, tls);
	struct rpc_connection *connection = calloc(1, sizeof(*connection));

	if (!connection) {
		if (bev)
			bufferevent_free(bev);
		return -ENOMEM;
	}
	*connection = (struct rpc_connection){
		.door = door,
		.bev = bev,
		.stream.send = on_stream_send,
		.handshaking = tls != NULL,
	};
	snprintf(connection->peer, sizeof(connection->peer), "%s", peer);
	if (!has_parts(connection) || door->framing->start(connection) < 0) {
		connection_free(connection);
		return -ENOMEM;
	}
	bufferevent_setcb(bev, on_readable, on_sent, on_event, connection);
	bufferevent_setwatermark(bev, EV_READ, 0, READ_AHEAD_BYTES);
	set_patience(connection);
	bufferevent_enable(bev, EV_READ | EV_WRITE);
	LIST_INSERT_HEAD(&door->connections, connection, link);
	door->count++;
	return 0;
}

/* A TLS client is told that nothing was cut off. */
static void say_goodbye(const struct rpc_connection *connection)
{
	SSL *tls = bufferevent_openssl_get_ssl(connection->bev);

	if (!tls || connection->handshaking)
		return;
	SSL_set_shutdown(tls, SSL_get_shutdown(tls) | SSL_RECEIVED_SHUTDOWN);
	SSL_shutdown(tls);
	ERR_clear_error();
}

void rpc_connection_close(struct rpc_connection *connection)
{
	const struct rpc_stream_listener *listener = connection->stream.listener;

	LIST_REMOVE(connection, link);
	connection->door->count--;
	if (listener)
		listener->closed(listener->context);
	connection->door->framing->stop(connection);
	evbuffer_remove_cb(rpc_connection_output(connection), on_output_changed, connection);
	say_goodbye(connection);
	connection_free(connection);
}

void rpc_connection_finish(struct rpc_connection *connection)
{
	connection->closing = true;
}

void rpc_connection_retire(struct rpc_connection *connection)
{
	if (connection->answering || (waiting_bytes(connection) > 0 && !connection->lingering))
		connection->closing = true;
	else
		rpc_connection_close(connection);
}
