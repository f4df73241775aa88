/* SPDX-License-Identifier: BSD-3-Clause */
/* Sizes as people write them: a whole number and its unit, "512B", "64KiB", "8MiB", "1GiB". */
#ifndef MAILRAIL_CONTROL_SIZE_H
#define MAILRAIL_CONTROL_SIZE_H

#include <stdbool.h>
#include <stdint.h>

#include "quantity.h"

#define SIZE_PATTERN  "^[0-9]{1,10}(B|KiB|MiB|GiB)$"
#define SIZE_TEXT_MAX QUANTITY_TEXT_MAX

/* False: not of that form. */
bool size_parse(const char *text, uint64_t *out_bytes);

/* In the largest unit that it is a whole number of. @out has SIZE_TEXT_MAX bytes. */
void size_format(uint64_t bytes, char *out);

#endif
