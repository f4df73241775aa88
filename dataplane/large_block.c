/* SPDX-License-Identifier: BSD-3-Clause */
#include "large_block.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <rte_common.h>

#define HUGE_PAGE_BYTES ((size_t)2 << 20)
#define LARGE_BYTES	((size_t)1 << 20)

void *large_block_alloc(size_t bytes)
{
	const bool is_large = bytes >= LARGE_BYTES;
	const size_t unit = is_large ? HUGE_PAGE_BYTES : RTE_CACHE_LINE_SIZE;
	const size_t whole = RTE_ALIGN_CEIL(RTE_MAX(bytes, (size_t)1), unit);
	void *block = aligned_alloc(unit, whole);

	if (block == NULL)
		return NULL;
	/* Before the first touch. Where there are no huge pages it is memory all the same. */
	if (is_large)
		madvise(block, whole, MADV_HUGEPAGE);
	return memset(block, 0, whole);
}
