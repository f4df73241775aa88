/* SPDX-License-Identifier: BSD-3-Clause */
/* Prefixes as sorted, disjoint ranges of addresses, the form in which workers search them. */
#ifndef MAILRAIL_CONTROL_RANGES_H
#define MAILRAIL_CONTROL_RANGES_H

#include <stdint.h>

#include <mailrail/snapshot.h>

struct mr_range range_of_prefix(const struct mr_prefix *prefix);

/* Sorts @ranges in place and joins those that overlap or touch; returns how many remain. */
uint32_t ranges_normalize(struct mr_range *ranges, uint32_t count);

#endif
