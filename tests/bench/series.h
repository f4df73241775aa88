/* SPDX-License-Identifier: BSD-3-Clause */
/* Figures of many rounds, of which the least and the median count: others were disturbed. */
#ifndef MAILRAIL_BENCH_SERIES_H
#define MAILRAIL_BENCH_SERIES_H

#include <stdint.h>

#include <jansson.h>

/* Zeroed: empty. */
struct series {
	double *values;
	uint32_t count;
	uint32_t room;
};

/* Ends the program when there is no memory. */
void series_add(struct series *series, double value);
/* {"min": 1.5, "median": 2.0}; null: empty. Sorts. A new reference. */
json_t *series_to_json(struct series *series);
void series_fini(struct series *series);

#endif
