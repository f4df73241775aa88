/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory of tables that workers read. Not EAL's, which is measured out at the start: how much of
 * this is needed depends on configurations to come.
 */
#ifndef MAILRAIL_DATAPLANE_BLOCK_H
#define MAILRAIL_DATAPLANE_BLOCK_H

#include <stddef.h>

/*
 * Zeroed, on cache lines of its own, for free(3). From 1 MiB on it begins at a huge page, and the
 * kernel is asked for those: on small pages each access at random would miss the TLB, too. NULL:
 * there is none.
 */
void *block_alloc(size_t bytes);

/* What that takes. Pure. */
size_t block_bytes(size_t bytes);

#endif
