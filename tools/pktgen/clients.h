/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who sends to where: a session's addresses and ports, a function of its serial number, so that
 * nobody has to remember them. Read-only once created: any thread.
 */
#ifndef MAILRAIL_PKTGEN_CLIENTS_H
#define MAILRAIL_PKTGEN_CLIENTS_H

#include <stdbool.h>
#include <stdint.h>

#include <mailrail/session.h>

#include "draw.h"
#include "profile.h"

/* Of one family. */
struct clients_family {
	struct mr_prefix *prefixes;
	struct profile_service *services;
	struct draw prefix_draw;
	struct draw service_draw;
};

struct clients {
	uint64_t seed;
	uint64_t ipv6_limit; /* a session whose draw of 2^32 is below it is IPv6 */
	uint32_t count;	     /* 0: without number */
	struct draw client_draw;
	struct clients_family families[2]; /* IPv4, IPv6 */
};

/* -ENOMEM. @profile is not needed afterwards. */
int clients_create(struct clients *clients, const struct profile *profile, uint64_t seed);
void clients_destroy(struct clients *clients);

/*
 * Of one client, sessions with successive serials have different ports until all 64512 from 1024
 * on were had.
 */
void clients_tuple(const struct clients *clients, uint64_t serial, struct mr_tuple *out);

bool clients_is_v6(const struct clients *clients, uint64_t serial);

#endif
