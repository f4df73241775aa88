/* SPDX-License-Identifier: BSD-3-Clause */
#include "pin_memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/mman.h>
#include <rte_common.h>
#include <rte_memory.h>

/*
 * Room for @bytes, whole pages, at an address where a huge page may begin. MAP_FAILED: there is
 * none.
 */
static void *reserve(size_t bytes)
{
	char *room = mmap(NULL, bytes + RTE_PGSIZE_2M, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char *aligned;

	if (room == MAP_FAILED)
		return MAP_FAILED;
	aligned = RTE_PTR_ALIGN_CEIL(room, RTE_PGSIZE_2M);
	if (aligned > room)
		munmap(room, (size_t)(aligned - room));
	munmap(aligned + bytes, RTE_PGSIZE_2M - (size_t)(aligned - room));
	return aligned;
}

int pin_memory_map(struct pin_memory *memory)
{
	const int sharing = memory->fd >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
	const size_t bytes = RTE_ALIGN_CEIL(memory->bytes, (size_t)sysconf(_SC_PAGESIZE));
	void *room = reserve(bytes);
	void *mapping;

	if (room == MAP_FAILED)
		return -errno;
	mapping = mmap(room, bytes, PROT_READ | PROT_WRITE, sharing | MAP_FIXED, memory->fd, 0);
	if (mapping == MAP_FAILED) {
		const int rc = -errno;

		munmap(room, bytes);
		return rc;
	}
	/* Each is what the system grants; populating is since Linux 5.14, collapsing since 6.1. */
	madvise(mapping, bytes, MADV_HUGEPAGE);
	madvise(mapping, bytes, MADV_POPULATE_WRITE);
	mlock(mapping, bytes);
	madvise(mapping, bytes, MADV_COLLAPSE);
	memory->mapping = mapping;
	return 0;
}

void pin_memory_unmap(const struct pin_memory *memory)
{
	munmap(memory->mapping, memory->bytes);
}

/* Does @line of /proc/self/smaps begin the account of the mapping that has @address? */
static bool begins_account(const char *line, uintptr_t address)
{
	uintptr_t first, end;

	return sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &first, &end) == 2 && first <= address &&
	       address < end;
}

/* 0: it is about something else. */
static size_t huge_kib_in(const char *line)
{
	size_t kib;

	if (sscanf(line, "AnonHugePages: %zu", &kib) == 1 ||
	    sscanf(line, "ShmemPmdMapped: %zu", &kib) == 1 ||
	    sscanf(line, "FilePmdMapped: %zu", &kib) == 1)
		return kib;
	return 0;
}

size_t pin_memory_huge_bytes(const struct pin_memory *memory)
{
	FILE *accounts = fopen("/proc/self/smaps", "re");
	bool is_ours = false;
	char line[256];
	size_t kib = 0;

	while (accounts != NULL && fgets(line, sizeof(line), accounts) != NULL) {
		if (is_ours && strncmp(line, "VmFlags:", 8) == 0)
			break;
		if (is_ours)
			kib += huge_kib_in(line);
		else
			is_ours = begins_account(line, (uintptr_t)memory->mapping);
	}
	if (accounts != NULL)
		fclose(accounts);
	/* The kernel may account for it together with a neighbour. */
	return RTE_MIN(kib * 1024, memory->bytes);
}
