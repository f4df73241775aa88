/* SPDX-License-Identifier: BSD-3-Clause */
#include "size.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct size_unit {
	const char *name;
	uint64_t bytes;
} units[] = {{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}};

#define UNIT_COUNT (sizeof(units) / sizeof(units[0]))

bool size_parse(const char *text, uint64_t *out_bytes)
{
	size_t digits = strspn(text, "0123456789");
	uint64_t number;

	/* Ten digits of GiB still fit 64 bits. */
	if (digits == 0 || digits > 10)
		return false;
	number = strtoull(text, NULL, 10);
	for (size_t i = 0; i < UNIT_COUNT; i++) {
		if (strcmp(text + digits, units[i].name) == 0) {
			*out_bytes = number * units[i].bytes;
			return true;
		}
	}
	return false;
}

void size_format(uint64_t bytes, char *out)
{
	const struct size_unit *unit = units;

	while (bytes % unit->bytes != 0)
		unit++;
	if (bytes == 0)
		unit = &units[UNIT_COUNT - 1];
	snprintf(out, SIZE_TEXT_MAX, "%" PRIu64 "%s", bytes / unit->bytes, unit->name);
}
