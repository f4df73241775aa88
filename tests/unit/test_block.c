/* SPDX-License-Identifier: BSD-3-Clause */
/* Blocks of both kinds: where they begin, what is in them, what the kernel was asked. */
#include "block.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "../lib/unit.h"

#define MIB ((size_t)1 << 20)

static bool is_zero(const uint8_t *bytes, size_t count)
{
	size_t i = 0;

	while (i < count && bytes[i] == 0)
		i++;
	return i == count;
}

/* Memory that was used before, too. */
static void check_block(size_t bytes, size_t unit)
{
	for (int i = 0; i < 3; i++) {
		uint8_t *block = block_alloc(bytes);

		CU_ASSERT_PTR_NOT_NULL_FATAL(block);
		CU_ASSERT_EQUAL((uintptr_t)block % unit, 0);
		CU_ASSERT(is_zero(block, bytes));
		memset(block, 0xff, bytes);
		free(block);
	}
}

static void test_blocks(void)
{
	check_block(0, 64);
	check_block(1, 64);
	check_block(MIB - 1, 64);
	check_block(MIB, 2 * MIB);
	check_block(5 * MIB + 1, 2 * MIB);
}

/* proc(5): "hg" among the flags of the mapping that @address is in. */
static bool asks_for_huge_pages(const void *address)
{
	FILE *maps = fopen("/proc/self/smaps", "r");
	bool is_there = false, asks = false;
	char line[512];

	CU_ASSERT_PTR_NOT_NULL_FATAL(maps);
	while (fgets(line, sizeof(line), maps) != NULL) {
		uintptr_t first, end;

		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &first, &end) == 2)
			is_there = first <= (uintptr_t)address && (uintptr_t)address < end;
		else if (is_there && strncmp(line, "VmFlags:", 8) == 0)
			asks = strstr(line, " hg") != NULL;
	}
	fclose(maps);
	return asks;
}

static void test_huge_pages(void)
{
	void *small = block_alloc(MIB / 2);
	void *large = block_alloc(4 * MIB);

	CU_ASSERT_PTR_NOT_NULL_FATAL(small);
	CU_ASSERT_PTR_NOT_NULL_FATAL(large);
	CU_ASSERT_FALSE(asks_for_huge_pages(small));
	CU_ASSERT(asks_for_huge_pages(large));
	free(small);
	free(large);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_blocks),
		UNIT_TEST(test_huge_pages),
		CU_TEST_INFO_NULL,
	};

	return unit_run("block", tests);
}
