/* SPDX-License-Identifier: BSD-3-Clause */
/* Time in TSC cycles, which go at one rate whatever the core does. */
#ifndef MAILRAIL_BENCH_STAMP_H
#define MAILRAIL_BENCH_STAMP_H

#include <stdint.h>

#include <rte_atomic.h>
#include <rte_cycles.h>

/* When everything before it is done: on x86 the barrier is lfence, which waits for that. */
static inline uint64_t stamp(void)
{
	rte_rmb();
	return rte_rdtsc();
}

/* What two stamps with nothing between them are apart, at least. */
static inline uint64_t stamp_cost(void)
{
	uint64_t least = UINT64_MAX;

	for (unsigned int i = 0; i < 10000; i++) {
		const uint64_t begun = stamp();
		const uint64_t cycles = stamp() - begun;

		if (cycles < least)
			least = cycles;
	}
	return least;
}

#endif
