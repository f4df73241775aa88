/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The memory of pin tables, of the process and of files: aligned, all there and locked, and in huge
 * pages where the kernel grants them, which tests/unit asks it in its own way first.
 */
#include "pin_memory.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/mman.h>

#include "../lib/unit.h"

#define HUGE_BYTES  ((size_t)2 << 20)
#define SMALL_BYTES 4096
#define BYTES	    (4 * HUGE_BYTES + SMALL_BYTES)

/* Without a name in /dev/shm, a memory file system as /run is. */
static int make_file(void)
{
	const int fd = open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL_FATAL(posix_fallocate(fd, 0, BYTES), 0);
	return fd;
}

/* Does the kernel make one huge page of memory of this kind? */
static bool has_huge_pages(int fd)
{
	const int sharing = fd >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
	char *room = mmap(NULL, 2 * HUGE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *page = (char *)(((uintptr_t)room + HUGE_BYTES - 1) & ~(HUGE_BYTES - 1));
	bool has;

	CU_ASSERT_PTR_NOT_EQUAL_FATAL(room, MAP_FAILED);
	CU_ASSERT_PTR_EQUAL_FATAL(
		mmap(page, HUGE_BYTES, PROT_READ | PROT_WRITE, sharing | MAP_FIXED, fd, 0), page);
	memset(page, 1, HUGE_BYTES);
	has = madvise(page, HUGE_BYTES, MADV_COLLAPSE) == 0;
	memset(page, 0, HUGE_BYTES);
	munmap(room, 2 * HUGE_BYTES);
	return has;
}

static void check_memory(struct pin_memory *memory, bool expects_huge)
{
	unsigned char is_there[BYTES / SMALL_BYTES] = {0};
	size_t missing = 0;

	CU_ASSERT_EQUAL_FATAL(pin_memory_map(memory), 0);
	CU_ASSERT_EQUAL((uintptr_t)memory->mapping % HUGE_BYTES, 0);
	CU_ASSERT_EQUAL(mincore(memory->mapping, BYTES, is_there), 0);
	for (size_t i = 0; i < BYTES / SMALL_BYTES; i++)
		missing += (is_there[i] & 1) == 0;
	CU_ASSERT_EQUAL(missing, 0);
	CU_ASSERT_EQUAL(pin_memory_huge_bytes(memory), expects_huge ? 4 * HUGE_BYTES : 0);
	/* To the last byte, and no further. */
	memset(memory->mapping, 7, BYTES);
	pin_memory_unmap(memory);
	CU_ASSERT_EQUAL(pin_memory_huge_bytes(memory), 0);
}

static void test_of_process(void)
{
	struct pin_memory memory = {.bytes = BYTES, .fd = -1};

	check_memory(&memory, has_huge_pages(-1));
}

static void test_of_file(void)
{
	struct pin_memory memory = {.bytes = BYTES, .fd = make_file()};
	char byte = 0;

	check_memory(&memory, has_huge_pages(memory.fd));
	CU_ASSERT_EQUAL(pread(memory.fd, &byte, 1, BYTES - 1), 1);
	CU_ASSERT_EQUAL(byte, 7);
	close(memory.fd);
}

/* What a former process left in small pages, too. */
static void test_of_file_that_was_there(void)
{
	struct pin_memory memory = {.bytes = BYTES, .fd = make_file()};
	const bool expects_huge = has_huge_pages(memory.fd);
	char byte = 0;

	close(memory.fd);
	memory.fd = make_file();
	CU_ASSERT_EQUAL(pwrite(memory.fd, "a", 1, HUGE_BYTES + 5), 1);
	CU_ASSERT_EQUAL_FATAL(pin_memory_map(&memory), 0);
	CU_ASSERT_EQUAL(((const char *)memory.mapping)[HUGE_BYTES + 5], 'a');
	CU_ASSERT_EQUAL(pin_memory_huge_bytes(&memory), expects_huge ? 4 * HUGE_BYTES : 0);
	pin_memory_unmap(&memory);
	CU_ASSERT_EQUAL(pread(memory.fd, &byte, 1, HUGE_BYTES + 5), 1);
	CU_ASSERT_EQUAL(byte, 'a');
	close(memory.fd);
}

/* Neighbours that the kernel may take for one mapping, and sizes below a huge page. */
static void test_small(void)
{
	struct pin_memory memories[8];

	for (size_t i = 0; i < 8; i++) {
		memories[i] = (struct pin_memory){.bytes = (i + 1) * 64, .fd = -1};
		CU_ASSERT_EQUAL_FATAL(pin_memory_map(&memories[i]), 0);
		memset(memories[i].mapping, (int)i, memories[i].bytes);
	}
	for (size_t i = 0; i < 8; i++) {
		CU_ASSERT_EQUAL(((const char *)memories[i].mapping)[memories[i].bytes - 1],
				(char)i);
		CU_ASSERT_EQUAL(pin_memory_huge_bytes(&memories[i]), 0);
		pin_memory_unmap(&memories[i]);
	}
}

static void test_too_much(void)
{
	struct pin_memory memory = {.bytes = (size_t)1 << 60, .fd = -1};

	CU_ASSERT(pin_memory_map(&memory) < 0);
	CU_ASSERT_PTR_NULL(memory.mapping);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_of_process),
		UNIT_TEST(test_of_file),
		UNIT_TEST(test_of_file_that_was_there),
		UNIT_TEST(test_small),
		UNIT_TEST(test_too_much),
		CU_TEST_INFO_NULL,
	};

	return unit_run("pin_memory", tests);
}
