/* SPDX-License-Identifier: BSD-3-Clause */
#include "series.h"

#include <stdio.h>
#include <stdlib.h>

#define ROOM_FIRST 256

void series_add(struct series *series, double value)
{
	if (series->count == series->room) {
		series->room = series->room > 0 ? 2 * series->room : ROOM_FIRST;
		series->values = realloc(series->values, series->room * sizeof(*series->values));
		if (series->values == NULL) {
			fputs("bench: no memory\n", stderr);
			exit(EXIT_FAILURE);
		}
	}
	series->values[series->count++] = value;
}

static int order(const void *a, const void *b)
{
	const double *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

json_t *series_to_json(struct series *series)
{
	if (series->count == 0)
		return json_null();
	qsort(series->values, series->count, sizeof(*series->values), order);
	return json_pack("{s:f s:f}", "min", series->values[0], "median",
			 series->values[series->count / 2]);
}

void series_fini(struct series *series)
{
	free(series->values);
	*series = (struct series){0};
}
