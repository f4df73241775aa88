/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Access lists: is an address in any of up to millions of prefixes? Built by the control thread
 * for snapshots, immutable afterwards; lookups are for any thread.
 */
#ifndef MAILRAIL_ACCESS_LIST_H
#define MAILRAIL_ACCESS_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include <mailrail/address.h>

/* An inclusive range of addresses. */
struct mr_range {
	struct mr_addr first;
	struct mr_addr last;
};

/* Ranges of one list. */
#define MR_ACCESS_RANGES_MAX 0xfffffe
/* Addresses of one call. */
#define MR_ACCESS_MANY_MAX 64

struct mr_access_list;

/*
 * Control thread. A list, with one reference, of copies of @ranges, which are sorted and disjoint;
 * NULL for none.
 * 0; -ENOMEM; -E2BIG for more than MR_ACCESS_RANGES_MAX.
 */
int mr_access_list_create(const struct mr_range *ranges, uint32_t count,
			  struct mr_access_list **out);
/* Control thread: another reference, one less. @list may be NULL. */
struct mr_access_list *mr_access_list_get(struct mr_access_list *list);
void mr_access_list_put(struct mr_access_list *list);

/*
 * False: @addr is in none. A range that has IPv4 addresses and others is known in its parts: the
 * IPv4 addresses, and what is before and behind them.
 */
bool mr_access_list_find(const struct mr_access_list *list, const struct mr_addr *addr,
			 struct mr_range *out);

/*
 * Bit i of the result: *addrs[i] is in the list. Sooner than one by one, since the memory accesses
 * of one lookup overlap with those of the others. @count: up to MR_ACCESS_MANY_MAX.
 */
uint64_t mr_access_list_find_many(const struct mr_access_list *list,
				  const struct mr_addr *const *addrs, uint32_t count);
/* The same for IPv4 addresses in host byte order. */
uint64_t mr_access_list_find_many_v4(const struct mr_access_list *list, const uint32_t *addrs,
				     uint32_t count);

#endif
