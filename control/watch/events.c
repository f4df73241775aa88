/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Each event is kept as the text of its notification, in a ring. A subscriber is a place in that
 * ring: what it has not taken yet waits nowhere else, so that a slow one costs no memory.
 *
 * Nothing is sent from within events_emit() or events_subscribe(), but from an event of its own:
 * the answer to the request that is being worked on goes out first.
 */
#include "events.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "clock.h"

#define TEXT_MAX 512

struct kept_event {
	char *text; /* NULL: there was no memory for it */
	enum event_kind kind;
};

struct subscription {
	LIST_ENTRY(subscription) link;
	struct events *events;
	struct rpc_stream *stream;
	struct rpc_stream_listener listener;
	uint64_t next; /* sequence of what it gets next */
	uint32_t kinds;
	bool blocked; /* until it is drained */
};

struct events {
	struct event *deliver;
	uint64_t sequence;
	uint64_t counts[EVENT_KIND_COUNT];
	uint8_t stream[EVENTS_STREAM_BYTES];
	struct kept_event ring[EVENTS_KEPT];
	LIST_HEAD(, subscription) subscriptions;
	uint32_t subscription_count;
};

static const char *const kind_names[] = {
#define EVENT_KIND_NAME(id, name, text, details) [id] = (name),
	EVENT_KINDS(EVENT_KIND_NAME)
#undef EVENT_KIND_NAME
};

static const char *const kind_texts[] = {
#define EVENT_KIND_TEXT(id, name, text, details) [id] = (text),
	EVENT_KINDS(EVENT_KIND_TEXT)
#undef EVENT_KIND_TEXT
};

const char *events_kind_name(enum event_kind kind)
{
	return kind_names[kind];
}

static struct kept_event *place_of(struct events *events, uint64_t sequence)
{
	return &events->ring[sequence % EVENTS_KEPT];
}

static int send_lost(struct subscription *subscription, uint64_t last)
{
	char text[128];

	snprintf(text, sizeof(text),
		 "{\"jsonrpc\":\"2.0\",\"method\":\"events.lost\",\"params\":"
		 "{\"first\":%" PRIu64 ",\"last\":%" PRIu64 "}}",
		 subscription->next, last);
	return subscription->stream->send(subscription->stream, text);
}

/* Advances the subscription by one event, or behind all that are lost to it. */
static int send_next(struct subscription *subscription)
{
	struct events *events = subscription->events;
	const uint64_t oldest = events_oldest(events);
	const struct kept_event *event = place_of(events, subscription->next);
	int rc = 0;

	if (subscription->next < oldest) {
		rc = send_lost(subscription, oldest - 1);
		if (rc == 0)
			subscription->next = oldest;
		return rc;
	}
	if (event->text != NULL && (subscription->kinds & 1u << event->kind) != 0)
		rc = subscription->stream->send(subscription->stream, event->text);
	if (rc == 0)
		subscription->next++;
	return rc;
}

/* Without memory the rest goes out with the next event. */
static void send_all(struct subscription *subscription)
{
	int rc = 0;

	while (rc == 0 && subscription->next <= subscription->events->sequence)
		rc = send_next(subscription);
	subscription->blocked = rc == -ENOBUFS;
}

static void deliver(evutil_socket_t fd, short what, void *context)
{
	struct events *events = context;
	struct subscription *subscription;

	(void)fd;
	(void)what;
	LIST_FOREACH (subscription, &events->subscriptions, link) {
		if (!subscription->blocked)
			send_all(subscription);
	}
}

static void deliver_soon(struct events *events)
{
	event_active(events->deliver, EV_TIMEOUT, 0);
}

int events_create(struct event_base *base, struct events **out)
{
	struct events *events = calloc(1, sizeof(*events));

	if (events == NULL)
		return -ENOMEM;
	LIST_INIT(&events->subscriptions);
	evutil_secure_rng_get_bytes(events->stream, sizeof(events->stream));
	events->deliver = event_new(base, -1, 0, deliver, events);
	if (events->deliver == NULL) {
		free(events);
		return -ENOMEM;
	}
	*out = events;
	return 0;
}

static void subscription_end(struct subscription *subscription)
{
	subscription->stream->listener = NULL;
	subscription->events->subscription_count--;
	LIST_REMOVE(subscription, link);
	free(subscription);
}

void events_destroy(struct events *events)
{
	struct subscription *subscription, *next;

	if (events == NULL)
		return;
	for (subscription = LIST_FIRST(&events->subscriptions); subscription != NULL;
	     subscription = next) {
		next = LIST_NEXT(subscription, link);
		subscription_end(subscription);
	}
	for (uint32_t i = 0; i < EVENTS_KEPT; i++)
		free(events->ring[i].text);
	event_free(events->deliver);
	free(events);
}

/* "SENTENCE: pool a, backend b". */
static void describe(enum event_kind kind, const json_t *details, char out[TEXT_MAX])
{
	const char *separator = ": ", *name;
	size_t used = (size_t)snprintf(out, TEXT_MAX, "%s", kind_texts[kind]);
	json_t *value;

	json_object_foreach ((json_t *)details, name, value) {
		if (used >= TEXT_MAX)
			return;
		if (json_is_string(value))
			used += (size_t)snprintf(out + used, TEXT_MAX - used, "%s%s %s", separator,
						 name, json_string_value(value));
		else if (json_is_integer(value))
			used += (size_t)snprintf(out + used, TEXT_MAX - used,
						 "%s%s %" JSON_INTEGER_FORMAT, separator, name,
						 json_integer_value(value));
		separator = ", ";
	}
}

/* Takes @details. NULL: no memory. */
static char *notification(uint64_t sequence, enum event_kind kind, json_t *details)
{
	char text[TEXT_MAX];
	json_t *json;
	char *dumped;

	describe(kind, details, text);
	json = json_pack("{s:s, s:s, s:{s:I, s:I, s:s, s:s, s:o}}", "jsonrpc", "2.0", "method",
			 "events.event", "params", "sequence", (json_int_t)sequence, "time_ms",
			 (json_int_t)clock_wall_ms(), "kind", kind_names[kind], "text", text,
			 "details", details);
	dumped = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	return dumped;
}

void events_emit(struct events *events, enum event_kind kind, json_t *details)
{
	struct kept_event *place;

	if (events == NULL) {
		json_decref(details);
		return;
	}
	events->sequence++;
	events->counts[kind]++;
	place = place_of(events, events->sequence);
	free(place->text);
	place->kind = kind;
	place->text = notification(events->sequence, kind, details);
	deliver_soon(events);
}

uint64_t events_sequence(const struct events *events)
{
	return events->sequence;
}

uint64_t events_oldest(const struct events *events)
{
	return events->sequence < EVENTS_KEPT ? 1 : events->sequence - EVENTS_KEPT + 1;
}

uint64_t events_count(const struct events *events, enum event_kind kind)
{
	return events->counts[kind];
}

const uint8_t *events_stream(const struct events *events)
{
	return events->stream;
}

uint32_t events_subscribers(const struct events *events)
{
	return events->subscription_count;
}

static void on_drained(void *context)
{
	struct subscription *subscription = context;

	subscription->blocked = false;
	deliver_soon(subscription->events);
}

static void on_closed(void *context)
{
	subscription_end(context);
}

static struct subscription *find_subscription(struct events *events,
					      const struct rpc_stream *stream)
{
	struct subscription *subscription;

	LIST_FOREACH (subscription, &events->subscriptions, link) {
		if (subscription->stream == stream)
			return subscription;
	}
	return NULL;
}

static struct subscription *add_subscription(struct events *events, struct rpc_stream *stream)
{
	struct subscription *subscription = calloc(1, sizeof(*subscription));

	if (subscription == NULL)
		return NULL;
	subscription->events = events;
	subscription->stream = stream;
	subscription->listener = (struct rpc_stream_listener){
		.drained = on_drained,
		.closed = on_closed,
		.context = subscription,
	};
	stream->listener = &subscription->listener;
	LIST_INSERT_HEAD(&events->subscriptions, subscription, link);
	events->subscription_count++;
	return subscription;
}

int events_subscribe(struct events *events, struct rpc_stream *stream,
		     const struct events_wish *wish)
{
	struct subscription *subscription = find_subscription(events, stream);

	if (subscription == NULL)
		subscription = add_subscription(events, stream);
	if (subscription == NULL)
		return -ENOMEM;
	subscription->next = wish->since + 1;
	subscription->kinds = wish->kinds;
	deliver_soon(events);
	return 0;
}

bool events_unsubscribe(struct events *events, struct rpc_stream *stream)
{
	struct subscription *subscription = find_subscription(events, stream);

	if (subscription == NULL)
		return false;
	subscription_end(subscription);
	return true;
}
