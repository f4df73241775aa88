/* SPDX-License-Identifier: BSD-3-Clause */
#define LOG_TOPIC LOG_TOPIC_RPC

#include "rpc_server.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/listener.h>

#include "clock.h"
#include "log.h"
#include "rpc_connection.h"
#include "rpc_tls.h"
#include "tcp_listener.h"
#include "unix_listener.h"

/* Rest after accept(2) failed, for want of descriptors mostly. */
#define ACCEPT_PAUSE_MS 1000

/* A way in: a listening socket, and those who came through. */
struct entrance {
	struct rpc_door door;
	struct rpc_server *server;
	struct evconnlistener *acceptor;
	struct event *accept_again;
};

/* The section "control", and what was read from the files that it names. */
struct rules {
	struct config_control control;
	SSL_CTX *tls; /* NULL: plain */
};

struct rpc_server {
	struct rules *rules, *next_rules;
	struct unix_listener socket;
	int http_fd;
	struct entrance local, http;
};

static void rules_free(struct rules *rules)
{
	if (!rules)
		return;
	SSL_CTX_free(rules->tls);
	shape_fini(&control_shape, &rules->control);
	free(rules);
}

static int rules_create(const struct config_control *control, struct rules **out,
			struct mr_error *error)
{
	struct rules *rules = calloc(1, sizeof(*rules));
	int rc;

	if (!rules || shape_copy(&control_shape, control, &rules->control) < 0) {
		free(rules);
		mr_error_set(error, -ENOMEM, "/control: out of memory");
		return -ENOMEM;
	}
	rc = control->http_given ? rpc_tls_create(&control->http, &rules->tls, error) : 0;
	if (rc < 0) {
		rules_free(rules);
		return rc;
	}
	*out = rules;
	return 0;
}

/* --- who comes */

static void name_local_peer(int fd, char *out)
{
	struct ucred credentials;
	socklen_t length = sizeof(credentials);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0)
		snprintf(out, RPC_PEER_MAX, "uid %u, pid %d", credentials.uid, credentials.pid);
	else
		snprintf(out, RPC_PEER_MAX, "somebody");
}

/* Only who speaks JSON texts can be told why, without waiting for it. */
static void turn_away(const struct entrance *entrance, int fd)
{
	char reason[64];
	char *answer = NULL;

	snprintf(reason, sizeof(reason), "%u connections are open already",
		 entrance->door.control->limits.connections);
	if (entrance->door.framing == &rpc_framing_texts &&
	    rpc_answer_error(RPC_LIMIT_EXCEEDED, reason, &answer) == 0) {
		(void)!send(fd, answer, strlen(answer), MSG_DONTWAIT | MSG_NOSIGNAL);
		(void)!send(fd, "\n", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
	log_write(LOG_WARNING, "a connection is turned away: %s", reason);
	free(answer);
	close(fd);
}

/* Takes @fd. */
static void let_in(struct entrance *entrance, int fd, const char *peer)
{
	SSL_CTX *tls = entrance->server->rules->tls;
	SSL *session = NULL;

	if (entrance == &entrance->server->http && tls) {
		session = SSL_new(tls);
		if (!session) {
			close(fd);
			return;
		}
	}
	if (rpc_connection_create(&entrance->door, fd, session, peer) < 0)
		log_write(LOG_ERR, "out of memory: connection of %s is closed", peer);
}

static void on_accept(struct evconnlistener *acceptor, evutil_socket_t fd, struct sockaddr *address,
		      int length, void *context)
{
	struct entrance *entrance = context;
	char peer[RPC_PEER_MAX];

	(void)acceptor;
	if (entrance->door.count >= entrance->door.control->limits.connections) {
		turn_away(entrance, fd);
		return;
	}
	if (address->sa_family == AF_UNIX)
		name_local_peer(fd, peer);
	else
		tcp_listener_accepted(fd, address, (socklen_t)length, peer, sizeof(peer));
	let_in(entrance, fd, peer);
}

static void on_accept_error(struct evconnlistener *acceptor, void *context)
{
	struct entrance *entrance = context;
	const struct timeval pause = clock_timeval(ACCEPT_PAUSE_MS);

	log_write(LOG_WARNING, "cannot accept a connection: %s", strerror(errno));
	evconnlistener_disable(acceptor);
	event_add(entrance->accept_again, &pause);
}

static void on_accept_again(evutil_socket_t fd, short events, void *context)
{
	struct entrance *entrance = context;

	(void)fd;
	(void)events;
	evconnlistener_enable(entrance->acceptor);
}

/* --- the entrances */

/* @fd stays the caller's. */
static int entrance_open(struct entrance *entrance, int fd)
{
	struct event_base *base = entrance->door.base;

	entrance->accept_again = evtimer_new(base, on_accept_again, entrance);
	if (!entrance->accept_again)
		return -ENOMEM;
	entrance->acceptor =
		evconnlistener_new(base, on_accept, entrance, LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (!entrance->acceptor)
		return -ENOMEM;
	evconnlistener_set_error_cb(entrance->acceptor, on_accept_error);
	return 0;
}

static void close_connections(struct entrance *entrance,
			      void (*do_close)(struct rpc_connection *connection))
{
	struct rpc_connection *connection, *next;

	for (connection = LIST_FIRST(&entrance->door.connections); connection; connection = next) {
		next = LIST_NEXT(connection, link);
		do_close(connection);
	}
}

/* One that was never opened is fine. */
static void entrance_close(struct entrance *entrance)
{
	close_connections(entrance, rpc_connection_close);
	if (entrance->acceptor)
		evconnlistener_free(entrance->acceptor);
	if (entrance->accept_again)
		event_free(entrance->accept_again);
}

static int open_local(struct rpc_server *server, struct mr_error *error)
{
	const struct config_control *control = &server->rules->control;
	const struct unix_listener_setup setup = {
		.path = control->socket,
		.mode = (mode_t)strtoul(control->socket_mode, NULL, 8),
		.group = control->socket_group,
	};
	const int rc = unix_listener_open(&server->socket, &setup, error);

	if (rc < 0)
		return rc;
	if (entrance_open(&server->local, server->socket.fd) == 0)
		return 0;
	unix_listener_close(&server->socket);
	return mr_error_set(error, -ENOMEM, "/control/socket: out of memory");
}

static int open_http(struct rpc_server *server, struct mr_error *error)
{
	const struct config_control *control = &server->rules->control;
	int rc;

	if (!control->http_given)
		return 0;
	rc = tcp_listener_open(&control->http.address, control->http.port, &server->http_fd, error);
	if (rc < 0)
		return rc;
	if (entrance_open(&server->http, server->http_fd) == 0)
		return 0;
	close(server->http_fd);
	return mr_error_set(error, -ENOMEM, "/control/http: out of memory");
}

static void prepare_entrance(struct rpc_server *server, struct entrance *entrance,
			     const struct rpc_server_setup *setup,
			     const struct rpc_framing *framing, uint32_t idle_fallback_ms)
{
	*entrance = (struct entrance){
		.server = server,
		.door = {.base = setup->base,
			 .framing = framing,
			 .context = setup->context,
			 .pages = setup->pages,
			 .control = &server->rules->control,
			 .idle_fallback_ms = idle_fallback_ms},
	};
}

int rpc_server_create(const struct rpc_server_setup *setup, struct rpc_server **out,
		      struct mr_error *error)
{
	struct rpc_server *server = calloc(1, sizeof(*server));
	int rc;

	if (!server)
		return mr_error_set(error, -ENOMEM, "/control: out of memory");
	server->http_fd = -1;
	signal(SIGPIPE, SIG_IGN); /* libevent writes with writev(2), which cannot be told not to */
	rc = rules_create(setup->control, &server->rules, error);
	if (rc < 0)
		goto err_free_server;
	prepare_entrance(server, &server->local, setup, &rpc_framing_texts, 0);
	prepare_entrance(server, &server->http, setup, &rpc_framing_http, CONFIG_HTTP_IDLE_MS);
	rc = open_local(server, error);
	if (rc < 0)
		goto err_close_entrances;
	rc = open_http(server, error);
	if (rc < 0)
		goto err_close_socket;
	*out = server;
	return 0;

err_close_socket:
	unix_listener_close(&server->socket);
err_close_entrances:
	entrance_close(&server->local);
	entrance_close(&server->http);
	rules_free(server->rules);
err_free_server:
	free(server);
	return rc;
}

void rpc_server_destroy(struct rpc_server *server)
{
	if (!server)
		return;
	entrance_close(&server->local);
	entrance_close(&server->http);
	unix_listener_close(&server->socket);
	if (server->http_fd >= 0)
		close(server->http_fd);
	rules_free(server->next_rules);
	rules_free(server->rules);
	free(server);
}

/* --- changes */

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* The first member that differs, and cannot while the server runs; NULL: none. */
static const char *fixed_difference(const struct config_control *now,
				    const struct config_control *next)
{
	if (!same_text(now->socket, next->socket))
		return "socket";
	if (!same_text(now->socket_mode, next->socket_mode))
		return "socket_mode";
	if (!same_text(now->socket_group, next->socket_group))
		return "socket_group";
	if (!same_text(now->captures, next->captures))
		return "captures";
	if (now->http_given != next->http_given)
		return "http";
	if (!now->http_given)
		return NULL;
	if (!mr_addr_equal(&now->http.address, &next->http.address))
		return "http/address";
	if (now->http.port != next->http.port)
		return "http/port";
	return now->http.plain != next->http.plain ? "http/plain" : NULL;
}

int rpc_server_prepare(struct rpc_server *server, const struct config_control *next,
		       struct mr_error *error)
{
	const char *difference = fixed_difference(&server->rules->control, next);

	rpc_server_settle(server, false);
	if (difference)
		return mr_error_set(error, -EBUSY,
				    "/control/%s: cannot change while mailraild runs; restart it "
				    "with the new configuration",
				    difference);
	if (config_control_equal(&server->rules->control, next))
		return 0;
	return rules_create(next, &server->next_rules, error);
}

static void replace_rules(struct rpc_server *server, struct rules *rules)
{
	rules_free(server->rules);
	server->rules = rules;
	server->local.door.control = server->http.door.control = &rules->control;
}

void rpc_server_settle(struct rpc_server *server, bool in_force)
{
	struct rules *next = server->next_rules;

	server->next_rules = NULL;
	if (!in_force || !next) {
		rules_free(next);
		return;
	}
	replace_rules(server, next);
	close_connections(&server->http, rpc_connection_retire);
}

uint32_t rpc_server_local_connections(const struct rpc_server *server)
{
	return server->local.door.count;
}

uint32_t rpc_server_http_connections(const struct rpc_server *server)
{
	return server->http.door.count;
}

uint64_t rpc_server_certificate_end_s(const struct rpc_server *server)
{
	const SSL_CTX *tls = server->rules->tls;
	const X509 *certificate = tls ? SSL_CTX_get0_certificate(tls) : NULL;
	struct tm end;

	if (!certificate || ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) != 1)
		return 0;
	return (uint64_t)timegm(&end);
}

int rpc_server_reload(struct rpc_server *server, struct mr_error *error)
{
	struct rules *rules = NULL;
	const int rc = rules_create(&server->rules->control, &rules, error);

	if (rc < 0)
		return rc;
	replace_rules(server, rules);
	return 0;
}
