/* SPDX-License-Identifier: BSD-3-Clause */
#include "duration.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct duration_unit {
	const char *name;
	uint64_t ms;
} units[] = {{"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};

#define UNIT_COUNT (sizeof(units) / sizeof(units[0]))

bool duration_parse(const char *text, uint64_t *out_ms)
{
	size_t digits = strspn(text, "0123456789");
	uint64_t number;

	/* Ten digits of hours still fit 64 bits of milliseconds. */
	if (digits == 0 || digits > 10)
		return false;
	number = strtoull(text, NULL, 10);
	for (size_t i = 0; i < UNIT_COUNT; i++) {
		if (strcmp(text + digits, units[i].name) == 0) {
			*out_ms = number * units[i].ms;
			return true;
		}
	}
	return false;
}

void duration_format(uint64_t ms, char *out)
{
	const struct duration_unit *unit = units;

	while (ms % unit->ms != 0)
		unit++;
	if (ms == 0)
		unit = &units[2];
	snprintf(out, DURATION_TEXT_MAX, "%" PRIu64 "%s", ms / unit->ms, unit->name);
}
