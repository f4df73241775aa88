/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table of all metrics, and what they are now: groups of families that tell of the same
 * things, and a sample for each of those things. Whoever shows metrics walks these tables and
 * knows none of them by name. Control thread.
 */
#ifndef MAILRAIL_CONTROL_METRIC_SAMPLES_H
#define MAILRAIL_CONTROL_METRIC_SAMPLES_H

#include <stdint.h>

#include "histogram.h"
#include "rpc.h"

enum metric_type {
	METRIC_COUNTER,
	METRIC_GAUGE,
	METRIC_TEXT,	  /* a gauge that is 1; what it tells is in a label */
	METRIC_HISTOGRAM, /* seconds */
};

/* The value is not known. */
#define METRIC_ABSENT UINT64_MAX

struct metric_family {
	const char *name; /* as Prometheus wants it: with its unit, and _total for counters */
	enum metric_type type;
	/* In the sample: uint64_t; METRIC_TEXT: const char *; else const struct histogram *. */
	uint32_t offset;
	uint32_t divisor;  /* of numbers, a power of ten: counted in thousandths ...; 0: as 1 */
	const char *label; /* of METRIC_TEXT */
	const char *help;
};

enum metric_group_id {
	METRICS_OF_NODE,
	METRICS_OF_PROCESS,
	METRICS_OF_DOORS,
	METRICS_OF_EVENTS,
	METRICS_OF_LIMITS,
	METRICS_OF_WORKERS,
	METRICS_OF_VERDICTS,
	METRICS_OF_PORTS,
	METRICS_OF_SERVICES,
	METRICS_OF_POOLS,
	METRICS_OF_BACKENDS,
	METRICS_GROUP_COUNT
};

#define METRIC_LABELS_MAX 2

struct metric_group {
	const struct metric_family *families;
	uint32_t family_count;
	const char *labels[METRIC_LABELS_MAX]; /* names; NULL: fewer */
	size_t sample_size;
};
extern const struct metric_group metric_groups[METRICS_GROUP_COUNT];

/* What every sample begins with: values of its group's labels. */
struct metric_subject {
	const char *labels[METRIC_LABELS_MAX];
};

/* The samples of one group, each of its group's size. */
struct metric_set {
	char *samples;
	uint32_t count;
};

struct metric_samples {
	struct metric_set sets[METRICS_GROUP_COUNT];
};

/* Valid until the event loop goes on. -ENOMEM. */
int metric_samples_take(const struct rpc_context *context, struct metric_samples *out);
void metric_samples_fini(struct metric_samples *samples);

const struct metric_subject *metric_subject_of(const struct metric_samples *samples,
					       enum metric_group_id group, uint32_t index);
uint64_t metric_number(const struct metric_subject *subject, const struct metric_family *family);
const char *metric_text(const struct metric_subject *subject, const struct metric_family *family);
/* NULL: there is none. */
const struct histogram *metric_histogram(const struct metric_subject *subject,
					 const struct metric_family *family);

#endif
