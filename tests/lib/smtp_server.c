/* SPDX-License-Identifier: BSD-3-Clause */
#include "smtp_server.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "netns.h"

struct connection {
	struct smtp_server *server;
	const struct smtp_script *script;
	struct bufferevent *stream;
	struct event *timer;
	size_t sent; /* of the greeting */
	bool closing;
	LIST_ENTRY(connection) next;
};

struct smtp_server {
	struct evconnlistener *listener;
	smtp_server_choose_fn *choose;
	void *context;
	struct smtp_server_notes notes;
	LIST_HEAD(, connection) connections;
};

static void connection_close(struct connection *connection)
{
	connection->server->notes.open--;
	LIST_REMOVE(connection, next);
	event_free(connection->timer);
	bufferevent_free(connection->stream);
	free(connection);
}

static void connection_wait(struct connection *connection, uint32_t ms)
{
	struct timeval wait = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	event_add(connection->timer, &wait);
}

static size_t greeting_bytes(const struct smtp_script *script)
{
	return script->greeting_bytes ? script->greeting_bytes : strlen(script->greeting);
}

/* Closes once everything is written: at once, or from on_written(). */
static void connection_close_after_write(struct connection *connection)
{
	connection->closing = true;
	if (evbuffer_get_length(bufferevent_get_output(connection->stream)) == 0)
		connection_close(connection);
}

static void connection_greeted(struct connection *connection)
{
	if (connection->script->close_after_greeting)
		connection_close_after_write(connection);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	struct connection *connection = context;
	const struct smtp_script *script = connection->script;
	size_t length = greeting_bytes(script);
	size_t part = script->byte_every_ms ? 1 : length;

	(void)fd;
	(void)what;
	bufferevent_write(connection->stream, script->greeting + connection->sent, part);
	connection->sent += part;
	if (script->greeting_repeats)
		connection->sent %= length;
	if (connection->sent < length)
		connection_wait(connection, script->byte_every_ms);
	else
		connection_greeted(connection);
}

static void connection_take_line(struct connection *connection, const char *line)
{
	const struct smtp_script *script = connection->script;
	struct smtp_server_notes *notes = &connection->server->notes;
	size_t used = strlen(notes->heard);

	snprintf(notes->heard + used, sizeof(notes->heard) - used, "%s\n", line);
	if (script->greeting && connection->sent < greeting_bytes(script))
		notes->early = true;
	if (strncmp(line, "EHLO ", 5) == 0) {
		if (script->ehlo)
			bufferevent_write(connection->stream, script->ehlo, strlen(script->ehlo));
		if (script->close_at_ehlo)
			connection->closing = true;
	} else if (strcmp(line, "QUIT") == 0 && script->quit) {
		bufferevent_write(connection->stream, script->quit, strlen(script->quit));
		connection->closing = true;
	}
}

static void on_read(struct bufferevent *stream, void *context)
{
	struct connection *connection = context;
	char *line;

	while ((line = evbuffer_readln(bufferevent_get_input(stream), NULL,
				       EVBUFFER_EOL_CRLF_STRICT))) {
		connection_take_line(connection, line);
		free(line);
	}
	if (connection->closing)
		connection_close_after_write(connection);
}

static void on_written(struct bufferevent *stream, void *context)
{
	struct connection *connection = context;

	(void)stream;
	if (connection->closing)
		connection_close(connection);
}

static void on_event(struct bufferevent *stream, short what, void *context)
{
	struct connection *connection = context;

	(void)stream;
	if (what & BEV_EVENT_EOF)
		connection->server->notes.client_closed = true;
	else if (what & BEV_EVENT_ERROR)
		connection->server->notes.client_reset = true;
	connection_close(connection);
}

static uint16_t port_of(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)address)->sin6_port);
	return ntohs(((const struct sockaddr_in *)address)->sin_port);
}

static void note_accepted(struct smtp_server_notes *notes)
{
	notes->accepted++;
	notes->open++;
	if (notes->open > notes->most_open)
		notes->most_open = notes->open;
	notes->heard[0] = '\0';
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t socket,
		      struct sockaddr *address, int address_bytes, void *context)
{
	static const struct linger at_once = {.l_onoff = 1};
	struct event_base *base = evconnlistener_get_base(listener);
	struct connection *connection = calloc(1, sizeof(*connection));
	struct smtp_server *server = context;
	int on = 1;

	(void)address_bytes;
	connection->server = server;
	connection->script = server->choose(server->context, port_of(address));
	connection->timer = event_new(base, -1, 0, on_timer, connection);
	setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	connection->stream = bufferevent_socket_new(base, socket, BEV_OPT_CLOSE_ON_FREE);
	bufferevent_setcb(connection->stream, on_read, on_written, on_event, connection);
	LIST_INSERT_HEAD(&server->connections, connection, next);
	note_accepted(&server->notes);
	if (connection->script->reset_at_once) {
		setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
		connection_close(connection);
		return;
	}
	bufferevent_enable(connection->stream, EV_READ | EV_WRITE);
	if (connection->script->greeting)
		connection_wait(connection, connection->script->greeting_after_ms);
	else if (connection->script->close_after_greeting)
		connection_close(connection);
}

struct smtp_server *smtp_server_start(struct event_base *base, int netns, const char *address,
				      smtp_server_choose_fn *choose, void *context)
{
	struct smtp_server *server = calloc(1, sizeof(*server));
	struct sockaddr_storage where;
	int bytes = sizeof(where), own = netns_own();

	server->choose = choose;
	server->context = context;
	LIST_INIT(&server->connections);
	netns_check(evutil_parse_sockaddr_port(address, (struct sockaddr *)&where, &bytes),
		    address);
	netns_enter(netns);
	server->listener = evconnlistener_new_bind(base, on_accept, server,
						   LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, 1024,
						   (struct sockaddr *)&where, bytes);
	netns_check(server->listener ? 0 : -1, address);
	netns_enter(own);
	close(own);
	return server;
}

void smtp_server_stop(struct smtp_server *server)
{
	struct connection *connection, *next;

	evconnlistener_free(server->listener);
	for (connection = LIST_FIRST(&server->connections); connection; connection = next) {
		next = LIST_NEXT(connection, next);
		connection_close(connection);
	}
	free(server);
}

struct smtp_server_notes *smtp_server_notes(struct smtp_server *server)
{
	return &server->notes;
}
