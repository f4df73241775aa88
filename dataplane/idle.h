/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How a worker spends the time in which nothing arrives: it polls on or, where it may, sleeps a
 * little before it looks again. It sleeps by time, since most drivers have nothing to wait for.
 *
 * Kernels wake late: by two microseconds on bare metal, by fifty in nested virtual machines. As a
 * worker has to be back in time, it measures that, and asks to be woken as much earlier.
 */
#ifndef MAILRAIL_DATAPLANE_IDLE_H
#define MAILRAIL_DATAPLANE_IDLE_H

#include <stdbool.h>
#include <stdint.h>

#include <mailrail/dataplane.h>

#define IDLE_SLEEP_MIN_NS 1000

struct idle {
	bool may_sleep;
	uint64_t hz;	   /* of the TSC */
	uint64_t patience; /* TSC cycles without a packet after which it sleeps */
	uint64_t since;	   /* TSC: when the last round that had packets was over */
	uint32_t late_ns;  /* by how much it is woken too late; a running mean */
};

/* The worker itself: the kernel is to wake this thread as exactly as it can. */
void idle_begin(struct idle *idle, enum mr_poll poll, uint64_t hz);

/* @now: TSC. */
static inline bool idle_is_sleepy(const struct idle *idle, uint64_t now)
{
	return idle->may_sleep && now - idle->since >= idle->patience;
}

/* What to ask for, so that it is back after MR_WORKER_SLEEP_US. */
uint32_t idle_sleep_ns(const struct idle *idle);
void idle_learn(struct idle *idle, uint32_t asked_ns, uint64_t slept_ns);

/* Sleeps; a signal may end it. The worker holds no snapshot. */
void idle_sleep(struct idle *idle);

#endif
