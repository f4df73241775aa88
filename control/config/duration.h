/* SPDX-License-Identifier: BSD-3-Clause */
/* Durations as people write them: a whole number and its unit, "500ms", "2s", "15m", "24h". */
#ifndef MAILRAIL_CONTROL_DURATION_H
#define MAILRAIL_CONTROL_DURATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "quantity.h"

#define DURATION_PATTERN  "^[0-9]{1,10}(ms|s|m|h)$"
#define DURATION_TEXT_MAX QUANTITY_TEXT_MAX

/* False: not of that form, or beyond 64 bits of milliseconds. */
bool duration_parse(const char *text, uint64_t *out_ms);

/* In the largest unit that it is a whole number of. @out has DURATION_TEXT_MAX bytes. */
void duration_format(uint64_t ms, char *out);

#endif
