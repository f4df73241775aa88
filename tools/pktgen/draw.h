/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Draws one of n things by their weights, with one memory access however many there are: the
 * alias method (Walker 1977, in Vose's form of 1991). Read-only once created: any thread.
 */
#ifndef MAILRAIL_PKTGEN_DRAW_H
#define MAILRAIL_PKTGEN_DRAW_H

#include <stdint.h>

struct draw_cell {
	uint32_t limit; /* below it: the thing itself; else ... */
	uint32_t other;
};

struct draw {
	struct draw_cell *cells;
	uint32_t count;
};

/* @weights: none negative, not all zero. -ENOMEM, or -EINVAL for weights that are. */
int draw_create(struct draw *draw, const double *weights, uint32_t count);
/* The i-th of @count things has the weight 1/(i+1)^@exponent; 0 makes all equal. */
int draw_create_zipf(struct draw *draw, uint32_t count, double exponent);
void draw_destroy(struct draw *draw);

/* @random: 64 bits, used up. */
static inline uint32_t draw_pick(const struct draw *draw, uint64_t random)
{
	const uint32_t place = (uint32_t)((random >> 32) * draw->count >> 32);
	const struct draw_cell *cell = &draw->cells[place];

	return (uint32_t)random < cell->limit ? place : cell->other;
}

#endif
