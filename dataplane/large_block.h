/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory for tables that are read at random by every packet. */
#ifndef MAILRAIL_DATAPLANE_LARGE_BLOCK_H
#define MAILRAIL_DATAPLANE_LARGE_BLOCK_H

#include <stddef.h>

/*
 * Zeroed, on cache lines of its own, for free(3). From 1 MiB on it begins at a huge page, and the
 * kernel is asked for those: on small pages each access would miss the TLB, too. Not EAL's memory,
 * which is measured out at the start. NULL: there is none.
 */
void *large_block_alloc(size_t bytes);

#endif
