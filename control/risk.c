/* SPDX-License-Identifier: BSD-3-Clause */
#include "risk.h"

#include <errno.h>
#include <stdlib.h>

#include "clock.h"
#include "window.h"

struct risk {
	const struct mr_dataplane *dp;
	struct event *step;
	struct window lost;	/* new sessions without a pin */
	struct window deferred; /* packets of older sessions without one */
};

static uint64_t count_lost(const struct risk *risk)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < mr_dataplane_worker_count(risk->dp); i++) {
		const struct mr_worker_counters *counters = mr_dataplane_counters(risk->dp, i);

		count += MR_COUNTER_READ(counters->pins_refused) +
			 MR_COUNTER_READ(counters->pins_evicted);
	}
	return count;
}

static uint64_t count_deferred(const struct risk *risk)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < mr_dataplane_worker_count(risk->dp); i++)
		count += MR_COUNTER_READ(mr_dataplane_counters(risk->dp, i)->pins_deferred);
	return count;
}

static void step(evutil_socket_t fd, short events, void *context)
{
	struct risk *risk = context;

	(void)fd;
	(void)events;
	window_step(&risk->lost, count_lost(risk));
	window_step(&risk->deferred, count_deferred(risk));
}

struct risk *risk_create(struct event_base *base, const struct mr_dataplane *dp)
{
	struct risk *risk = calloc(1, sizeof(*risk));

	if (risk == NULL)
		return NULL;
	risk->dp = dp;
	risk->step = event_new(base, -1, EV_PERSIST, step, risk);
	if (risk->step == NULL) {
		free(risk);
		return NULL;
	}
	return risk;
}

void risk_destroy(struct risk *risk)
{
	if (risk == NULL)
		return;
	event_free(risk->step);
	free(risk);
}

int risk_follow(struct risk *risk, const struct config *config)
{
	uint32_t longest_ms = WINDOW_STEPS;
	struct timeval interval;

	for (uint32_t i = 0; i < config->pool_count; i++) {
		if (config->pools[i].session_idle_ms > longest_ms)
			longest_ms = config->pools[i].session_idle_ms;
	}
	interval = clock_timeval(longest_ms / WINDOW_STEPS);
	return event_add(risk->step, &interval) < 0 ? -ENOMEM : 0;
}

uint64_t risk_sessions(const struct risk *risk)
{
	return window_growth(&risk->lost, count_lost(risk));
}

bool risk_knows_all(const struct risk *risk)
{
	return risk_sessions(risk) == 0 &&
	       window_growth(&risk->deferred, count_deferred(risk)) == 0;
}
