/* SPDX-License-Identifier: BSD-3-Clause */
#include "rpc_client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "rpc_http.h"

#define READ_BYTES 65536

static int connect_to(const char *path, uint32_t timeout_ms, struct mr_error *error)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval timeout = {.tv_sec = timeout_ms / 1000,
				  .tv_usec = (suseconds_t)(timeout_ms % 1000) * 1000};
	int fd, rc;

	if (strlen(path) >= sizeof(address.sun_path))
		return mr_error_set(error, -ENAMETOOLONG, "%s: too long for a socket", path);
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return mr_error_set(error, -errno, "%s: %s", path, strerror(errno));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) == 0 &&
	    connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	rc = mr_error_set(error, -errno, "%s: %s", path, strerror(errno));
	close(fd);
	return rc;
}

int rpc_link_open(struct rpc_link *link, const char *socket_path, uint32_t timeout_ms,
		  struct mr_error *error)
{
	const int fd = connect_to(socket_path, timeout_ms, error);

	*link = (struct rpc_link){.fd = fd < 0 ? -1 : fd};
	return fd < 0 ? fd : 0;
}

void rpc_link_close(struct rpc_link *link)
{
	if (link->fd >= 0)
		close(link->fd);
	free(link->text);
	*link = (struct rpc_link){.fd = -1};
}

static int send_all(int fd, const char *text, size_t size)
{
	while (size > 0) {
		ssize_t sent = send(fd, text, size, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return -errno;
		text += sent;
		size -= (size_t)sent;
	}
	return 0;
}

/* Takes @params. NULL: no memory. */
static char *request_text(const char *method, json_t *params, uint64_t id)
{
	json_t *request = json_pack("{s:s, s:s, s:o*, s:I}", "jsonrpc", "2.0", "method", method,
				    "params", params, "id", (json_int_t)id);
	char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;

	json_decref(request);
	return text;
}

int rpc_link_send(struct rpc_link *link, const char *method, json_t *params, uint64_t id)
{
	char *text = request_text(method, params, id);
	int rc;

	if (!text)
		return -ENOMEM;
	rc = send_all(link->fd, text, strlen(text));
	free(text);
	return rc < 0 ? rc : send_all(link->fd, "\n", 1);
}

/* Messages are lines. Takes the first one out of what has arrived. */
static int take_line(struct rpc_link *link, json_t **out_message)
{
	char *end = link->size > 0 ? memchr(link->text, '\n', link->size) : NULL;
	json_t *message;
	size_t length;

	if (!end)
		return -EAGAIN;
	length = (size_t)(end - link->text) + 1;
	message = json_loadb(link->text, length, 0, NULL);
	link->size -= length;
	memmove(link->text, link->text + length, link->size);
	if (!json_is_object(message)) {
		json_decref(message);
		return -EPROTO;
	}
	*out_message = message;
	return 0;
}

static int fill(struct rpc_link *link, int flags)
{
	ssize_t got;

	if (link->room - link->size < READ_BYTES) {
		const size_t room = 2 * link->room + READ_BYTES;
		char *grown = realloc(link->text, room);

		if (!grown)
			return -ENOMEM;
		link->text = grown;
		link->room = room;
	}
	do
		got = recv(link->fd, link->text + link->size, link->room - link->size, flags);
	while (got < 0 && errno == EINTR);
	if (got <= 0)
		return got == 0 ? -ECONNRESET : -errno;
	link->size += (size_t)got;
	return 0;
}

int rpc_link_take(struct rpc_link *link, json_t **out_message)
{
	int rc = take_line(link, out_message);

	while (rc == -EAGAIN) {
		rc = fill(link, MSG_DONTWAIT);
		if (rc < 0)
			return rc;
		rc = take_line(link, out_message);
	}
	return rc;
}

int rpc_link_receive(struct rpc_link *link, json_t **out_message)
{
	int rc = take_line(link, out_message);

	while (rc == -EAGAIN) {
		rc = fill(link, 0);
		if (rc < 0)
			return rc == -EAGAIN ? -ETIMEDOUT : rc;
		rc = take_line(link, out_message);
	}
	return rc;
}

static int exchange(struct rpc_link *link, const char *method, json_t *params,
		    json_t **out_response)
{
	int rc = rpc_link_send(link, method, params, 1);

	/* A server that refuses the request while it is being sent has left an answer. */
	if (rc < 0 && rc != -EPIPE && rc != -ECONNRESET)
		return rc;
	return rpc_link_receive(link, out_response);
}

static int call_url(const struct rpc_target *target, const char *method, json_t *params,
		    json_t **out_response, struct mr_error *error)
{
	char *request = request_text(method, params, 1), *answer = NULL;
	json_t *response;
	int rc;

	if (!request)
		return mr_error_set(error, -ENOMEM, "out of memory");
	rc = rpc_http_post(target, request, &answer, error);
	free(request);
	if (rc < 0)
		return rc;
	response = json_loads(answer, 0, NULL);
	free(answer);
	if (!json_is_object(response)) {
		json_decref(response);
		return mr_error_set(error, -EPROTO, "%s: the answer is not JSON-RPC", target->url);
	}
	*out_response = response;
	return 0;
}

static int call_socket(const char *path, const char *method, json_t *params, json_t **out_response,
		       struct mr_error *error)
{
	struct rpc_link link;
	int rc = rpc_link_open(&link, path, RPC_CLIENT_TIMEOUT_MS, error);

	if (rc < 0) {
		json_decref(params);
		return rc;
	}
	rc = exchange(&link, method, params, out_response);
	rpc_link_close(&link);
	if (rc == -EPROTO)
		return mr_error_set(error, rc, "%s: the answer is not JSON-RPC", path);
	if (rc < 0)
		return mr_error_set(error, rc, "%s: no answer: %s", path, strerror(-rc));
	return 0;
}

int rpc_client_call(const struct rpc_target *target, const char *method, json_t *params,
		    json_t **out_response, struct mr_error *error)
{
	return target->url ? call_url(target, method, params, out_response, error)
			   : call_socket(target->socket, method, params, out_response, error);
}
