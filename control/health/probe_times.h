/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How long the health probes of each pool took. Pools are known by name, so that a change of the
 * configuration that keeps a pool keeps its past. Control thread.
 */
#ifndef MAILRAIL_CONTROL_PROBE_TIMES_H
#define MAILRAIL_CONTROL_PROBE_TIMES_H

#include <stdint.h>

#include "config.h"
#include "histogram.h"

struct probe_times;

/* Without pools. NULL: no memory. */
struct probe_times *probe_times_create(void);
void probe_times_destroy(struct probe_times *times);

/* From now on the pools of @config are the ones counted for. -ENOMEM: as before. */
int probe_times_follow(struct probe_times *times, const struct config *config);

/* A probe of @pool, unless that is none of them. */
void probe_times_add(struct probe_times *times, const char *pool, uint64_t us);

/* NULL: @pool is none of them. */
const struct histogram *probe_times_get(const struct probe_times *times, const char *pool);

#endif
