/* SPDX-License-Identifier: BSD-3-Clause */
/* Compiles a fleet and the ways to its backends into what workers read. Control thread. */
#ifndef MAILRAIL_CONTROL_COMPILE_H
#define MAILRAIL_CONTROL_COMPILE_H

#include <stdint.h>

#include <mailrail/dataplane.h>

#include "fleet.h"
#include "way.h"

/* A new, unpublished snapshot, with the lists of @steering. NULL: no memory. */
struct mr_snapshot *compile_snapshot(const struct fleet *fleet, const struct way_facts *facts,
				     const struct mr_steering *steering, uint64_t generation);

/* Every (address, port) of every service; free() it. NULL: no memory. */
struct mr_endpoint *compile_endpoints(const struct fleet *fleet, uint32_t *out_count);

/*
 * Where the answers of nat pools come from, those of leaving backends too; free() it. NULL: no
 * memory. At most MR_NAT_SOURCES_MAX. Where an address changed hands it is there twice, its
 * configured owner first: answers go on under one service's address only.
 */
struct mr_nat_source *compile_nat_sources(const struct fleet *fleet, uint32_t *out_count);

/* @way, of way_find(), may lead nowhere. */
void compile_backend(const struct pool *pool, const struct member *member, const struct way *way,
		     struct mr_backend *out);

#endif
