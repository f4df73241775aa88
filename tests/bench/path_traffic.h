/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The packets of a case: sessions have numbers, from which their tuples follow, so that any
 * number of them needs no memory; few mbufs, which stay in the cache, carry a packet of one
 * session now and of another in the next round.
 */
#ifndef MAILRAIL_BENCH_PATH_TRAFFIC_H
#define MAILRAIL_BENCH_PATH_TRAFFIC_H

#include <stdint.h>

#include <rte_mbuf.h>

#include <mailrail/session.h>

#include "path_case.h"

#define PATH_SERVICE_PORT 25
#define PATH_FRAME_BYTES  128

/* Clients are spread over 64.0.0.0/2 or 2001:db8:c::/64; what is excluded is there too. */
struct mr_addr path_service_address(bool v4, uint32_t service);
/* The @index-th of @count disjoint ranges, rising, that no client is in. */
struct mr_range path_excluded_range(bool v4, uint32_t index, uint32_t count);

/* The tuple of session @number. */
struct mr_tuple path_tuple(const struct path_case *settings, uint32_t number);

struct path_traffic {
	const struct path_case *settings;
	uint64_t drawn;
	uint32_t next; /* session that nobody has seen before */
	uint8_t frame_v4[PATH_FRAME_BYTES];
	uint8_t frame_v6[PATH_FRAME_BYTES];
};

void path_traffic_init(struct path_traffic *traffic, const struct path_case *settings);

/*
 * Makes each of @mbufs a frame as it arrives, whatever it was, of a session drawn anew. They have
 * one segment each, and room.
 */
void path_traffic_write(struct path_traffic *traffic, struct rte_mbuf **mbufs, uint32_t count);

#endif
