/* SPDX-License-Identifier: BSD-3-Clause */
/* The system's clocks. Any thread. */
#ifndef MAILRAIL_CONTROL_CLOCK_H
#define MAILRAIL_CONTROL_CLOCK_H

#include <stdint.h>
#include <sys/time.h>
#include <time.h>

static inline uint64_t clock_read_ms(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* For intervals: never set back. */
static inline uint64_t clock_monotonic_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static inline uint64_t clock_monotonic_ms(void)
{
	return clock_read_ms(CLOCK_MONOTONIC);
}

/* Since the epoch, for people. */
static inline uint64_t clock_wall_ms(void)
{
	return clock_read_ms(CLOCK_REALTIME);
}

/* As event_add(3) wants it. */
static inline struct timeval clock_timeval(uint64_t ms)
{
	return (struct timeval){
		.tv_sec = (time_t)(ms / 1000),
		.tv_usec = (suseconds_t)(ms % 1000 * 1000),
	};
}

#endif
