/* SPDX-License-Identifier: BSD-3-Clause */
#include "histogram.h"

const uint64_t histogram_bounds_us[HISTOGRAM_BOUNDS] = {
	100, 300, 1000, 3000, 10000, 30000, 100000, 300000, 1000000, 3000000, 10000000,
};

void histogram_add(struct histogram *histogram, uint64_t us)
{
	uint32_t bucket = 0;

	while (bucket < HISTOGRAM_BOUNDS && us > histogram_bounds_us[bucket])
		bucket++;
	histogram->counts[bucket]++;
	histogram->sum_us += us;
}
