/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_events.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ctl_args.h"
#include "ctl_call.h"
#include "ctl_exit.h"
#include "ctl_result.h"
#include "rpc_client.h"

#define SUBSCRIBE_ID 1

/* "hub/hub1", "smtp", "wan", "generation 8": what the event is about. */
static void format_subject(const json_t *details, char *out, size_t size)
{
	static const char *const names[] = {"service", "port"};

	if (json_object_get(details, "backend"))
		snprintf(out, size, " %s/%s", text(details, "pool"), text(details, "backend"));
	else if (json_object_get(details, "generation"))
		snprintf(out, size, " generation %" PRIu64, number(details, "generation"));
	else if (json_object_get(details, "pins"))
		snprintf(out, size, " %" PRIu64 " of %" PRIu64, number(details, "pins"),
			 number(details, "budget"));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (json_object_get(details, names[i]))
			snprintf(out, size, " %s", text(details, names[i]));
}

void ctl_event_format(const json_t *event, char *out)
{
	const json_t *details = json_object_get(event, "details");
	char subject[160] = "", reason[120] = "", author[80] = "";

	format_subject(details, subject, sizeof(subject));
	if (json_object_get(details, "author"))
		snprintf(author, sizeof(author), " by %s", text(details, "author"));
	if (text(details, "reason")[0] != '\0' && json_object_get(details, "reason"))
		snprintf(reason, sizeof(reason), ": %s", text(details, "reason"));
	snprintf(out, EVENT_TEXT_MAX, "%.40s%s%s%s", text(event, "kind"), subject, author, reason);
}

static void print_event(const struct ctl_line *line, const json_t *message)
{
	const json_t *event = json_object_get(message, "params");
	const time_t when = (time_t)(number(event, "time_ms") / 1000);
	char words[EVENT_TEXT_MAX], clock[32] = "";
	struct tm local;

	if (!event)
		return;
	if (ctl_option_given(line->options, CTL_OPTION_JSON)) {
		json_dumpf(event, stdout, JSON_COMPACT);
		putchar('\n');
	} else if (strcmp(text(message, "method"), "events.lost") == 0) {
		printf("events %" PRIu64 " to %" PRIu64 " are lost\n", number(event, "first"),
		       number(event, "last"));
	} else {
		if (localtime_r(&when, &local))
			strftime(clock, sizeof(clock), "%F %T", &local);
		ctl_event_format(event, words);
		printf("%s  %" PRIu64 "  %s\n", clock, number(event, "sequence"), words);
	}
	fflush(stdout);
}

/* Until the connection ends: there is nothing to wait for but an event. */
static int follow(const struct ctl_line *line, struct rpc_link *link)
{
	json_t *message;
	int rc, status = CTL_DONE;

	while (status == CTL_DONE) {
		rc = rpc_link_receive(link, &message);
		if (rc == -ETIMEDOUT)
			continue;
		if (rc < 0) {
			fprintf(stderr, "mailrailctl: the balancer has gone: %s\n", strerror(-rc));
			return CTL_UNREACHABLE;
		}
		if (json_object_get(message, "error"))
			status = ctl_call_error(json_object_get(message, "error"), NULL);
		else if (!json_object_get(message, "id"))
			print_event(line, message);
		json_decref(message);
	}
	return status;
}

int ctl_events_follow(const struct ctl_line *line)
{
	const char *method = line->command->method;
	struct mr_error error;
	struct rpc_link link;
	json_t *params;
	int status;

	if (ctl_option_given(line->options, CTL_OPTION_URL))
		return ctl_usage_error("--url", "events come over the socket only");
	status = ctl_args_params(line, &params);
	if (status != CTL_DONE)
		return status;
	if (rpc_link_open(&link, ctl_options_target(line->options).socket, RPC_CLIENT_TIMEOUT_MS,
			  &error) < 0) {
		json_decref(params);
		fprintf(stderr, "mailrailctl: %s\n", error.text);
		return CTL_UNREACHABLE;
	}
	if (rpc_link_send(&link, method, params, SUBSCRIBE_ID) < 0)
		status = CTL_UNREACHABLE;
	else
		status = follow(line, &link);
	rpc_link_close(&link);
	return status;
}
