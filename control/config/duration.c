/* SPDX-License-Identifier: BSD-3-Clause */
#include "duration.h"

static const struct quantity_unit units[] = {
	{"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}, {NULL, 0}};

bool duration_parse(const char *text, uint64_t *out_ms)
{
	return quantity_parse(units, text, out_ms);
}

void duration_format(uint64_t ms, char *out)
{
	quantity_format(units, "s", ms, out);
}
