/* SPDX-License-Identifier: BSD-3-Clause */
#include "access_index4.h"

#include <assert.h>
#include <stddef.h>

#include <rte_common.h>
#include <rte_prefetch.h>

#include <mailrail/access_list.h>

#include "block.h"

#define ADDRESS_BITS 32

#define WORD_BITS 6 /* cells in a word of the map, as a power of two */

/* How many more bits a cell has in its number than a window; the fewest make one word. */
#define CELL_BITS_MORE	4
#define WINDOW_BITS_MIN (WORD_BITS - CELL_BITS_MORE + 0U)
static_assert(MR_ACCESS_RANGES_MAX <= 1 << (ADDRESS_BITS - CELL_BITS_MORE), "a cell is an address");

struct access_index4 {
	uint8_t cell_shift;   /* an address's cell is what is above */
	uint8_t window_shift; /* likewise */
	uint64_t *touched;    /* by cell, a bit */
	/* By window, and one more: the first range that ends there or behind. */
	uint32_t *windows;
	struct access_range4 *ranges; /* and one more, that nothing is in */
};

/* The arrays lie behind the index, each on cache lines of its own. */
struct layout {
	uint32_t window_bits, cell_bits;
	size_t touched, windows, ranges; /* offsets */
	size_t bytes;
};

static struct layout layout_of(uint32_t count)
{
	struct layout layout = {.window_bits = RTE_MAX(rte_log2_u32(count), WINDOW_BITS_MIN)};

	layout.cell_bits = layout.window_bits + CELL_BITS_MORE;
	layout.touched = RTE_CACHE_LINE_ROUNDUP(sizeof(struct access_index4));
	layout.windows =
		RTE_CACHE_LINE_ROUNDUP(layout.touched + ((size_t)1 << layout.cell_bits) / 8);
	layout.ranges = RTE_CACHE_LINE_ROUNDUP(
		layout.windows + (((size_t)1 << layout.window_bits) + 1) * sizeof(uint32_t));
	layout.bytes = layout.ranges + ((size_t)count + 1) * sizeof(struct access_range4);
	return layout;
}

static struct access_index4 *index_alloc(const struct layout *layout)
{
	char *block = block_alloc(layout->bytes);
	struct access_index4 *index = (struct access_index4 *)(void *)block;

	if (index == NULL)
		return NULL;
	index->cell_shift = (uint8_t)(ADDRESS_BITS - layout->cell_bits);
	index->window_shift = (uint8_t)(ADDRESS_BITS - layout->window_bits);
	index->touched = (uint64_t *)(void *)(block + layout->touched);
	index->windows = (uint32_t *)(void *)(block + layout->windows);
	index->ranges = (struct access_range4 *)(void *)(block + layout->ranges);
	return index;
}

static void touch(struct access_index4 *index, const struct access_range4 *range)
{
	const uint32_t last = range->last >> index->cell_shift;

	for (uint32_t cell = range->first >> index->cell_shift; cell <= last; cell++)
		index->touched[cell >> WORD_BITS] |= UINT64_C(1) << cell % (1 << WORD_BITS);
}

struct access_index4 *access_index4_create(const struct access_range4 *ranges, uint32_t count)
{
	const struct layout layout = layout_of(count);
	struct access_index4 *index = index_alloc(&layout);
	uint32_t window = 0;

	if (index == NULL)
		return NULL;
	for (uint32_t i = 0; i < count; i++) {
		index->ranges[i] = ranges[i];
		touch(index, &ranges[i]);
		while (window <= ranges[i].last >> index->window_shift)
			index->windows[window++] = i;
	}
	index->ranges[count] = (struct access_range4){.first = UINT32_MAX, .last = 0};
	while (window <= UINT32_C(1) << layout.window_bits)
		index->windows[window++] = count;
	return index;
}

static inline bool is_touched(const struct access_index4 *index, uint32_t addr)
{
	const uint32_t cell = addr >> index->cell_shift;

	return index->touched[cell >> WORD_BITS] >> cell % (1 << WORD_BITS) & 1;
}

static inline const uint32_t *window_of(const struct access_index4 *index, uint32_t addr)
{
	return &index->windows[addr >> index->window_shift];
}

/* The first range that does not end before @addr: it can be in no other. */
static inline const struct access_range4 *range_at(const struct access_index4 *index, uint32_t addr)
{
	const uint32_t *window = window_of(index, addr);
	uint32_t low = window[0];
	uint32_t high = window[1];

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;

		if (index->ranges[middle].last < addr)
			low = middle + 1;
		else
			high = middle;
	}
	return &index->ranges[low];
}

static inline bool is_in(const struct access_range4 *range, uint32_t addr)
{
	return range->first <= addr && addr <= range->last;
}

bool access_index4_find(const struct access_index4 *index, uint32_t addr, struct access_range4 *out)
{
	const struct access_range4 *range = range_at(index, addr);

	if (!is_in(range, addr))
		return false;
	*out = *range;
	return true;
}

/* Of @wanted, by bits: what each needs is fetched before the first is asked. */
static uint64_t search_many(const struct access_index4 *index, const uint32_t *addrs,
			    uint64_t wanted)
{
	uint64_t found = 0;

	for (uint64_t left = wanted; left != 0; left &= left - 1)
		rte_prefetch0(window_of(index, addrs[rte_bsf64(left)]));
	for (uint64_t left = wanted; left != 0; left &= left - 1)
		rte_prefetch0(&index->ranges[*window_of(index, addrs[rte_bsf64(left)])]);
	for (uint64_t left = wanted; left != 0; left &= left - 1) {
		const uint32_t which = rte_bsf64(left);

		if (is_in(range_at(index, addrs[which]), addrs[which]))
			found |= UINT64_C(1) << which;
	}
	return found;
}

/* Without a branch: the CPU has as many of the words underway as it can. */
uint64_t access_index4_find_many(const struct access_index4 *index, const uint32_t *addrs,
				 uint32_t count)
{
	uint64_t touched = 0;

	for (uint32_t i = 0; i < count; i++)
		touched |= (uint64_t)is_touched(index, addrs[i]) << i;
	return search_many(index, addrs, touched);
}
