/* SPDX-License-Identifier: BSD-3-Clause */
#include "access_index6.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/random.h>

#include <rte_common.h>
#include <rte_prefetch.h>

#include <mailrail/access_list.h>

#include "block.h"

#define ADDRESS_BITS 128
#define GROUPS	     2

/* Of the map. */
#define BITS_PER_CELL 16

/* The fractional part of the golden ratio, odd: spreads what is multiplied with it. */
#define SPREAD UINT64_C(0x9e3779b97f4a7c15)

/* A cell that ranges touch; free: @count is 0. */
struct cell {
	uint64_t first : 24; /* of the group's ranges */
	uint64_t count : 24;
	uint64_t tag : 16; /* of its hash; that it is this cell is seen by its ranges */
};
static_assert(sizeof(struct cell) == 8, "eight to a cache line");
static_assert(MR_ACCESS_RANGES_MAX + 1 < 1 << 24, "a cell may have all ranges");

/* Ranges that share a size of cells. */
struct group {
	uint32_t range_count; /* 0: the group is not there */
	/*
	 * Secret: who can have himself listed must not be able to choose cells that are all kept
	 * in one place.
	 */
	uint64_t seeds[2];
	uint32_t cell_shift; /* an address's cell is what is above ... */
	wide_addr cell_mask; /* ... and these its bits */
	uint32_t word_count; /* of the map */
	uint32_t slot_count;
	uint64_t *map; /* of each cell's hash three bits in one word (a blocked Bloom filter) */
	struct cell *slots; /* open addressing; a third is free */
	struct access_range6 *ranges;
};

struct access_index6 {
	struct group groups[GROUPS];
};

/* --- what cells suit the ranges */

/* How many ranges there are of each size that there is, rising. */
struct census {
	uint32_t count;
	struct {
		uint8_t bits; /* of the distance between a range's first and last address */
		uint32_t ranges;
	} sizes[ADDRESS_BITS + 1];
};

static uint32_t size_bits(const struct access_range6 *range)
{
	const wide_addr distance = range->last - range->first;
	const uint64_t upper = (uint64_t)(distance >> 64);
	const uint64_t lower = (uint64_t)distance;

	if (upper != 0)
		return ADDRESS_BITS - (uint32_t)__builtin_clzll(upper);
	return lower != 0 ? 64 - (uint32_t)__builtin_clzll(lower) : 0;
}

static void take_census(const struct access_range6 *ranges, uint32_t count, struct census *out)
{
	uint32_t by_bits[ADDRESS_BITS + 1] = {0};

	out->count = 0;
	for (uint32_t i = 0; i < count; i++)
		by_bits[size_bits(&ranges[i])]++;
	for (uint32_t bits = 0; bits <= ADDRESS_BITS; bits++) {
		if (by_bits[bits] == 0)
			continue;
		out->sizes[out->count].bits = (uint8_t)bits;
		out->sizes[out->count++].ranges = by_bits[bits];
	}
}

/* Ranges of sizes[from..end-1], and the cells that suit them. */
struct share {
	uint32_t from, end;
	uint32_t count;
	uint32_t cell_shift;
	uint64_t excess_bits; /* over all ranges, by which cells are coarser than they */
};

/* Nearly: ranges that are no prefixes can touch one more each. */
static uint64_t cells_touched(const struct census *census, const struct share *share)
{
	uint64_t cells = 0;

	for (uint32_t i = share->from; i < share->end; i++) {
		const uint32_t bits = census->sizes[i].bits;
		const uint32_t more = bits > share->cell_shift ? bits - share->cell_shift : 0;

		cells += (uint64_t)census->sizes[i].ranges << RTE_MIN(more, 32U);
	}
	return cells;
}

/* The finest cells of which there are less than two for each range. */
static struct share share_of(const struct census *census, uint32_t from, uint32_t end)
{
	struct share share = {
		.from = from,
		.end = end,
		.cell_shift = RTE_MIN(census->sizes[from].bits, ADDRESS_BITS - 1U),
	};

	for (uint32_t i = from; i < end; i++)
		share.count += census->sizes[i].ranges;
	while (cells_touched(census, &share) >= UINT64_C(2) * share.count &&
	       share.cell_shift < ADDRESS_BITS - 1)
		share.cell_shift++;
	for (uint32_t i = from; i < end; i++) {
		const uint32_t bits = census->sizes[i].bits;

		if (bits < share.cell_shift)
			share.excess_bits +=
				(uint64_t)census->sizes[i].ranges * (share.cell_shift - bits);
	}
	return share;
}

/*
 * Cuts between sizes where it leaves the least excess. A second group costs every lookup another
 * memory access: it must be worth two bits for each range.
 */
static void share_out(const struct census *census, struct share out[GROUPS])
{
	uint64_t best;

	out[0] = share_of(census, 0, census->count);
	out[1] = (struct share){.from = census->count};
	best = out[0].excess_bits - RTE_MIN(out[0].excess_bits, UINT64_C(2) * out[0].count);
	for (uint32_t cut = 1; cut < census->count; cut++) {
		const struct share narrow = share_of(census, 0, cut);
		const struct share broad = share_of(census, cut, census->count);

		if (narrow.excess_bits + broad.excess_bits >= best)
			continue;
		best = narrow.excess_bits + broad.excess_bits;
		out[0] = narrow;
		out[1] = broad;
	}
}

/* --- lookups */

static inline uint64_t cell_hash(const struct group *group, wide_addr addr)
{
	const wide_addr cell = addr & group->cell_mask;
	const wide_addr product = (wide_addr)((uint64_t)(cell >> 64) ^ group->seeds[0]) *
				  ((uint64_t)cell ^ group->seeds[1]);

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t *map_word(const struct group *group, uint64_t hash)
{
	return &group->map[(hash >> 32) * group->word_count >> 32];
}

static inline uint64_t map_bits(uint64_t hash)
{
	return UINT64_C(1) << hash % 64 | UINT64_C(1) << (hash >> 6) % 64 |
	       UINT64_C(1) << (hash >> 12) % 64;
}

static inline uint32_t first_slot(const struct group *group, uint64_t hash)
{
	return (uint32_t)((hash * SPREAD >> 32) * group->slot_count >> 32);
}

static inline uint32_t slot_after(const struct group *group, uint32_t slot)
{
	return slot + 1 < group->slot_count ? slot + 1 : 0;
}

static inline uint16_t hash_tag(uint64_t hash)
{
	return (uint16_t)(hash >> 48);
}

/* The range of the cell that @addr is in, or NULL. */
static const struct access_range6 *search_cell(const struct group *group, struct cell cell,
					       wide_addr addr)
{
	const struct access_range6 *ranges = &group->ranges[cell.first];
	uint32_t low = 0;
	uint32_t high = (uint32_t)cell.count - 1;

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;

		if (ranges[middle].last < addr)
			low = middle + 1;
		else
			high = middle;
	}
	return ranges[low].first <= addr && addr <= ranges[low].last ? &ranges[low] : NULL;
}

static const struct access_range6 *search_group(const struct group *group, uint64_t hash,
						wide_addr addr)
{
	uint32_t slot = first_slot(group, hash);

	while (group->slots[slot].count != 0) {
		const struct cell cell = group->slots[slot];
		const struct access_range6 *range =
			cell.tag == hash_tag(hash) ? search_cell(group, cell, addr) : NULL;

		if (range != NULL)
			return range;
		slot = slot_after(group, slot);
	}
	return NULL;
}

bool access_index6_find(const struct access_index6 *index, wide_addr addr,
			struct access_range6 *out)
{
	for (uint32_t i = 0; i < GROUPS && index->groups[i].range_count > 0; i++) {
		const struct group *group = &index->groups[i];
		const struct access_range6 *range =
			search_group(group, cell_hash(group, addr), addr);

		if (range == NULL)
			continue;
		*out = *range;
		return true;
	}
	return false;
}

/* Fetches the range that is compared first, if the cell is where it should be. */
static inline void prefetch_range(const struct group *group, uint64_t hash)
{
	uint32_t slot = first_slot(group, hash);

	while (group->slots[slot].count != 0 && group->slots[slot].tag != hash_tag(hash))
		slot = slot_after(group, slot);
	rte_prefetch0(&group->ranges[group->slots[slot].first + group->slots[slot].count / 2]);
}

/* Of @wanted, by bits: what each needs is fetched before the first is asked. */
static uint64_t search_many(const struct group *group, const wide_addr *addrs,
			    const uint64_t *hashes, uint64_t wanted)
{
	uint64_t found = 0;

	for (uint64_t left = wanted; left != 0; left &= left - 1)
		rte_prefetch0(&group->slots[first_slot(group, hashes[rte_bsf64(left)])]);
	for (uint64_t left = wanted; left != 0; left &= left - 1)
		prefetch_range(group, hashes[rte_bsf64(left)]);
	for (uint64_t left = wanted; left != 0; left &= left - 1) {
		const uint32_t which = rte_bsf64(left);

		if (search_group(group, hashes[which], addrs[which]) != NULL)
			found |= UINT64_C(1) << which;
	}
	return found;
}

static uint64_t find_in_group(const struct group *group, const wide_addr *addrs, uint32_t count)
{
	uint64_t hashes[MR_ACCESS_MANY_MAX];
	uint64_t wanted = 0;

	for (uint32_t i = 0; i < count; i++) {
		hashes[i] = cell_hash(group, addrs[i]);
		rte_prefetch0(map_word(group, hashes[i]));
	}
	for (uint32_t i = 0; i < count; i++) {
		const uint64_t bits = map_bits(hashes[i]);

		wanted |= (uint64_t)((*map_word(group, hashes[i]) & bits) == bits) << i;
	}
	return search_many(group, addrs, hashes, wanted);
}

uint64_t access_index6_find_many(const struct access_index6 *index, const wide_addr *addrs,
				 uint32_t count)
{
	uint64_t found = 0;

	for (uint32_t i = 0; i < GROUPS && index->groups[i].range_count > 0; i++)
		found |= find_in_group(&index->groups[i], addrs, count);
	return found;
}

/* --- building */

static void add_cell(struct group *group, wide_addr number, uint32_t first, uint32_t count)
{
	const uint64_t hash = cell_hash(group, number << group->cell_shift);
	uint32_t slot = first_slot(group, hash);

	*map_word(group, hash) |= map_bits(hash);
	while (group->slots[slot].count != 0)
		slot = slot_after(group, slot);
	group->slots[slot] = (struct cell){.first = first, .count = count, .tag = hash_tag(hash)};
}

/*
 * Calls for each cell that ranges touch, in order; several ranges touch one cell one after the
 * other. @add: false, only counts.
 */
static uint32_t walk_cells(struct group *group, bool add)
{
	const struct access_range6 *ranges = group->ranges;
	wide_addr number = ranges[0].first >> group->cell_shift;
	uint32_t first = 0, cells = 0;

	for (uint32_t i = 0; i < group->range_count; i++) {
		const wide_addr from = ranges[i].first >> group->cell_shift;
		const wide_addr to = ranges[i].last >> group->cell_shift;

		if (from != number) {
			if (add)
				add_cell(group, number, first, i - first);
			cells++;
			first = i;
			number = from;
		}
		for (; number != to; number++) {
			if (add)
				add_cell(group, number, first, i + 1 - first);
			cells++;
			first = i;
		}
	}
	if (add)
		add_cell(group, number, first, group->range_count - first);
	return cells + 1;
}

/* Slots and map, for @cells of them. */
static int group_alloc_tables(struct group *group, uint32_t cells)
{
	group->word_count = (uint32_t)((uint64_t)cells * BITS_PER_CELL / 64 + 1);
	group->slot_count = cells + cells / 2 + 1;
	group->map = block_alloc(group->word_count * sizeof(*group->map));
	group->slots = block_alloc(group->slot_count * sizeof(*group->slots));
	return group->map != NULL && group->slots != NULL ? 0 : -1;
}

static int group_init(struct group *group, const struct census *census, const struct share *share,
		      const struct access_range6 *ranges, uint32_t count)
{
	const uint32_t low = census->sizes[share->from].bits;
	const uint32_t high = census->sizes[share->end - 1].bits;

	if (getrandom(group->seeds, sizeof(group->seeds), 0) < 0)
		return -1;
	group->cell_shift = share->cell_shift;
	group->cell_mask = ~(wide_addr)0 << share->cell_shift;
	group->ranges = block_alloc(share->count * sizeof(*group->ranges));
	if (group->ranges == NULL)
		return -1;
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t bits = size_bits(&ranges[i]);

		if (bits >= low && bits <= high)
			group->ranges[group->range_count++] = ranges[i];
	}
	if (group_alloc_tables(group, walk_cells(group, false)) < 0)
		return -1;
	walk_cells(group, true);
	return 0;
}

struct access_index6 *access_index6_create(const struct access_range6 *ranges, uint32_t count)
{
	struct access_index6 *index = calloc(1, sizeof(*index));
	struct share shares[GROUPS];
	struct census census;

	if (index == NULL)
		return NULL;
	take_census(ranges, count, &census);
	share_out(&census, shares);
	for (uint32_t i = 0; i < GROUPS && shares[i].count > 0; i++) {
		if (group_init(&index->groups[i], &census, &shares[i], ranges, count) < 0) {
			access_index6_destroy(index);
			return NULL;
		}
	}
	return index;
}

void access_index6_destroy(struct access_index6 *index)
{
	if (index == NULL)
		return;
	for (uint32_t i = 0; i < GROUPS; i++) {
		free(index->groups[i].ranges);
		free(index->groups[i].slots);
		free(index->groups[i].map);
	}
	free(index);
}
