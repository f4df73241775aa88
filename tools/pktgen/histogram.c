/* SPDX-License-Identifier: BSD-3-Clause */
#include "histogram.h"

#include <math.h>

static uint64_t bucket_end(uint32_t bucket)
{
	const uint32_t shift = bucket / HISTOGRAM_PER_TWO;
	const uint64_t step = bucket % HISTOGRAM_PER_TWO;

	if (shift == 0)
		return bucket;
	return ((HISTOGRAM_PER_TWO + step + 1) << (shift - 1)) - 1;
}

uint64_t histogram_percentile(const struct histogram *histogram, double percent)
{
	const double wanted = ceil((double)histogram->total * percent / 100);
	uint64_t seen = 0;

	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += histogram->counts[i];
		if (seen > 0 && (double)seen >= wanted)
			return bucket_end(i) < histogram->max ? bucket_end(i) : histogram->max;
	}
	return histogram->max;
}
