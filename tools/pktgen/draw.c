/* SPDX-License-Identifier: BSD-3-Clause */
#include "draw.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define WHOLE 4294967296.0 /* 2^32: a cell that is full */

static double sum_of(const double *weights, uint32_t count)
{
	double sum = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (!(weights[i] >= 0))
			return -1;
		sum += weights[i];
	}
	return sum;
}

/* Every cell is filled with what is left of its own thing, and the rest with one other. */
static void fill(struct draw *draw, double *scaled, uint32_t *small, uint32_t *large)
{
	uint32_t small_count = 0, large_count = 0;

	for (uint32_t i = 0; i < draw->count; i++) {
		draw->cells[i] = (struct draw_cell){UINT32_MAX, i};
		if (scaled[i] < 1)
			small[small_count++] = i;
		else
			large[large_count++] = i;
	}
	while (small_count > 0 && large_count > 0) {
		const uint32_t less = small[--small_count], more = large[large_count - 1];

		draw->cells[less] = (struct draw_cell){(uint32_t)(scaled[less] * WHOLE), more};
		scaled[more] -= 1 - scaled[less];
		if (scaled[more] < 1) {
			large_count--;
			small[small_count++] = more;
		}
	}
}

int draw_create(struct draw *draw, const double *weights, uint32_t count)
{
	const double sum = sum_of(weights, count);
	double *scaled = calloc(count, sizeof(*scaled));
	uint32_t *small = calloc(count, sizeof(*small));
	uint32_t *large = calloc(count, sizeof(*large));
	int rc = -ENOMEM;

	*draw = (struct draw){.cells = calloc(count, sizeof(*draw->cells)), .count = count};
	if (!(sum > 0))
		rc = -EINVAL;
	else if (scaled && small && large && draw->cells)
		rc = 0;
	if (rc == 0) {
		for (uint32_t i = 0; i < count; i++)
			scaled[i] = weights[i] * count / sum;
		fill(draw, scaled, small, large);
	}
	free(scaled);
	free(small);
	free(large);
	if (rc < 0)
		draw_destroy(draw);
	return rc;
}

int draw_create_zipf(struct draw *draw, uint32_t count, double exponent)
{
	double *weights = calloc(count, sizeof(*weights));
	int rc;

	if (!weights)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++)
		weights[i] = pow(i + 1.0, -exponent);
	rc = draw_create(draw, weights, count);
	free(weights);
	return rc;
}

void draw_destroy(struct draw *draw)
{
	free(draw->cells);
	*draw = (struct draw){0};
}
