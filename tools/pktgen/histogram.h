/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A histogram of high dynamic range (Gil Tene's HDR histogram, with 128 buckets for every power
 * of two): any value from 0 to 2^48-1 within 0.8 %, in constant memory and time. One writer;
 * readers of a running one may miss the last values.
 */
#ifndef MAILRAIL_PKTGEN_HISTOGRAM_H
#define MAILRAIL_PKTGEN_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_BITS	  7 /* of precision */
#define HISTOGRAM_PER_TWO (UINT32_C(1) << HISTOGRAM_BITS)
#define HISTOGRAM_MAX	  ((UINT64_C(1) << 48) - 1) /* larger values count as this */
#define HISTOGRAM_BUCKETS ((48 - HISTOGRAM_BITS + 1) * HISTOGRAM_PER_TWO)

/* A zeroed one is empty. */
struct histogram {
	uint64_t counts[HISTOGRAM_BUCKETS];
	uint64_t total;
	uint64_t sum;
	uint64_t max;
};

/* Values below 128 have buckets of their own; a bucket above is 2^shift wide. */
static inline uint32_t histogram_bucket(uint64_t value)
{
	uint32_t shift;

	if (value < HISTOGRAM_PER_TWO)
		return (uint32_t)value;
	shift = 63 - (uint32_t)__builtin_clzll(value) - HISTOGRAM_BITS;
	return (shift + 1) * HISTOGRAM_PER_TWO + (uint32_t)(value >> shift) - HISTOGRAM_PER_TWO;
}

static inline void histogram_add(struct histogram *histogram, uint64_t value)
{
	if (value > HISTOGRAM_MAX)
		value = HISTOGRAM_MAX;
	histogram->counts[histogram_bucket(value)]++;
	histogram->total++;
	histogram->sum += value;
	if (value > histogram->max)
		histogram->max = value;
}

/*
 * The least bucket's end that at least @percent of all values do not exceed, and never more than
 * the largest value; 0 for an empty one.
 */
uint64_t histogram_percentile(const struct histogram *histogram, double percent);

#endif
