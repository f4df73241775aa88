/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A client of a server in the same thread, whose event loop runs while the client sends: what it
 * has received so far, and whether the server hung up.
 */
#ifndef MAILRAIL_TESTS_LOOP_CLIENT_H
#define MAILRAIL_TESTS_LOOP_CLIENT_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "unit.h"

struct client {
	int fd;
	char *text;
	size_t size;
	bool ended;
};

static inline void client_connect(struct client *client, const void *address, socklen_t size)
{
	const struct sockaddr *to = address;

	*client = (struct client){.fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0),
				  .text = strdup("")};
	CU_ASSERT_EQUAL_FATAL(connect(client->fd, to, size), 0);
	fcntl(client->fd, F_SETFL, O_NONBLOCK);
}

static inline void client_close(struct client *client)
{
	close(client->fd);
	free(client->text);
}

/* Reads what is there. */
static inline void client_read(struct client *client)
{
	char buffer[65536];
	ssize_t got;

	while (!client->ended && (got = recv(client->fd, buffer, sizeof(buffer), 0)) >= 0) {
		client->ended = got == 0;
		client->text = realloc(client->text, client->size + (size_t)got + 1);
		memcpy(client->text + client->size, buffer, (size_t)got);
		client->size += (size_t)got;
		client->text[client->size] = '\0';
	}
	if (!client->ended && errno == ECONNRESET)
		client->ended = true;
}

/* For await.h. */
static inline bool client_has_ended(const void *client)
{
	client_read((struct client *)client);
	return ((const struct client *)client)->ended;
}

/* Lets the server take what is in the sockets now. */
static inline void client_turn(struct event_base *base)
{
	for (int i = 0; i < 3; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
}

/* Sends everything, with the server reading meanwhile. False: the server has hung up. */
static inline bool client_send(struct event_base *base, struct client *client, const char *text,
			       size_t size)
{
	while (size > 0) {
		const ssize_t sent = send(client->fd, text, size, MSG_NOSIGNAL);

		if (sent < 0 && errno != EAGAIN)
			return false;
		if (sent > 0) {
			text += sent;
			size -= (size_t)sent;
		}
		client_turn(base);
	}
	return true;
}

#endif
