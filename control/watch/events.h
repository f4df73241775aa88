/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What happens, as it happens: numbered events, the latest of which are kept, and the
 * subscribers that each is sent to. Control thread only.
 */
#ifndef MAILRAIL_CONTROL_EVENTS_H
#define MAILRAIL_CONTROL_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include <event2/event.h>
#include <jansson.h>

#include "rpc_stream.h"

/* X(enumerator, name, sentence without its stop, members of the details) */
#define EVENT_KINDS(X)                                                                             \
	X(EVENT_BACKEND_UP, "backend.up", "A backend takes sessions again",                        \
	  "pool, backend, reason")                                                                 \
	X(EVENT_BACKEND_DOWN, "backend.down", "A backend has lost its sessions and gets none",     \
	  "pool, backend, reason")                                                                 \
	X(EVENT_DRAIN_FINISHED, "drain.finished", "No session remains on a backend that drains",   \
	  "pool, backend")                                                                         \
	X(EVENT_BACKEND_LEFT, "backend.left", "The last session of a removed backend has ended",   \
	  "pool, backend")                                                                         \
	X(EVENT_CONFIG_APPLIED, "config.applied", "Another generation is in force",                \
	  "generation, author, reason")                                                            \
	X(EVENT_CONFIG_UNCONFIRMED, "config.unconfirmed",                                          \
	  "A change was not confirmed in time and is taken back", "generation")                    \
	X(EVENT_SERVICE_HEALTHY, "service.healthy", "A service has backends for new sessions",     \
	  "service, pool")                                                                         \
	X(EVENT_SERVICE_UNHEALTHY, "service.unhealthy", "A service has no backend left",           \
	  "service, pool")                                                                         \
	X(EVENT_PINS_SCARCE, "pins.scarce", "Nine tenths of the budget for pins are used",         \
	  "pins, budget")                                                                          \
	X(EVENT_PINS_AMPLE, "pins.ample", "Less than three quarters of the budget are used again", \
	  "pins, budget")                                                                          \
	X(EVENT_PORT_UP, "port.up", "A port has link", "port")                                     \
	X(EVENT_PORT_DOWN, "port.down", "A port has no link", "port")

enum event_kind {
#define EVENT_KIND_ENUM(id, name, text, details) id,
	EVENT_KINDS(EVENT_KIND_ENUM)
#undef EVENT_KIND_ENUM
		EVENT_KIND_COUNT
};

/* Static string: "backend.up". */
const char *events_kind_name(enum event_kind kind);

/* So many are kept, the latest, for subscribers that are behind or come again. */
#define EVENTS_KEPT 4096
/* Different for every life of the process: event numbers begin anew with each. */
#define EVENTS_STREAM_BYTES 8

struct events;

/* -ENOMEM. */
int events_create(struct event_base *base, struct events **out);
/* Subscribers that are left hear no more. */
void events_destroy(struct events *events);

/*
 * Numbers the event, keeps it and tells every subscriber, once the event loop goes on. Takes
 * @details, an object with the members that EVENT_KINDS names. NULL as @events: nobody hears it.
 * Without memory the event is lost, and subscribers see a gap in the numbers.
 */
void events_emit(struct events *events, enum event_kind kind, json_t *details);

/* Of the last event; they count from 1 on. 0: there was none. */
uint64_t events_sequence(const struct events *events);
/* Of the oldest that is kept; the next one's when none is. */
uint64_t events_oldest(const struct events *events);
/* How many there were of @kind. */
uint64_t events_count(const struct events *events, enum event_kind kind);
/* EVENTS_STREAM_BYTES. */
const uint8_t *events_stream(const struct events *events);

struct events_wish {
	uint64_t since; /* the last event that is not wanted; older ones than are kept are lost */
	uint32_t kinds; /* bit 1 << kind: wanted */
};

/*
 * From now on @stream gets notifications events.event, and events.lost when it is so slow that
 * events fell out of what is kept; the first once the event loop goes on, behind what the
 * caller sends before that. A subscription that @stream has is replaced. -ENOMEM.
 */
int events_subscribe(struct events *events, struct rpc_stream *stream,
		     const struct events_wish *wish);
/* False: it had no subscription. */
bool events_unsubscribe(struct events *events, struct rpc_stream *stream);
uint32_t events_subscribers(const struct events *events);

#endif
