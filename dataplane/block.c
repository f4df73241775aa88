/* SPDX-License-Identifier: BSD-3-Clause */
#include "block.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <rte_common.h>
#include <rte_memory.h>

#define LARGE_BYTES ((size_t)1 << 20)

static size_t unit_of(size_t bytes)
{
	return bytes >= LARGE_BYTES ? RTE_PGSIZE_2M : RTE_CACHE_LINE_SIZE;
}

size_t block_bytes(size_t bytes)
{
	return RTE_ALIGN_CEIL(RTE_MAX(bytes, (size_t)1), unit_of(bytes));
}

void *block_alloc(size_t bytes)
{
	const size_t whole = block_bytes(bytes);
	void *block = aligned_alloc(unit_of(bytes), whole);

	if (block == NULL)
		return NULL;
	/* Before the first touch. Where there are no huge pages it is memory all the same. */
	if (bytes >= LARGE_BYTES)
		madvise(block, whole, MADV_HUGEPAGE);
	return memset(block, 0, whole);
}
