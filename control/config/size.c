/* SPDX-License-Identifier: BSD-3-Clause */
#include "size.h"

static const struct quantity_unit units[] = {
	{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}, {NULL, 0}};

bool size_parse(const char *text, uint64_t *out_bytes)
{
	return quantity_parse(units, text, out_bytes);
}

void size_format(uint64_t bytes, char *out)
{
	quantity_format(units, "B", bytes, out);
}
