/* SPDX-License-Identifier: BSD-3-Clause */
/* Waiting for what an event loop brings about, up to a deadline that fails the test. */
#ifndef MAILRAIL_TESTS_AWAIT_H
#define MAILRAIL_TESTS_AWAIT_H

#include <stdbool.h>

#include <event2/event.h>

typedef bool await_condition(const void *context);

static inline void await_expired(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	*(bool *)context = true;
}

/* Runs the loop, event by event, until @condition holds. False: it did not within @ms. */
static inline bool await(struct event_base *base, await_condition *condition, const void *context,
			 unsigned int ms)
{
	struct timeval limit = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
	bool expired = false;
	struct event *deadline = event_new(base, -1, 0, await_expired, &expired);

	event_add(deadline, &limit);
	while (!expired && !condition(context))
		event_base_loop(base, EVLOOP_ONCE);
	event_free(deadline);
	return condition(context);
}

#endif
