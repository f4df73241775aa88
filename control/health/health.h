/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Health of backends: schedules SMTP probes, counts rise and fall, and tells the balancer when
 * a verdict changes. Probes go to the service address through the dataplane, to the one
 * backend under test, so that what is tested is the way that mail travels. Control thread.
 */
#ifndef MAILRAIL_CONTROL_HEALTH_H
#define MAILRAIL_CONTROL_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include <event2/event.h>

#include <mailrail/dataplane.h>

#include "dialogue.h"

enum health_verdict {
	HEALTH_UNKNOWN, /* no verdict yet */
	HEALTH_UP,
	HEALTH_DOWN,
};

/* Static string: "unknown", "up", "down". */
const char *health_verdict_name(enum health_verdict verdict);

#define HEALTH_REASON_MAX 256

struct health_status {
	enum health_verdict verdict;
	char reason[HEALTH_REASON_MAX]; /* of the last probe, printable ASCII; "" before it */
	uint64_t probes;
	uint64_t failures;
	uint64_t changed_ms; /* CLOCK_REALTIME of the last change of verdict; 0: none */
	uint32_t latency_ms; /* of the last good probe, connect to the last reply */
	bool checked;	     /* it is a target; else nobody probes it */
	bool good;	     /* the last probe was */
	uint32_t streak;     /* probes in a row that ended alike */
	uint32_t next_ms;    /* until the next probe; 0: it is due, or under way */
};

/* One backend to probe. Strings are copied. */
struct health_target {
	mr_backend_id id;
	const char *pool;
	const char *name;
	enum health_verdict verdict; /* what a new target begins with; unknown: probe one decides */
	struct mr_addr service;	     /* where to connect */
	uint16_t service_port;	     /* host byte order */
	struct mr_addr source;	     /* the prober's own address, as the backend sees it */
	const char *helo_name;	     /* an FQDN or address literal, for EHLO */
	uint32_t interval_ms;
	uint32_t timeout_ms; /* of each step */
	uint32_t rise;
	uint32_t fall;
};

typedef void health_changed_fn(void *context, mr_backend_id id, const struct health_status *status);

struct health;

/* @changed is called from the event loop, never from within these functions. */
int health_create(struct event_base *base, struct mr_dataplane *dp, health_changed_fn *changed,
		  void *context, struct health **out, struct mr_error *error);
void health_destroy(struct health *health);

/* @probed is called after each good probe; it may not call these functions. */
typedef void health_probed_fn(void *context, const char *pool, uint32_t latency_ms);
void health_watch_probes(struct health *health, health_probed_fn *probed, void *context);

/*
 * Makes @targets the whole set. A target that was there before keeps verdict, counts and
 * schedule when its connection fields did not change; with other ones it is probed anew at
 * once and keeps its verdict until the answer. One that is gone is forgotten, its probe
 * closed. -ENOMEM: the set is as before.
 */
int health_set_targets(struct health *health, const struct health_target *targets, uint32_t count);

/* @out is "unknown" for an id that is not a target. */
void health_get(const struct health *health, mr_backend_id id, struct health_status *out);

/* How a target is probed, and its last dialogues; NULL: it is none. Valid until the loop goes on.
 */
const struct health_target *health_get_target(const struct health *health, mr_backend_id id);
const struct dialogues *health_get_dialogues(const struct health *health, mr_backend_id id);

/*
 * Probes @id as soon as there is a place. -EALREADY: a probe is due or under way, whose answer is
 * as good. -ENOENT: it is not a target.
 */
int health_check(struct health *health, mr_backend_id id);

#endif
