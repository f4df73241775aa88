/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How busy workers are: what they count, noted once a second, for a minute. Control thread.
 */
#ifndef MAILRAIL_CONTROL_LOAD_H
#define MAILRAIL_CONTROL_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include <event2/event.h>

#include <mailrail/dataplane.h>

#define LOAD_SECONDS 60

struct load_figures {
	bool known; /* false: it has not been measured for a second yet; then all are 0 */
	uint32_t busy_permille; /* share of time spent on rounds in which packets came */
	uint64_t packets_per_s;
	/* Cycles of the TSC that a packet took; 0: none came. */
	uint64_t packet_cycles;
	/* Of 100 rounds in which packets came: 100 and more. 0: there was none. */
	uint64_t packets_per_100_rounds;
};

struct load;

/* Measures from now on. Borrows the rest. NULL: no memory. */
struct load *load_create(struct event_base *base, const struct mr_dataplane *dp);
void load_destroy(struct load *load);

/* What happens each second. @now_ms: CLOCK_MONOTONIC. */
void load_step(struct load *load, uint64_t now_ms);

/* Over the last @seconds, from 1 to LOAD_SECONDS; less if it was not measured so long. */
struct load_figures load_get(const struct load *load, uint32_t worker, uint32_t seconds);

#endif
