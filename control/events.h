/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What happens, as it happens: numbered events, the latest of which are kept, and the
 * subscribers that each is sent to. Control thread only.
 */
#ifndef MAILRAIL_CONTROL_EVENTS_H
#define MAILRAIL_CONTROL_EVENTS_H

#include <stdint.h>

#include <jansson.h>

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

struct events;

/* -ENOMEM. */
int events_create(struct events **out);
void events_destroy(struct events *events);

/*
 * Numbers the event, keeps it and tells every subscriber. Takes @details, an object with the
 * members that EVENT_KINDS names. NULL as @events: nobody hears it. Without memory the event is
 * lost, and subscribers see a gap in the numbers.
 */
void events_emit(struct events *events, enum event_kind kind, json_t *details);

#endif
