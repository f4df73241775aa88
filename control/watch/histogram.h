/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How long things took, counted by their order of magnitude. Control thread. All histograms have
 * the same bounds, so that they are read and drawn alike.
 */
#ifndef MAILRAIL_CONTROL_HISTOGRAM_H
#define MAILRAIL_CONTROL_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_BOUNDS 11

/* Inclusive, microseconds: 100 us to 10 s. */
extern const uint64_t histogram_bounds_us[HISTOGRAM_BOUNDS];

/* Zeroed: empty. */
struct histogram {
	uint64_t counts[HISTOGRAM_BOUNDS + 1]; /* of each bound those above the one before it */
	uint64_t sum_us;
};

void histogram_add(struct histogram *histogram, uint64_t us);

#endif
