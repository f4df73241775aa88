/* SPDX-License-Identifier: BSD-3-Clause */
#include "quantity.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS_MAX 10

bool quantity_parse(const struct quantity_unit *units, const char *text, uint64_t *out)
{
	const size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > DIGITS_MAX)
		return false;
	for (const struct quantity_unit *unit = units; unit->name; unit++) {
		if (strcmp(text + digits, unit->name) == 0) {
			*out = strtoull(text, NULL, 10) * unit->value;
			return true;
		}
	}
	return false;
}

void quantity_format(const struct quantity_unit *units, const char *of_zero, uint64_t quantity,
		     char *out)
{
	const struct quantity_unit *unit = units;

	while (quantity % unit->value != 0)
		unit++;
	snprintf(out, QUANTITY_TEXT_MAX, "%" PRIu64 "%s", quantity / unit->value,
		 quantity == 0 ? of_zero : unit->name);
}
