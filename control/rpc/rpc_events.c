/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "events.h"
#include "rpc_methods.h"

static const char *const kind_choices[] = {
#define KIND_CHOICE(id, name, text, details) [id] = (name),
	EVENT_KINDS(KIND_CHOICE)
#undef KIND_CHOICE
		[EVENT_KIND_COUNT] = NULL,
};

struct subscribe_params {
	bool since_given;
	uint64_t since;
	bool stream_given;
	uint8_t stream[EVENTS_STREAM_BYTES];
	enum event_kind *kinds;
	uint32_t kind_count;
};

static const struct field subscribe_fields[] = {
	{"since", FIELD_UINT, FIELD_AT(struct subscribe_params, since),
	 FIELD_PRESENT(struct subscribe_params, since_given),
	 .text = "Number of the last event that the caller has seen: those after it that are still "
		 "kept come first; absent: only what happens from now on"},
	{"stream", FIELD_HEX, FIELD_AT(struct subscribe_params, stream),
	 FIELD_PRESENT(struct subscribe_params, stream_given),
	 .text = "The stream that since is of; when it is no more, as mailraild was started "
		 "again, all events that are kept come"},
	{"kinds", FIELD_ENUM, FIELD_LIST_AT(struct subscribe_params, kinds, kind_count),
	 .unique = true, .list_max = EVENT_KIND_COUNT, .choices = kind_choices,
	 .text = "Kinds of events that the caller wants; absent or empty: all"},
};
static const struct shape subscribe_params =
	SHAPE("events_subscribe_params", struct subscribe_params, subscribe_fields,
	      "Which events to hear of");

struct subscribe_result {
	uint64_t sequence;
	uint64_t oldest;
	uint8_t stream[EVENTS_STREAM_BYTES];
};

static const struct field subscribed_fields[] = {
	{"sequence", FIELD_UINT, FIELD_AT(struct subscribe_result, sequence), .required = true,
	 .text = "Number of the last event; 0: there was none yet"},
	{"oldest", FIELD_UINT, FIELD_AT(struct subscribe_result, oldest), .required = true,
	 .text = "Number of the oldest event that is kept"},
	{"stream", FIELD_HEX, FIELD_AT(struct subscribe_result, stream), .required = true,
	 .text = "What the numbers are of: another one after every start of mailraild"},
};
static const struct shape subscribe_result =
	SHAPE("events_subscribe_result", struct subscribe_result, subscribed_fields,
	      "Where the caller is among the events");

struct unsubscribe_result {
	bool changed;
};

static const struct field unsubscribed_fields[] = {
	{"changed", FIELD_BOOL, FIELD_AT(struct unsubscribe_result, changed), .required = true,
	 .text = "Whether there was a subscription"},
};
static const struct shape unsubscribe_result =
	SHAPE("events_unsubscribe_result", struct unsubscribe_result, unsubscribed_fields,
	      "What was ended");

/* The caller's number is of this life of the process, and not from the future. */
static bool since_is_ours(const struct events *events, const struct subscribe_params *params)
{
	return params->since <= events_sequence(events) &&
	       (!params->stream_given ||
		memcmp(params->stream, events_stream(events), EVENTS_STREAM_BYTES) == 0);
}

static struct events_wish wish_of(const struct events *events,
				  const struct subscribe_params *params)
{
	struct events_wish wish = {.since = events_sequence(events)};

	if (params->since_given)
		wish.since =
			since_is_ours(events, params) ? params->since : events_oldest(events) - 1;
	for (uint32_t i = 0; i < params->kind_count; i++)
		wish.kinds |= 1u << params->kinds[i];
	if (wish.kinds == 0)
		wish.kinds = ~0u;
	return wish;
}

static enum rpc_error refuse_transport(struct rpc_call *call)
{
	field_errors_add(&call->errors, NULL,
			 "this transport carries answers only; subscribe on the Unix socket");
	return RPC_REFUSED;
}

static enum rpc_error subscribe(struct rpc_call *call)
{
	struct events *events = call->context->events;
	struct subscribe_result *result = call->result;
	struct events_wish wish;

	if (call->peer->stream == NULL)
		return refuse_transport(call);
	wish = wish_of(events, call->params);
	if (events_subscribe(events, call->peer->stream, &wish) < 0)
		return RPC_INTERNAL_ERROR;
	result->sequence = events_sequence(events);
	result->oldest = events_oldest(events);
	memcpy(result->stream, events_stream(events), EVENTS_STREAM_BYTES);
	return RPC_OK;
}

static enum rpc_error unsubscribe(struct rpc_call *call)
{
	struct unsubscribe_result *result = call->result;

	if (call->peer->stream == NULL)
		return refuse_transport(call);
	result->changed = events_unsubscribe(call->context->events, call->peer->stream);
	return RPC_OK;
}

const struct rpc_method rpc_events_methods[] = {
	{
		.name = "events.subscribe",
		.text = "Sends what happens to this connection from now on, as notifications "
			"events.event with sequence, time_ms, kind, text and details; events.lost "
			"with first and last tells a slow reader what it has missed",
		.handler = subscribe,
		.role = RPC_ROLE_READ,
		.params = &subscribe_params,
		.result = &subscribe_result,
		.result_text = "Where the caller is among the events",
		.example_params = "{\"since\": 41, \"kinds\": [\"backend.up\", \"backend.down\"]}",
		.example_result = "{\"sequence\": 42, \"oldest\": 1, \"stream\": "
				  "\"6d61696c7261696c\"}",
	},
	{
		.name = "events.unsubscribe",
		.text = "Sends no more events to this connection",
		.handler = unsubscribe,
		.role = RPC_ROLE_READ,
		.result = &unsubscribe_result,
		.result_text = "What was ended",
		.example_params = "{}",
		.example_result = "{\"changed\": true}",
	},
	{.name = NULL},
};
