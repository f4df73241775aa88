/* SPDX-License-Identifier: BSD-3-Clause */
#include "smtp_probe.h"

#include <ctype.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "smtp_reply.h"

/* A server that is slow to say goodbye shall not hold up the next probe. */
#define QUIT_TIMEOUT_MS 2000

/* With its CRLF; RFC 5321, section 4.5.3.1.4. */
#define COMMAND_LINE_MAX 512

enum step {
	STEP_CONNECT,
	STEP_GREETING,
	STEP_EHLO,
	STEP_QUIT,
};

struct smtp_probe {
	struct smtp_probe_config config;
	char *helo_name;
	struct bufferevent *stream;
	struct event *deadline;
	enum step step;
	bool judged;
	uint64_t started_ms;
	struct smtp_reply reply;
};

static const char *step_name(enum step step)
{
	switch (step) {
	case STEP_CONNECT:
		return "connect";
	case STEP_GREETING:
		return "greeting";
	case STEP_EHLO:
		return "EHLO";
	case STEP_QUIT:
		return "QUIT";
	}
	return "";
}

static void probe_judge(struct smtp_probe *probe, bool good, const char *reason)
{
	struct smtp_probe_result result = {
		.good = good,
		.latency_ms = (uint32_t)(clock_monotonic_ms() - probe->started_ms),
	};

	if (probe->judged)
		return;
	probe->judged = true;
	snprintf(result.reason, sizeof(result.reason), "%.*s", (int)sizeof(result.reason) - 1,
		 reason);
	dialogue_judge(probe->config.dialogue, good, result.latency_ms, result.reason);
	probe->config.verdict(probe->config.context, &result);
}

static void probe_close(struct smtp_probe *probe)
{
	smtp_probe_closed_fn *closed = probe->config.closed;
	void *context = probe->config.context;

	smtp_probe_destroy(probe);
	closed(context);
}

/* The conversation cannot go on: a failure, unless the verdict has fallen already. */
__attribute__((format(printf, 2, 3))) static void probe_fail(struct smtp_probe *probe,
							     const char *format, ...)
{
	char what[SMTP_PROBE_REASON_MAX], reason[SMTP_PROBE_REASON_MAX + 16];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	snprintf(reason, sizeof(reason), "%s: %s", step_name(probe->step), what);
	dialogue_said(probe->config.dialogue, DIALOGUE_NOTE, what);
	probe_judge(probe, false, reason);
	probe_close(probe);
}

static void probe_enter(struct smtp_probe *probe, enum step step)
{
	uint32_t timeout_ms = probe->config.timeout_ms;
	struct timeval timeout;

	if (step == STEP_QUIT && timeout_ms > QUIT_TIMEOUT_MS)
		timeout_ms = QUIT_TIMEOUT_MS;
	timeout = clock_timeval(timeout_ms);
	probe->step = step;
	smtp_reply_init(&probe->reply);
	event_add(probe->deadline, &timeout);
}

static void probe_send(struct smtp_probe *probe, const char *verb, const char *argument)
{
	char line[COMMAND_LINE_MAX + 1];

	snprintf(line, sizeof(line), "%s%s\r\n", verb, argument);
	dialogue_said(probe->config.dialogue, DIALOGUE_MAILRAIL, line);
	evbuffer_add(bufferevent_get_output(probe->stream), line, strlen(line));
}

static void probe_send_ehlo(struct smtp_probe *probe)
{
	probe_enter(probe, STEP_EHLO);
	probe_send(probe, "EHLO ", probe->helo_name);
}

static void probe_send_quit(struct smtp_probe *probe)
{
	probe_enter(probe, STEP_QUIT);
	probe_send(probe, "QUIT", "");
}

/* A server that refuses in good order gets its QUIT too. */
static void probe_refused(struct smtp_probe *probe)
{
	char reason[SMTP_PROBE_REASON_MAX];

	snprintf(reason, sizeof(reason), "%s: %03u%s%s", step_name(probe->step), probe->reply.code,
		 probe->reply.text[0] ? " " : "", probe->reply.text);
	probe_judge(probe, false, reason);
	probe_send_quit(probe);
}

static void probe_took_reply(struct smtp_probe *probe)
{
	switch (probe->step) {
	case STEP_CONNECT:
		break;
	case STEP_GREETING:
		if (probe->reply.code == 220)
			probe_send_ehlo(probe);
		else
			probe_refused(probe);
		break;
	case STEP_EHLO:
		if (probe->reply.code == 250) {
			probe_judge(probe, true, "EHLO: 250");
			probe_send_quit(probe);
		} else {
			probe_refused(probe);
		}
		break;
	case STEP_QUIT:
		probe_close(probe);
		break;
	}
}

/* libevent may say so after it has given the greeting to on_read(), when both came at once. */
static void probe_connected(struct smtp_probe *probe)
{
	if (probe->step != STEP_CONNECT)
		return;
	dialogue_said(probe->config.dialogue, DIALOGUE_NOTE, "connected");
	probe_enter(probe, STEP_GREETING);
}

/* Feeds the reply with what has come; what is behind it stays. */
static void probe_feed(struct smtp_probe *probe, struct evbuffer *input)
{
	while (evbuffer_get_length(input) > 0 && probe->reply.status == SMTP_REPLY_MORE) {
		size_t length = evbuffer_get_contiguous_space(input), taken;
		const unsigned char *bytes = evbuffer_pullup(input, (ev_ssize_t)length);

		smtp_reply_feed(&probe->reply, bytes, length, &taken);
		dialogue_heard(probe->config.dialogue, bytes, taken);
		evbuffer_drain(input, taken);
	}
}

static void on_read(struct bufferevent *stream, void *context)
{
	struct evbuffer *input = bufferevent_get_input(stream);
	struct smtp_probe *probe = context;

	probe_connected(probe);
	probe_feed(probe, input);
	switch (probe->reply.status) {
	case SMTP_REPLY_MORE:
		break;
	case SMTP_REPLY_COMPLETE:
		if (evbuffer_get_length(input) > 0)
			probe_fail(probe, "data behind the reply: %03u %s", probe->reply.code,
				   probe->reply.text);
		else
			probe_took_reply(probe);
		break;
	case SMTP_REPLY_MALFORMED:
		probe_fail(probe, "malformed reply, %s: %s", probe->reply.problem,
			   probe->reply.text);
		break;
	}
}

static void on_error(struct smtp_probe *probe, int error)
{
	char text[128];

	snprintf(text, sizeof(text), "%s", strerror(error));
	text[0] = (char)tolower((unsigned char)text[0]);
	probe_fail(probe, "%s", text);
}

static void on_event(struct bufferevent *stream, short what, void *context)
{
	struct smtp_probe *probe = context;
	int error = EVUTIL_SOCKET_ERROR();

	(void)stream;
	if (what & BEV_EVENT_CONNECTED)
		probe_connected(probe);
	else if (what & BEV_EVENT_ERROR)
		on_error(probe, error);
	else if (what & BEV_EVENT_EOF)
		probe_fail(probe, "connection closed by the server");
}

static void on_deadline(evutil_socket_t fd, short what, void *context)
{
	struct smtp_probe *probe = context;

	(void)fd;
	(void)what;
	probe_fail(probe, "no %s within %u ms",
		   probe->step == STEP_CONNECT ? "answer"
		   : probe->reply.bytes > 0    ? "complete reply"
					       : "reply",
		   probe->config.timeout_ms);
}

int smtp_probe_start(struct event_base *base, const struct smtp_probe_config *config, int socket,
		     struct smtp_probe **out)
{
	struct smtp_probe *probe = calloc(1, sizeof(*probe));

	if (!probe)
		return -ENOMEM;
	probe->config = *config;
	probe->started_ms = clock_monotonic_ms();
	probe->helo_name = strdup(config->helo_name);
	probe->deadline = event_new(base, -1, 0, on_deadline, probe);
	if (!probe->helo_name || !probe->deadline)
		goto err_destroy;
	probe->stream = bufferevent_socket_new(base, socket, BEV_OPT_CLOSE_ON_FREE);
	if (!probe->stream)
		goto err_destroy;
	bufferevent_setcb(probe->stream, on_read, NULL, on_event, probe);
	/* Without an address: it is connecting already. */
	if (bufferevent_socket_connect(probe->stream, NULL, 0) < 0 ||
	    bufferevent_enable(probe->stream, EV_READ | EV_WRITE) < 0)
		goto err_destroy;
	probe_enter(probe, STEP_CONNECT);
	*out = probe;
	return 0;

err_destroy:
	/* The socket stays the caller's. */
	if (probe->stream)
		bufferevent_setfd(probe->stream, -1);
	smtp_probe_destroy(probe);
	return -ENOMEM;
}

void smtp_probe_destroy(struct smtp_probe *probe)
{
	if (!probe)
		return;
	if (probe->deadline)
		event_free(probe->deadline);
	if (probe->stream)
		bufferevent_free(probe->stream);
	free(probe->helo_name);
	free(probe);
}
