/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One of those that are measured side by side: a balancer, or what it is compared with. Each
 * takes bursts of BURST_SIZE frames from a rig's port 0 and sends them on by PATH_TX_PORT.
 */
#ifndef MAILRAIL_BENCH_SUBJECT_H
#define MAILRAIL_BENCH_SUBJECT_H

#include <stdint.h>

#include "../lib/rig.h"

#define SUBJECT_STEPS_MAX 8

/* What it does with a burst, one after the other; the first receives, the last transmits. */
struct subject_step {
	const char *name;
	void (*run)(void *self);
};

struct subject {
	const char *name;
	void *self; /* NULL: not there */
	struct subject_step steps[SUBJECT_STEPS_MAX];
	uint32_t step_count;
	uint64_t (*forwarded)(const void *self); /* packets that went the way they should, ever */
};

/* They borrow what they are given. Each ends the program when there is no memory. */

/* The worker's own steps on @snapshot, with the pins that the rig's worker has at the time. */
struct subject mailrail_create(struct rig *rig, const struct mr_snapshot *snapshot);
void mailrail_destroy(struct subject *subject);

/* The least that anybody does: reads the frame's first bytes, and swaps its MAC addresses. */
struct subject bare_create(struct rig *rig);
void bare_destroy(struct subject *subject);

#endif
