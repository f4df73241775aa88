/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What counters said in the latest answers of stats.get, so that a later one can tell by how much
 * they have grown. Bounded in number, in age and in memory, whichever is reached first. Control
 * thread.
 */
#ifndef MAILRAIL_CONTROL_STATS_SAMPLES_H
#define MAILRAIL_CONTROL_STATS_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

#include <mailrail/counters.h>

#include "stats_counters.h"

#define STATS_SAMPLES_MAX	256
#define STATS_SAMPLE_AGE_MS	(15 * 60 * 1000)
#define STATS_SAMPLES_BYTES_MAX (32u << 20)

/* Of one service or backend, named by stats_flow_key(). */
struct flow_sample {
	uint64_t key;
	struct mr_flow_counters counters;
};

struct stats_sample {
	uint64_t number;  /* its time by CLOCK_REALTIME, in ms, or a little later */
	uint64_t time_ms; /* CLOCK_MONOTONIC */
	struct worker_stats *workers;
	uint32_t worker_count;
	struct port_counters *ports;
	uint32_t port_count;
	struct flow_sample *services; /* sorted by key */
	uint32_t service_count;
	struct flow_sample *backends; /* likewise */
	uint32_t backend_count;
};

struct stats_sample_sizes {
	uint32_t worker_count, port_count, service_count, backend_count;
};

/* Zeroed arrays, to be filled in. NULL: no memory. */
struct stats_sample *stats_sample_create(const struct stats_sample_sizes *sizes);
void stats_sample_free(struct stats_sample *sample);

/* A service's or a backend's; @pool is "" for services. */
uint64_t stats_flow_key(const char *pool, const char *name);
/* NULL: it was not there. */
const struct mr_flow_counters *stats_flow_find(const struct flow_sample *flows, uint32_t count,
					       uint64_t key);

struct stats_samples;

struct stats_samples *stats_samples_create(void);
void stats_samples_destroy(struct stats_samples *samples);

/* Gives @sample its number and time. */
void stats_samples_stamp(struct stats_samples *samples, struct stats_sample *sample);
/*
 * Takes @sample, stamped, whose flows need not be sorted yet, and forgets what is beyond the
 * bounds. The latest is always kept.
 */
void stats_samples_keep(struct stats_samples *samples, struct stats_sample *sample);

/* NULL: it is not kept any more, or never was. Valid until the next is kept. */
const struct stats_sample *stats_samples_find(struct stats_samples *samples, uint64_t number);
/* 0: none is kept. */
uint64_t stats_samples_oldest(struct stats_samples *samples);

struct stats_samples_use {
	uint32_t samples;
	uint64_t bytes;
};
struct stats_samples_use stats_samples_use(const struct stats_samples *samples);

#endif
