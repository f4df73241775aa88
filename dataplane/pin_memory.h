/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The memory that a pin table lies in: of the process, or a file's. Workers must neither wait for
 * a page nor be killed because there is none, so that every page is there from the start, and
 * locked. And since a pin lies anywhere in it, nearly each lookup would miss the TLB with small
 * pages: it lies in huge ones as far as the system has them for such memory (transparent ones;
 * of a tmpfs since Linux 6.1; of another file system where its page cache has large folios).
 */
#ifndef MAILRAIL_DATAPLANE_PIN_MEMORY_H
#define MAILRAIL_DATAPLANE_PIN_MEMORY_H

#include <stddef.h>

struct pin_memory {
	void *mapping;
	size_t bytes;
	size_t offset; /* of the buckets, to the end of the mapping */
	int fd;	       /* of the file, which is as long as that; -1: memory of the process */
};

/* Sets @memory->mapping by the other fields. Negative errno. */
int pin_memory_map(struct pin_memory *memory);

/* Leaves the file open. */
void pin_memory_unmap(const struct pin_memory *memory);

/* How much of it lies in huge pages now; takes the time of reading /proc/self/smaps. */
size_t pin_memory_huge_bytes(const struct pin_memory *memory);

#endif
