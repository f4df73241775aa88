/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Access lists against a plain search by halves: lists of all kinds of lengths, asked about both
 * sides of every edge and about addresses at random, one by one and many at a time.
 */
#include <mailrail/access_list.h>

#include <errno.h>
#include <stdlib.h>

#include "../lib/unit.h"

#define LISTS	     600
#define RANGES_MAX   400
#define LARGE_RANGES 50000
#define STRANGERS    500 /* addresses at random that a list is asked about */

static struct drand48_data dice;
static const struct mr_addr lowest;

static uint32_t random_number(uint32_t below)
{
	double value;

	drand48_r(&dice, &value);
	return (uint32_t)(value * below);
}

static struct mr_addr addr_v4(uint32_t number)
{
	const uint8_t bytes[4] = {(uint8_t)(number >> 24), (uint8_t)(number >> 16),
				  (uint8_t)(number >> 8), (uint8_t)number};

	return mr_addr_from_v4(bytes);
}

static uint32_t number_of_v4(const struct mr_addr *addr)
{
	return (uint32_t)addr->bytes[12] << 24 | (uint32_t)addr->bytes[13] << 16 |
	       (uint32_t)addr->bytes[14] << 8 | addr->bytes[15];
}

/* The address before or behind; the address space is a circle. */
static struct mr_addr neighbour(struct mr_addr addr, bool behind)
{
	const uint8_t end = behind ? 0 : 0xff;

	for (int i = 15; i >= 0; i--) {
		addr.bytes[i] += behind ? 1 : 0xff;
		if (addr.bytes[i] != end)
			break;
	}
	return addr;
}

/* Where a list's addresses are. Every bit from @from on is drawn, those before are of @base. */
struct place {
	struct mr_addr base;
	uint32_t from;
};

static struct mr_addr random_addr(const struct place *place)
{
	struct mr_addr addr = place->base;

	for (uint32_t bit = place->from; bit < 128; bit++)
		addr.bytes[bit / 8] ^= (uint8_t)(random_number(2) << (7 - bit % 8));
	return addr;
}

/* Some lists are of IPv4, some of one place or another, some of all the address space. */
static struct place random_place(void)
{
	const struct place everywhere = {.from = 0};
	const struct place v4 = {.base = addr_v4(0), .from = 96};
	const struct place around_v4 = {.base = addr_v4(0), .from = 90};
	struct place place = {.base = random_addr(&everywhere)};

	switch (random_number(5)) {
	case 0:
		return v4;
	case 1:
		return around_v4;
	case 2:
		place.base = random_addr(&v4);
		break;
	case 3:
		break;
	default:
		return everywhere;
	}
	place.from = 96 + random_number(29);
	if (random_number(2) == 0)
		place.from -= random_number(96);
	return place;
}

static struct mr_range prefix(struct mr_addr addr, uint32_t length)
{
	struct mr_range range = {addr, addr};

	for (uint32_t bit = length; bit < 128; bit++) {
		range.first.bytes[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
		range.last.bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	}
	return range;
}

static int compare_ranges(const void *left, const void *right)
{
	return mr_addr_order(left, right);
}

/* Sorts, and drops what overlaps with the range before it; what touches stays. */
static uint32_t make_disjoint(struct mr_range *ranges, uint32_t count)
{
	uint32_t kept = 0;

	qsort(ranges, count, sizeof(*ranges), compare_ranges);
	for (uint32_t i = 0; i < count; i++) {
		if (kept == 0 || mr_addr_compare(&ranges[i].first, &ranges[kept - 1].last) > 0)
			ranges[kept++] = ranges[i];
	}
	return kept;
}

/* How long a list's prefixes are. */
struct lengths {
	uint32_t usual;	   /* of most of them */
	uint32_t shortest; /* of the others */
	uint32_t others;   /* of how many prefixes one is such; 0: none */
};

static struct lengths random_lengths(const struct place *place)
{
	const uint32_t bits = 128 - place->from;
	struct lengths lengths = {
		.usual = 128 - random_number(bits + 1),
		.shortest = place->from + random_number(bits + 1),
	};

	if (random_number(3) > 0)
		lengths.others = 1 + random_number(20);
	return lengths;
}

static struct mr_range random_range(const struct place *place, const struct lengths *lengths)
{
	const struct mr_addr addr = random_addr(place);
	uint32_t length = lengths->usual;

	if (lengths->others > 0 && random_number(lengths->others) == 0)
		length = lengths->shortest + random_number(129 - lengths->shortest);
	return prefix(addr, length);
}

/* Whatever is from one address to another, no prefix mostly. */
static struct mr_range odd_range(const struct place *place)
{
	struct mr_range range = {random_addr(place), random_addr(place)};

	for (int i = 0; i < 15 && range.first.bytes[i] == range.last.bytes[i]; i++)
		;
	if (mr_addr_compare(&range.first, &range.last) > 0)
		return (struct mr_range){range.last, range.first};
	return range;
}

static uint32_t random_ranges(const struct place *place, struct mr_range *out, uint32_t count)
{
	const struct lengths lengths = random_lengths(place);
	const uint32_t odd_ones = random_number(4) == 0 ? 1 + random_number(count) : 0;

	for (uint32_t i = 0; i < count; i++)
		out[i] = i < odd_ones ? odd_range(place) : random_range(place, &lengths);
	return make_disjoint(out, count);
}

/* The plain one: by halves. */
static const struct mr_range *plain_find(const struct mr_range *ranges, uint32_t count,
					 const struct mr_addr *addr)
{
	uint32_t low = 0;
	uint32_t high = count;

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;

		if (mr_addr_compare(addr, &ranges[middle].last) > 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == count || mr_addr_compare(addr, &ranges[low].first) < 0)
		return NULL;
	return &ranges[low];
}

/* The part of @range that is @addr's: IPv4, or one of the sides of that. */
static struct mr_range part_of(struct mr_range range, const struct mr_addr *addr)
{
	const struct mr_range v4 = {addr_v4(0), addr_v4(UINT32_MAX)};
	const bool is_v4 = mr_addr_is_v4(addr);

	if (!is_v4 && mr_addr_compare(addr, &v4.first) < 0 &&
	    mr_addr_compare(&range.last, &v4.first) >= 0)
		range.last = neighbour(v4.first, false);
	if (!is_v4 && mr_addr_compare(addr, &v4.last) > 0 &&
	    mr_addr_compare(&range.first, &v4.last) <= 0)
		range.first = neighbour(v4.last, true);
	if (is_v4 && mr_addr_compare(&range.first, &v4.first) < 0)
		range.first = v4.first;
	if (is_v4 && mr_addr_compare(&range.last, &v4.last) > 0)
		range.last = v4.last;
	return range;
}

/* A list and what it must say of some addresses. */
struct question {
	const struct mr_access_list *list;
	const struct mr_range *ranges;
	uint32_t range_count;
	struct mr_addr *addrs;
	uint32_t addr_count;
};

static bool is_listed(const struct question *question, const struct mr_addr *addr)
{
	return plain_find(question->ranges, question->range_count, addr) != NULL;
}

static void ask_one_by_one(const struct question *question)
{
	for (uint32_t i = 0; i < question->addr_count; i++) {
		const struct mr_addr *addr = &question->addrs[i];
		const struct mr_range *expected =
			plain_find(question->ranges, question->range_count, addr);
		struct mr_range found, part;

		CU_ASSERT_EQUAL_FATAL(mr_access_list_find(question->list, addr, &found),
				      expected != NULL);
		if (expected == NULL)
			continue;
		part = part_of(*expected, addr);
		CU_ASSERT_FATAL(mr_addr_equal(&found.first, &part.first));
		CU_ASSERT_FATAL(mr_addr_equal(&found.last, &part.last));
	}
}

static void ask_many(const struct question *question)
{
	for (uint32_t i = 0; i < question->addr_count;) {
		const struct mr_addr *addrs[MR_ACCESS_MANY_MAX];
		uint32_t v4_count = 0, count = random_number(MR_ACCESS_MANY_MAX + 1);
		uint32_t v4[MR_ACCESS_MANY_MAX];
		uint64_t expected = 0, expected_v4 = 0;

		if (count > question->addr_count - i)
			count = question->addr_count - i;
		for (uint32_t j = 0; j < count; j++) {
			const bool listed = is_listed(question, &question->addrs[i + j]);

			addrs[j] = &question->addrs[i + j];
			expected |= (uint64_t)listed << j;
			if (!mr_addr_is_v4(addrs[j]))
				continue;
			expected_v4 |= (uint64_t)listed << v4_count;
			v4[v4_count++] = number_of_v4(addrs[j]);
		}
		CU_ASSERT_EQUAL_FATAL(mr_access_list_find_many(question->list, addrs, count),
				      expected);
		CU_ASSERT_EQUAL_FATAL(mr_access_list_find_many_v4(question->list, v4, v4_count),
				      expected_v4);
		i += count;
	}
}

/* Both sides of all edges, the ends of the families, and strangers; in no order. */
static void choose_addrs(const struct place *place, struct question *question)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < question->range_count; i++) {
		const struct mr_range *range = &question->ranges[i];

		question->addrs[count++] = range->first;
		question->addrs[count++] = range->last;
		question->addrs[count++] = neighbour(range->first, false);
		question->addrs[count++] = neighbour(range->last, true);
	}
	question->addrs[count++] = addr_v4(0);
	question->addrs[count++] = addr_v4(UINT32_MAX);
	question->addrs[count++] = neighbour(addr_v4(0), false);
	question->addrs[count++] = neighbour(addr_v4(UINT32_MAX), true);
	question->addrs[count++] = lowest;
	question->addrs[count++] = neighbour(lowest, false);
	for (uint32_t i = 0; i < STRANGERS; i++)
		question->addrs[count++] = random_addr(place);
	for (uint32_t i = count - 1; i > 0; i--) {
		const uint32_t other = random_number(i + 1);
		const struct mr_addr addr = question->addrs[i];

		question->addrs[i] = question->addrs[other];
		question->addrs[other] = addr;
	}
	question->addr_count = count;
}

static void check_list(const struct place *place, const struct mr_range *ranges, uint32_t count)
{
	struct mr_access_list *list = NULL;
	struct question question = {.ranges = ranges, .range_count = count};

	question.addrs = calloc((size_t)4 * count + 6 + STRANGERS, sizeof(*question.addrs));
	CU_ASSERT_PTR_NOT_NULL_FATAL(question.addrs);
	CU_ASSERT_EQUAL_FATAL(mr_access_list_create(ranges, count, &list), 0);
	question.list = list;
	choose_addrs(place, &question);
	ask_one_by_one(&question);
	ask_many(&question);
	mr_access_list_put(list);
	free(question.addrs);
}

static void check_random_list(uint32_t count)
{
	const struct place place = random_place();
	struct mr_range *ranges = calloc(count, sizeof(*ranges));

	CU_ASSERT_PTR_NOT_NULL_FATAL(ranges);
	check_list(&place, ranges, random_ranges(&place, ranges, count));
	free(ranges);
}

static void test_random_lists(void)
{
	for (uint32_t i = 0; i < LISTS; i++)
		check_random_list(1 + random_number(random_number(4) == 0 ? 8 : RANGES_MAX));
}

static void test_large_lists(void)
{
	for (uint32_t i = 0; i < 8; i++)
		check_random_list(LARGE_RANGES);
}

/* As published lists are: nearly all prefixes of one length, a few networks among them. */
static void check_mostly(const struct place *place, uint32_t usual, uint32_t shortest,
			 uint32_t others)
{
	const struct lengths lengths = {usual, shortest, others};
	struct mr_range *ranges = calloc(LARGE_RANGES, sizeof(*ranges));

	CU_ASSERT_PTR_NOT_NULL_FATAL(ranges);
	for (uint32_t i = 0; i < LARGE_RANGES; i++)
		ranges[i] = random_range(place, &lengths);
	check_list(place, ranges, make_disjoint(ranges, LARGE_RANGES));
	free(ranges);
}

static void test_published_lists(void)
{
	const struct place v4 = {.base = addr_v4(0), .from = 96};
	const struct place global = {.base = {{0x20}}, .from = 3};
	const struct place provider = {.base = {{0x2a, 0x02}}, .from = 24};

	check_mostly(&v4, 128, 128, 0);
	check_mostly(&v4, 128, 112, 100);
	check_mostly(&v4, 120, 104, 1000);
	check_mostly(&global, 64, 64, 0);
	check_mostly(&global, 64, 29, 1000);
	check_mostly(&provider, 64, 44, 100);
	check_mostly(&provider, 48, 40, 10);
	check_mostly(&provider, 128, 40, 3);
}

/* Whole families, and the whole address space, alone and beside others. */
static void test_whole_families(void)
{
	const struct place everywhere = {.from = 0};
	const struct place v4 = {.base = addr_v4(0), .from = 96};
	const struct mr_range all[] = {prefix(lowest, 0)};
	const struct mr_range all_v4[] = {prefix(addr_v4(0), 96)};
	const struct mr_range halves[] = {prefix(lowest, 1), prefix((struct mr_addr){{0x80}}, 1)};
	const struct mr_range but_v4[] = {
		{lowest, neighbour(addr_v4(0), false)},
		{neighbour(addr_v4(UINT32_MAX), true), neighbour(lowest, false)},
	};
	const struct mr_range v4_and_some[] = {prefix(addr_v4(0), 96),
					       prefix((struct mr_addr){{0x20, 0x01}}, 16)};

	check_list(&everywhere, all, 1);
	check_list(&v4, all_v4, 1);
	check_list(&everywhere, halves, 2);
	check_list(&v4, but_v4, 2);
	check_list(&everywhere, but_v4, 2);
	check_list(&everywhere, v4_and_some, 2);
}

/* The first and the last address of each family, alone. */
static void test_ends(void)
{
	const struct mr_addr ends[] = {
		lowest,
		neighbour(addr_v4(0), false),
		addr_v4(0),
		addr_v4(UINT32_MAX),
		neighbour(addr_v4(UINT32_MAX), true),
		neighbour(lowest, false),
	};
	const struct place around_v4 = {.base = addr_v4(0), .from = 90};
	struct mr_range ranges[6];

	for (uint32_t i = 0; i < 6; i++) {
		ranges[i] = prefix(ends[i], 128);
		check_list(&around_v4, &ranges[i], 1);
	}
	check_list(&around_v4, ranges, 6);
}

/* All in one corner: neighbours with one address between them. */
static void check_alternating(struct mr_addr at)
{
	const struct place place = {.base = at, .from = 112};
	struct mr_range *ranges = calloc(RANGES_MAX, sizeof(*ranges));

	CU_ASSERT_PTR_NOT_NULL_FATAL(ranges);
	for (uint32_t i = 0; i < RANGES_MAX; i++) {
		ranges[i] = (struct mr_range){at, at};
		at = neighbour(neighbour(at, true), true);
	}
	check_list(&place, ranges, RANGES_MAX);
	free(ranges);
}

static void test_alternating(void)
{
	check_alternating(addr_v4(0x0a000000));
	check_alternating((struct mr_addr){{0x20, 0x01, 0x0d, 0xb8}});
}

/* A range may be given while others still look: the last one frees it (seen by a leak checker). */
static void test_references(void)
{
	const struct mr_range range = prefix(addr_v4(0x0a000000), 104);
	const struct mr_addr inside = addr_v4(0x0a000001);
	struct mr_access_list *list = NULL;
	struct mr_range found;

	CU_ASSERT_EQUAL_FATAL(mr_access_list_create(&range, 1, &list), 0);
	CU_ASSERT_PTR_EQUAL(mr_access_list_get(list), list);
	mr_access_list_put(list);
	CU_ASSERT(mr_access_list_find(list, &inside, &found));
	mr_access_list_put(list);
	CU_ASSERT_PTR_NULL(mr_access_list_get(NULL));
	mr_access_list_put(NULL);
}

static void test_too_many(void)
{
	struct mr_access_list *list = NULL;

	CU_ASSERT_EQUAL(mr_access_list_create(NULL, MR_ACCESS_RANGES_MAX + 1, &list), -E2BIG);
	CU_ASSERT_PTR_NULL(list);
}

/* Nothing is listed. */
static void test_empty(void)
{
	const struct mr_range range = {.last = {{1}}};
	struct mr_access_list *some, *none;

	CU_ASSERT_EQUAL_FATAL(mr_access_list_create(&range, 1, &some), 0);
	none = some;
	CU_ASSERT_EQUAL(mr_access_list_create(&range, 0, &none), 0);
	CU_ASSERT_PTR_NULL(none);
	mr_access_list_put(some);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_random_lists),
		UNIT_TEST(test_large_lists),
		UNIT_TEST(test_published_lists),
		UNIT_TEST(test_whole_families),
		UNIT_TEST(test_ends),
		UNIT_TEST(test_alternating),
		UNIT_TEST(test_references),
		UNIT_TEST(test_too_many),
		UNIT_TEST(test_empty),
		CU_TEST_INFO_NULL,
	};

	srand48_r(unit_seed(), &dice);
	return unit_run("access_list", tests);
}
