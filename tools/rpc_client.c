/* SPDX-License-Identifier: BSD-3-Clause */
#include "rpc_client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int connect_to(const char *path, struct mr_error *error)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval timeout = {.tv_sec = RPC_CLIENT_TIMEOUT_SECONDS};
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

static int send_request(int fd, const char *method, json_t *params)
{
	json_t *request = json_pack("{s:s, s:s, s:o*, s:i}", "jsonrpc", "2.0", "method", method,
				    "params", params, "id", 1);
	char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	int rc;

	json_decref(request);
	if (!text)
		return -ENOMEM;
	rc = send_all(fd, text, strlen(text));
	free(text);
	return rc < 0 ? rc : send_all(fd, "\n", 1);
}

/* An answer is one line. *@out_text is the caller's, even on failure. */
static int receive_line(int fd, char **out_text, size_t *out_size)
{
	size_t room = 0;

	for (;;) {
		ssize_t got;

		if (room - *out_size < 65536) {
			char *grown = realloc(*out_text, room = 2 * room + 65536);

			if (!grown)
				return -ENOMEM;
			*out_text = grown;
		}
		got = recv(fd, *out_text + *out_size, room - *out_size, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		if (got == 0)
			return -ECONNRESET;
		*out_size += (size_t)got;
		if ((*out_text)[*out_size - 1] == '\n')
			return 0;
	}
}

static int exchange(int fd, const char *method, json_t *params, char **out_text, size_t *out_size)
{
	int rc = send_request(fd, method, params);

	/* A server that refuses the request while it is being sent has left an answer. */
	if (rc < 0 && rc != -EPIPE && rc != -ECONNRESET)
		return rc;
	return receive_line(fd, out_text, out_size);
}

int rpc_client_call(const char *socket_path, const char *method, json_t *params,
		    json_t **out_response, struct mr_error *error)
{
	int fd = connect_to(socket_path, error);
	json_t *response = NULL;
	char *text = NULL;
	size_t size = 0;
	int rc;

	if (fd < 0) {
		json_decref(params);
		return fd;
	}
	rc = exchange(fd, method, params, &text, &size);
	close(fd);
	if (rc < 0)
		mr_error_set(error, rc, "%s: no answer: %s", socket_path, strerror(-rc));
	else
		response = json_loadb(text, size, 0, NULL);
	free(text);
	if (rc < 0)
		return rc;
	if (!json_is_object(response)) {
		json_decref(response);
		return mr_error_set(error, -EPROTO, "%s: the answer is not JSON-RPC", socket_path);
	}
	*out_response = response;
	return 0;
}
