/* SPDX-License-Identifier: BSD-3-Clause */
/* How the entries of a Maglev table find their backends (maglev.h). A pure function. */
#ifndef MAILRAIL_CONTROL_MAGLEV_FILL_H
#define MAILRAIL_CONTROL_MAGLEV_FILL_H

#include <stdint.h>

#include "maglev.h"

/* A backend that gets entries. */
struct maglev_contender {
	struct maglev_place place;
	uint64_t remainder; /* of its exact share */
	uint32_t weight;
	uint32_t wanted; /* entries: its share, rounded */
	uint16_t value;
};

/*
 * Fills @table[@size], all MAGLEV_NONE, for @count > 0 contenders, the heaviest first, who want
 * @size entries together and one at least each. -ENOMEM.
 */
int maglev_fill(const struct maglev_contender *contenders, uint32_t count, uint32_t size,
		uint16_t *table);

#endif
