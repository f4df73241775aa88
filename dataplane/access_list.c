/* SPDX-License-Identifier: BSD-3-Clause */
#include <mailrail/access_list.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>

#include "access_index4.h"
#include "access_index6.h"

/* Where IPv4 addresses are (mailrail/address.h). */
#define MAPPED_UPPER UINT64_C(0x0000ffff00000000) /* of the lower half of the address */
#define V4_FIRST     ((wide_addr)MAPPED_UPPER)
#define V4_LAST	     ((wide_addr)(MAPPED_UPPER | UINT32_MAX))

struct mr_access_list {
	uint32_t references;
	/* Either may be NULL: nothing of the family is listed. */
	struct access_index4 *v4;
	struct access_index6 *v6;
};

/* The ranges of each family, while a list is built. */
struct families {
	struct access_range4 *v4;
	struct access_range6 *v6;
	uint32_t v4_count, v6_count;
};

static void add_v6(struct families *families, wide_addr first, wide_addr last)
{
	families->v6[families->v6_count++] = (struct access_range6){first, last};
}

static void add_range(struct families *families, const struct mr_range *range)
{
	const wide_addr first = wide_addr_of(&range->first);
	const wide_addr last = wide_addr_of(&range->last);

	if (first < V4_FIRST)
		add_v6(families, first, last < V4_FIRST ? last : V4_FIRST - 1);
	if (first <= V4_LAST && last >= V4_FIRST)
		families->v4[families->v4_count++] = (struct access_range4){
			.first = first > V4_FIRST ? (uint32_t)first : 0,
			.last = last < V4_LAST ? (uint32_t)last : UINT32_MAX,
		};
	if (last > V4_LAST)
		add_v6(families, first > V4_LAST ? first : V4_LAST + 1, last);
}

static int list_build(struct mr_access_list *list, const struct families *families)
{
	if (families->v4_count > 0) {
		list->v4 = access_index4_create(families->v4, families->v4_count);
		if (list->v4 == NULL)
			return -ENOMEM;
	}
	if (families->v6_count > 0) {
		list->v6 = access_index6_create(families->v6, families->v6_count);
		if (list->v6 == NULL)
			return -ENOMEM;
	}
	return 0;
}

static void list_free(struct mr_access_list *list)
{
	if (list == NULL)
		return;
	free(list->v4);
	access_index6_destroy(list->v6);
	free(list);
}

int mr_access_list_create(const struct mr_range *ranges, uint32_t count,
			  struct mr_access_list **out)
{
	struct mr_access_list *list;
	struct families families = {0};
	int rc = -ENOMEM;

	if (count > MR_ACCESS_RANGES_MAX)
		return -E2BIG;
	if (count == 0) {
		*out = NULL;
		return 0;
	}
	list = calloc(1, sizeof(*list));
	families.v4 = calloc((size_t)count + 1, sizeof(*families.v4));
	/* Only one range can be on both sides of IPv4's. */
	families.v6 = calloc((size_t)count + 1, sizeof(*families.v6));
	if (list != NULL && families.v4 != NULL && families.v6 != NULL) {
		for (uint32_t i = 0; i < count; i++)
			add_range(&families, &ranges[i]);
		rc = list_build(list, &families);
	}
	free(families.v4);
	free(families.v6);
	if (rc < 0) {
		list_free(list);
		return rc;
	}
	list->references = 1;
	*out = list;
	return 0;
}

struct mr_access_list *mr_access_list_get(struct mr_access_list *list)
{
	if (list != NULL)
		list->references++;
	return list;
}

void mr_access_list_put(struct mr_access_list *list)
{
	if (list != NULL && --list->references == 0)
		list_free(list);
}

static struct mr_addr addr_of_v4(uint32_t v4)
{
	const rte_be32_t bytes = rte_cpu_to_be_32(v4);

	return mr_addr_from_v4(&bytes);
}

static bool find_v4(const struct mr_access_list *list, uint32_t addr, struct mr_range *out)
{
	struct access_range4 range;

	if (list->v4 == NULL || !access_index4_find(list->v4, addr, &range))
		return false;
	*out = (struct mr_range){addr_of_v4(range.first), addr_of_v4(range.last)};
	return true;
}

static bool find_v6(const struct mr_access_list *list, wide_addr addr, struct mr_range *out)
{
	struct access_range6 range;

	if (list->v6 == NULL || !access_index6_find(list->v6, addr, &range))
		return false;
	*out = (struct mr_range){wide_addr_to_addr(range.first), wide_addr_to_addr(range.last)};
	return true;
}

bool mr_access_list_find(const struct mr_access_list *list, const struct mr_addr *addr,
			 struct mr_range *out)
{
	const wide_addr wide = wide_addr_of(addr);

	return mr_addr_is_v4(addr) ? find_v4(list, (uint32_t)wide, out) : find_v6(list, wide, out);
}

/* Addresses of a call that are of one family, each with its place among all. */
struct some_v4 {
	uint32_t count;
	uint32_t addrs[MR_ACCESS_MANY_MAX];
	uint8_t places[MR_ACCESS_MANY_MAX];
};

struct some_v6 {
	uint32_t count;
	wide_addr addrs[MR_ACCESS_MANY_MAX];
	uint8_t places[MR_ACCESS_MANY_MAX];
};

static inline bool is_v4(wide_addr addr)
{
	return addr >> 32 == V4_FIRST >> 32;
}

static void sort(const wide_addr *addrs, uint32_t count, struct some_v4 *out_v4,
		 struct some_v6 *out_v6)
{
	out_v4->count = out_v6->count = 0;
	for (uint32_t i = 0; i < count; i++) {
		out_v4->addrs[out_v4->count] = (uint32_t)addrs[i];
		out_v4->places[out_v4->count] = (uint8_t)i;
		out_v4->count += is_v4(addrs[i]);
		out_v6->addrs[out_v6->count] = addrs[i];
		out_v6->places[out_v6->count] = (uint8_t)i;
		out_v6->count += !is_v4(addrs[i]);
	}
}

/* Bit i of @found becomes bit places[i]. */
static uint64_t put_in_place(uint64_t found, const uint8_t *places)
{
	uint64_t placed = 0;

	for (; found != 0; found &= found - 1)
		placed |= UINT64_C(1) << places[__builtin_ctzll(found)];
	return placed;
}

static uint64_t find_many_v6(const struct mr_access_list *list, const wide_addr *addrs,
			     uint32_t count)
{
	return list->v6 != NULL ? access_index6_find_many(list->v6, addrs, count) : 0;
}

static uint64_t find_many_mixed(const struct mr_access_list *list, const wide_addr *addrs,
				uint32_t count)
{
	struct some_v4 v4;
	struct some_v6 v6;

	sort(addrs, count, &v4, &v6);
	return put_in_place(mr_access_list_find_many_v4(list, v4.addrs, v4.count), v4.places) |
	       put_in_place(find_many_v6(list, v6.addrs, v6.count), v6.places);
}

uint64_t mr_access_list_find_many(const struct mr_access_list *list,
				  const struct mr_addr *const *addrs, uint32_t count)
{
	wide_addr wide[MR_ACCESS_MANY_MAX];
	bool has_v4 = false;

	for (uint32_t i = 0; i < count; i++) {
		wide[i] = wide_addr_of(addrs[i]);
		has_v4 |= is_v4(wide[i]);
	}
	return has_v4 ? find_many_mixed(list, wide, count) : find_many_v6(list, wide, count);
}

uint64_t mr_access_list_find_many_v4(const struct mr_access_list *list, const uint32_t *addrs,
				     uint32_t count)
{
	return list->v4 != NULL ? access_index4_find_many(list->v4, addrs, count) : 0;
}
