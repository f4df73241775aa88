/* SPDX-License-Identifier: BSD-3-Clause */
#include "ranges.h"

#include <stdlib.h>

struct mr_range range_of_prefix(const struct mr_prefix *prefix)
{
	struct mr_range range = {.first = prefix->addr, .last = prefix->addr};

	for (unsigned int bit = prefix->length; bit < 128; bit++)
		range.last.bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	return range;
}

static int compare_ranges(const void *left, const void *right)
{
	const struct mr_range *a = left;
	const struct mr_range *b = right;

	return mr_addr_compare(&a->first, &b->first);
}

/* The address behind @addr; wraps at the end of the address space. */
static struct mr_addr successor(struct mr_addr addr)
{
	for (int i = 15; i >= 0 && ++addr.bytes[i] == 0; i--)
		;
	return addr;
}

static bool touches(const struct mr_range *before, const struct mr_range *after)
{
	const struct mr_addr next = successor(before->last);

	return mr_addr_compare(&after->first, &before->last) <= 0 ||
	       mr_addr_equal(&after->first, &next);
}

uint32_t ranges_normalize(struct mr_range *ranges, uint32_t count)
{
	uint32_t kept = 0;

	if (count == 0)
		return 0;
	qsort(ranges, count, sizeof(*ranges), compare_ranges);
	for (uint32_t i = 1; i < count; i++) {
		if (!touches(&ranges[kept], &ranges[i]))
			ranges[++kept] = ranges[i];
		else if (mr_addr_compare(&ranges[i].last, &ranges[kept].last) > 0)
			ranges[kept].last = ranges[i].last;
	}
	return kept + 1;
}
