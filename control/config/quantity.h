/* SPDX-License-Identifier: BSD-3-Clause */
/* A whole number and its unit, as people write durations and sizes. Pure functions. */
#ifndef MAILRAIL_CONTROL_QUANTITY_H
#define MAILRAIL_CONTROL_QUANTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUANTITY_TEXT_MAX 24

/* A row of a table: largest first, ended by the unit of 1, then by NULL. */
struct quantity_unit {
	const char *name;
	uint64_t value;
};

/*
 * At most ten digits, and a unit of @units, whose largest times 10^10 fits 64 bits. False: not of
 * that form.
 */
bool quantity_parse(const struct quantity_unit *units, const char *text, uint64_t *out);

/*
 * In the largest unit that it is a whole number of; 0 in the one called @of_zero. @out has
 * QUANTITY_TEXT_MAX bytes.
 */
void quantity_format(const struct quantity_unit *units, const char *of_zero, uint64_t quantity,
		     char *out);

#endif
