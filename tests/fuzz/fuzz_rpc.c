/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What clients send, to connections as the server has them: the first byte says which framing
 * and how large the pieces are. Whatever comes, the connection ends when the client has gone,
 * and who listened to it is told.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rpc_connection.h"

#define LIMIT_BYTES 4096
/* Far more turns than any input needs. */
#define TURNS_MAX 100000

struct echo {
	char *text;
	uint32_t times;
};

static const struct field echo_fields[] = {
	{"text", FIELD_STRING, FIELD_AT(struct echo, text), .required = true, .text = "Text"},
	{"times", FIELD_UINT, FIELD_AT(struct echo, times), .max = 100, .text = "How often"},
};
static const struct shape echo_shape = SHAPE("echo", struct echo, echo_fields, "A text");

static enum rpc_error echo(struct rpc_call *call)
{
	const struct echo *params = call->params;
	json_t *list = json_array();

	for (uint32_t i = 0; i < params->times; i++)
		json_array_append_new(list, json_string(params->text));
	call->document = json_pack("{s:o}", "texts", list);
	return RPC_OK;
}

static unsigned int subscribers;

static void on_drained(void *context)
{
	(void)context;
}

static void on_closed(void *context)
{
	(void)context;
	subscribers--;
}

static const struct rpc_stream_listener listener = {.drained = on_drained, .closed = on_closed};

static enum rpc_error subscribe(struct rpc_call *call)
{
	struct rpc_stream *stream = call->peer->stream;

	if (!stream->listener) {
		stream->listener = &listener;
		subscribers++;
	}
	(void)stream->send(stream, "{\"event\":1}");
	call->document = json_object();
	return RPC_OK;
}

static const struct rpc_method table[] = {
	{.name = "echo", .handler = echo, .params = &echo_shape},
	{.name = "admin", .handler = echo, .params = &echo_shape, .role = RPC_ROLE_ADMIN},
	{.name = "subscribe", .handler = subscribe},
	{.name = NULL},
};
static const struct rpc_method *const methods[] = {table, NULL};
static const struct rpc_context context = {.methods = methods};

static int write_page(const struct rpc_context *unused, struct evbuffer *out)
{
	(void)unused;
	return evbuffer_add(out, "page\n", 5);
}

static const struct rpc_page pages[] = {
	{"/metrics", "text/plain", RPC_ROLE_READ, write_page},
	{.path = NULL},
};

static const struct config_control control = {
	.http = {.anonymous = CONFIG_ANONYMOUS_OPERATE},
	.limits = {.request_bytes = LIMIT_BYTES,
		   .depth = 16,
		   .connections = 1,
		   .requests_in_flight = 3,
		   .stall_ms = 60000,
		   .send_buffer_bytes = LIMIT_BYTES},
};

static void take_output(int fd)
{
	char buffer[65536];

	while (recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT) > 0)
		continue;
}

static void send_pieces(const struct rpc_door *door, int fd, const uint8_t *data, size_t size,
			size_t piece)
{
	while (size > 0 && door->count > 0) {
		const size_t length = size < piece ? size : piece;
		const ssize_t sent = send(fd, data, length, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent > 0) {
			data += sent;
			size -= (size_t)sent;
		}
		event_base_loop(door->base, EVLOOP_NONBLOCK);
		take_output(fd);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct event_base *base;
	struct rpc_door door = {.context = &context, .pages = pages, .control = &control};
	int fds[2];

	if (size < 1 || size > 4 * LIMIT_BYTES)
		return 0;
	if (!base)
		base = event_base_new();
	door.base = base;
	door.framing = data[0] & 1 ? &rpc_framing_http : &rpc_framing_texts;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0 ||
	    rpc_connection_create(&door, fds[0], NULL, "fuzz") < 0)
		abort();
	send_pieces(&door, fds[1], data + 1, size - 1, (size_t)(data[0] >> 1) * 8 + 1);
	shutdown(fds[1], SHUT_WR);
	for (int i = 0; i < TURNS_MAX && door.count > 0; i++) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		take_output(fds[1]);
	}
	if (door.count > 0 || subscribers > 0)
		abort();
	close(fds[1]);
	return 0;
}
